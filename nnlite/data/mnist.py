"""MNIST: the four original files, found or downloaded, and checked by their hash."""

import hashlib
import multiprocessing
import os
import time
import urllib.error
import urllib.request
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pooch
from tqdm import tqdm

from nnlite.data import idx

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
SHA256 = {  # of the content, however it is packed
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
SHA256_PACKED = {  # of the gzipped files that the mirrors have
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
MOST_BYTES = 9_912_422  # of a gzipped file: the training images
SECONDS = 300  # for one file from one mirror, however slow


def read(name):
    """Array of one of the four files, from NNLITE_DATA, or without it the cache or the net.

    Raises FileNotFoundError where it is nowhere to be had, ValueError for other content.
    """
    given = os.environ.get("NNLITE_DATA")
    if given:
        path = in_given_folder(given, name)
        remedy = (
            f"put the original there; a folder of other images is read with "
            f"nnlite.data.load({given!r}), or --data {given}"
        )
    else:
        path = in_cache(name) or download(name)
        remedy = "delete it and try again"
    try:
        content = idx.content(path, idx.AXES[name])
        found = hashlib.sha256(content).hexdigest()
        if found != SHA256[name]:
            raise ValueError(
                f"{path} is another file than the original {name}: the sha256 of its content is "
                f"{found}, not {SHA256[name]}"
            )
    except ValueError as error:
        raise ValueError(f"{error}; {remedy}") from error
    return idx.parse(content)


def in_given_folder(given, name):
    path = idx.find(Path(given).expanduser(), name)
    if path is None:
        raise FileNotFoundError(
            f"NNLITE_DATA is {given!r}, but there is neither {name} nor {name}.gz in such a "
            f"folder; put the files there, or unset NNLITE_DATA to have them downloaded"
        )
    return path


def cache_folder():
    return pooch.os_cache("nnlite")


def in_cache(name):
    """Path of a file that was downloaded before; None if it was not."""
    former = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nnlite"
    return idx.find(cache_folder(), name) or idx.find(former, name)  # one folder on Linux


def download(name):
    """Path in the cache folder of name.gz, from the first mirror that serves it right."""
    problems = []
    for mirror in MIRRORS:
        try:
            return fetch(f"{mirror}{name}.gz", name)
        except Exception as error:  # whatever is wrong with one, the next may be right
            problems.append(f"{mirror}{name}.gz: {type(error).__name__}: {error}")
    raise FileNotFoundError(
        f"MNIST's {name} is not in {cache_folder()} and no mirror served it:\n  "
        + "\n  ".join(problems)
        + "\nPut the four files of MNIST into a folder and set NNLITE_DATA to it, "
        'or use data set "strokes", which needs no download.'
    )


def fetch(url, name):
    """Path in the cache folder of the file behind a URL, with a progress bar on a terminal.

    Raises ValueError for a file of another hash, OSError where there is none.
    """
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # it would tell of every file
    try:
        sha256, folder = SHA256_PACKED[name], cache_folder()
        return Path(pooch.retrieve(url, sha256, f"{name}.gz", folder, downloader=in_time))
    finally:
        logger.setLevel(level)


def in_time(url, path, pooch):
    """Write what is behind a URL to a file, as pooch asks of a downloader; OSError after SECONDS.

    In a thread of its own: a server that sends a byte now and then holds up whoever reads.
    """
    with ThreadPool(1) as pool:
        try:
            pool.apply_async(copy, (url, path)).get(SECONDS)
        except multiprocessing.TimeoutError:
            raise OSError(f"not complete after {SECONDS} s") from None


def copy(url, path):
    """Write what is behind a URL to a file, which must exist; OSError for more than MOST_BYTES.

    A caller that gave up waiting has deleted the file, so it must not be created again.
    """
    deadline = time.monotonic() + SECONDS
    try:
        response = urllib.request.build_opener(ToHttpOnly).open(url, timeout=30)
    except urllib.error.HTTPError as error:
        error.close()
        raise
    with response, open(path, "r+b") as file:
        with tqdm(total=response.length, unit="B", unit_scale=True, disable=None) as bar:
            while time.monotonic() < deadline and (piece := response.read1(2**16)):
                bar.update(file.write(piece))
                if file.tell() > MOST_BYTES:
                    raise OSError(f"more than {MOST_BYTES:,} bytes; MNIST's files are shorter")
        if response.length:
            raise OSError(f"the connection ended, {response.length:,} more expected")


class ToHttpOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https only; urllib would also follow them to ftp."""

    def redirect_request(self, request, response, code, message, headers, url):
        response.close()  # or urllib would read to its end what comes with a redirect
        if not url.startswith(("http://", "https://")):
            raise OSError(f"redirected to {url}, which is not http")
        return super().redirect_request(request, response, code, message, headers, url)
