"""The layers of a SparseNetwork, and how a Sequential becomes such layers.

Bias and ReLU are part of a layer.  Linear has a matrix, sparse or dense; Convolution still has
its filters.  Of a backward pass they have the gradient of the inputs only: these are for inference.
"""

from dataclasses import dataclass, replace
from math import prod

import numpy as np
import scipy.sparse

from nnlite.checks import as_array, as_float, check_model, check_upstream
from nnlite.conv import Conv2D, conv2d, conv2d_input_gradient
from nnlite.layers import Dense, Dropout, Flatten, ReLU, matmul, relu, relu_gradient
from nnlite.model import layer_text
from nnlite.sparse.decouple import check_input_shape, decouple, pixels_read
from nnlite.sparse.product import check_indices, csr_matmul


@dataclass(frozen=True, eq=False)
class Linear:
    """relu(matrix @ x + bias), or without the relu.

    matrix   (n_out, n_in): a scipy.sparse CSR matrix, or a NumPy array;  bias (n_out,)
    """

    matrix: object
    bias: np.ndarray
    relu: bool = False

    def __post_init__(self):
        check_linear(self.matrix, self.bias)

    def forward(self, x):
        """x (N, ...), n_in numbers each -> (N, n_out)."""
        x = images_of_shape(x, self.matrix.shape[1:])
        y = csr_matmul(self.matrix, x.T).T if self.is_sparse else matmul(x, self.matrix.T)
        y += self.bias
        return relu(y) if self.relu else y

    def backward_input(self, dy, y):
        """dy (N, n_out) = d loss / d y, of y that forward(x) gave -> d loss / d x (N, n_in)"""
        a, dy = self.matrix, before_relu(self, dy, y, (self.n_out,))
        return csr_matmul(transposed(a), dy.T).T if self.is_sparse else matmul(dy, a)

    @property
    def n_in(self):
        return self.matrix.shape[1]

    @property
    def n_out(self):
        return self.matrix.shape[0]

    @property
    def is_sparse(self):
        return scipy.sparse.issparse(self.matrix)

    @property
    def non_zeros(self):
        return self.matrix.nnz if self.is_sparse else int(np.count_nonzero(self.matrix))

    @property
    def density(self):
        return self.non_zeros / max(self.matrix.shape[0] * self.matrix.shape[1], 1)

    @property
    def multiplications(self):
        """Number of multiplications for one image."""
        return self.non_zeros if self.is_sparse else self.matrix.size

    @property
    def bytes(self):
        a = self.matrix
        parts = (a.data, a.indices, a.indptr) if self.is_sparse else (a,)
        return sum(part.nbytes for part in (*parts, self.bias))

    def __repr__(self):
        kind = f"sparse, density {self.density:.3f}" if self.is_sparse else "dense"
        return f"{self.matrix.shape[1]} -> {self.matrix.shape[0]}, {kind}"


@dataclass(frozen=True, eq=False)
class Convolution:
    """relu(conv(x)), or without the relu, of images of input_shape (H, W, c_in)."""

    conv: Conv2D
    input_shape: tuple
    relu: bool = False

    def __post_init__(self):
        check_input_shape(self.input_shape, self.conv)

    def forward(self, x):
        """x (N, ...), in number and order like (N, H, W, c_in) -> (N, Ho, Wo, c_out)."""
        conv, (zeros, _) = self.conv, self.conv.geometry(*self.input_shape[:2])
        x = images_of_shape(x, self.input_shape)
        y = conv2d(x, conv.w.value, conv.b.value, conv.stride, zeros)
        return relu(y) if self.relu else y

    def backward_input(self, dy, y):
        """dy = d loss / d y, of y (N, Ho, Wo, c_out) that forward(x) gave -> d loss / d x
        (N, H, W, c_in)"""
        conv, size = self.conv, self.input_shape[:2]
        dy = before_relu(self, dy, y, self.output_shape)
        return conv2d_input_gradient(dy, conv.w.value, conv.stride, conv.geometry(*size)[0], size)

    @property
    def output_shape(self):
        _, size = self.conv.geometry(*self.input_shape[:2])
        return (*size, self.conv.c_out)

    @property
    def n_in(self):
        return prod(self.input_shape)

    @property
    def n_out(self):
        return prod(self.output_shape)

    @property
    def non_zeros(self):
        return int(np.count_nonzero(self.conv.w.value))

    @property
    def multiplications(self):
        """Number of multiplications for one image, of windows as far as they lie inside it."""
        conv, (zeros, size) = self.conv, self.conv.geometry(*self.input_shape[:2])
        inside = 1
        for axis, (before, _) in enumerate(zeros):
            pixels = pixels_read(size[axis], conv.kernel[axis], conv.stride[axis], before)
            inside *= np.sum((pixels >= 0) & (pixels < self.input_shape[axis]))
        return int(inside) * conv.c_in * conv.c_out

    @property
    def bytes(self):
        return self.conv.w.value.nbytes + self.conv.b.value.nbytes

    def __repr__(self):
        return f"{self.conv}"


