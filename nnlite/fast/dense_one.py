"""One image through a dense layer: the weights that meet a zero are not read.

For a single image every weight is used once, so the time is that of reading them from memory; and
behind a relu half of the inputs are zeros, or more.  The weights of an input are one row.  A tile
is as wide as a piece of it, and goes from row to row:

    tile[lane] += x[k] * w[k, first + lane]       for all k where x[k] is not zero
"""

import numpy as np
from numba import prange

from nnlite.fast.kernel import all_float32, even, njit
from nnlite.fast.matmul import ONE_THREAD
from nnlite.fast.simd import LANES, ROW, TILE, fma_splat, load, prefetch, relu, store, times
from nnlite.sparse.layers import images_of_shape

AHEAD = 4  # so many rows before they are multiplied, weights are asked for


def suited(layer):
    """Whether `forward` takes this Linear: large, dense, and finite, since 0 * nan is nan."""
    w = layer.matrix.T
    if layer.is_sparse or not (all_float32(w, layer.bias) and w.flags.c_contiguous):
        return False
    return w.size > ONE_THREAD and layer.n_out >= LANES and bool(np.isfinite(w).all())


def forward(layer, x):
    """What a suited Linear makes of one image x (1, ...), n_in numbers: (1, n_out)."""
    x = np.ascontiguousarray(images_of_shape(x, (layer.n_in,))[0])
    y = np.empty(layer.n_out, np.float32)
    vectors = times(even(layer.n_out // LANES, TILE))  # the last tile overlaps the one before
    multiply(x, np.flatnonzero(x), layer.matrix.T, layer.bias, layer.relu, y, vectors)
    return y[None]


@njit(parallel=True)
def multiply(x, places, w, bias, with_relu, y, vectors):
    """y = relu(x[places] @ w[places] + bias), or without the relu."""
    n_out, width = len(bias), LANES * len(vectors)
    w_ = w.reshape(-1)
    for task in prange(-(-n_out // width)):
        first = min(task * width, n_out - width)
        tile = load(bias, first, 0, ROW, vectors)
        for i in range(len(places)):
            later = places[min(i + AHEAD, len(places) - 1)]
            prefetch(w_, later * n_out + first, 0, ROW, vectors)
            weights = load(w_, places[i] * n_out + first, 0, ROW, vectors)
            tile = fma_splat(tile, x, places[i], 0, weights)
        if with_relu:
            tile = relu(tile)
        store(tile, y, first, 0, vectors)
