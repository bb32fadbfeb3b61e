"""The gradient of a convolution's filters in numba, for stride 1, without im2col.

    dw[i, j, k, o] = sum over images and pixels of x[row + i, col + j, k] * dy[row, col, o]

where x has its zeros around it.  One row of an image is a line of numbers, pixel after pixel and
channel after channel.  What a row of the window covers is one piece of it, kw * c_in long; from
pixel to pixel the piece moves by c_in.  So the lanes of a register are neighbours in that piece,
and a tile of a few filters times a few such registers is summed over a row of LANES images:

    tile[o, lane] += dy[row, col, o] * line[col * c_in + lane]

In the order of conv.py, (H, W, C, N), the images are the neighbours, so rows of LANES images are
transposed, in registers.  Which images a task sums does not depend on the number of threads, so
neither do the results.
"""

import math

import numpy as np
from numba import prange

from nnlite.fast.kernel import even, njit
from nnlite.fast.matmul import round_up
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

MOST_VECTORS = math.isqrt(TILE)  # registers of a piece in a tile, about as many as filters
MOST_TASKS = 64  # each has sums of its own
MOST_SUMS = 2**25  # floats, 128 MB, of all tasks
TWO_LINES = times(2)  # of the cache: so many may LANES numbers straddle


def filter_gradient(x, dy, kernel, before):
    """(dw (kh, kw, c_in, c_out), db (c_out,)) for x (H, W, c_in, N) and dy (Ho, Wo, c_out, N), N at
    least LANES.

    kernel   (kh, kw)
    before   zeros above and left of the image
    Returns NotImplemented if the sums of all tasks would take too much memory.
    """
    (kh, kw), c_in, c_out, n = kernel, x.shape[2], dy.shape[2], x.shape[3]
    in_piece = -(-kw * c_in // LANES)  # vectors
    vectors = even(in_piece, MOST_VECTORS)
    filters = even(c_out, TILE // vectors)
    tasks = min(-(-n // LANES), MOST_TASKS)
    size = tasks, kh, round_up(c_out, filters), round_up(in_piece, vectors) * LANES
    if math.prod(size) > MOST_SUMS:
        return NotImplemented
    sums, db = np.zeros(size, np.float32), np.zeros((tasks, c_out), np.float32)
    filter_gradient_kernel(x, dy, sums, db, kw, *before, times(filters), times(vectors))
    dw = np.empty((kh, kw, c_in, c_out), np.float32)
    sums = sums.sum(axis=0)[:, :, : kw * c_in].reshape(kh, -1, kw, c_in)
    first = np.minimum(np.arange(0, c_out, filters), c_out - filters)  # the last may overlap
    dw[..., np.add.outer(first, np.arange(filters)).ravel()] = sums.transpose(0, 2, 3, 1)
    return dw, db.sum(axis=0)


@njit(parallel=True)
def filter_gradient_kernel(x, dy, sums, db, kw, top, left, filters, vectors):
    """Add what the images of each task give to sums[task, i, o, j * c_in + k] and db[task, o]."""
    height, _, c_in, n = x.shape
    ho, wo, _, _ = dy.shape
    tasks, kh, _, wide = sums.shape
    groups = -(-n // LANES)
    # A line with room for its last piece; of odd length, in registers, because a cache has few
    # places for what lies apart by a power of two.
    length = (-(-((wo - 1) * c_in + wide) // LANES) | 1) * LANES
    for task in prange(tasks):
        lines = np.zeros(LANES * length, np.float32)
        for group in range(task * groups // tasks, (task + 1) * groups // tasks):
            image = min(group * LANES, n - LANES)
            new = group * LANES - image  # before it, in the last group, images that had their turn
            sum_pixels(dy, image, new, db[task])
            for r in range(height):
                transpose_row(x[r], image, lines, left * c_in, length)
                for i in range(max(0, r + top - ho + 1), min(kh, r + top + 1)):
                    dy_row, of_row = dy[r + top - i], sums[task, i]
                    add_row(lines, length, c_in, dy_row, image, new, of_row, filters, vectors)


@njit()
def transpose_row(x, image, lines, start, length):
    """lines[m * length + start + p] = x[p, image + m], x (width, c_in, N) seen as (numbers, N)."""
    n, count = x.shape[2], x.shape[0] * x.shape[1]
    x_ = x.reshape(-1)
    if count < LANES:
        for p in range(count):
            for m in range(LANES):
                lines[m * length + start + p] = x_[p * n + image + m]
        return
    for p in range(0, count, LANES):
        p = min(p, count - LANES)
        square = load(x_, p * n + image, n, SQUARE, COLUMN)
        store(transposed(square), lines, start + p, length, COLUMN)


@njit()
def add_row(lines, length, c_in, dy, image, new, sums, filters, vectors):
    """sums[o, lane] += dy[c, o, image + m] * lines[m * length + c * c_in + lane], over all c, and
    over m from `new` to LANES.

    Every tile has as many filters: the last begins with some that were in the one before.
    """
    (wo, c_out, n), (n_sums, wide) = dy.shape, sums.shape
    dy_, sums_ = dy.reshape(-1), sums.reshape(-1)
    for o in range(0, n_sums, len(filters)):
        for lane in range(0, wide, LANES * len(vectors)):
            at_dy = min(o, c_out - len(filters)) * n + image
            tile = load(sums_, o * wide + lane, wide, filters, vectors)
            for c in range(wo):
                prefetch(dy_, at_dy + c_out * n, n, filters, TWO_LINES)  # the pixel to the right
                at = new * length + c * c_in + lane
                for m in range(new, LANES):
                    piece = load(lines, at, 0, ROW, vectors)
                    tile = fma_splat(tile, dy_, at_dy + m, n, piece)
                    at += length
                at_dy += c_out * n
            store(tile, sums_, o * wide + lane, wide, vectors)


@njit()
def sum_pixels(dy, image, new, db):
    """db[o] += dy[r, c, o, image + m], over all r and c and over m from `new` to LANES."""
    ho, wo, c_out, n = dy.shape
    dy_, sums = dy.reshape(-1), np.empty(LANES, np.float32)
    for o in range(c_out):
        total = zeros(ROW, COLUMN)
        for pixel in range(ho * wo):
            at = (pixel * c_out + o) * n + image
            total = add(total, load(dy_, at, 0, ROW, COLUMN))
        store(total, sums, 0, 0, COLUMN)
        db[o] += sums[new:].sum()
