"""Faster versions, in numba, of what layers.py, conv.py and optim.py do in plain NumPy.

Those files come first: they say what is computed, and are what these are tested against.
The fast versions take over for float32 arrays.

They run on numba's threads.  As with any program that uses OpenMP, processes that are forked
after the first of them must not run them too: start processes by "spawn", or clear `enabled`.

    enabled    names of the fast versions in use; `fast.enabled.clear()` leaves plain NumPy
"""

import numpy as np

enabled = {"matmul", "conv", "elementwise", "adam"}


def use(name, *arrays):
    """Whether to take the fast version called `name`: it is enabled, and all is float32."""
    return name in enabled and all(a.dtype == np.float32 for a in arrays)
