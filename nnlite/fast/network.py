"""A SparseNetwork computed fast: layer after layer in panels, or, of few images, in one call.

The form in which a network's weights are read is prepared when it first predicts, and kept as long
as the network lives.
"""

import itertools
from dataclasses import replace
from functools import cached_property
from math import prod
from weakref import WeakKeyDictionary

import numpy as np
import scipy.sparse

from nnlite.fast import chain, chain_one, conv, conv_few, dense_one
from nnlite.fast.kernel import all_float32
from nnlite.fast.panels import aligned, pack, tile_width, unpack
from nnlite.fast.simd import LANES
from nnlite.fast.sparse import blocks_of, multiply
from nnlite.layers import relu_gradient
from nnlite.sparse.layers import (
    Convolution,
    Linear,
    check_linear,
    flat,
    images_of_shape,
    is_sparse,
    transposed,
)
from nnlite.sparse.prepare import check_fit
from nnlite.sparse.product import is_whole

PLANS = WeakKeyDictionary()  # SparseNetwork: Plan


def network_outputs(network, x, out):
    """nnlite.sparse.network.network_outputs, of float32 images."""
    plan = plan_for(network, x)
    if plan is None or not all_float32(out) or out.shape != (len(x), plan.n_out):
        return NotImplemented
    x = plan.convolved(x)
    y = plan.few_outputs(flat(x)) if len(x) <= chain.FEW else None
    if y is None:
        plan.compute(x, out)
    else:
        out[:] = y
    return out


def layer_outputs(network, x):
    """nnlite.sparse.network.layer_outputs, of float32 images."""
    plan = plan_for(network, x)
    return NotImplemented if plan is None else plan.layer_outputs(x)


def network_input_gradient(network, outputs, dy):
    """nnlite.sparse.network.network_input_gradient, of the outputs of the same layers."""
    plan = PLANS.get(network)
    if plan is None or plan.layers != tuple(network.layers) or plan.transposed is None:
        return NotImplemented
    if not all_float32(*outputs, dy) or len(outputs) != len(plan.layers):
        return NotImplemented
    return plan.input_gradient(outputs, dy)


def plan_for(network, x):
    """The Plan of a network; None for layers or images x (N, ...) that the kernels do not take."""
    plan = PLANS.get(network)
    if plan is None or plan.layers != tuple(network.layers):
        if not all_whole(network.layers):
            return None
        plan = PLANS[network] = Plan(network.layers)
    return plan if all_float32(x) and prod(x.shape[1:]) == plan.n_in else None


def all_whole(layers):
    """Whether the kernels can take these layers, as they are now: anybody may have changed them.

    Raises ValueError where they do not fit together any more.
    """
    check_fit(layers)
    linear = [layer for layer in layers if not isinstance(layer, Convolution)]
    for layer in linear:
        check_linear(layer.matrix, layer.bias)
    whole = all(is_whole(layer.matrix) for layer in linear if layer.is_sparse)
    numbers = (layer.matrix.data if layer.is_sparse else layer.matrix for layer in linear)
    return whole and all_float32(*numbers, *(layer.bias for layer in linear))


