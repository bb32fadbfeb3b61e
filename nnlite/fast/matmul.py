"""A matrix product in numba, as fast as BLAS or faster, that shares its threads with the rest.

Why not NumPy's `a @ b`?  Its threads are OpenBLAS's own, and after each product they keep asking
for work for a while.  The kernels of numba that come next share the processors with them: see
docs/training.md.

How it is done (Goto & van de Geijn 2008): a tile of ROWS x WIDTH sums stays in registers while
k runs.  For each k it takes ROWS numbers from a and WIDTH from b and does ROWS * WIDTH products,
so that arithmetic, not memory, is the limit.  Both are first copied ("packed") in the order in
which the tile reads them, each number once: the smaller matrix by all threads together, of the
larger one each thread packs the part that it multiplies.
"""

from typing import NamedTuple

import numpy as np
from numba import get_num_threads, prange

from nnlite.fast.kernel import all_float32, njit
from nnlite.fast.simd import (
    COLUMN,
    LANES,
    ROW,
    TILE,
    fma_splat,
    load,
    store,
    times,
    transposed,
    zeros,
)

TILE_ROWS, TILE_COLS = times(TILE // 2), times(2)  # a tile is so many rows of so many vectors
ROWS, WIDTH = len(TILE_ROWS), LANES * len(TILE_COLS)
SQUARE = times(LANES)
DEPTH = 192  # of k at a time: a panel of b, WIDTH x DEPTH floats or 24 kB, fits the first cache
HEIGHT = 36 * ROWS  # rows of a at a time: HEIGHT x DEPTH floats fit the second cache
PACKED = 5 * DEPTH  # of k that are packed at a time, where all threads pack together
RUN = 4  # panels that are packed together: longer pieces of memory arrive sooner
MIN_ROWS = 8  # fewer leave most of a tile empty
ONE_THREAD = 2**18  # up to so many products m*k*n OpenBLAS does not start its threads


def matmul(a, b, out=None):
    """nnlite.layers.matmul, of float32 matrices that are large enough."""
    if not suited(a, b, out):
        return NotImplemented
    if out is None:
        out = np.empty((a.shape[0], b.shape[1]), np.float32)
    if out.flags.c_contiguous:
        multiply(lines(a), lines(b.T), out, get_num_threads())
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


class Lines(NamedTuple):
    """The rows of a matrix: number k of row i is memory[i * step + k * stride]."""

    memory: np.ndarray  # flat
    step: int
    stride: int  # this or step is 1
    count: int  # of rows
    depth: int  # numbers in each


def lines(a):
    """A matrix as Lines; a copy of it if neither its rows nor its columns lie in one piece."""
    if not (a.flags.c_contiguous or a.flags.f_contiguous):
        a = np.ascontiguousarray(a)
    n, depth = a.shape
    steps = (depth, 1) if a.flags.c_contiguous else (1, n)
    return Lines(a.ravel(order="K"), *steps, n, depth)


def multiply(a, b, out, threads):
    """out = a @ b.T, of Lines, in as many tasks for each thread."""
    if b.count > a.count:
        multiply_columns(a, b, out, round_up(-(-b.count // threads), WIDTH))
    else:
        tasks = round_up(-(-a.count // HEIGHT), threads)
        multiply_rows(a, b, out, round_up(-(-a.count // tasks), ROWS))


def round_up(count, multiple):
    return -(-count // multiple) * multiple


@njit(parallel=True)
def multiply_columns(a, b, out, width):
    """Each task computes `width` columns, for which it packs its own part of b."""
    packed_a = np.empty((a.count + ROWS) * min(PACKED, a.depth), np.float32)
    for k in range(0, a.depth, PACKED):
        deep = min(PACKED, a.depth - k)
        for part in prange(-(-a.count // (RUN * ROWS))):
            first, last = part * RUN * ROWS, min(a.count, (part + 1) * RUN * ROWS)
            pack(a, first, last, k, deep, ROWS, packed_a, first * deep)
        for task in prange(-(-b.count // width)):
            end = min(b.count, (task + 1) * width)
            packed_b = np.empty(RUN * WIDTH * min(DEPTH, deep), np.float32)
            for at in range(0, deep, DEPTH):
                depth, new = min(DEPTH, deep - at), k + at == 0
                for left in range(task * width, end, RUN * WIDTH):
                    right = min(end, left + RUN * WIDTH)
                    pack(b, left, right, k + at, depth, WIDTH, packed_b, 0)
                    for j in range(left, right, WIDTH):
                        at_b = (j - left) * depth
                        add_panel(
                            packed_a, at, deep, packed_b, at_b, depth, new, out, 0, a.count, j
                        )


@njit(parallel=True)
def multiply_rows(a, b, out, height):
    """Each task computes `height` rows, for which it packs its own part of a."""
    packed_b = np.empty((b.count + WIDTH) * min(PACKED, b.depth), np.float32)
    for k in range(0, b.depth, PACKED):
        deep = min(PACKED, b.depth - k)
        for part in prange(-(-b.count // (RUN * WIDTH))):
            first, last = part * RUN * WIDTH, min(b.count, (part + 1) * RUN * WIDTH)
            pack(b, first, last, k, deep, WIDTH, packed_b, first * deep)
        for task in prange(-(-a.count // height)):
            top, bottom = task * height, min(a.count, (task + 1) * height)
            packed_a = np.empty(height * min(DEPTH, deep), np.float32)
            for at in range(0, deep, DEPTH):
                depth, new = min(DEPTH, deep - at), k + at == 0
                pack(a, top, bottom, k + at, depth, ROWS, packed_a, 0)
                for j in range(0, b.count, WIDTH):
                    at_b = j * deep + at * WIDTH
                    add_panel(packed_a, 0, depth, packed_b, at_b, depth, new, out, top, bottom, j)


@njit()
def pack(a, first, last, k, depth, group, packed, start):
    """Rows first to last of a, k to k + depth: for every `group` rows, for each k, their numbers.

    Where there are fewer rows, what stands in their place is not used.
    """
    memory, step, stride, count, _ = a
    if step == 1:  # the k-th numbers of all rows are one piece of memory
        for i in range(depth):
            for row in range(first, last, group):
                at, here = start + (row - first) * depth + i * group, row + (k + i) * stride
                if row + group <= last and i + 1 < depth:
                    for r in range(0, round_up_lanes(group), LANES):  # too far: overwritten next
                        store(load(memory, here + r, 0, ROW, COLUMN), packed, at + r, 0, COLUMN)
                else:
                    for r in range(min(group, last - row)):
                        packed[at + r] = memory[here + r]
        return
    for row in range(first, last, group):
        at, done = start + (row - first) * depth, 0
        if row + round_up_lanes(group) <= count and row + group <= last:
            # Squares of numbers, turned in registers.  What they write too far is written over.
            while done + LANES < depth:
                for r in range(round_up_lanes(group) - LANES, -1, -LANES):
                    square = load(memory, (row + r) * step + k + done, step, SQUARE, COLUMN)
                    store(transposed(square), packed, at + done * group + r, group, COLUMN)
                done += LANES
        for i in range(done, depth):
            for r in range(min(group, last - row)):
                packed[at + i * group + r] = memory[(row + r) * step + k + i]


@njit()
def round_up_lanes(count):
    return (count + LANES - 1) // LANES * LANES


@njit()
def add_panel(packed_a, at, deep, packed_b, at_b, depth, new, out, top, bottom, j):
    """out[top:bottom, j:j+WIDTH] += a @ b, tile by tile down the column; = if it is new.

    A panel of a is `deep` numbers long, of which `depth` from the one `at` on are taken.
    """
    (m, n), flat = out.shape, out.reshape(-1)
    columns = min(WIDTH, n - j)
    corner = np.empty(ROWS * WIDTH, np.float32)
    for i in range(top, bottom, ROWS):
        rows = min(ROWS, m - i)
        whole = rows == ROWS and columns == WIDTH
        if whole and not new:
            tile = load(flat, i * n + j, n, TILE_ROWS, TILE_COLS)
        else:
            tile = zeros(TILE_ROWS, TILE_COLS)
        p, q = (i - top) * deep + at * ROWS, at_b
        for _ in range(depth):
            tile = fma_splat(tile, packed_a, p, load(packed_b, q, 0, ROW, TILE_COLS))
            p += ROWS
            q += WIDTH
        if whole:
            store(tile, flat, i * n + j, n, TILE_COLS)
        else:  # at the edge: only the part that is inside
            store(tile, corner, 0, WIDTH, TILE_COLS)
            for r in range(rows):
                for c in range(columns):
                    old = np.float32(0) if new else out[i + r, j + c]
                    out[i + r, j + c] = old + corner[r * WIDTH + c]
