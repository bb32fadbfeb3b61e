"""Convolution: loops as the definition, im2col and one matrix product as the layer.

Images are (N, H, W, C), filters (kh, kw, c_in, c_out).  What deep learning calls a
convolution is a cross-correlation: the filter is not flipped.

`zeros`, ((top, bottom), (left, right)), says how many rows and columns of zeros surround an
image; `conv_geometry` turns padding into it.
"""

import itertools

import numpy as np

from nnlite.checks import as_float, check_count, check_pair, check_upstream, remembered
from nnlite.init import initialise
from nnlite.parameter import Parameter
from nnlite.replace import may_be_replaced

# im2col copies every pixel kh*kw times.  It is made in chunks of at most so many bytes,
# unless one row of outputs takes more.
CHUNK_BYTES = 2**25


def conv_geometry(size, kernel, stride, padding):
    """(zeros before, zeros after, outputs) along one axis.

    padding  an int: that many zeros on both sides;  "valid": none;  "same": enough for
             ceil(size / stride) outputs, the odd zero after, as in TensorFlow
    """
    if padding == "same":
        n_out = -(-size // stride)  # ceil(size / stride)
        zeros = max((n_out - 1) * stride + kernel - size, 0)
        return zeros // 2, zeros - zeros // 2, n_out
    zeros = 0 if padding == "valid" else padding
    n_out = (size + 2 * zeros - kernel) // stride + 1
    if n_out < 1:
        raise ValueError(
            f"a kernel of {kernel} does not fit into {size} pixels with padding {padding!r}; "
            f'use a smaller kernel, more padding, or padding="same"'
        )
    return zeros, zeros, n_out


def check_padding(padding):
    """Return `padding` if it is "same", "valid" or a whole number, else raise ValueError."""
    if isinstance(padding, str) and padding in ("same", "valid"):
        return padding
    if isinstance(padding, str) or padding is None:
        raise ValueError(f'padding is {padding!r}; it must be "same", "valid" or a whole number')
    return check_count("padding", padding, 0)


def check_filters(x, w, b):
    """Raise ValueError unless images (N, H, W, c_in), w (kh, kw, c_in, c_out), b (c_out,) fit."""
    if not x.ndim == w.ndim == 4 or x.shape[3] != w.shape[2] or b.shape != w.shape[3:]:
        raise ValueError(f"x {x.shape}, filters w {w.shape} and b {b.shape} do not fit together")


def conv2d_naive(x, w, b, stride=1, padding="same"):
    """The definition, with x padded and the sum over i, j, k:

        y[n, r, c, o] = b[o] + sum x[n, r*stride + i, c*stride + j, k] * w[i, j, k, o]

    x (N, H, W, c_in), w (kh, kw, c_in, c_out), b (c_out,) -> y (N, Ho, Wo, c_out).
    Slow; it is here to be read and to test Conv2D.
    """
    w, b = as_float(w, name="w"), as_float(b, name="b")
    x, padding = as_float(x, w.dtype), check_padding(padding)
    check_filters(x, w, b)
    (kh, kw, _, c_out), (sh, sw) = w.shape, check_pair("stride", stride)
    top, bottom, ho = conv_geometry(x.shape[1], kh, sh, padding)
    left, right, wo = conv_geometry(x.shape[2], kw, sw, padding)
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    y = np.zeros((len(x), ho, wo, c_out), dtype=x.dtype)
    for n, r, c, o in np.ndindex(y.shape):
        y[n, r, c, o] = b[o]
        for i, j in np.ndindex(kh, kw):
            y[n, r, c, o] += x[n, r * sh + i, c * sw + j] @ w[i, j, :, o]
    return y


def im2col(x, kernel, stride):
    """Every window of padded images as one row.

    x (N, H, W, C), kernel (kh, kw), stride (sh, sw) -> (N*Ho*Wo, kh*kw*C); a row holds its window
    in the order (i, j, channel).
    """
    (kh, kw), (sh, sw) = kernel, stride
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(1, 2))
    windows = windows[:, ::sh, ::sw].transpose(0, 1, 2, 4, 5, 3)  # (N, Ho, Wo, kh, kw, C), a view
    n, ho, wo, _, _, channels = windows.shape
    return windows.reshape(n * ho * wo, kh * kw * channels)  # the copy


