"""A matrix product in numba, as fast as BLAS or faster, that shares its threads with the rest.

Why not NumPy's `a @ b`?  Its threads are OpenBLAS's own, and after each product they keep asking
for work for a while.  The kernels of numba that come next share the processors with them: see
docs/training.md.

How it is done (Goto & van de Geijn 2008): a tile of ROWS x WIDTH sums stays in registers while
k runs.  For each k it takes ROWS numbers from a and WIDTH from b and does ROWS * WIDTH products,
so that arithmetic, not memory, is the limit.  Both are first copied ("packed") in the order in
which the tile reads them.
"""

import numpy as np
from numba import get_num_threads, prange

from nnlite.fast.kernel import all_float32, njit
from nnlite.fast.simd import LANES, ROW, TILE, fma_splat, load, store, times, zeros

TILE_ROWS, TILE_COLS = times(TILE // 2), times(2)  # a tile is so many rows of so many vectors
ROWS, WIDTH = len(TILE_ROWS), LANES * len(TILE_COLS)
DEPTH = 256  # of k at a time: a panel of b, WIDTH x DEPTH floats, stays in the cache
HEIGHT = 36 * ROWS  # rows of a at a time: HEIGHT x DEPTH floats fit in the second cache
MIN_ROWS = 8  # fewer leave most of a tile empty
ONE_THREAD = 2**18  # up to so many products m*k*n OpenBLAS does not start its threads


def matmul(a, b, out=None):
    """nnlite.layers.matmul, of float32 matrices that are large enough."""
    if not suited(a, b, out):
        return NotImplemented
    if out is None:
        out = np.empty((a.shape[0], b.shape[1]), np.float32)
    if out.flags.c_contiguous:
        multiply(ordered(a), ordered(b), out, *blocks(*out.shape, get_num_threads()))
    else:
        matmul(b.T, a.T, out.T)  # the same product, seen from the other side
    return out


def suited(a, b, out):
    """Whether the kernel takes these, and OpenBLAS would start its threads for them."""
    if not all_float32(a, b) or not a.ndim == b.ndim == 2 or a.shape[1] != b.shape[0]:
        return False
    if len(a) < MIN_ROWS or len(a) * b.size <= ONE_THREAD:
        return False
    if out is None:
        return True
    fits = all_float32(out) and out.shape == (a.shape[0], b.shape[1])
    one_piece = out.flags.carray or out.flags.farray  # and may be written to
    return fits and one_piece and not any(np.may_share_memory(out, x) for x in (a, b))


def ordered(a):
    """The matrix with its rows or its columns contiguous in memory: itself, if it has them."""
    return a if a.flags.c_contiguous or a.flags.f_contiguous else np.ascontiguousarray(a)


def blocks(m, n, threads):
    """(height, width) of the blocks of the product; each is a task, and all threads get as many."""
    tasks = -(-m // HEIGHT)
    if tasks < threads and n > m:  # a low and wide product: its columns are shared out
        return HEIGHT, round_up(-(-n // threads), WIDTH)
    tasks = round_up(tasks, threads)
    return round_up(-(-m // tasks), ROWS), n


def round_up(count, multiple):
    return -(-count // multiple) * multiple


@njit(parallel=True)
def multiply(a, b, out, height, width):
    m, n, depth = a.shape[0], b.shape[1], a.shape[1]
    across = -(-n // width)
    for task in prange(-(-m // height) * across):
        top, left = task // across * height, task % across * width
        bottom, right = min(m, top + height), min(n, left + width)
        out[top:bottom, left:right] = 0
        tiles = (bottom - top + ROWS - 1) // ROWS
        packed_a = np.empty(tiles * ROWS * min(DEPTH, depth), np.float32)
        packed_b = np.empty(WIDTH * min(DEPTH, depth), np.float32)
        corner = np.empty(ROWS * WIDTH, np.float32)
        for k in range(0, depth, DEPTH):
            pack_rows(a[top:bottom, k : k + DEPTH], packed_a)
            for j in range(left, right, WIDTH):
                pack_columns(b[k : k + DEPTH, j : min(right, j + WIDTH)], packed_b)
                add_panel(packed_a, packed_b, min(DEPTH, depth - k), out, top, bottom, j, corner)


@njit()
def pack_rows(a, packed):
    """(rows, depth) -> for every ROWS rows, for every k, their k-th numbers."""
    rows, depth = a.shape
    for i in range(rows):
        start = i // ROWS * ROWS * depth + i % ROWS
        for k in range(depth):
            packed[start + k * ROWS] = a[i, k]


@njit()
def pack_columns(b, packed):
    """(depth, up to WIDTH) -> (depth, WIDTH)."""
    depth, columns = b.shape
    for k in range(depth):
        for j in range(columns):
            packed[k * WIDTH + j] = b[k, j]


@njit()
def add_panel(packed_a, packed_b, depth, out, top, bottom, j, corner):
    """out[top:bottom, j:j+WIDTH] += a @ b, tile by tile down the column."""
    n, flat = out.shape[1], out.reshape(-1)
    columns = min(WIDTH, n - j)
    for i in range(top, bottom, ROWS):
        rows = min(ROWS, bottom - i)
        whole = rows == ROWS and columns == WIDTH
        if whole:
            tile = load(flat, i * n + j, n, TILE_ROWS, TILE_COLS)
        else:
            tile = zeros(TILE_ROWS, TILE_COLS)
        at_a, at_b = (i - top) * depth, 0
        for _ in range(depth):
            tile = fma_splat(tile, packed_a, at_a, load(packed_b, at_b, 0, ROW, TILE_COLS))
            at_a += ROWS
            at_b += WIDTH
        if whole:
            store(tile, flat, i * n + j, n, TILE_COLS)
        else:  # at the edge: only the part that is inside
            store(tile, corner, 0, WIDTH, TILE_COLS)
            for r in range(rows):
                for c in range(columns):
                    out[i + r, j + c] += corner[r * WIDTH + c]
