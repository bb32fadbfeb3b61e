"""SparseNetwork: a trained and pruned network, for inference only.

    network = SparseNetwork(model)                       # of a Sequential
    network = SparseNetwork(unroll(model, (28, 28, 1)))  # of layers with independent weights
    outputs = network.predict(images)

Each layer is a sparse or a dense matrix, or a convolution, whichever its density makes faster;
bias and ReLU are part of it.
"""

from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np

from nnlite import fast
from nnlite.checks import as_float, check_count
from nnlite.fast import elementwise
from nnlite.fast.matmul import matmul
from nnlite.model import Sequential
from nnlite.sparse import chain
from nnlite.sparse.kernels import aligned, blocks_of, multiply, pack, tile_width, unpack
from nnlite.sparse.layers import Convolution, Linear, as_sparse, layers_of
from nnlite.sparse.prepare import check_fit, prepare, shape_of_inputs
from nnlite.sparse.serialize import read_layers, write_layers

MAX_DENSITY = 0.6  # of a matrix that is multiplied as a sparse one (experiments/bench_sparse.py)
MAX_CONV_DENSITY = 0.6  # of the filters of a convolution that is decoupled
ACTIVATIONS = 2**21  # between two layers, of all images of a batch: 8 MB


class SparseNetwork:
    """A network for inference, float32: `predict` gives what the model's predict gives.

    layers             a Sequential (its masks are its zeros), or a list of Linear and Convolution
    input_shape        (H, W, C) of one image; needed where a Sequential has convolutions
    max_density        a matrix with more non-zeros than this fraction is multiplied as a dense one
    max_conv_density   a convolution whose filters have fewer is decoupled
                       None for either: each layer stays what it is
    Up to `chain.FEW` images at once take a way of their own, where small dense matrices among
    sparse ones count as sparse.
    Raises ValueError for layers that do not fit together.  Changes of the model afterwards do
    not reach it.  It keeps its buffers: use one network in one thread.
    """

    def __init__(
        self, layers, input_shape=None, max_density=MAX_DENSITY, max_conv_density=MAX_CONV_DENSITY
    ):
        if isinstance(layers, Sequential):
            layers = layers_of(layers, input_shape)
        layers = list(layers)
        self.input_shape = shape_of_inputs(layers, input_shape)
        self.layers = [prepare(layer, max_density, max_conv_density) for layer in layers]
        check_fit(self.layers)
        self.buffers = None
        self.blocks = [
            blocks_of(layer.matrix) if is_sparse(layer) else None for layer in self.layers
        ]

    def predict(self, x, batch_size=None):
        """x (N, ...) -> raw outputs (N, n_out), computed batch_size images at a time.

        If it is None, as many as keep what goes from layer to layer in the cache, at least 64.
        Images may be flat.  Raises ValueError for another shape, or integers.
        """
        x = as_float(x, np.dtype(np.float32))
        check_images(x, self.input_shape)
        if batch_size is None:
            batch_size = max(64, ACTIVATIONS // self.widest // 64 * 64)
        outputs = np.empty((len(x), self.n_out), np.float32)
        for start in range(0, len(x), check_count("batch_size", batch_size)):
            some = slice(start, start + batch_size)
            self.compute(x[some], outputs[some])
        return outputs

    def compute(self, x, outputs):
        """Write to outputs (N, n_out) those for x (N, ...), all images at once."""
        if len(x) <= chain.FEW and self.for_few is not None:
            outputs[:] = chain.forward(self.for_few, flat(x))
            return
        n, panels, width = len(x), None, tile_width(len(x))
        here, there = self.workspace(n + width)  # panels are read in one and written to the other
        for layer, blocks in zip(self.layers, self.blocks):
            if blocks is not None:
                panels = pack(flat(x), width, here) if panels is None else panels
                panels = multiply(blocks, panels, layer.bias, layer.relu, there)
                here, there = there, here
                continue
            if panels is not None:
                x, panels = unpacked(panels, n), None
            x = dense_forward(layer, x)
        if panels is None:
            outputs[:] = flat(x)
        else:
            unpack(panels, outputs)

    @cached_property
    def for_few(self):
        """All layers as one chain.Chain, if they are matrices and most of them sparse; else None.

        Made when it is first needed; it holds the weights once more.
        """
        if any(isinstance(layer, Convolution) for layer in self.layers):
            return None
        dense = sum(layer.matrix.size for layer in self.layers if not layer.is_sparse)
        if 2 * dense > self.multiplications:
            return None
        return chain.chain_of([as_sparse(layer) for layer in self.layers])

    @cached_property
    def widest(self):
        """The most numbers that one layer hands to the next, for one image."""
        return max(1, prod(self.input_shape), *map(outputs_of, self.layers))

    def workspace(self, n):
        """Two buffers for the panels of n images, kept from one call to the next."""
        size = n * max([max(a.matrix.shape) for a in self.layers if is_sparse(a)], default=0)
        if self.buffers is None or len(self.buffers[0]) < size:
            self.buffers = aligned(size), aligned(size)
        return self.buffers

    @property
    def n_out(self):
        return outputs_of(self.layers[-1])

    @property
    def non_zeros(self):
        return sum(layer.non_zeros for layer in self.layers)

    @property
    def bytes(self):
        """Of all weights, biases and columns, as they are read for many images."""
        return sum(
            layer.bytes if blocks is None else sum(a.nbytes for a in blocks[:3]) + layer.bias.nbytes
            for layer, blocks in zip(self.layers, self.blocks)
        )

    @property
    def multiplications(self):
        """For one image."""
        return sum(layer.multiplications for layer in self.layers)

    def __repr__(self):
        lines = [
            f"SparseNetwork: {self.non_zeros:,} non-zeros, {self.bytes / 1e6:.2f} MB, "
            f"{self.multiplications:,} multiplications an image"
        ]
        for layer in self.layers:
            relu = ", ReLU" if layer.relu else ""
            lines.append(f"  {layer!r}{relu}  {layer.multiplications:,} multiplications")
        return "\n".join(lines)

    def save(self, path):
        """Write all layers to one .npz, complete or not at all."""
        write_layers(path, self.layers, self.input_shape)

    @classmethod
    def load(cls, path):
        """The network that `save` wrote.  Nothing is unpickled.

        Raises FileNotFoundError, or ValueError for a file of another kind.
        """
        content = Path(path).read_bytes()
        try:
            layers, shape = read_layers(content)
            network = cls(layers, shape, max_density=None, max_conv_density=None)
        except Exception as error:  # zipfile, zlib, numpy, scipy and json have each their own
            raise ValueError(f"{path} is not a complete SparseNetwork: {error}") from error
        network.input_shape = shape
        return network


def outputs_of(layer):
    return layer.bias.size if isinstance(layer, Linear) else prod(layer.output_shape)


def is_sparse(layer):
    return isinstance(layer, Linear) and layer.is_sparse


def check_images(x, shape):
    """Images are (N, *shape), or flat."""
    features = prod(shape)
    flat_or_free = len(shape) == 1 or x.ndim == 2
    fits = prod(x.shape[1:]) == features if flat_or_free else x.shape[1:] == shape
    if x.ndim < 2 or not fits:
        raise ValueError(f"x has shape {x.shape}; images of shape {shape} are expected")


def unpacked(panels, n):
    """Panels -> (N, features)."""
    images = np.empty((n, panels.shape[1]), np.float32)
    unpack(panels, images)
    return images


def flat(x):
    """(N, ...) -> (N, features)."""
    return x.reshape(len(x), prod(x.shape[1:]))


def dense_forward(layer, x):
    """A layer that is not sparse, of x (N, ...)."""
    if isinstance(layer, Convolution):
        y = layer.conv.forward(x.reshape(len(x), *layer.input_shape))
        layer.conv.cache = None
    else:
        y = matmul(flat(x), layer.matrix.T)
        y += layer.bias
    if not layer.relu:
        return y
    return elementwise.relu(y) if fast.use("elementwise", y) else np.maximum(y, 0)