def layers_of(model, input_shape=None):
    """A Sequential as Linear and Convolution layers, dropout left out, ReLU and bias inside.

    Raises ValueError for layers in an order that this cannot express.
    """
    layers, shape = [], input_shape
    for layer in check_model(model, "layers", "params").layers:
        if isinstance(layer, Conv2D):
            if shape is None:
                raise ValueError(f"{layer} needs input_shape=(H, W, C); it is {input_shape}")
            layers.append(Convolution(layer, check_input_shape(shape, layer)))
            shape = layers[-1].output_shape
        elif isinstance(layer, Dense):
            layers.append(Linear(layer.w.value.T, layer.b.value))
            shape = (layer.n_out,)
        elif isinstance(layer, ReLU) and layers:
            layers[-1] = replace(layers[-1], relu=True)
        elif not isinstance(layer, (Dropout, Flatten)):
            raise ValueError(
                f"{layer_text(layer)} cannot be part of a SparseNetwork here; it takes Dense, "
                f"Conv2D, ReLU behind one of these, Flatten and Dropout.  The model itself can be "
                f"pruned, attacked and saved with any layers"
            )
    if not layers:
        raise ValueError(f"there is no layer with weights in\n{model}")
    return layers


def unroll(model, input_shape):
    """Every layer of a Sequential as a Linear with a CSR matrix: no weight is shared any more.

    input_shape   of one image, (H, W, C)
    Raises ValueError for layers in an order that cannot be expressed so.
    """
    return [as_sparse(layer) for layer in layers_of(model, input_shape)]


def transposed(a):
    """The transpose of a CSR matrix, as CSR.  Raises ValueError for indices outside: SciPy does not
    look."""
    check_indices(a)
    return a.T.tocsr()


def is_sparse(layer):
    """Whether a layer has a matrix, and that a sparse one."""
    return isinstance(layer, Linear) and layer.is_sparse


def flat(x):
    """(N, ...) -> (N, features)."""
    return x.reshape(len(x), prod(x.shape[1:]))


def before_relu(layer, dy, y, shape):
    """d loss / d (what the layer's ReLU takes, if it has one), of dy = d loss / d y (N, *shape)."""
    y = images_of_shape(y, shape, "y")
    dy = check_upstream(layer, dy, y.shape, y.dtype)
    return relu_gradient(y, dy) if layer.relu else dy


def images_of_shape(x, shape, name="x"):
    """x (N, ...) as floats (N, *shape); ValueError unless each image has as many numbers."""
    x = as_float(x, name=name)
    if prod(x.shape[1:]) != prod(shape):
        raise ValueError(f"{name} has shape {x.shape}; images of shape {shape} are expected")
    return x.reshape(len(x), *shape)


def check_linear(matrix, bias):
    """A real matrix, CSR or dense, with a bias for each row, else ValueError."""
    if scipy.sparse.issparse(matrix):
        if matrix.format != "csr":
            raise ValueError(f"a matrix is {matrix.format}; CSR is needed: matrix.tocsr()")
    elif not isinstance(matrix, np.ndarray) or isinstance(matrix, np.ma.MaskedArray):
        raise ValueError(
            f"a matrix is a {type(matrix).__name__}; a CSR matrix or a NumPy array is needed"
        )
    if matrix.dtype.kind not in "fiub":
        raise ValueError(f"a matrix has dtype {matrix.dtype}; real numbers are needed")
    if matrix.ndim != 2 or as_array(bias, "bias").shape != (matrix.shape[0],):
        raise ValueError(
            f"a matrix of shape {matrix.shape} has a bias of shape {np.shape(bias)}; it needs one "
            f"number for each row"
        )


def as_sparse(layer):
    if isinstance(layer, Convolution):
        return Linear(*decouple(layer.conv, layer.input_shape), layer.relu)
    return replace(layer, matrix=scipy.sparse.csr_array(layer.matrix))


def as_dense(layer):
    return replace(layer, matrix=layer.matrix.toarray() if layer.is_sparse else layer.matrix)
