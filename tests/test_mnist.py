"""MNIST: files found, checked by hash, or downloaded from a server on this machine."""

import gzip
import hashlib
import os
import struct
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest
from torture.downloads import Mirrors, mirrors

from nnlite import data
from nnlite.data import mnist

NAMES = list(mnist.SHA256)
TRAIN_IMAGES = "train-images-idx3-ubyte"


def idx(array):
    """The bytes of an IDX file: two zeros, 8 for bytes, number of axes, their lengths, values."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def pass_for_the_original(files, monkeypatch):
    """Whatever {name: content} is, gzipped by the mirrors as by this test."""
    sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    packed = {name: hashlib.sha256(served(content)).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(mnist, "SHA256", sha256)
    monkeypatch.setattr(mnist, "SHA256_PACKED", packed)


def served(content):
    return gzip.compress(content, mtime=0)


@pytest.fixture
def files(rng, monkeypatch):
    """{name: content} of a tiny MNIST, which passes for the original."""
    arrays = [
        np.arange(60, dtype=np.uint8).reshape(5, 3, 4),
        np.array([3, 1, 4, 1, 5], np.uint8),
        rng.integers(256, size=(2, 3, 4), dtype=np.uint8),
        np.array([9, 0], np.uint8),
    ]
    contents = {name: idx(array) for name, array in zip(NAMES, arrays)}
    pass_for_the_original(contents, monkeypatch)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    return contents


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The empty folder that NNLITE_DATA names."""
    path = tmp_path / "mnist"
    path.mkdir()
    monkeypatch.setenv("NNLITE_DATA", str(path))
    return path


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache folder, which does not exist yet."""
    monkeypatch.delenv("NNLITE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nnlite"


def write(folder, files, suffix="", pack=bytes):
    for name, content in files.items():
        (folder / f"{name}{suffix}").write_bytes(pack(content))


# Files


@pytest.mark.parametrize("suffix, pack", [("", bytes), (".gz", gzip.compress)])
def test_files_are_read_plain_and_gzipped(suffix, pack, files, folder):
    write(folder, files, suffix, pack)
    assert np.array_equal(mnist.read(TRAIN_IMAGES), np.arange(60).reshape(5, 3, 4))
    assert mnist.read("train-labels-idx1-ubyte").tolist() == [3, 1, 4, 1, 5]
    assert mnist.read("t10k-labels-idx1-ubyte").tolist() == [9, 0]


def test_load_splits_off_the_first_twelfth_for_validation(files, folder, monkeypatch):
    """5,000 of the 60,000."""
    images = np.arange(72 * 2, dtype=np.uint8).reshape(72, 1, 2)
    labels = (np.arange(72) % 10).astype(np.uint8)
    files |= zip(NAMES, [idx(images), idx(labels), idx(images[:2]), idx(labels[:2])])
    pass_for_the_original(files, monkeypatch)
    write(folder, files)
    d = data.load("mnist")
    assert d.name == "mnist"
    assert np.array_equal(d.validation.labels, labels[:6])
    assert np.array_equal(d.train.labels, labels[6:])
    for part, expected in [(d.validation, images[:6]), (d.train, images[6:]), (d.test, images[:2])]:
        assert part.images.dtype == np.float32 and part.labels.dtype == np.int64
        assert np.array_equal(part.images, expected[..., None].astype("f") / 255)
    assert d.test.labels.tolist() == [0, 1]


def truncated(content):
    return content[:-1]


def altered(content):
    return content[:-1] + bytes([content[-1] ^ 1])


def foreign(content):
    return b"<html>not found</html>"


REASONS = {
    truncated: "should have 60 bytes after its header, and has 59",
    altered: "is another file than the original",
    foreign: "begins with 0x3c68746d",
}


@pytest.mark.parametrize("damage", REASONS)
@pytest.mark.parametrize("suffix, pack", [("", bytes), (".gz", gzip.compress)])
def test_content_that_is_not_the_original_is_refused(damage, suffix, pack, files, folder):
    """It is the user's file, perhaps of other images: nobody is told to delete it."""
    write(folder, files, suffix, pack)
    path = folder / f"{TRAIN_IMAGES}{suffix}"
    path.write_bytes(pack(damage(files[TRAIN_IMAGES])))
    with pytest.raises(ValueError, match=f"^{path} {REASONS[damage]}") as error:
        mnist.read(TRAIN_IMAGES)
    message = str(error.value)
    assert "delete" not in message
    assert f"nnlite.data.load('{folder}'), or --data {folder}" in message


def cut_to_its_header(content):
    return content[:12]


@pytest.mark.parametrize("damage", [truncated, altered, cut_to_its_header])
def test_a_damaged_gzip_file_is_refused(damage, files, folder):
    write(folder, files, ".gz", gzip.compress)
    path = folder / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=rf"^{path} is a damaged .*put the original there"):
        mnist.read(TRAIN_IMAGES)


