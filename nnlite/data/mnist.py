"""MNIST: the four original IDX files, found or downloaded, and checked by their hash.

An IDX file is a header of big-endian 32-bit words (a magic number whose last byte counts
the dimensions, then the dimensions) followed by the bytes.
http://yann.lecun.com/exdb/mnist/
"""

import gzip
import hashlib
import http.client
import os
import urllib.request
import zlib
from pathlib import Path

import numpy as np
from tqdm import tqdm

from nnlite.files import replace_when_done

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
SHA256 = {  # of the uncompressed content
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def read(part):
    """Images (N, 28, 28, 1) float32 in [0, 1] and labels (N,) int64; part "train" or "t10k"."""
    images = parse_idx(content(f"{part}-images-idx3-ubyte"))
    labels = parse_idx(content(f"{part}-labels-idx1-ubyte"))
    return images[..., None].astype(np.float32) / 255, labels.astype(np.int64)


def content(name):
    """The verified bytes of one IDX file, from NNLITE_DATA, or without it the cache or the net."""
    given = os.environ.get("NNLITE_DATA")
    folder = Path(given).expanduser() if given else cache_folder()
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            try:
                return verified(path.read_bytes(), name)
            except ValueError as error:
                raise ValueError(f"{path}: {error}; delete it and try again") from error
    if given:
        raise FileNotFoundError(
            f"NNLITE_DATA is {given!r}, but there is neither {name} nor {name}.gz in such a "
            f"folder; put the files there, or unset NNLITE_DATA to have them downloaded"
        )
    return download(name, folder)


def cache_folder():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nnlite"


def verified(data, name):
    """`data`, uncompressed if it is gzipped; ValueError unless it is the original content."""
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"this is a damaged or truncated gzip file ({error})") from error
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256[name]:
        raise ValueError(
            f"this is not the original {name}: the sha256 of its content is {found}, "
            f"expected {SHA256[name]}"
        )
    return data


def download(name, folder):
    """Fetch name.gz from the first mirror that serves it right, keep it in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    problems = []
    for mirror in MIRRORS:
        url = f"{mirror}{name}.gz"
        try:
            compressed = fetch(url)
            data = verified(compressed, name)
        except (OSError, http.client.HTTPException, ValueError) as error:
            problems.append(f"{url}: {error}")
            continue
        with replace_when_done(folder / f"{name}.gz") as file:
            file.write(compressed)
        return data
    raise FileNotFoundError(
        f"MNIST's {name} is not in {folder} and no mirror served it:\n  "
        + "\n  ".join(problems)
        + "\nPut the four files of MNIST into a folder and set NNLITE_DATA to it, "
        'or use data set "strokes", which needs no download.'
    )


def fetch(url):
    """All bytes behind a URL, with a progress bar on a terminal."""
    with urllib.request.urlopen(url, timeout=30) as response:
        total = int(response.headers.get("Content-Length") or 0) or None
        label = url.rsplit("/", 1)[1]
        parts = []
        with tqdm(total=total, unit="B", unit_scale=True, desc=label, disable=None) as bar:
            while part := response.read(2**16):
                parts.append(part)
                bar.update(len(part))
    data = b"".join(parts)
    if total and len(data) != total:
        raise ValueError(f"the connection ended after {len(data)} of {total} bytes")
    return data


def parse_idx(data):
    """The array of unsigned bytes that an IDX file holds."""
    n_dims = data[3]
    shape = np.frombuffer(data, ">u4", n_dims, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * n_dims).reshape(shape)
