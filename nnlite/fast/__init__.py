"""Faster versions, in numba, of what layers.py, conv.py and optim.py do in plain NumPy.

Those files come first: they say what is computed, and are what these are tested against.
The fast versions take over for float32 arrays that are large enough to be worth it.

    enabled    names of the fast versions in use; `fast.enabled.clear()` leaves plain NumPy
"""

import numpy as np

enabled = {"matmul", "conv", "elementwise", "adam"}


def use(name, *arrays):
    """Whether to take the fast version called `name` for these arrays."""
    return name in enabled and all(a.dtype == np.float32 for a in arrays)
