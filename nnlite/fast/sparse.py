"""The product of a sparse matrix and a dense one, in numba.

What makes it fast: images go through all rows in tiles of LANES to 4 * LANES.  The sums of one row
for the images of a tile stay in registers while its weights pass; a weight is loaded once for all
of them, and each load of x brings LANES images, because activations are kept in panels (panels.py).
The matrix is cut into blocks of columns whose inputs stay in the first cache.
docs/sparse-inference.md goes there step by step.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy.sparse
from numba import get_num_threads, prange

from nnlite.fast.kernel import SECOND_CACHE, njit
from nnlite.fast.panels import WIDTHS, empty_panels, pack, tile_width, unpack
from nnlite.fast.simd import LANES, ROW, fma_splat, load, prefetch, relu, store, times, zeros
from nnlite.sparse.product import is_whole

BLOCK = 160  # columns at least; their part of a tile, 160 x 64 floats, is about the first cache
ENOUGH = 12  # weights of a row in a block: for fewer it does not pay to load and store y once more
NEAR = 128  # the same where the next row reads nearly the same inputs: they stay in the first cache
GROUP = 64  # rows that are sorted by their weights in a block, and stay together
CHUNK = SECOND_CACHE // 16  # weights, 6 bytes each, that stay in it while tiles pass
STEP = np.uintp(1)  # numba asks of every signed index whether it is negative; of these it does not
ONE_EACH = np.ones(WIDTHS[-1], np.float32)  # multiplied with, where two tiles are to be added


def csr_matmul(a, x):
    """nnlite.sparse.csr_matmul, on all threads; float64 without registers."""
    if not suited(a, x):
        return NotImplemented
    if x.ndim == 1:
        return csr_matmul(a, x[:, None])[:, 0]
    dtype = np.result_type(a.dtype, x.dtype)
    values, x = np.ascontiguousarray(a.data, dtype), x.astype(dtype, copy=False)
    starts = a.indptr.astype(np.int32 if a.nnz < 2**31 else np.int64, copy=False)
    columns = a.indices.astype(smallest(a.shape[1]))
    y = np.empty((a.shape[0], x.shape[1]), dtype)
    if dtype == np.float64:
        multiply_rows(starts, columns, values, np.ascontiguousarray(x), y)
    elif y.size:
        rows = np.arange(len(y), dtype=np.int32)
        blocks = Blocks(a.shape, a.shape[1], rows, starts, columns, values, starts)
        panels = pack(x.T, tile_width(x.shape[1]))
        unpack(multiply(blocks, panels, np.zeros(len(y), np.float32), False), y.T)
    return y


def suited(a, x):
    """Whether a is a CSR matrix and x fits to it, and no index leads outside."""
    if not scipy.sparse.issparse(a) or a.format != "csr" or a.ndim != 2:
        return False
    if type(x) is not np.ndarray or any(b.dtype not in (np.float32, np.float64) for b in (a, x)):
        return False
    return x.ndim in (1, 2) and x.shape[0] == a.shape[1] and is_whole(a)


class Blocks(NamedTuple):
    """A CSR matrix (M, K) cut into blocks of columns: all rows of the first, of the second, ..."""

    shape: tuple  # (M, K)
    width: int  # columns of a block
    rows: np.ndarray  # (blocks * M,); place i of block b is row rows[b*M + i]
    starts: np.ndarray  # (blocks * M + 1,); its weights begin at starts[b*M + i]
    columns: np.ndarray  # of each weight, in as few bytes as hold it
    values: np.ndarray
    before: np.ndarray  # (M + 1,); weights in the rows before, of all blocks


def blocks_of(a, group=GROUP):
    """A CSR matrix as Blocks of block_width(a) columns.

    Of `group` rows those with the fewest weights in a block come first: the processor guesses where
    a row ends, and is right while the next is as long as the last.  Every other row runs
    backwards, and begins with the inputs that the row before read last.
    """
    (m, k), width = a.shape, block_width(a)
    blocks = max(1, -(-k // width))
    row, block = np.repeat(np.arange(m), np.diff(a.indptr)), a.indices // width
    weights = np.bincount(block * m + row, minlength=blocks * m).reshape(blocks, m)
    rows = np.lexsort((weights, np.broadcast_to(np.arange(m) // group, weights.shape)))
    place = block * m + np.argsort(rows)[block, row]  # of each weight
    order = np.lexsort((np.where(place % 2, -a.indices, a.indices), place))
    starts = np.searchsorted(place[order], np.arange(blocks * m + 1)).astype(np.int32)
    columns = a.indices[order].astype(smallest(k))
    rows = rows.reshape(-1).astype(np.int32)
    return Blocks(a.shape, width, rows, starts, columns, a.data[order], a.indptr.copy())


def block_width(a):
    """Columns of a block: BLOCK, or as many as have ENOUGH weights in a row.

    Rows that reach over less than half of the columns are taken for those of a decoupled
    convolution, which read what their neighbours read: as many as have NEAR weights in a row, or
    all, where the rows are no longer than BLOCK.
    """
    (m, k), full = a.shape, np.diff(a.indptr) > 0
    if not full.any():
        return max(1, k)
    starts = a.indptr[:-1][full]
    last, first = (f.reduceat(a.indices, starts) for f in (np.maximum, np.minimum))
    reach, length = np.mean(last - first + 1), a.nnz / len(starts)
    if reach >= k / 2:
        return min(k, max(BLOCK, math.ceil(ENOUGH * m * k / a.nnz)))
    return k if length <= BLOCK else min(k, math.ceil(NEAR * reach / length))


def smallest(n):
    """The type for numbers below n."""
    return np.uint16 if n <= 2**16 else np.uint32


def multiply(a, x, bias, with_relu, buffer=None):
    """relu(a @ x + bias) of Blocks a and panels x (tiles, K, width), as panels (tiles, M, width).

    bias (M,);  with_relu: whether the relu is taken;  buffer: see empty_panels.
    The columns in the Blocks are not checked.
    """
    tiles, features, width = x.shape
    if (*bias.shape, features) != a.shape:
        raise ValueError(f"a matrix {a.shape}, bias {bias.shape} and {features} inputs do not fit")
    y = empty_panels(tiles, len(bias), width, buffer)
    threads, m = get_num_threads(), len(bias)
    if tiles >= threads:  # each thread takes some of the images, and all weights
        ends, tiles = [0, m], [tiles * i // threads for i in range(threads + 1)]
    else:  # or all images, and its share of the weights, in whole groups of rows
        shares = np.array([int(a.before[-1]) * i // threads for i in range(1, threads)])
        groups = np.rint(np.searchsorted(a.before, shares) / GROUP).astype(int)
        ends, tiles = [0, *np.minimum(groups * GROUP, m), m], [0, tiles]
    ends, tiles = np.array(ends, np.intp), np.array(tiles, np.intp)
    matrix, vectors = (a.rows, a.starts, a.columns, a.values), times(width // LANES)
    parts = -(-len(a.values) // CHUNK)
    chunk = -(-m // max(1, parts * GROUP)) * GROUP  # rows; whole groups
    multiply_tiles(*matrix, bias, with_relu, x, y, vectors, ends, tiles, chunk, a.width)
    return y


@njit(parallel=True)
def multiply_tiles(
    rows, starts, columns, values, bias, with_relu, x, y, vectors, row_ends, tile_ends, chunk, block
):
    parts = len(tile_ends) - 1
    for task in prange((len(row_ends) - 1) * parts):
        first, last = row_ends[task // parts], row_ends[task // parts + 1]
        first_tile, last_tile = tile_ends[task % parts], tile_ends[task % parts + 1]
        ahead = block if block < x.shape[1] and last_tile - first_tile > 1 else 0
        while first < last:
            end = min(last, first + chunk)
            for t in range(first_tile, last_tile):
                multiply_chunk(
                    *(rows, starts, columns, values, bias, with_relu),
                    *(x[t], y[t], vectors, first, end, ahead),
                )
            first = end


@njit()
def multiply_chunk(
    rows, starts, columns, values, bias, with_relu, x, y, vectors, first, last, ahead
):
    """y[first:last] of one tile, block by block: x (K, width), y (M, width).

    ahead   columns of a block, where there are several and other tiles follow, else 0.  Each row
            asks memory for a column of the next block, behind the last one of the next tile, and
            in the last block for its place in that tile's y.
    """
    m, (k, width) = len(bias), x.shape
    blocks = (len(starts) - 1) // m
    x, y = x.reshape(-1), y.reshape(-1)
    ones = load(ONE_EACH, 0, 0, ROW, vectors)
    begin, end = 0, blocks  # of those in which these rows have weights
    while begin < end - 1 and starts[begin * m + first] == starts[begin * m + last]:
        begin += 1
    while begin < end - 1 and starts[(end - 1) * m + first] == starts[(end - 1) * m + last]:
        end -= 1
    for block in range(begin, end):
        last_block = block == end - 1
        next_block = k + begin * ahead if last_block else (block + 1) * ahead
        for place in range(np.uintp(block * m + first), np.uintp(block * m + last)):
            row, i = rows[place], np.intp(place) - block * m - first
            if ahead and i < ahead:  # where ahead is 0, the compiler drops both questions
                prefetch(x, (next_block + i) * width, 0, ROW, vectors)
            if ahead and last_block:
                prefetch(y, (m + row) * width, 0, ROW, vectors)
            if block == begin:
                even = fma_splat(zeros(ROW, vectors), bias, row, 0, ones)
            else:
                even = load(y, row * width, 0, ROW, vectors)
            # Two sums, because an addition takes longer than the time until the next could begin.
            odd = zeros(ROW, vectors)
            p, stop = np.uintp(starts[place]), np.uintp(starts[place + STEP])
            while p + STEP < stop:
                q = p + STEP
                at_even, at_odd = np.intp(columns[p]) * width, np.intp(columns[q]) * width
                even = fma_splat(even, values, p, 0, load(x, at_even, 0, ROW, vectors))
                odd = fma_splat(odd, values, q, 0, load(x, at_odd, 0, ROW, vectors))
                p = q + STEP
            if p < stop:
                at_even = np.intp(columns[p]) * width
                even = fma_splat(even, values, p, 0, load(x, at_even, 0, ROW, vectors))
            total = fma_splat(even, ONE_EACH, 0, 0, odd)  # even + 1 * odd
            if with_relu and last_block:
                total = relu(total)
            store(total, y, row * width, 0, vectors)


@njit(parallel=True)
def multiply_rows(starts, columns, values, x, y):
    """The same without registers, for float64: each row is one task."""
    for row in prange(y.shape[0]):
        y[row] = 0
        for p in range(np.uintp(starts[row]), np.uintp(starts[row + 1])):
            value, k = values[p], columns[p]
            for i in range(y.shape[1]):
                y[row, i] += value * x[k, i]
