"""Images of one's own, from arrays and from a folder of IDX files, and what a Dataset knows."""

import dataclasses
import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from nnlite import data
from nnlite.data import from_arrays, from_folder, idx

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def pair(rng, n, shape=(5, 4), dtype=np.uint8, n_classes=3):
    if dtype == np.uint8:
        images = rng.integers(256, size=(n, *shape), dtype=np.uint8)
    else:
        images = rng.random((n, *shape)).astype(dtype)
    return images, rng.integers(n_classes, size=n)


@pytest.fixture
def parts(rng):
    """{part: (images, labels)} of bytes."""
    return {"train": pair(rng, 24), "test": pair(rng, 6), "validation": pair(rng, 5)}


# Arrays


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 1), (5, 4, 3)])
def test_images_become_float32_with_channels(dtype, shape, rng):
    parts = {part: pair(rng, n, shape, dtype) for part, n in zip(("train", "test"), (24, 6))}
    d = from_arrays("own", **parts, validation=pair(rng, 5, shape, dtype))
    assert d.name == "own" and d.image_shape == (5, 4, shape[2] if len(shape) > 2 else 1)
    for part, (images, labels) in parts.items():
        split = getattr(d, part)
        expected = images.astype(np.float32) / (255 if dtype == np.uint8 else 1)
        assert split.images.dtype == np.float32 and split.labels.dtype == np.int64
        assert np.array_equal(split.images.reshape(images.shape), expected)
        assert np.array_equal(split.labels, labels)


def test_a_data_set_does_not_change_with_the_arrays_it_was_made_of(rng):
    parts = [pair(rng, n, (5, 4, 1), np.float32) for n in (24, 6, 5)]
    d = from_arrays("own", *parts)
    digest = dataclasses.replace(d).digest
    for images, labels in parts:
        images[:], labels[:] = 0, 0
    assert d.digest == digest and d.n_classes == 3


NAN = np.full((6, 5, 4), np.nan, "f")
GOOD = np.zeros((6, 5, 4), np.uint8)
ZEROS = np.zeros(6, int)


@pytest.mark.parametrize(
    "test, message",
    [
        ((GOOD, ZEROS[:5]), "test: 6 images but 5 labels"),
        ((GOOD[:0], ZEROS[:0]), r"test: images have shape \(0, 5, 4\).* at least one image"),
        ((GOOD[:, :0], ZEROS), r"test: images have shape \(6, 0, 4\)"),
        ((GOOD[:, 0], ZEROS), r"test: images have shape \(6, 4\)"),
        ((GOOD[None, None], ZEROS), r"test: images have shape \(1, 1, 6, 5, 4\)"),
        ((GOOD[:, :4], ZEROS), r"the same shape in all parts.*'test': \(4, 4, 1\)"),
        ((GOOD.astype(int), ZEROS), r"test: images have dtype int64; bytes .*\(uint8\)"),
        ((GOOD.astype(bool), ZEROS), "test: images have dtype bool"),
        ((NAN, ZEROS), "test: some pixels are nan"),
        ((GOOD + np.float32(255), ZEROS), r"test: pixels run from 255 to 255.*divide by 255"),
        ((GOOD - np.float32(0.5), ZEROS), r"test: pixels run from -0\.5 to -0\.5"),
        ((GOOD + np.float32(np.inf), ZEROS), "test: pixels run from inf to inf"),
        ((GOOD, ZEROS - 1), "test: the smallest label is -1"),
        ((GOOD, ZEROS.astype(float)), "test: labels have dtype float64"),
        ((GOOD, np.eye(6, dtype=int)), r"test: labels have .* shape \(6, 6\); one integer"),
        (GOOD, r"test must be a pair \(images, labels\)"),
        ((GOOD,), "test must be a pair"),
    ],
)
def test_what_is_wrong_with_a_part_is_named(test, message, parts):
    with pytest.raises(ValueError, match=message):
        from_arrays("own", **(parts | {"test": test}))


# What a Dataset knows


def test_the_number_of_classes_is_that_of_all_parts(parts):
    images, labels = parts["test"]
    assert from_arrays("own", **parts).n_classes == 3
    assert from_arrays("own", **(parts | {"test": (images, labels + 7)})).n_classes == 10


def test_the_digest_is_that_of_the_content_alone(parts):
    d = from_arrays("own", **parts)
    assert len(d.digest) == 16 and int(d.digest, 16) > 0
    assert from_arrays("other", **parts).digest == d.digest
    as_floats = {part: (images / np.float32(255), y) for part, (images, y) in parts.items()}
    assert from_arrays("own", **as_floats).digest == d.digest

    digests = {d.digest}
    for part, (images, labels) in parts.items():
        other = images.copy()
        other[-1, -1, -1] ^= 1
        digests.add(from_arrays("own", **(parts | {part: (other, labels)})).digest)
        digests.add(from_arrays("own", **(parts | {part: (images, labels[::-1])})).digest)
    turned = {part: (images.reshape(-1, 4, 5), y) for part, (images, y) in parts.items()}
    digests.add(from_arrays("own", **turned).digest)
    swapped = parts | {"test": parts["validation"], "validation": parts["test"]}
    digests.add(from_arrays("own", **swapped).digest)
    assert len(digests) == 9


