"""IDX, the format of MNIST's four files: a header and then the bytes, the whole gzipped or not.

The header is big-endian 32-bit words: a magic number, 0x00000803 for images and 0x00000801 for
labels, whose last byte counts the axes, and the length of each axis.
http://yann.lecun.com/exdb/mnist/
"""

import gzip
import math
import struct
import zlib

import numpy as np

from nnlite.files import replace_when_done

AXES = {  # of each file
    "train-images-idx3-ubyte": 3,
    "train-labels-idx1-ubyte": 1,
    "t10k-images-idx3-ubyte": 3,
    "t10k-labels-idx1-ubyte": 1,
}
PIECE = 2**20  # bytes


def find(folder, name):
    """Path of a file in a folder, plain or gzipped; None if it is not there."""
    paths = (folder / name, folder / f"{name}.gz")
    return next((path for path in paths if path.is_file()), None)


def content(path, n_axes):
    """The bytes of an IDX file, unpacked: a header, and as many bytes as it promises.

    Raises ValueError, naming the file, for another magic number, another length, or a gzip file
    that is damaged.  No more is read than was promised, however much there is.
    """
    with open(path, "rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if is_packed else open(path, "rb") as file:
            header = file.read(4 + 4 * n_axes)
            size = math.prod(axes(header, n_axes, path))
            data = read_pieces(file, size + 1)  # one more shows whether the file ends
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is a damaged or truncated gzip file ({error})") from error
    if len(data) != size:
        found = "more" if len(data) > size else f"{len(data):,}"
        raise ValueError(f"{path} should have {size:,} bytes after its header, and has {found}")
    return header + data


def axes(header, n_axes, path):
    """The lengths of the axes."""
    magic = bytes([0, 0, 8, n_axes])  # 8: unsigned bytes
    if header[:4] != magic:
        raise ValueError(
            f"{path} begins with 0x{header[:4].hex()}; the magic number of its kind of IDX file "
            f"is 0x{magic.hex()}"
        )
    if len(header) < 4 + 4 * n_axes:
        raise ValueError(f"{path} is truncated, it ends within its header")
    return struct.unpack(f">{n_axes}I", header[4:])


def read_pieces(file, n):
    """The next n bytes, or what there is.  In one piece, a false n could take all memory."""
    pieces = []
    while n > 0 and (piece := file.read(min(n, PIECE))):
        pieces.append(piece)
        n -= len(piece)
    return b"".join(pieces)


def write(path, array):
    """Write an array of unsigned bytes as one IDX file, complete or not at all.

    Raises ValueError for other numbers.
    """
    if array.dtype != np.uint8:
        raise ValueError(f"{path} is to hold bytes, np.uint8; the array has dtype {array.dtype}")
    magic = bytes([0, 0, 8, array.ndim])
    with replace_when_done(path) as file:
        file.write(magic + struct.pack(f">{array.ndim}I", *array.shape))
        file.write(array.tobytes())


def parse(data):
    """The array of unsigned bytes that the content of an IDX file holds."""
    shape = struct.unpack_from(f">{data[3]}I", data, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)
