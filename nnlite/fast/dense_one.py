"""One image through a dense layer: the weights that meet a zero are not read.

For a single image every weight is used once, so the time is that of reading them from memory; and
behind a relu about half of the inputs are zeros.  The weights of an input are one row,

    y += x[k] * w[k]       for all k where x[k] is not zero

and memory is fastest when it is read straight through: ROWS rows at a time, the next ROWS on their
way, while the sums stay in the first cache.
"""

import numpy as np
from numba import prange

from nnlite.fast.kernel import all_float32, njit
from nnlite.fast.simd import COLUMN, LANES, ROW, fma_splat, load, prefetch, store
from nnlite.sparse.layers import images_of_shape

ROWS = 8  # at a time: a sum is loaded and stored once for so many weights
LARGE = 2**18  # weights, or 1 MB, are worth being read by several threads
PARTS = 8  # of the rows, each with sums of its own, on however many threads


def suited(layer):
    """Whether `forward` takes this Linear: large, dense, and finite, since 0 * nan is nan."""
    w = layer.matrix.T
    if layer.is_sparse or not (all_float32(w, layer.bias) and w.flags.c_contiguous):
        return False
    return w.size > LARGE and layer.n_out >= LANES and bool(np.isfinite(w).all())


def forward(layer, x):
    """What a suited Linear makes of one image x (1, ...), n_in numbers: (1, n_out)."""
    x = np.ascontiguousarray(images_of_shape(x, (layer.n_in,))[0])
    y = np.empty(layer.n_out, np.float32)
    multiply(x, np.flatnonzero(x), layer.matrix.T, layer.bias, layer.relu, y)
    return y[None]


@njit(parallel=True)
def multiply(x, places, w, bias, with_relu, y):
    """y (n_out,) = relu(x[places] @ w[places] + bias), or without the relu; w (n_in, n_out).

    A tile is LANES sums; the last one may overlap the one before.
    """
    n_out, w_ = len(bias), w.reshape(-1)
    tiles = -(-n_out // LANES)
    sums = np.zeros((PARTS, tiles * LANES), np.float32)
    for part in prange(PARTS):
        sums_, end = sums[part], len(places) * (part + 1) // PARTS
        for start in range(len(places) * part // PARTS, end, ROWS):
            for t in range(tiles):
                first = min(t * LANES, n_out - LANES)
                tile = load(sums_, t * LANES, 0, ROW, COLUMN)
                for i in range(start, min(start + ROWS, end)):
                    next_row = places[min(i + ROWS, end - 1)]
                    prefetch(w_, next_row * n_out + first, 0, ROW, COLUMN)
                    weights = load(w_, places[i] * n_out + first, 0, ROW, COLUMN)
                    tile = fma_splat(tile, x, places[i], 0, weights)
                store(tile, sums_, t * LANES, 0, COLUMN)
    for t in range(tiles):
        first = min(t * LANES, n_out - LANES)
        for lane in range(LANES):
            total = bias[first + lane]
            for part in range(PARTS):
                total += sums[part, t * LANES + lane]
            y[first + lane] = np.float32(0) if with_relu and total <= 0 else total  # nan stays