def test_strokes_know_the_same(monkeypatch):
    make = data.strokes.make_digits
    monkeypatch.setattr("nnlite.data.strokes.make_digits", lambda n, rng: make(n // 500, rng))
    d = data.load("strokes")
    assert d.image_shape == (28, 28, 1) and d.n_classes == 10
    assert d.digest == data.load("strokes").digest != data.load("strokes", seed=1).digest


# A folder


def write_idx(path, array, pack=bytes):
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(pack(header + array.tobytes()))


@pytest.fixture
def folder(tmp_path, parts):
    """A folder of four IDX files, one of them gzipped."""
    path = tmp_path / "garments"
    path.mkdir()
    for name, part in (("train", "train"), ("t10k", "test")):
        images, labels = parts[part]
        write_idx(path / f"{name}-images-idx3-ubyte", images)
        write_idx(path / f"{name}-labels-idx1-ubyte", labels.astype(np.uint8))
    packed = gzip.compress((path / IMAGES).read_bytes())
    (path / IMAGES).unlink()
    (path / f"{IMAGES}.gz").write_bytes(packed)
    return path


@pytest.mark.parametrize("read", [from_folder, data.load, lambda path: data.load(str(path))])
def test_a_folder_is_a_data_set(read, folder, parts):
    d = read(folder)
    (images, labels), (test_images, test_labels) = parts["train"], parts["test"]
    assert d.name == "garments" and d.image_shape == (5, 4, 1)
    for part, x, y in [
        (d.validation, images[:2], labels[:2]),  # a twelfth of 24
        (d.train, images[2:], labels[2:]),
        (d.test, test_images, test_labels),
    ]:
        assert np.array_equal(part.images[..., 0], x.astype("f") / 255)
        assert np.array_equal(part.labels, y)


def test_a_folder_is_found_from_where_one_is_or_from_home(folder, monkeypatch):
    digest = from_folder(folder).digest
    monkeypatch.setenv("HOME", str(folder.parent))
    assert data.load("~/garments").digest == digest
    monkeypatch.chdir(folder)
    here = data.load(".")
    assert here.name == "garments" and here.digest == digest


def cut(content):
    return content[:-7]


def in_its_header(content):
    return content[:6]


def lengthened(content):
    return content + b"\0"


def of_another_kind(content):
    return b"\0\0\x0d" + content[3:]  # floats


@pytest.mark.parametrize(
    "damage, message",
    [
        (cut, "should have 24 bytes after its header, and has 17"),
        (lengthened, "should have 24 bytes after its header, and has more"),
        (in_its_header, "is truncated, it ends within its header"),
        (of_another_kind, "begins with 0x00000d01; .* is 0x00000801"),
        (lambda content: b"", "begins with 0x;"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_damaged_file_is_named(damage, message, pack, folder):
    path = folder / LABELS
    path.write_bytes(pack(damage(path.read_bytes())))
    with pytest.raises(ValueError, match=rf"^{path} {message}"):
        from_folder(folder)


@pytest.mark.parametrize("cut_to", [3, 12, -9, -1])
def test_a_damaged_gzip_file_is_named(cut_to, folder):
    path = folder / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:cut_to])
    with pytest.raises(ValueError, match=rf"^{path} is a damaged or truncated gzip file"):
        from_folder(folder)


def test_a_flipped_bit_in_a_gzip_file_is_noticed(folder):
    path = folder / f"{IMAGES}.gz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=str(path)):
        from_folder(folder)


def test_images_under_the_name_of_labels_are_named(folder):
    (folder / LABELS).write_bytes((folder / "t10k-images-idx3-ubyte").read_bytes())
    with pytest.raises(ValueError, match=f"{LABELS} begins with 0x00000803; .* is 0x00000801"):
        from_folder(folder)


def test_images_and_labels_of_different_number_are_named(folder):
    write_idx(folder / LABELS, np.zeros(23, np.uint8))
    with pytest.raises(ValueError, match=f"{folder}: {IMAGES} has 24 images, {LABELS} 23 labels"):
        from_folder(folder)


def test_a_folder_of_too_few_images_is_named(folder):
    (folder / f"{IMAGES}.gz").unlink()
    write_idx(folder / IMAGES, np.zeros((11, 5, 4), np.uint8))
    write_idx(folder / LABELS, np.zeros(11, np.uint8))
    with pytest.raises(ValueError, match=f"{folder}: validation: .* at least one image"):
        from_folder(folder)


def test_a_missing_file_or_folder_is_named(folder):
    (folder / LABELS).unlink()
    with pytest.raises(FileNotFoundError, match=rf"neither {LABELS} nor {LABELS}\.gz in {folder}"):
        data.load(folder)
    with pytest.raises(FileNotFoundError, match=f"in {folder}-2"):
        from_folder(f"{folder}-2")
    with pytest.raises(ValueError, match=r"is unknown; there are .* no such folder"):
        data.load(f"{folder}-2")


@pytest.mark.parametrize("shape", [(2, 3, 4), (7,), (0, 3, 4)])
def test_an_idx_file_has_as_many_axes_as_it_says(shape, rng, tmp_path):
    array = rng.integers(256, size=shape, dtype=np.uint8)
    write_idx(tmp_path / "file", array)
    assert np.array_equal(idx.parse(idx.content(tmp_path / "file", len(shape))), array)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("shape", [(2**32 - 1,) * 3, (1, 2, 3)], ids=["too much", "too little"])
def test_a_header_that_lies_does_not_cost_memory(shape, pack, tmp_path):
    """50 MB of zeros, gzipped to 50 kB; promised are 8e28 bytes, or 6."""
    zeros = b"\0" * 50_000_000 if pack is gzip.compress else b"\0" * 1000
    path = tmp_path / "bomb"
    path.write_bytes(pack(struct.pack(">4B3I", 0, 0, 8, 3, *shape) + zeros))
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"{path} should have .* bytes after its header"):
        idx.content(path, 3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < (120e6 if pack is gzip.compress and shape[0] > 1 else 3e6)
