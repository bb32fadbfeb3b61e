"""What the .npz files of nnlite have in common: a list of the arrays, with a digest of each.

    write_arrays(path, "nnlite model", {"layers": ...}, {"1.w": w, "1.b": b})

    with opened(path, "nnlite model", "write it again with nnlite.save") as saved:
        ...                      # saved.about, saved.listed: is it what is wanted?
        arrays = saved.arrays()

np.load reads these files too, and `unzip -p model.npz about.json` prints the list:

    {"sha256": "...", "format": "nnlite model 2", "layers": ...,
     "arrays": {"1.w": {"dtype": "float32", "shape": [784, 10], "sha256": "..."}, ...}}

The first digest is that of all the rest.  Arrays that are not listed are refused, and those that
are not as listed.  Nothing is compressed, so that a file takes no more memory than its size
suggests, and the list is known before any array is read.  Nothing is unpickled.

Files of version 1 have no list, and are still read: zip's CRC-32 of each member tells whether it
was damaged, but nobody would miss a mask that was taken out.
"""

import contextlib
import errno
import hashlib
import io
import json
import math
import os
import reprlib
import struct
import zipfile
from dataclasses import dataclass

import numpy as np

from nnlite.files import as_path, replace_when_done

ABOUT = "about.json"
ABOUT_1 = {  # what it was in version 1: an array of one text
    "nnlite model": "architecture.npy",
    "nnlite checkpoint": "checkpoint.npy",
    "nnlite sparse network": "architecture.npy",
    "nnlite noise bank": "made_by.npy",
}
DTYPES = ("bool", "float32", "float64", "int8", "int16", "int32", "int64")
DTYPES += ("uint8", "uint16", "uint32", "uint64")

# A file that claims more is refused before it is read.
MAX_ARRAYS = 10_000
MAX_DIRECTORY = 2**21  # bytes, of the zip: so many arrays, with long names
MAX_ABOUT = 2**23  # bytes
MAX_HEADER = 2**14  # bytes, of an .npy


class Unfit(ValueError):
    """A file is whole, but not what this call needs; the message goes on after its name."""