def test_a_file_under_the_name_of_another_is_refused(files, folder):
    write(folder, files)
    (folder / TRAIN_IMAGES).write_bytes(files["t10k-images-idx3-ubyte"])
    with pytest.raises(ValueError, match=f"is another file than the original {TRAIN_IMAGES}"):
        mnist.read(TRAIN_IMAGES)


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_the_files_is_named_with_the_remedy(exists, files, folder):
    if not exists:
        folder.rmdir()
    with pytest.raises(FileNotFoundError, match=rf"NNLITE_DATA is '{folder}'.*unset NNLITE_DATA"):
        data.load("mnist")


# Download


def good(body):
    return 200, body, len(body)


def cut_off(body):
    """The body ends before Content-Length is reached."""
    return 200, body[:-5], len(body)


def cut_off_unnoticed(body):
    """Half a file, and a Content-Length that agrees with it."""
    return 200, body[:-5], len(body) - 5


def wrong(body):
    body = gzip.compress(b"something else")
    return 200, body, len(body)


def page(body):
    body = b"<html>log in first</html>"
    return 200, body, len(body)


def missing(body):
    return 404, b"", 0


ANSWERS = {f.__name__: f for f in (good, cut_off, cut_off_unnoticed, wrong, page, missing)}


@pytest.fixture
def server(files, cache, monkeypatch):
    """An HTTP server whose mirrors answer as their folder says; `requests` lists the paths."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests.append(self.path)
            _, mirror, name = self.path.split("/")
            body = served(files[name.removesuffix(".gz")])
            status, body, length = ANSWERS[mirror](body)
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    monkeypatch.setenv("no_proxy", "*")
    with mirrors(Handler) as server:
        server.requests = []
        yield server


def use_mirrors(monkeypatch, server, *answers):
    """Mirrors that answer so; returns the URLs at which they have the training images."""
    urls = [f"{server.url}/{answer}/" for answer in answers]
    monkeypatch.setattr(mnist, "MIRRORS", tuple(urls))
    return [f"{url}{TRAIN_IMAGES}.gz" for url in urls]


BAD = [name for name in ANSWERS if name != "good"]


def test_a_download_is_kept_and_not_repeated(files, cache, server, monkeypatch):
    use_mirrors(monkeypatch, server, "good", "missing")
    for _ in range(2):
        images, labels = (mnist.read(name) for name in NAMES[:2])
        assert np.array_equal(images, np.arange(60).reshape(5, 3, 4))
        assert labels.tolist() == [3, 1, 4, 1, 5]
        expected = [f"{name}.gz" for name in NAMES[:2]]
        assert server.requests == [f"/good/{name}" for name in expected]
        assert sorted(path.name for path in cache.iterdir()) == expected


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_mirror_falls_through_to_the_next(bad, files, cache, server, monkeypatch):
    use_mirrors(monkeypatch, server, bad, "good")
    assert np.array_equal(mnist.read(TRAIN_IMAGES), np.arange(60).reshape(5, 3, 4))
    assert [path.split("/")[1] for path in server.requests] == [bad, "good"]
    (kept,) = cache.iterdir()
    assert gzip.decompress(kept.read_bytes()) == files[TRAIN_IMAGES]


def test_a_mirror_that_cannot_be_reached_falls_through_too(files, cache, server, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        port = closed.server_port
    use_mirrors(monkeypatch, server, "good")
    monkeypatch.setattr(mnist, "MIRRORS", (f"http://127.0.0.1:{port}/", *mnist.MIRRORS))
    assert np.array_equal(mnist.read(TRAIN_IMAGES), np.arange(60).reshape(5, 3, 4))


@pytest.mark.parametrize(
    "wrong, reason",
    [
        ("slow", "not complete after 0.2 s"),
        ("slow_headers", "not complete after 0.2 s"),
        ("endless", "more than 100,000 bytes"),
        ("endless_redirect", "404"),
        ("to_a_file", "Redirection to url 'file://.* is not allowed"),
        ("to_ftp", "redirected to ftp://.*, which is not http"),
    ],
)
def test_a_mirror_may_not_take_all_time_or_memory(wrong, reason, files, cache, monkeypatch):
    """tests/torture/downloads.py has more of them, and lets them all fall through to a good one."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(mnist, "SECONDS", 0.2 if "slow" in wrong else 60)
    monkeypatch.setattr(mnist, "MOST_BYTES", 100_000)
    with mirrors(Mirrors) as server:
        use_mirrors(monkeypatch, server, wrong)
        with pytest.raises(FileNotFoundError, match=f"{wrong}/.*: .*{reason}"):
            mnist.read(TRAIN_IMAGES)
    assert not list(cache.iterdir())


def test_what_comes_when_nobody_waits_any_more_is_not_kept(tmp_path, files, server, monkeypatch):
    (url,) = use_mirrors(monkeypatch, server, "good")
    with pytest.raises(FileNotFoundError):
        mnist.copy(url, tmp_path / "deleted")
    assert not (tmp_path / "deleted").exists()


