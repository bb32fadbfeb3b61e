"""Layers in the form in which a SparseNetwork computes them, after checking that they fit.

Float32 copies, each a sparse matrix, a dense one or a convolution, by its density.
"""

import copy
import itertools
import reprlib
from dataclasses import replace
from math import prod

import numpy as np

from nnlite.checks import check_list, check_shape
from nnlite.parameter import Parameter
from nnlite.sparse.decouple import check_input_shape
from nnlite.sparse.layers import Convolution, Linear, as_dense, as_sparse
from nnlite.sparse.product import check_indices


def prepare(layer, max_density, max_conv_density):
    """A layer in the form in which it is computed: float32, sparse or dense by its density."""
    if isinstance(layer, Convolution):
        layer = replace(layer, input_shape=check_input_shape(layer.input_shape, layer.conv))
        density = layer.non_zeros / layer.conv.w.value.size
        if max_conv_density is None or density > max_conv_density:
            return replace(layer, conv=float32_copy(layer.conv), relu=bool(layer.relu))
        return prepare_linear(as_sparse(layer), None)
    return prepare_linear(layer, max_density)


def prepare_linear(layer, max_density):
    bias, relu = np.array(layer.bias, np.float32), bool(layer.relu)
    if layer.is_sparse:
        check_indices(layer.matrix)
        layer = replace(layer, matrix=layer.matrix.astype(np.float32, copy=True))
        layer.matrix.sum_duplicates()
        layer.matrix.eliminate_zeros()
    sparse = layer.is_sparse if max_density is None else layer.density <= max_density
    if not sparse:  # column by column: for one image fast/dense_one.py leaves out those of zeros
        return Linear(np.array(as_dense(layer).matrix, np.float32, order="F"), bias, relu)
    a = as_sparse(layer).matrix.astype(np.float32)
    a.indices, a.indptr = a.indices.astype(np.int32), a.indptr.astype(np.int32)
    return Linear(a, bias, relu)


def float32_copy(conv):
    """A convolution with weights of its own."""
    new = copy.copy(conv)
    new.w, new.b, new.cache = (*(Parameter(p.value.astype(np.float32)) for p in conv.params), None)
    return new


def as_layers(layers):
    """A list of Linear and Convolution, else ValueError."""
    remedy = "a SparseNetwork takes a Sequential, or a list such as [Linear(matrix, bias)]"
    layers = check_list("layers", layers, remedy)
    if not layers:
        raise ValueError("layers are []; a SparseNetwork takes at least one layer")
    for layer in layers:
        if not isinstance(layer, (Linear, Convolution)):
            raise ValueError(
                f"of the layers, {reprlib.repr(layer)} is not a Linear or a Convolution; {remedy}"
            )
    return layers


def check_fit(layers):
    """Each layer takes what the one before gives."""
    for first, second in itertools.pairwise(layers):
        given = first.output_shape if isinstance(first, Convolution) else first.matrix.shape[:1]
        taken = second.input_shape if isinstance(second, Convolution) else second.matrix.shape[1:]
        same = given == taken if len(given) == len(taken) else prod(given) == prod(taken)
        if not same:
            raise ValueError(f"{second!r} takes inputs of shape {taken}, {first!r} gives {given}")


def shape_of_inputs(layers, given=None):
    """Shape of one image: that of the first layer, or for one that takes any, the given one."""
    first = layers[0]
    if isinstance(first, Convolution):
        shape = check_input_shape(first.input_shape, first.conv)
    else:
        shape = first.matrix.shape[1:]
    if given is None:
        return shape
    given = check_shape("input_shape", given, 0)
    if prod(given) != prod(shape) or (isinstance(first, Convolution) and given != shape):
        raise ValueError(f"input_shape is {given}; the first layer takes inputs of shape {shape}")
    return given
