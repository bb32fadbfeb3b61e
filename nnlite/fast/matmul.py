"""A matrix product in numba, about as fast as BLAS, that shares its threads with the rest.

Why not NumPy's `a @ b`?  Its threads are OpenBLAS's own, and after each product they keep asking
for work for a while.  The kernels of numba that come next share the processors with them: see
docs/training.md.

How it is done (Goto & van de Geijn 2008): a tile of ROWS x WIDTH sums stays in registers while
k runs.  For each k it takes ROWS numbers from a and WIDTH from b and does ROWS * WIDTH products,
so that arithmetic, not memory, is the limit.  Both are first copied ("packed") into panels, in the
order in which the tile reads them, each number once: the smaller matrix by all threads together
(by one, if it is small), of the larger one each thread packs the part that it multiplies.  A panel
of a stays in the first cache while it meets a block of b, which stays in the second, and tiles that
follow each other lie side by side in memory.  While a block is multiplied, memory is asked for what
the next one will be packed from.
"""

from typing import NamedTuple

import numpy as np
from numba import get_num_threads, prange

from nnlite.fast.kernel import all_float32, even, njit
from nnlite.fast.simd import (
    COLUMN,
    LANES,
    ROW,
    SQUARE,
    TILE,
    add,
    fma_splat,
    load,
    prefetch,
    store,
    times,
    transposed,
    zeros,
)