def write_arrays(path, kind, about, arrays):
    """Write {name: array} and a dict that JSON can hold; complete or not at all.

    kind   of file, a key of ABOUT_1
    Raises ValueError for what could not be read again.
    """
    listed = {name: outline(name, array) for name, array in arrays.items()}
    if len(arrays) > MAX_ARRAYS:
        raise ValueError(f"{len(arrays)} arrays are too many for {path}; it holds {MAX_ARRAYS}")
    about = through_json(about)
    with replace_when_done(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            array = np.array(array)  # a copy: another thread may go on training it
            listed[name]["sha256"] = digest(array)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
        about = {"format": f"{kind} 2", **about, "arrays": listed}
        text = json.dumps({"sha256": digest_of_json(about), **about})
        if len(text) > MAX_ABOUT:
            raise ValueError(f"{path} would have {len(text)} bytes of JSON; it holds {MAX_ABOUT}")
        with archive.open(ABOUT, "w") as member:
            member.write(text.encode())


@contextlib.contextmanager
def opened(path, kind, remedy):
    """Open a file to read it, as a Saved.

    Whatever is wrong with its content is a ValueError that names it and the remedy.  Raises
    FileNotFoundError if there is no such file, and what the system raises where it cannot be read.
    """
    path = as_path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no {kind} {path}")
    with open(path, "rb") as file:
        try:
            with checked_zip(file) as archive:
                yield Saved(*read_about(archive, kind), archive)
        except Unfit as error:
            raise ValueError(f"{path} {error}") from None
        except MemoryError:
            raise
        except Exception as error:  # zipfile, numpy and json have each their own
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise  # it says nothing of the content, as EINVAL does: a place before its start
            raise ValueError(
                f"{path} is not a complete {kind} ({type(error).__name__}: {error}); {remedy}"
            ) from error


@dataclass
class Saved:
    """A file that is open.

    about    what was given to write_arrays
    listed   {name: {"dtype": "float32", "shape": [784, 10], "sha256": ...}}; in version 1 without
             digests
    """

    about: dict
    listed: dict
    archive: zipfile.ZipFile

    def arrays(self):
        """{name: array}; ValueError for those that are not as listed."""
        arrays = {name: array_of(self.archive.read(f"{name}.npy")) for name in self.listed}
        for name, array in arrays.items():
            found = outline(name, array) | {"sha256": digest(array)}
            if any(found[key] != value for key, value in self.listed[name].items()):
                raise ValueError(f"{name} is not what was saved")
        return arrays


def checked_zip(file):
    """A ZipFile of all members that the end of the file speaks of, which the file can hold.

    zipfile would spend 20 us on each of any number, and not notice if one were lost.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 42))
    end = file.read()
    if end[-22:-18] != b"PK\5\6":
        raise ValueError("its end is missing")
    elsewhere = end[:4] == b"PK\6\7" and size < 2**31  # as in files of more than 2 GB
    *_, n_members, length, _, _ = struct.unpack("<4s4H2LH", end[-22:])
    if elsewhere or length > MAX_DIRECTORY:
        raise ValueError(f"the list of its members has more than {MAX_DIRECTORY} bytes")
    archive = zipfile.ZipFile(file)
    members, names = archive.infolist(), archive.namelist()
    if len(members) != n_members or len(set(names)) != n_members:
        raise ValueError(f"its members are {reprlib.repr(names)}; {n_members} names are needed")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise ValueError(f"{member.filename} is compressed")
    if sum(member.file_size for member in members) > size:
        raise ValueError("its members claim more bytes than it has")
    return archive


def read_about(archive, kind):
    """(about, listed) as in Saved, after comparing the list with the sizes of the members."""
    sizes = {member.filename: member.file_size for member in archive.infolist()}
    name = ABOUT if ABOUT in sizes else ABOUT_1[kind]
    if sizes.pop(name, MAX_ABOUT + 1) > MAX_ABOUT:
        raise ValueError(f"it has no {name} of at most {MAX_ABOUT} bytes")
    if name == ABOUT:
        about, listed = about_2(archive.read(name), kind)
    else:
        about, listed = about_1(archive.read(name), kind), headers(archive, sizes)

    needed = {f"{name}.npy": n_bytes(name, entry) for name, entry in listed.items()}
    for member in sorted(sizes.keys() ^ needed.keys()):
        raise ValueError(f"{member} is {'not listed' if member in sizes else 'missing'}")
    for member, size in sizes.items():
        if not needed[member] < size < needed[member] + MAX_HEADER:
            raise ValueError(f"{member} has {size} bytes, of {needed[member]} that are listed")
    return about, listed


def about_2(text, kind):
    """(about, listed) of the JSON of a file."""
    about = json.loads(text)
    if about.pop("sha256") != digest_of_json(about):
        raise ValueError(f"{ABOUT} is not what was saved")
    check_format(about.pop("format"), f"{kind} 2")
    listed = about.pop("arrays")
    return about, listed


def about_1(npy, kind):
    """What version 1 said in an array of one text."""
    about = json.loads(str(array_of(npy)))
    if kind == "nnlite noise bank":
        return {"made_by": about}
    check_format(about.pop("format"), f"{kind} 1")
    return about


def headers(archive, members):
    """What can be listed of the arrays of version 1: what their headers say."""
    listed = {}
    for member in members:
        with archive.open(member) as file:
            shape, _, dtype = read_header(file)
        listed[member.removesuffix(".npy")] = {"dtype": str(dtype), "shape": list(shape)}
    return listed


def check_format(found, needed):
    if found in [f"{kind} {version}" for kind in ABOUT_1 for version in (1, 2) if found != needed]:
        raise Unfit(f"is an {found!r}, where an {needed!r} is needed; take another file")
    if found != needed:
        raise ValueError(f"its format is {found!r}, not {needed!r}")


def n_bytes(name, entry):
    """Size of an array that is listed, without its header."""
    dtype, shape = entry["dtype"], entry["shape"]
    if dtype not in DTYPES or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"{name} has dtype {dtype} and shape {shape}")
    return math.prod(shape) * np.dtype(dtype).itemsize


def array_of(npy):
    """The array of the bytes of an .npy that holds it and nothing else."""
    file = io.BytesIO(npy)
    shape, column_major, dtype = read_header(file)
    array = np.frombuffer(npy, dtype, offset=file.tell())  # refuses objects
    return array.reshape(shape, order="F" if column_major else "C").copy("K")


def read_header(file):
    """(shape, whether it lies column after column, dtype) of an .npy, from its start."""
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array has another version of NumPy's format")
    return np.lib.format.read_array_header_1_0(file)


def outline(name, array):
    """{"dtype": "float32", "shape": [784, 10]} of an array that has a place in a file.

    Raises ValueError for others: lists, masked arrays, float16, objects, texts.
    """
    is_array = isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray)
    if not is_array or str(array.dtype) not in DTYPES:
        kind = f"{type(array).__name__} of {getattr(array, 'dtype', 'no dtype')}"
        raise ValueError(
            f"cannot save {name}, a {kind}; a NumPy array of one of {', '.join(DTYPES)} is needed"
        )
    return {"dtype": str(array.dtype), "shape": list(array.shape)}


def digest(array):
    """The SHA-256 of the numbers, row after row."""
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


def digest_of_json(about):
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()


def through_json(value):
    """The value as JSON gives it back, NumPy's numbers and arrays as numbers and lists."""
    try:
        return json.loads(json.dumps(value, default=lambda other: other.tolist()))
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"JSON cannot hold what is to be saved ({error}); use numbers, texts, lists and dicts"
        ) from error
