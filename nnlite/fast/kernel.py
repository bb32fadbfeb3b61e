"""What all kernels share: how they are compiled, for which cache, which arrays they take, and parts
of the same size.

numba compiles a function when it is first called and keeps the result in __pycache__, to be found
by the next process as long as the file of the function stays the same.  But a kernel also contains
what it calls, simd.py above all.  The name under which a kernel is kept therefore holds a digest of
all files in this folder: whoever edits one of them runs what they wrote.
"""

import hashlib
from pathlib import Path

import numba
import numpy as np

SOURCES = sorted(Path(__file__).parent.glob("*.py"))
DIGEST = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()[:8]


def second_cache(told="/sys/devices/system/cpu/cpu0/cache/index2/size"):
    """Bytes in the second cache of a processor: what Linux tells, such as "2048K", else 1 MB."""
    try:
        return 1024 * int(Path(told).read_text().strip().removesuffix("K")) or 2**20
    except (OSError, ValueError):
        return 2**20


SECOND_CACHE = second_cache()


def njit(**options):
    """numba.njit with that cache, and with NumPy's rules for division: x / 0 is inf.

    Where no folder can be written to, kernels are compiled anew in every process.
    """

    def compiled(function):
        function.__qualname__ += f"-{DIGEST}"
        try:
            return numba.njit(cache=True, error_model="numpy", **options)(function)
        except RuntimeError:  # no place for a cache
            return numba.njit(error_model="numpy", **options)(function)

    return compiled


def all_float32(*arrays):
    """Whether these are plain NumPy arrays of float32: all that kernels take."""
    return all(type(a) is np.ndarray and a.dtype == np.float32 for a in arrays)


@njit()
def even(total, most):
    """The size of parts of a total, as equal as can be, none above `most`."""
    return -(-total // -(-total // most))