TILE_ROWS, TILE_COLS = times(TILE // 2), times(2)  # a tile is so many rows of so many vectors
ROWS, WIDTH = len(TILE_ROWS), LANES * len(TILE_COLS)
PANEL_A, PANEL_B = times(-(-ROWS // LANES)), TILE_COLS  # vectors that hold the numbers of one k
# With AVX-512 a panel of a takes 28 kB of the first cache, a block of b 640 kB of the second.
DEPTH = 512  # of k at a time
BLOCK = 10  # panels of b at a time
HEIGHT = 36 * ROWS  # of the part that a task packs, where tasks share the rows
PACKED = 3 * DEPTH  # of k that are packed at a time, where all threads pack together
ALONE = 2**17  # up to so many numbers are packed before another thread would have begun
AHEAD = 16  # so many k before they are multiplied, the numbers of b are asked for
MIN_ROWS = 8  # of a; fewer leave half of a tile or more empty
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
        multiply(lines(b.T), lines(a), out.T, get_num_threads())  # the same, seen from the side
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
    one_piece = out.flags.c_contiguous or out.flags.f_contiguous
    fits = fits and one_piece and out.flags.behaved  # behaved: it may be written to, and is aligned
    return fits and not any(np.may_share_memory(out, x) for x in (a, b))


class Lines(NamedTuple):
    """The rows of a matrix: number k of row i is memory[i * step + k * stride]."""

    memory: np.ndarray  # flat
    step: int
    stride: int  # this or step is 1
    count: int  # of rows
    depth: int  # numbers in each


def lines(a):
    """A matrix (n, depth) as Lines; of a copy, if it is contiguous in neither order."""
    if not (a.flags.c_contiguous or a.flags.f_contiguous):
        a = np.ascontiguousarray(a)
    n, depth = a.shape
    steps = (depth, 1) if a.flags.c_contiguous else (1, n)
    return Lines(a.ravel(order="K"), *steps, n, depth)


def multiply(a, b, out, threads):
    """out (M, N) = a @ b.T, of Lines (M, K) and (N, K); each thread takes as much of the larger."""
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
    most = even(a.depth, PACKED)
    packed_a = np.empty(panels(a.count, ROWS) * panel_size(most, ROWS), np.float32)
    for k in range(0, a.depth, most):
        deep = min(most, a.depth - k)
        size_a, part = panel_size(deep, ROWS), even(deep, DEPTH)
        if a.count * deep <= ALONE:
            pack_panels(a, 0, a.count, k, deep, ROWS, PANEL_A, packed_a, size_a)
        else:
            for p in prange(panels(a.count, ROWS)):
                pack(a, p * ROWS, k, deep, ROWS, PANEL_A, packed_a, p * size_a)
        for task in prange(panels(b.count, width)):
            first, last = task * width, min(b.count, (task + 1) * width)
            block = WIDTH * even(panels(last - first, WIDTH), BLOCK)
            packed_b = np.empty(block // WIDTH * panel_size(part, WIDTH), np.float32)
            for at in range(0, deep, part):
                depth, new = min(part, deep - at), k + at == 0
                size_b = panel_size(depth, WIDTH)
                in_a, in_b = Panels(packed_a, at * ROWS, size_a), Panels(packed_b, 0, size_b)
                for left in range(first, last, block):
                    right = min(last, left + block)
                    pack_panels(b, left, right, k + at, depth, WIDTH, PANEL_B, packed_b, size_b)
                    coming = piece(b, right, min(last, right + block), k + at, depth)
                    if right == last:  # from the left again, with the k that follow
                        coming = piece(b, first, min(last, first + block), k + at + depth, part)
                    add_block(in_a, in_b, depth, new, out, 0, a.count, left, right, coming)


@njit(parallel=True)
def multiply_rows(a, b, out, height):
    """Each task computes `height` rows, for which it packs its own part of a."""
    most = even(b.depth, PACKED)
    packed_b = np.empty(panels(b.count, WIDTH) * panel_size(most, WIDTH), np.float32)
    block = WIDTH * even(panels(b.count, WIDTH), BLOCK)
    for k in range(0, b.depth, most):
        deep = min(most, b.depth - k)
        size_b, part = panel_size(deep, WIDTH), even(deep, DEPTH)
        if b.count * deep <= ALONE:
            pack_panels(b, 0, b.count, k, deep, WIDTH, PANEL_B, packed_b, size_b)
        else:
            for p in prange(panels(b.count, WIDTH)):
                pack(b, p * WIDTH, k, deep, WIDTH, PANEL_B, packed_b, p * size_b)
        for task in prange(panels(a.count, height)):
            top, bottom = task * height, min(a.count, (task + 1) * height)
            packed_a = np.empty(panels(height, ROWS) * panel_size(part, ROWS), np.float32)
            for at in range(0, deep, part):
                depth, new = min(part, deep - at), k + at == 0
                size_a = panel_size(depth, ROWS)
                in_a = Panels(packed_a, 0, size_a)
                pack_panels(a, top, bottom, k + at, depth, ROWS, PANEL_A, packed_a, size_a)
                for left in range(0, b.count, block):
                    right = min(b.count, left + block)
                    in_b = Panels(packed_b, left // WIDTH * size_b + at * WIDTH, size_b)
                    then = part if right == b.count else 0  # after this block a is packed again
                    coming = piece(a, top, bottom, k + at + depth, then)
                    add_block(in_a, in_b, depth, new, out, top, bottom, left, right, coming)


class Piece(NamedTuple):
    """Numbers that lie in rows: `length` of them from memory[start + row * step] on."""

    memory: np.ndarray  # flat
    start: int
    step: int
    rows: int
    length: int


@njit()
def piece(a, first, last, k, depth):
    """Where rows first to last of a lie, k to k + depth; nothing where k is beyond its depth."""
    depth = max(0, min(depth, a.depth - k))
    start = first * a.step + k * a.stride
    if a.step == 1:
        return Piece(a.memory, start, a.stride, depth, last - first)
    return Piece(a.memory, start, a.step, last - first, depth)


class Panels(NamedTuple):
    """Packed rows: panel number p begins at memory[start + p * size]."""

    memory: np.ndarray  # flat
    start: int
    size: int


@njit()
def panels(count, group):
    """So many panels of `group` rows hold `count` of them."""
    return -(-count // group)


@njit()
def panel_size(depth, group):
    """Floats of a panel: pack writes LANES of k at least, and up to LANES floats too many."""
    return max(depth, LANES) * group + LANES


@njit()
def pack_panels(a, first, last, k, depth, group, vectors, packed, size):
    """Rows first to last of a, each `group` of them a panel."""
    for p in range(panels(last - first, group)):
        pack(a, first + p * group, k, depth, group, vectors, packed, p * size)


@njit()
def pack(a, row, k, depth, group, vectors, packed, start):
    """`group` rows of a, k to k + depth: for each k, their numbers.

    Where there are fewer rows, what stands in their place is not used.  Vectors are wider than a
    group: what they write too far is written over, or lies between two panels.
    """
    memory, step, stride, count, _ = a
    wide = LANES * len(vectors)
    if step == 1:  # the k-th numbers of all rows are one piece of memory
        here, at = row + k * stride, start
        for _k in range(depth):
            if here + wide <= len(memory):
                store(load(memory, here, 0, ROW, vectors), packed, at, 0, vectors)
            else:
                for r in range(len(memory) - here):
                    packed[at + r] = memory[here + r]
            here += stride
            at += group
        return
    if row + wide > count or depth < LANES:  # as many rows and numbers as a square takes
        edge = np.zeros((wide, max(depth, LANES)), np.float32)
        for r in range(min(wide, count - row)):
            for i in range(depth):  # slices would take numba three seconds more
                edge[r, i] = memory[(row + r) * step + k + i]
        memory, step, row, k = edge.reshape(-1), edge.shape[1], 0, 0
    for i in range(0, depth, LANES):  # squares of numbers, turned in registers
        i = max(0, min(i, depth - LANES))
        for v in range(len(vectors) - 1, -1, -1):  # the last, which writes too far, comes first
            square = load(memory, (row + v * LANES) * step + k + i, step, SQUARE, COLUMN)
            store(transposed(square), packed, start + i * group + v * LANES, group, COLUMN)


@njit()
def add_block(a, b, depth, new, out, top, bottom, left, right, coming):
    """out[top:bottom, left:right] += a @ b, of Panels, tile by tile along rows; = if it is new.

    coming   a Piece that is needed next: each of the last tiles asks memory for one vector of its
             rows, a row with each k
    """
    (m, n), flat = out.shape, out.reshape(-1)
    corner = np.empty(ROWS * WIDTH, np.float32)
    tiles = panels(bottom - top, ROWS) * panels(right - left, WIDTH)
    vector = -(-coming.length // LANES) - tiles  # that a tile asks for; none below 0
    for i in range(top, bottom, ROWS):
        panel_a = a.start + (i - top) // ROWS * a.size
        for j in range(left, right, WIDTH):
            prefetch(flat, i * n + j, n, TILE_ROWS, TILE_COLS)  # until all k are done, it is there
            tile = zeros(TILE_ROWS, TILE_COLS)
            p, q = panel_a, b.start + (j - left) // WIDTH * b.size
            asked, rows_to_ask = coming.start + vector * LANES, coming.rows if vector >= 0 else 0
            vector += 1
            for row in range(depth):
                if row < rows_to_ask:
                    prefetch(coming.memory, asked, 0, ROW, COLUMN)
                    asked += coming.step
                prefetch(b.memory, q + AHEAD * WIDTH, 0, ROW, TILE_COLS)
                tile = fma_splat(tile, a.memory, p, 1, load(b.memory, q, 0, ROW, TILE_COLS))
                p += ROWS
                q += WIDTH
            rows, columns = min(ROWS, m - i), min(WIDTH, n - j)
            if rows == ROWS and columns == WIDTH:
                if not new:
                    tile = add(tile, load(flat, i * n + j, n, TILE_ROWS, TILE_COLS))
                store(tile, flat, i * n + j, n, TILE_COLS)
            else:  # at the edge: only the part that is inside
                store(tile, corner, 0, WIDTH, TILE_COLS)
                for r in range(rows):
                    for c in range(columns):
                        old = np.float32(0) if new else out[i + r, j + c]
                        out[i + r, j + c] = old + corner[r * WIDTH + c]
