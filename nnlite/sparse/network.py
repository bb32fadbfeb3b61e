"""SparseNetwork: a trained and pruned network, for inference and for those who attack it.

    network = SparseNetwork(model)                       # of a Sequential
    network = SparseNetwork(unroll(model, (28, 28, 1)))  # of layers with independent weights
    outputs = network.predict(images)
    gradient = network.input_gradient(images, labels, nnlite.softmax_cross_entropy)

Each layer is a sparse or a dense matrix, or a convolution, whichever its density makes faster;
bias and ReLU are part of it.
"""

from functools import cached_property
from math import prod

import numpy as np

from nnlite.checks import (
    as_float,
    check_count,
    check_number,
    check_upstream,
    value_and_gradient,
)
from nnlite.container import opened
from nnlite.model import Sequential
from nnlite.replace import may_be_replaced
from nnlite.sparse.layers import flat, layers_of
from nnlite.sparse.prepare import as_layers, check_fit, prepare, shape_of_inputs
from nnlite.sparse.serialize import KIND, read_layers, write_layers

MAX_DENSITY = 0.6  # of a matrix that is multiplied as a sparse one (experiments/bench/sparse.py)
MAX_CONV_DENSITY = 0.6  # of the filters of a convolution that is decoupled
ACTIVATIONS = 2**21  # between two layers, of all images of a batch: 8 MB


@may_be_replaced
def network_outputs(network, x, out):
    """Write to out (N, n_out) the raw outputs of a SparseNetwork for x (N, ...), and return it."""
    for layer in network.layers:
        x = layer.forward(x)
    out[:] = flat(x)
    return out


@may_be_replaced
def layer_outputs(network, x):
    """[what each layer of a SparseNetwork makes of x (N, ...), (N, ...) each]"""
    outputs = []
    for layer in network.layers:
        x = layer.forward(x)
        outputs.append(x)
    return outputs


@may_be_replaced
def network_input_gradient(network, outputs, dy):
    """d loss / d x, from dy = d loss / d outputs[-1], of outputs = layer_outputs(network, x)."""
    for layer, y in zip(network.layers[::-1], outputs[::-1]):
        dy = layer.backward_input(dy.reshape(y.shape), y)
    return dy


class SparseNetwork:
    """A network for inference, float32: `predict` and `input_gradient` give what the model's give.

    layers             a Sequential (its masks are its zeros), or a list of Linear and Convolution
    input_shape        (H, W, C) of one image; needed where a Sequential has convolutions.  Where it
                       is not given, images may have any shape of as many numbers
    max_density        a matrix with more non-zeros than this fraction is multiplied as a dense one
    max_conv_density   a convolution whose filters have no more than this is decoupled
                       None for either: each layer stays what it is
    Raises ValueError for layers that do not fit together.  Changes of the model afterwards do
    not reach it; its own `layers` are not to be changed.  Threads may share it; they predict one
    after the other.
    """

    def __init__(
        self, layers, input_shape=None, max_density=MAX_DENSITY, max_conv_density=MAX_CONV_DENSITY
    ):
        if isinstance(layers, Sequential):
            layers = layers_of(layers, input_shape)
        layers = as_layers(layers)
        for name, density in (("max_density", max_density), ("max_conv_density", max_conv_density)):
            if density is not None:
                check_number(name, density, "[0, 1]")
        self.input_shape = shape_of_inputs(layers, input_shape)
        self.layers = tuple(prepare(layer, max_density, max_conv_density) for layer in layers)
        check_fit(self.layers)

    def predict(self, x, batch_size=None):
        """x (N, ...) -> raw outputs (N, n_out), computed batch_size images at a time.

        If that is None, as many as keep what goes from layer to layer in the cache, at least 64.
        Images may be flat.  Raises ValueError for another shape, or integers.
        """
        x = as_float(x, np.dtype(np.float32))
        check_images(x, self.input_shape)
        if batch_size is None:
            batch_size = max(64, ACTIVATIONS // self.widest // 64 * 64)
        outputs = np.empty((len(x), self.n_out), np.float32)
        for start in range(0, len(x), check_count("batch_size", batch_size)):
            some = slice(start, start + batch_size)
            network_outputs(self, x[some], outputs[some])
        return outputs

    def input_gradient(self, x, labels, loss):
        """d loss(outputs, labels) / d x, of the shape of x; all images are computed at once.

        labels   the targets of the loss;  loss  such as nnlite.quadratic
        Images may be flat.  Raises ValueError for another shape, or integers.  With `predict` it is
        all that an attack needs: nnlite.noise, attacks and robustness take a SparseNetwork.
        """
        x = as_float(x, np.dtype(np.float32))
        check_images(x, self.input_shape)
        outputs = layer_outputs(self, x)
        _, dy = value_and_gradient(loss, flat(outputs[-1]), labels)
        dy = check_upstream("the network", dy, (len(x), self.n_out), np.dtype(np.float32))
        return network_input_gradient(self, outputs, dy).reshape(x.shape)

    @cached_property
    def widest(self):
        """The most numbers that one layer hands to the next, for one image."""
        return max(1, prod(self.input_shape), *(layer.n_out for layer in self.layers))

    @property
    def n_out(self):
        return self.layers[-1].n_out

    @property
    def non_zeros(self):
        return sum(layer.non_zeros for layer in self.layers)

    @property
    def bytes(self):
        """Size of all weights and biases in memory, with the columns of those that are sparse."""
        return sum(layer.bytes for layer in self.layers)

    @property
    def multiplications(self):
        """Number of multiplications for one image."""
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
        with opened(path, KIND, "write it again with SparseNetwork.save") as saved:
            layers, shape = read_layers(saved)
            return cls(layers, shape, max_density=None, max_conv_density=None)


def check_images(x, shape):
    """Images are (N, *shape), or flat."""
    features = prod(shape)
    flat_or_free = len(shape) == 1 or x.ndim == 2
    fits = prod(x.shape[1:]) == features if flat_or_free else x.shape[1:] == shape
    if x.ndim < 2 or not fits:
        raise ValueError(f"x has shape {x.shape}; images of shape {shape} are expected")