def col2im(cols, shape, kernel, stride):
    """The transpose of im2col: each row is added back to the window it came from.

    cols (N*Ho*Wo, kh*kw*C) -> x of the given shape (N, H, W, C).
    """
    (n, height, width, channels), (kh, kw), (sh, sw) = shape, kernel, stride
    ho, wo = (height - kh) // sh + 1, (width - kw) // sw + 1
    cols = cols.reshape(n, ho, wo, kh, kw, channels)
    x = np.zeros(shape, dtype=cols.dtype)
    for i, j in np.ndindex(kh, kw):
        x[:, i : i + sh * ho : sh, j : j + sw * wo : sw] += cols[:, :, :, i, j]
    return x


def chunks(shape, kernel, stride, pixel_bytes):
    """Pieces of an output (N, Ho, Wo, c_out) whose im2col stays below CHUNK_BYTES.

    Yields (window, out): the index of the padded input that a piece of the output sees, and
    the index of that piece.  A piece is some images, or some rows of one.
    pixel_bytes   of one pixel of the input, all channels
    """
    (n, ho, wo, _), (kh, kw), sh = shape, kernel, stride[0]
    rows = max(1, CHUNK_BYTES // (wo * kh * kw * pixel_bytes))
    per_chunk, rows = max(1, rows // ho), min(rows, ho)
    for i, first in itertools.product(range(0, n, per_chunk), range(0, ho, rows)):
        images, last = slice(i, i + per_chunk), min(first + rows, ho) - 1
        yield (images, slice(first * sh, last * sh + kh)), (images, slice(first, last + 1))


@may_be_replaced
def conv2d(x, w, b, stride, zeros):
    """im2col(x) @ w.reshape(-1, c_out) + b, with zeros around x.

    x (N, H, W, c_in), w (kh, kw, c_in, c_out), b (c_out,) -> y (N, Ho, Wo, c_out)
    """
    check_filters(x, w, b)
    x = np.pad(x, ((0, 0), *zeros, (0, 0)))
    kernel, flat_w = w.shape[:2], w.reshape(-1, w.shape[3])  # (kh*kw*c_in, c_out)
    ho, wo = ((x.shape[axis + 1] - kernel[axis]) // stride[axis] + 1 for axis in (0, 1))
    y = np.empty((len(x), ho, wo, w.shape[3]), x.dtype)
    for window, out in chunks(y.shape, kernel, stride, x.itemsize * x.shape[3]):
        cols = im2col(x[window], kernel, stride)
        y[out] = (cols @ flat_w).reshape(y[out].shape)
    return y + b


@may_be_replaced
def conv2d_filter_gradient(x, dy, kernel, stride, zeros):
    """(d loss / d w, d loss / d b) of y = conv2d(x, w, b, stride, zeros)."""
    x = np.pad(x, ((0, 0), *zeros, (0, 0)))
    c_in, c_out = x.shape[3], dy.shape[3]
    dw = np.zeros((kernel[0] * kernel[1] * c_in, c_out), x.dtype)
    for window, out in chunks(dy.shape, kernel, stride, x.itemsize * c_in):
        cols = im2col(x[window], kernel, stride)
        dw += cols.T @ dy[out].reshape(-1, c_out)
    return dw.reshape(*kernel, c_in, c_out), dy.sum(axis=(0, 1, 2))


@may_be_replaced
def conv2d_input_gradient(dy, w, stride, zeros, size):
    """d loss / d x, (N, *size, c_in), of y = conv2d(x, w, b, stride, zeros)."""
    (kernel, c_in, c_out), (height, width) = (w.shape[:2], *w.shape[2:]), size
    flat_w, ((top, bottom), (left, right)) = w.reshape(-1, c_out), zeros
    dx = np.zeros((len(dy), top + height + bottom, left + width + right, c_in), dy.dtype)
    for window, out in chunks(dy.shape, kernel, stride, dy.itemsize * c_in):
        dcols = dy[out].reshape(-1, c_out) @ flat_w.T  # (N*Ho*Wo, kh*kw*c_in)
        dx[window] += col2im(dcols, dx[window].shape, kernel, stride)
    return dx[:, top : top + height, left : left + width]


class Conv2D:
    """Convolution, y = im2col(x) @ w.reshape(-1, c_out) + b.

    x (N, H, W, c_in) -> y (N, Ho, Wo, c_out);  w (kh, kw, c_in, c_out), b (c_out,)
    kernel, stride: an int or a pair (rows, columns);  padding: see conv_geometry.
    init: "default", "he" or "posts" (see nnlite.init).
    Raises ValueError for sizes below 1, unknown names, or x of another shape.
    """

    args = ("c_in", "c_out", "kernel", "stride", "padding")

    def __init__(self, c_in, c_out, kernel, stride=1, padding="same", *, rng, init="default"):
        self.c_in, self.c_out = check_count("c_in", c_in), check_count("c_out", c_out)
        self.kernel, self.stride = check_pair("kernel", kernel), check_pair("stride", stride)
        self.padding = check_padding(padding)
        w, b = initialise(init, (*self.kernel, self.c_in, self.c_out), rng)
        self.w, self.b = Parameter(w), Parameter(b)
        self.cache = None

    @property
    def params(self):
        """[w, b]"""
        return [self.w, self.b]

    def geometry(self, height, width):
        """(zeros, (Ho, Wo)) for images of height x width."""
        height, width = check_count("height", height), check_count("width", width)
        top, bottom, ho = conv_geometry(height, self.kernel[0], self.stride[0], self.padding)
        left, right, wo = conv_geometry(width, self.kernel[1], self.stride[1], self.padding)
        return ((top, bottom), (left, right)), (ho, wo)

    def forward(self, x, train=False):
        """x (N, H, W, c_in) -> y (N, Ho, Wo, c_out)"""
        x = as_float(x, self.w.value.dtype)
        if x.ndim != 4 or x.shape[3] != self.c_in or 0 in x.shape[1:]:
            raise ValueError(f"{self} takes x of shape (N, H, W, {self.c_in}), got {x.shape}")
        zeros, size = self.geometry(x.shape[1], x.shape[2])
        self.cache = x, zeros, (len(x), *size, self.c_out)
        return conv2d(x, self.w.value, self.b.value, self.stride, zeros)

    def backward(self, dy):
        """dy (N, Ho, Wo, c_out) -> dx like x; assigns the gradients of w and b."""
        self.backward_params(dy)
        return self.backward_input(dy)

    def backward_params(self, dy):
        """Assign the gradients of w and b."""
        x, zeros, shape = remembered(self)
        dy = check_upstream(self, dy, shape, x.dtype)
        dw, db = conv2d_filter_gradient(x, dy, self.kernel, self.stride, zeros)
        self.w.grad, self.b.grad = dw, db

    def backward_input(self, dy):
        """dy (N, Ho, Wo, c_out) -> dx (N, H, W, c_in)"""
        x, zeros, shape = remembered(self)
        dy = check_upstream(self, dy, shape, x.dtype)
        return conv2d_input_gradient(dy, self.w.value, self.stride, zeros, x.shape[1:3])

    def __repr__(self):
        (kh, kw), (sh, sw) = self.kernel, self.stride
        kernel, stride = kh if kh == kw else (kh, kw), sh if sh == sw else (sh, sw)
        return f"Conv2D({self.c_in}, {self.c_out}, {kernel}, {stride}, {self.padding!r})"
