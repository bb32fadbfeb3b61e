"""The kernels of sparse_steps.py, from the three loops of the definition to two sums in registers.

They are not in the script, because numba keeps a kernel with the name of its module, and a script
that is run has another than one that is imported.
"""

import numpy as np
from numba import prange

from nnlite.fast.kernel import njit
from nnlite.fast.simd import LANES, ROW, fma_splat, load, store, times, zeros
from nnlite.fast.sparse import multiply_chunk

WIDTH = 4 * LANES  # images in a tile
FOUR_COLUMNS = times(4)


@njit()
def loops(starts, columns, values, x, y):
    """The definition, compiled: y (M, N) is loaded and stored for each weight."""
    y[:] = 0
    for row in range(len(y)):
        for p in range(np.uintp(starts[row]), np.uintp(starts[row + 1])):
            value, column = values[p], columns[p]
            for i in range(y.shape[1]):
                y[row, i] += value * x[column, i]


@njit()
def registers(starts, columns, values, x, y, stride):
    """A tile of images at a time, whose sums stay in registers.

    x, y (K or M, N), flat; stride is N, a multiple of WIDTH.
    """
    for at in range(0, stride, WIDTH):
        for row in range(len(starts) - 1):
            total = zeros(ROW, FOUR_COLUMNS)
            for p in range(np.uintp(starts[row]), np.uintp(starts[row + 1])):
                column = np.intp(columns[p])
                total = fma_splat(
                    total, values, p, 0, load(x, column * stride + at, 0, ROW, FOUR_COLUMNS)
                )
            store(total, y, row * stride + at, 0, FOUR_COLUMNS)


@njit()
def in_panels(starts, columns, values, x, y):
    """The same for panels x (tiles, K, WIDTH), y (tiles, M, WIDTH)."""
    for t in range(len(x)):
        registers(starts, columns, values, x[t].reshape(-1), y[t].reshape(-1), WIDTH)


@njit(parallel=True)
def in_threads(starts, columns, values, x, y):
    """Each thread takes some of the tiles."""
    for t in prange(len(x)):
        registers(starts, columns, values, x[t].reshape(-1), y[t].reshape(-1), WIDTH)


@njit(parallel=True)
def two_sums(rows, starts, columns, values, bias, x, y):
    """The kernel of nnlite/fast/sparse.py, each tile with all weights."""
    for t in prange(len(x)):
        multiply_chunk(
            *(rows, starts, columns, values, bias, False),
            *(x[t], y[t], FOUR_COLUMNS, 0, len(bias), 0),
        )
