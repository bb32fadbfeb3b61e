"""Convolutions of stride 1 of a few images, fewer than half the lanes of a register.

With so few images a register cannot hold the same pixel of each, as it does in conv.py.  Here it
holds neighbouring pixels of one image.  Each channel becomes a plane: its rows one after the other,
with the zeros around them.  In that order the pixel of x that is under filter entry (i, j) is
always as far from the pixel of y,

    y[o, p] = b[o] + sum over i, j, k of w[i, j, k, o] * x[k, p + i*width + j]

for p along the whole plane.  Between the rows of y, where the window runs over the end of a row of
x, there are a few pixels that mean nothing; they are left out when y is copied.  That is also when
a relu is taken.
"""

import numpy as np
from numba import prange

from nnlite.fast.kernel import even, njit
from nnlite.fast.simd import LANES, ROW, TILE, fma_splat, load, store, times, zeros

COLUMNS = times(4 if TILE > 16 else 2)  # vectors of pixels in a tile
MOST_FILTERS = TILE // len(COLUMNS)  # in a tile
PIXELS = len(COLUMNS) * LANES
ONE_EACH = np.ones(PIXELS, np.float32)


def through(layers, x):
    """Convolutions of stride 1 with their relus, one after the other, of images (N, H, W, C).

    layers   (w, b, before, size, relu) each, see convolve
    """
    relu = False
    for *layer, next_relu in layers:
        x, relu = convolve(x, *layer, relu), next_relu
    y = np.empty(x.shape, np.float32)
    copy(x, y, relu)
    return y


def copy(x, y, relu):
    """y = x, or max(x, 0)."""
    if relu:
        np.maximum(x, 0, out=y)
    else:
        y[...] = x


def convolve(x, w, b, before, size, relu=False):
    """Convolution of stride 1 of images (N, H, W, c_in) -> (N, *size, c_out).

    before   zeros above and left of the image, also fewer than none
    relu     whether it is taken of x first
    """
    (kh, kw), c_out, (ho, wo) = w.shape[:2], w.shape[3], size
    width = wo + kw - 1
    length = -(-ho * width // PIXELS) * PIXELS  # of a plane of y, in whole tiles
    x = planes(x, before, (ho + kh - 1, width), length + (kh - 1) * width + kw - 1, relu)
    y = np.empty((len(x), c_out, length), np.float32)
    filters = even(c_out, MOST_FILTERS)  # tiles of the same size for all
    w, b = np.ascontiguousarray(w), np.ascontiguousarray(b)
    kernel(x, w, b, y, width, times(filters))
    rows = y[:, :, : ho * width].reshape(len(x), c_out, ho, width)
    return rows[:, :, :, :wo].transpose(0, 2, 3, 1)


def planes(x, before, size, length, relu):
    """Images (N, H, W, C) as planes (N, C, length) of `size`, zeros around and behind."""
    n, height, width, channels = x.shape
    result = np.zeros((n, channels, length), np.float32)
    inside = result[:, :, : size[0] * size[1]].reshape(n, channels, *size)
    (top, left), (h, w) = np.maximum(before, 0), np.maximum(np.negative(before), 0)
    rows, cols = min(height - h, size[0] - top), min(width - w, size[1] - left)
    part = x[:, h : h + rows, w : w + cols].transpose(0, 3, 1, 2)
    copy(part, inside[:, :, top : top + rows, left : left + cols], relu)
    return result


@njit(parallel=True)
def kernel(x, w, b, y, width, filters):
    """Fill planes y (N, c_out, length) from planes x (N, c_in, length); w and b of a Conv2D.

    A task is PIXELS pixels of an image, for len(filters) filters.
    """
    n, c_in, x_length = x.shape
    kh, kw, _, c_out = w.shape
    y_length = y.shape[2]
    groups, across = -(-c_out // len(filters)), y_length // PIXELS
    x_, w_, y_ = x.reshape(-1), w.reshape(-1), y.reshape(-1)
    ones = load(ONE_EACH, 0, 0, ROW, COLUMNS)
    for task in prange(n * across * groups):
        image, p = task // groups // across, task // groups % across * PIXELS
        first = min(task % groups * len(filters), c_out - len(filters))  # some done twice
        tile = fma_splat(zeros(filters, COLUMNS), b, first, 1, ones)
        at_w = first
        for i in range(kh):
            for j in range(kw):
                at_x = image * c_in * x_length + p + i * width + j
                for _ in range(c_in):
                    tile = fma_splat(tile, w_, at_w, 1, load(x_, at_x, 0, ROW, COLUMNS))
                    at_x += x_length
                    at_w += c_out
        store(tile, y_, (image * c_out + first) * y_length + p, y_length, COLUMNS)