def test_no_memory_for_what_one_mirror_sends_falls_through_too(files, cache, server, monkeypatch):
    def copy(url, path):
        if "wrong" in url:
            raise MemoryError
        before(url, path)

    before = mnist.copy
    monkeypatch.setattr(mnist, "copy", copy)
    use_mirrors(monkeypatch, server, "wrong", "good")
    assert np.array_equal(mnist.read(TRAIN_IMAGES), np.arange(60).reshape(5, 3, 4))


def test_when_all_mirrors_fail_each_is_named_with_its_reason(cache, server, monkeypatch):
    urls = use_mirrors(monkeypatch, server, *BAD)
    with pytest.raises(FileNotFoundError) as info:
        mnist.read(TRAIN_IMAGES)
    message = str(info.value)
    lines = [line.strip() for line in message.splitlines() if "http://" in line]
    reasons = ["5 more expected", *3 * ["does not match the known hash"], "404"]
    assert len(lines) == len(urls)
    for line, url, reason in zip(lines, urls, reasons):
        assert line.startswith(url) and reason in line
    assert "delete it" not in message  # a reader cannot delete what is behind a URL
    assert str(cache) in message and "NNLITE_DATA" in message and '"strokes"' in message
    assert not cache.exists() or not list(cache.iterdir())


def test_what_cannot_be_kept_leaves_nothing_half_written(files, cache, server, monkeypatch):
    use_mirrors(monkeypatch, server, "good")

    def disk_full(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr("shutil.move", disk_full)
    with pytest.raises(OSError, match="no space left"):
        mnist.read(TRAIN_IMAGES)
    assert list(cache.iterdir()) == []


def test_a_damaged_file_in_the_cache_is_named_not_replaced(files, cache, server, monkeypatch):
    use_mirrors(monkeypatch, server, "good")
    mnist.read(TRAIN_IMAGES)
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=f"{path} is a damaged .*delete it and try again"):
        mnist.read(TRAIN_IMAGES)
    assert len(server.requests) == 1


@pytest.mark.parametrize("pack", [bytes, lambda content: gzip.compress(content, 1)])
def test_files_in_the_cache_count_by_their_content(pack, files, cache, server, monkeypatch):
    """Unpacked, or packed in another way than by the mirrors: no server is asked."""
    use_mirrors(monkeypatch, server, "good")
    cache.mkdir(parents=True)
    write(cache, files, "" if pack is bytes else ".gz", pack)
    assert mnist.read("t10k-labels-idx1-ubyte").tolist() == [9, 0]
    assert server.requests == []


def test_the_former_cache_counts_too(files, cache, server, tmp_path, monkeypatch):
    """Where the system's cache folder is another, as on macOS."""
    monkeypatch.setattr(mnist, "cache_folder", lambda: tmp_path / "Library" / "Caches" / "nnlite")
    cache.mkdir(parents=True)
    write(cache, files)
    assert mnist.read("t10k-labels-idx1-ubyte").tolist() == [9, 0]
    assert server.requests == []


def test_a_download_says_nothing_where_there_is_no_terminal(cache, server, monkeypatch, capfd):
    use_mirrors(monkeypatch, server, "good")
    level = pooch.get_logger().level
    mnist.read(TRAIN_IMAGES)
    assert capfd.readouterr() == ("", "")
    assert pooch.get_logger().level == level


def test_on_a_terminal_there_is_a_progress_bar(cache, server, monkeypatch, capfd):
    use_mirrors(monkeypatch, server, "good")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    mnist.read(TRAIN_IMAGES)
    assert "100%" in capfd.readouterr().err


def test_with_nnlite_data_nothing_is_downloaded(cache, folder, server, monkeypatch):
    use_mirrors(monkeypatch, server, "good")
    with pytest.raises(FileNotFoundError, match="NNLITE_DATA"):
        mnist.read(TRAIN_IMAGES)
    assert server.requests == []


def test_without_xdg_cache_home_the_cache_is_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert mnist.cache_folder() == tmp_path / ".cache" / "nnlite"


# The real thing


def has_mnist():
    folder = os.environ.get("NNLITE_DATA")
    return folder and all(any(Path(folder).glob(f"{name}*")) for name in NAMES)


@pytest.mark.skipif(not has_mnist(), reason="NNLITE_DATA names no folder with the files of MNIST")
def test_the_real_mnist():
    """Sizes, and the mean that everyone knows: 0.1307 over the 60,000."""
    d = data.load("mnist")
    for part, n in [(d.train, 55_000), (d.validation, 5_000), (d.test, 10_000)]:
        assert part.images.shape == (n, 28, 28, 1) and part.images.dtype == np.float32
        assert part.labels.shape == (n,) and part.labels.dtype == np.int64
        assert part.images.min() == 0 and part.images.max() == 1
    sums = (part.images.sum(dtype=float) for part in (d.train, d.validation))
    assert np.isclose(sum(sums) / (60_000 * 28 * 28), 0.13066, atol=1e-5)
    assert d.validation.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(d.test.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
