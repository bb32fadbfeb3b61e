"""Convolutions of stride 1 in numba, straight from the definition: no im2col, no padded copy.

The images of a batch lie side by side in memory, (H, W, C, N), so that one register holds the
same pixel of LANES images and every weight serves them all.  For the reader the arrays are
(N, H, W, C) as everywhere: `transpose` changes how they are indexed, not how they lie.  What
does the same to all pixels (ReLU, dropout) keeps that order, and Flatten needs no copy.

The outputs of one pixel are a tile of registers, one for each filter; the sums run over the
window, of which only the part inside the image is visited.  While a pixel is multiplied, the one to
its right is asked for: its channels lie too far apart for the processor to guess.  For a few images
see conv_few.py, for the gradient of the filters conv_gradient.py.
"""

import numpy as np
from numba import prange

from nnlite.fast import conv_few
from nnlite.fast.conv_gradient import filter_gradient
from nnlite.fast.kernel import all_float32, njit
from nnlite.fast.simd import (
    COLUMN,
    LANES,
    ROW,
    TILE,
    fma_splat,
    load,
    prefetch,
    splat,
    store,
    times,
)


def conv2d(x, w, b, stride, zeros):
    """nnlite.conv.conv2d, of float32 images with stride 1."""
    if not takes(x, w, b, stride, zeros):
        return NotImplemented
    return convolve(x, w, b, top_left(zeros), output_size(x.shape[1:3], w.shape, zeros))


def takes(x, w, b, stride, zeros):
    """Whether conv2d has a fast version for these."""
    if not suited(stride, x, w, b) or x.ndim != 4 or w.ndim != 4 or b.shape != w.shape[3:]:
        return False
    if x.shape[3] != w.shape[2] or min(output_size(x.shape[1:3], w.shape, zeros)) < 1:
        return False
    return np.isfinite(w).all()  # in NumPy others meet the zeros around the image: 0 * inf


def conv2d_input_gradient(dy, w, stride, zeros, size):
    """nnlite.conv.conv2d_input_gradient: a convolution of dy with the filters turned around."""
    if not suited(stride, dy, w) or w.ndim != 4 or min(size) < 1:
        return NotImplemented
    if dy.shape[1:] != (*output_size(size, w.shape, zeros), w.shape[3]):
        return NotImplemented
    if not np.isfinite(w).all():  # they meet zeros in conv_few
        return NotImplemented
    turned = w[::-1, ::-1].transpose(0, 1, 3, 2)  # (kh, kw, c_out, c_in)
    top, left = top_left(zeros)
    before = w.shape[0] - 1 - top, w.shape[1] - 1 - left
    return convolve(dy, turned, np.zeros(w.shape[2], np.float32), before, size)


def conv2d_filter_gradient(x, dy, kernel, stride, zeros):
    """nnlite.conv.conv2d_filter_gradient, of float32 images, LANES or more, with stride 1."""
    if not suited(stride, x, dy) or not x.ndim == dy.ndim == 4 or len(x) != len(dy):
        return NotImplemented
    size = output_size(x.shape[1:3], kernel, zeros)
    if len(x) < LANES or dy.shape[1:3] != size or min(size) < 1:
        return NotImplemented
    found = filter_gradient(batch_last(x), batch_last(dy), kernel, top_left(zeros))
    if found is NotImplemented or not all(np.isfinite(array).all() for array in found):
        return NotImplemented  # 0 * inf: in NumPy others meet the zeros around the image
    return found


def suited(stride, x, *others):
    """Whether all is float32, there is something of each, and the stride is 1."""
    taken = all_float32(x, *others) and all(a.size for a in (x, *others))
    return taken and tuple(stride) == (1, 1)


def output_size(size, kernel, zeros):
    """(Ho, Wo) of images of size (H, W) with zeros around; (0, 0) if zeros are below 0."""
    if min(min(zeros)) < 0:
        return 0, 0
    return tuple(size[axis] + sum(zeros[axis]) - kernel[axis] + 1 for axis in (0, 1))


def top_left(zeros):
    """Zeros above and left, of ((top, bottom), (left, right))."""
    return zeros[0][0], zeros[1][0]


def convolve(x, w, b, before, size):
    """Convolution of stride 1 of images (N, H, W, c_in) -> (N, *size, c_out).

    before   zeros above and left of the image, also fewer than none
    """
    n = len(x)
    if few(n):
        return conv_few.convolve(x, w, b, before, size)
    if n < LANES:  # a register that is not full still pays
        missing = np.zeros((LANES - n, *x.shape[1:]), np.float32)
        return convolve(np.concatenate([x, missing]), w, b, before, size)[:n]
    x = batch_last(x)
    c_out = w.shape[3]
    y = np.empty((*size, c_out, x.shape[3]), np.float32)
    n_blocks = -(-c_out // TILE)
    w, b = np.ascontiguousarray(w), np.ascontiguousarray(b)
    for block in np.array_split(np.arange(c_out), n_blocks):
        convolution_kernel(x, w, b, y, *before, block[0], times(len(block)))
    return y.transpose(3, 0, 1, 2)


def few(n):
    """Whether conv_few.py is the quicker for so many images."""
    return 2 * n < LANES


def batch_last(x):
    """(N, H, W, C) -> (H, W, C, N), contiguous; no copy if it came from here."""
    return np.ascontiguousarray(x.transpose(1, 2, 3, 0))


@njit(parallel=True)
def convolution_kernel(x, w, b, y, top, left, first, filters):
    """y[:, :, first:first+len(filters)], for all images."""
    height, width, c_in, n = x.shape
    kh, kw, _, c_out = w.shape
    x_, w_, y_ = x.reshape(-1), w.reshape(-1), y.reshape(-1)
    for r in prange(y.shape[0]):
        i_first, i_end = max(0, top - r), min(kh, height + top - r)
        for c in range(y.shape[1]):
            j_first, j_end = max(0, left - c), min(kw, width + left - c)
            for start in range(0, n, LANES):
                image = min(start, n - LANES)  # the last LANES, some of them done twice
                at_y = ((r * y.shape[1] + c) * c_out + first) * n + image
                prefetch(y_, at_y, n, filters, COLUMN)  # until all is summed, it is there
                tile = splat(b, first, filters)
                for i in range(i_first, i_end):
                    # Neighbouring pixels and their channels are one run in memory.
                    at_x = ((r + i - top) * width + c + j_first - left) * c_in * n + image
                    at_w = (i * kw + j_first) * c_in * c_out + first
                    for _ in range((j_end - j_first) * c_in):
                        prefetch(x_, at_x + c_in * n, 0, ROW, COLUMN)  # the pixel to the right
                        tile = fma_splat(tile, w_, at_w, 1, load(x_, at_x, 0, ROW, COLUMN))
                        at_x += n
                        at_w += c_out
                store(tile, y_, at_y, n, COLUMN)
