"""What the machine can do at most: multiply and add in registers, and read.

A product that reaches one of these limits cannot be made faster by more of the others.
"""

from functools import partial

import numpy as np
from numba import get_num_threads, prange

from nnlite.fast.kernel import njit
from nnlite.fast.panels import aligned
from nnlite.fast.simd import COLUMN, LANES, ROW, TILE, fma, load, store, times, zeros
from shared.timing import seconds_of

COLUMNS = times((TILE + 2) // 2)  # registers, as many as there are for a sum
EIGHT_COLUMNS = times(8)
SIZES = (32, 512, 8192, 400_000)  # kB for each thread: first, second, third cache, memory


def limits():
    """GFLOP/s in registers, and GB/s by size of what is read, of all threads together."""
    threads, n, n_columns = get_num_threads(), 20_000_000, len(COLUMNS)
    multiply(threads, 10, COLUMNS, n_columns)
    seconds = min(seconds_of(partial(multiply, threads, n, COLUMNS, n_columns), 4))
    found = {"gflops": 2 * n_columns * LANES * n * threads / seconds / 1e9, "gb_per_second": {}}
    for kilobytes in SIZES:
        a = aligned(threads * kilobytes * 256).reshape(threads, -1)
        a[:] = 1  # pages that were never written to would all be the same
        rounds = max(1, 2_000_000 // kilobytes)
        read(a, 1)
        seconds = min(seconds_of(partial(read, a, rounds), 3))
        found["gb_per_second"][kilobytes] = a.nbytes * rounds / seconds / 1e9
    return found


@njit(parallel=True)
def multiply(threads, n, columns, n_columns):
    """Each thread: n times x <- add + factor * x, in a register for each column."""
    for _thread in prange(threads):
        start = np.full(n_columns * LANES, 0.5, np.float32)
        factor, add = load(start, 0, 0, ROW, COLUMN), load(start, 0, 0, ROW, columns)
        x = zeros(ROW, columns)
        for _ in range(n):
            x = fma(add, factor, x)
        store(x, start, 0, 0, columns)


@njit(parallel=True)
def read(a, rounds):
    """Each thread: its row of `a`, again and again."""
    for row in prange(a.shape[0]):
        out, flat = np.zeros(8 * LANES, np.float32), a[row]
        ones = load(np.ones(LANES, np.float32), 0, 0, ROW, COLUMN)
        for _ in range(rounds):
            tile = zeros(ROW, EIGHT_COLUMNS)
            for i in range(0, len(flat) - 8 * LANES + 1, 8 * LANES):
                tile = fma(tile, ones, load(flat, i, 0, ROW, EIGHT_COLUMNS))
            store(tile, out, 0, 0, EIGHT_COLUMNS)  # `out` could be part of `flat`: it is read again
