"""A convolution as a sparse matrix: each application of a filter becomes a row.

    a, bias = decouple(conv, (28, 28, 1))
    y = a @ x + bias[:, None]        # x (H*W*c_in, N) -> y (Ho*Wo*c_out, N)

Once written out, weights that were shared are independent, and can be pruned one by one: the
posts' decoupling; elsewhere, the unrolled or (doubly blocked) Toeplitz matrix of a convolution.
docs/decoupling.md shows a small one.
"""

import reprlib

import numpy as np
import scipy.sparse

from nnlite.checks import check_shape
from nnlite.conv import Conv2D, conv_geometry


def decouple(conv, input_shape):
    """(matrix, bias) of a Conv2D for images of input_shape (H, W, c_in).

    matrix   scipy.sparse.csr_array (Ho*Wo*c_out, H*W*c_in), one row for each output neuron
    bias     (Ho*Wo*c_out,)
    Neurons are in the order of Flatten, (row*W + column)*C + channel, in both.  Weights that are
    exactly zero are not stored.  Raises ValueError for an input_shape that does not fit.
    """
    height, width, c_in = check_input_shape(input_shape, conv)
    (kh, kw), (sh, sw), w = conv.kernel, conv.stride, conv.w.value
    top, _, ho = conv_geometry(height, kh, sh, conv.padding)
    left, _, wo = conv_geometry(width, kw, sw, conv.padding)

    row, column = pixels_read(ho, kh, sh, top), pixels_read(wo, kw, sw, left)
    shape = (ho, wo, conv.c_out, kh, kw, c_in)  # the weights of a neuron side by side: CSR order
    row, column = row[:, None, None, :, None, None], column[None, :, None, None, :, None]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    neuron = (row * width + column) * c_in + np.arange(c_in)

    values = np.broadcast_to(w.transpose(3, 0, 1, 2), shape)
    stored = inside & (values != 0)
    neuron = np.broadcast_to(neuron.astype(np.int32), shape)
    per_row = stored.reshape(ho * wo * conv.c_out, -1).sum(axis=1)
    starts = np.concatenate([[0], np.cumsum(per_row)]).astype(np.int32)
    parts = values[stored], neuron[stored], starts
    matrix = scipy.sparse.csr_array(parts, shape=(len(per_row), height * width * c_in))
    return matrix, np.tile(conv.b.value, ho * wo)


def pixels_read(n_out, kernel, stride, before):
    """(n_out, kernel): along one axis, the pixel that an output sees; outside may be negative."""
    return np.arange(n_out)[:, None] * stride + np.arange(kernel) - before


def check_input_shape(input_shape, conv):
    if not isinstance(conv, Conv2D):
        raise ValueError(f"conv is {reprlib.repr(conv)}; a Conv2D is needed")
    shape = check_shape("input_shape", input_shape, 0)
    if len(shape) != 3 or shape[2] != conv.c_in or 0 in shape:
        raise ValueError(
            f"input_shape is {input_shape}; {conv} sees images of shape (H, W, {conv.c_in})"
        )
    return shape
