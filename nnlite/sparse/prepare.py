"""Layers in the form in which a SparseNetwork computes them, after checking that they fit.

Float32 copies, each a sparse matrix, a dense one or a convolution, by its density.
"""

import copy
import itertools
from dataclasses import replace
from math import prod

import numpy as np

from nnlite.parameter import Parameter
from nnlite.sparse.decouple import check_input_shape
from nnlite.sparse.layers import Convolution, Linear, as_dense, as_sparse


def prepare(layer, max_density, max_conv_density):
    """A layer in the form in which it is computed: float32, sparse or dense by its density."""
    if isinstance(layer, Convolution):
        shape = check_input_shape(layer.input_shape, layer.conv)
        layer = replace(layer, input_shape=shape)
        density = layer.non_zeros / layer.conv.w.value.size
        if max_conv_density is None or density > max_conv_density:
            return replace(layer, conv=float32_copy(layer.conv))
        return prepare_linear(as_sparse(layer), None)
    if not isinstance(layer, Linear):
        raise ValueError(f"{layer!r} is not a Linear or a Convolution")
    return prepare_linear(layer, max_density)


def prepare_linear(layer, max_density):
    check_linear(layer)
    bias, relu = np.array(layer.bias, np.float32), bool(layer.relu)
    if layer.is_sparse:
        layer.matrix.check_format(full_check=True)  # the product does not look
        layer = replace(layer, matrix=layer.matrix.astype(np.float32, copy=True))
        layer.matrix.sum_duplicates()
        layer.matrix.eliminate_zeros()
    sparse = layer.is_sparse if max_density is None else layer.density <= max_density
    if not sparse:
        return Linear(np.array(as_dense(layer).matrix, np.float32, order="C"), bias, relu)
    a = as_sparse(layer).matrix.astype(np.float32)
    a.indices, a.indptr = a.indices.astype(np.int32), a.indptr.astype(np.int32)
    return Linear(a, bias, relu)


def float32_copy(conv):
    """A convolution with weights of its own."""
    new = copy.copy(conv)
    new.w, new.b, new.cache = (*(Parameter(p.value.astype(np.float32)) for p in conv.params), None)
    return new


def check_linear(layer):
    """A real matrix, CSR or dense, with a bias for each row."""
    matrix = layer.matrix
    if layer.is_sparse and matrix.format != "csr":
        raise ValueError(f"a matrix is {matrix.format}; CSR is needed: matrix.tocsr()")
    if not layer.is_sparse and not isinstance(matrix, np.ndarray):
        raise ValueError(f"a matrix is a {type(matrix).__name__}; a CSR matrix or a NumPy array")
    if matrix.dtype.kind not in "fiub":
        raise ValueError(f"a matrix has dtype {matrix.dtype}; real numbers are needed")
    if matrix.ndim != 2 or np.shape(layer.bias) != (matrix.shape[0],):
        raise ValueError(f"a matrix of shape {matrix.shape} with a bias of {np.shape(layer.bias)}")


def check_fit(layers):
    """Each layer takes what the one before gives."""
    if not layers:
        raise ValueError("a SparseNetwork takes at least one layer")
    for first, second in itertools.pairwise(layers):
        given = first.output_shape if isinstance(first, Convolution) else first.matrix.shape[:1]
        taken = second.input_shape if isinstance(second, Convolution) else second.matrix.shape[1:]
        same = given == taken if isinstance(second, Convolution) else prod(given) == taken[0]
        if not same:
            raise ValueError(f"{second!r} takes inputs of shape {taken}, {first!r} gives {given}")


def shape_of_inputs(layers, given=None):
    """Of one image: (H, W, C) where the first layer is a convolution, else (features,)."""
    first = layers[0] if layers else None
    if isinstance(first, Convolution):
        shape = check_input_shape(first.input_shape, first.conv)
    else:
        shape = np.shape(first.matrix)[1:] if isinstance(first, Linear) else ()
    if given is not None and prod(np.atleast_1d(given)) != prod(shape):
        raise ValueError(f"input_shape is {given}; the first layer takes inputs of shape {shape}")
    return shape
