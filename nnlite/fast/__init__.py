"""Faster versions, in numba, of what layers.py, conv.py and optim.py do in plain NumPy.

Those files come first: they say what is computed, and are what these are tested against.
The fast versions take over for float32 arrays.

numba compiles a function marked @njit when it is first called, and `cache=True` keeps the result
in __pycache__.  `prange` is a range whose steps are shared out to numba's threads.  These do not
survive a fork: a process forked after a kernel has run must not run one.  Start processes by
"spawn", or clear `enabled`.

    enabled    names of the fast versions in use; `fast.enabled.clear()` leaves plain NumPy
"""

import numpy as np

enabled = {"matmul", "conv", "elementwise", "adam"}


def use(name, *arrays):
    """Whether to take the fast version called `name`: it is enabled, and all is float32."""
    return name in enabled and all(a.dtype == np.float32 for a in arrays)
