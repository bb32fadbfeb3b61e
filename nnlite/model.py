"""Sequential: a chain of layers."""

import copy
import reprlib

import numpy as np

from nnlite.checks import (
    as_array,
    as_float,
    check_count,
    check_dtype,
    check_list,
    value_and_gradient,
    warn_of_bytes,
)
from nnlite.parameter import named_params


class Sequential:
    """Layers applied one after the other.

    layers   objects with forward, backward and params (see nnlite.layers); each may
             appear once, because it keeps what its own backward pass needs
    params   all their Parameters, in order
    """

    def __init__(self, layers, *others):
        remedy = "pass the layers in a list: Sequential([Dense(...), ReLU(), ...])"
        if others:
            raise ValueError(f"there are {1 + len(others)} arguments; {remedy}")
        self.layers = check_list("layers", layers, remedy)
        check_layers(self.layers)
        self.output_shape = None  # of the last forward pass

    @property
    def params(self):
        """All Parameters, in order of the layers."""
        return [p for layer in self.layers for p in layer.params]

    @property
    def named_params(self):
        """{"1.w": Parameter, "1.b": Parameter, ...}: position of the layer, name in it."""
        return {
            f"{i}.{name}": p
            for i, layer in enumerate(self.layers)
            for name, p in named_params(layer).items()
        }

    def __call__(self, *args, **kwargs):
        """Nothing but a ValueError: two methods could be meant."""
        raise ValueError(
            "a Sequential is not called; model.predict(x) gives its outputs, "
            "model.forward(x, train=True) begins a step of training"
        )

    def forward(self, x, train=False):
        """x (N, ...) -> raw outputs.  train=True switches dropout on."""
        params = self.params
        x = as_float(x, params[0].value.dtype if params else None)
        self.output_shape = None
        for i, layer in enumerate(self.layers):
            x = layer.forward(x, train)
            if not isinstance(x, np.ndarray):
                raise ValueError(
                    f"forward of layer {i}, {layer_text(layer)}, returned {reprlib.repr(x)}; "
                    f"an array is needed"
                )
        self.output_shape = x.shape
        return x

    def backward(self, dy, input_gradient=True):
        """From d loss / d outputs, assign every `p.grad` and return d loss / d x.

        It belongs to the last forward pass, whichever that was: predict is one too.

        With input_gradient=False nothing below the first layer that has parameters is
        computed, and None is returned: that is all that training needs.
        """
        self.check_upstream(dy)
        if input_gradient:
            for layer in reversed(self.layers):
                dy = layer.backward(dy)
            return dy
        first = next((i for i, layer in enumerate(self.layers) if layer.params), None)
        if first is None:
            return None
        for layer in reversed(self.layers[first + 1 :]):
            dy = layer.backward(dy)
        layer = self.layers[first]
        getattr(layer, "backward_params", layer.backward)(dy)  # the half of it, if it has one

    def input_gradient(self, x, labels, loss):
        """d loss(outputs, labels) / d x in evaluation mode, of the shape of x.

        labels   the targets of the loss;  loss  such as nnlite.quadratic
        The parameters' gradients are left as they are.
        """
        _, doutputs = value_and_gradient(loss, self.forward(x), labels)
        return self.backward_input(doutputs)

    def backward_input(self, dy):
        """From d loss / d outputs, d loss / d x alone; the parameters' gradients stay as they are.

        It belongs to the last forward pass.  This is what libraries of attacks need, whatever
        their loss.
        """
        self.check_upstream(dy)
        for layer in reversed(self.layers):
            dy = input_gradient_of(layer, dy)
        return dy

    def predict(self, x, batch_size=500):
        """Raw outputs (N, ...) in evaluation mode, computed batch_size images at a time.

        Warns of images (N, H, W, C) whose values are those of bytes, 0 to 255.
        """
        x, batch_size = as_array(x), check_count("batch_size", batch_size)
        warn_of_bytes(x)
        starts = range(0, max(len(x), 1), batch_size)  # one empty batch if there is no image
        return np.concatenate([self.forward(x[i : i + batch_size]) for i in starts])

    def astype(self, dtype):
        """A copy whose parameters are float32 or float64."""
        dtype = check_dtype(dtype)
        model = copy.deepcopy(self)
        for p in model.params:
            p.value = p.value.astype(dtype)
        return model

    def __getstate__(self):
        """All but the layers' caches: what pickle and copy take along.

        The caches belong to the last batch, and may be many times as large as the weights.
        """
        layers = [copy.copy(layer) for layer in self.layers]
        for layer in layers:
            layer.cache = None
        return {**vars(self), "layers": layers, "output_shape": None}

    def check_upstream(self, dy):
        """Raise ValueError unless dy has the shape of the outputs of the last forward pass."""
        if self.output_shape is None:
            raise ValueError("backward before forward; call model.forward(x) first")
        shape = as_array(dy, "dy", 0).shape
        if shape != self.output_shape:
            raise ValueError(
                f"dy has shape {shape}; the outputs of the last forward pass have "
                f"shape {self.output_shape}"
            )

    def __repr__(self):
        lines = [f"Sequential: {describe(self.params)}"]
        for i, layer in enumerate(self.layers):
            lines.append(f"  {i}  {layer_text(layer)}")
            if layer.params:
                shapes = "".join(f"  {k} {p.value.shape}" for k, p in named_params(layer).items())
                lines[-1] = f"{lines[-1]:<38}{shapes}  {describe(layer.params)}"
        return "\n".join(lines)


def input_gradient_of(layer, dy):
    """d loss / d x of one layer, the gradients of its parameters left as they are."""
    if hasattr(layer, "backward_input"):
        return layer.backward_input(dy)
    gradients = [p.grad for p in layer.params]
    dx = layer.backward(dy)
    for p, gradient in zip(layer.params, gradients):
        p.grad = gradient
    return dx


def layer_text(layer):
    """'Dense(784, 10)': the repr of a layer; built from its `args` if its class has no repr."""
    if type(layer).__repr__ is not object.__repr__:
        return repr(layer)
    arguments = (repr(getattr(layer, name, "?")) for name in getattr(layer, "args", ()))
    return f"{type(layer).__name__}({', '.join(arguments)})"


def describe(params):
    """'392,500 parameters, sparsity 0.900', the sparsity being that of weights, not biases."""
    weights = [p.value for p in params if p.value.ndim > 1]
    zeros = sum(w.size - np.count_nonzero(w) for w in weights)
    sparsity = zeros / max(sum(w.size for w in weights), 1)
    return f"{sum(p.value.size for p in params):,} parameters, sparsity {sparsity:.3f}"


def check_layers(layers):
    if not layers or len({id(layer) for layer in layers}) != len(layers):
        raise ValueError(
            f"layers must be at least one layer and each layer object once, got {layers}"
        )
    for layer in layers:
        if isinstance(layer, Sequential):
            raise ValueError(f"{layer!r} is not a layer; unpack it: *model.layers")
        if isinstance(layer, type):
            raise ValueError(f"{layer!r} is not a layer; call it: {layer.__name__}(...)")
        missing = [name for name in ("forward", "backward", "params") if not hasattr(layer, name)]
        if missing:
            raise ValueError(f"{layer_text(layer)} is not a layer: it has no {', '.join(missing)}")
        if list(layer.params) != list(named_params(layer).values()):
            raise ValueError(
                f"{layer_text(layer)} must keep each of its params in an attribute of its own, and "
                f"list these in params; attributes: {', '.join(named_params(layer)) or 'none'}"
            )