class Plan:
    """The layers of a network, and of those that are sparse the Blocks that are multiplied.

    Arrays of theirs that are changed in place afterwards change what it computes in part, or not
    at all.
    """

    def __init__(self, layers):
        self.layers = tuple(layers)
        self.n_in, self.n_out = layers[0].n_in, layers[-1].n_out
        self.blocks = [blocks_of(layer.matrix) if is_sparse(layer) else None for layer in layers]
        self.skipping = [can_skip(layer) for layer in layers]
        self.buffers = None

    @cached_property
    def convolutions(self):
        """The convolutions in front of the first matrix."""
        return list(itertools.takewhile(lambda layer: isinstance(layer, Convolution), self.layers))

    def convolved(self, x):
        """What these convolutions make of images x (N, ...): as many numbers for each image as the
        layer behind them takes, else ValueError."""
        n, layers = len(x), self.suited_convolutions
        if layers and conv.few(n):
            x = images_of_shape(x, self.convolutions[0].input_shape)
            return conv_few.through(layers, x)
        if layers and n < LANES:  # a register that is not full still pays
            x = np.concatenate([x, np.zeros((LANES - n, *x.shape[1:]), np.float32)])
        for layer in self.convolutions:
            x = layer.forward(x)
        behind = self.layers[len(self.convolutions) :]
        if not behind:
            return x[:n]
        return images_of_shape(x[:n], (behind[0].n_in,), "what comes out of the convolutions")

    @cached_property
    def suited_convolutions(self):
        """(w, b, before, size, relu) of each, as conv_few.through takes them; None if there is one
        without a fast version."""
        found = []
        for layer in self.convolutions:
            zeros, size = layer.conv.geometry(*layer.input_shape[:2])
            w, b = layer.conv.w.value, layer.conv.b.value
            image = np.empty((1, *layer.input_shape), np.float32)
            if not conv.takes(image, w, b, layer.conv.stride, zeros):
                return None
            found.append((w, b, conv.top_left(zeros), size, layer.relu))
        return found

    def linear(self):
        """The layers behind the convolutions, all with CSR matrices.

        None if another convolution is among them, if dense ones do more than half of the
        multiplications, or if they were changed and the kernels do not take them now.  Smaller
        dense matrices among sparse ones become sparse.
        """
        linear = self.layers[len(self.convolutions) :]
        if not linear or any(isinstance(layer, Convolution) for layer in linear):
            return None
        if not all_whole(self.layers):
            return None
        dense = sum(layer.matrix.size for layer in linear if not layer.is_sparse)
        if 2 * dense > sum(layer.multiplications for layer in linear):
            return None
        return [stored(layer) for layer in linear]

    @cached_property
    def chain(self):
        """`linear` as one matrix, for a few images, or None; it holds the weights once more."""
        linear = self.linear()
        return None if linear is None else chain.chain_of(linear)

    @cached_property
    def steps(self):
        """`linear` in steps, for one image at a time, or None; they hold the weights once more."""
        linear = self.linear()
        return None if linear is None else chain_one.steps_of(linear)

    def few_outputs(self, x):
        """What `linear` makes of a few images x (N, n_in): (N, n_out); None if it is None."""
        if self.steps is None or not chain_one.suited(self.steps, len(x)):
            return None if self.chain is None else chain.forward(self.chain, x)
        y = chain_one.forward(self.steps, x)
        doubtful = ~np.isfinite(y).all(axis=1)
        if doubtful.any():  # nan may come from a lane that waited; in a Chain none does
            if self.chain is None:
                return None
            y[doubtful] = chain.forward(self.chain, x[doubtful])
        return y

    def compute(self, x, out):
        """Write to out (N, n_out) what the layers behind the convolutions make of x (N, ...)."""
        n, panels, width = len(x), None, tile_width(len(x))
        here, there = self.workspace(n + width)  # panels are read in one and written to the other
        first = len(self.convolutions)
        layers = zip(self.layers[first:], self.blocks[first:], self.skipping[first:])
        for layer, blocks, skipping in layers:
            if blocks is not None:
                panels = pack(flat(x), width, here) if panels is None else panels
                panels = multiply(blocks, panels, layer.bias, layer.relu, there)
                here, there = there, here
                continue
            if panels is not None:
                x, panels = unpacked(panels, n), None
            x = dense_one.forward(layer, x) if n == 1 and skipping else layer.forward(x)
        if panels is None:
            out[:] = flat(x)
        else:
            unpack(panels, out)

    def layer_outputs(self, x):
        """[what each layer makes of x (N, ...)]"""
        outputs = []
        for layer, blocks in zip(self.layers, self.blocks):
            if blocks is None:
                x = layer.forward(x)
            else:
                x = self.product(blocks, x, layer.bias, layer.relu)
            outputs.append(x)
        return outputs

    def input_gradient(self, outputs, dy):
        """d loss / d x, from d loss / d outputs[-1]."""
        layers = zip(self.layers[::-1], self.transposed[::-1], outputs[::-1])
        for layer, blocks, y in layers:
            dy = dy.reshape(y.shape)
            if blocks is None:
                dy = layer.backward_input(dy, y)
            else:
                dy = relu_gradient(y, dy) if layer.relu else dy
                dy = self.product(blocks, dy, np.zeros(layer.n_in, np.float32), False)
        return dy

    @cached_property
    def transposed(self):
        """Blocks of the transposed matrices, which hold the weights once more; None if the kernels
        do not take these any more."""
        if not all_whole(self.layers):
            return None
        return [
            blocks_of(transposed(layer.matrix)) if is_sparse(layer) else None
            for layer in self.layers
        ]

    def product(self, blocks, x, bias, with_relu):
        """relu(a @ x + bias) of Blocks a, for images: x (N, ...), K numbers each -> (N, M)"""
        width = tile_width(len(x))
        here, there = self.workspace(len(x) + width)
        panels = pack(flat(x), width, here)
        return unpacked(multiply(blocks, panels, bias, with_relu, there), len(x))

    def workspace(self, n):
        """Two buffers for the panels of n images, kept from one call to the next."""
        size = n * max([max(a.shape) for a in self.blocks if a is not None], default=0)
        if self.buffers is None or len(self.buffers[0]) < size:
            self.buffers = aligned(size), aligned(size)
        return self.buffers


def can_skip(layer):
    """Whether weights of a layer that meet a zero need not be read, for one image."""
    return isinstance(layer, Linear) and dense_one.suited(layer)


def stored(layer):
    """A Linear with all its weights in a CSR matrix, zeros of a dense one too: 0 * nan is nan."""
    if layer.is_sparse:
        return layer
    m, k = layer.matrix.shape
    csr = layer.matrix.ravel(), np.tile(np.arange(k), m), np.arange(m + 1) * k
    return replace(layer, matrix=scipy.sparse.csr_array(csr, shape=(m, k)))


def unpacked(panels, n):
    """Panels -> (N, features)."""
    images = np.empty((n, panels.shape[1]), np.float32)
    unpack(panels, images)
    return images
