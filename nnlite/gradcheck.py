"""Backward passes against central differences.

The gradient of s = sum(dy * f(x)) with a random upstream dy is compared entry by entry
with (s(x + h) - s(x - h)) / (2 h).  The upstream must be random: with all ones, errors that
cancel in the sum would pass.
"""

import numpy as np

from nnlite.checks import as_array, check_model, check_rng, value_and_gradient
from nnlite.parameter import named_params


def numerical_gradient(f, array, h=1e-5):
    """d f / d array for a function f() of no arguments that reads `array`.

    Every entry of `array` (float64) is moved by +-h in turn and put back.
    """
    if array.dtype != np.float64:
        raise ValueError(
            f"the array has dtype {array.dtype}; differences need float64: "
            f"use model.astype(np.float64) and x.astype(np.float64)"
        )
    gradient = np.empty_like(array)
    for i in np.ndindex(array.shape):
        value = array[i]
        array[i] = value + h
        above = f()
        array[i] = value - h
        below = f()
        array[i] = value
        gradient[i] = (above - below) / (2 * h)
    return gradient


def relative_error(gradient, reference):
    """Largest difference between two arrays, divided by the largest entry of either."""
    if gradient.shape != reference.shape:
        raise ValueError(f"a gradient has shape {gradient.shape}, not {reference.shape}")
    largest = (np.abs(a).max(initial=0) for a in (gradient, reference))
    scale = max(*largest, np.finfo(float).tiny)
    return float(np.abs(gradient - reference).max(initial=0) / scale)


def check_gradients(layer, x, *, rng, train=False):
    """Relative errors of a layer's or Sequential's backward pass at x, by name.

    layer   a layer or Sequential with float64 parameters
    x       float64 input;  rng  draws the upstream gradient
    Returns {"x": error, "w": error, ...}, each the largest error over all entries, divided
    by the largest entry: about 1e-9 when right.  train=True needs a forward pass that
    repeats itself.
    """
    check_model(layer, "forward", "backward", "params", name="layer")
    x = np.array(as_array(x))  # moved by numerical_gradient; the caller's stays
    dy = check_rng(rng).normal(size=layer.forward(x, train).shape)

    def upstream_sum():
        return np.sum(dy * layer.forward(x, train))

    dx = layer.backward(dy)
    params = layer.named_params if hasattr(layer, "named_params") else named_params(layer)
    gradients = {name: p.grad for name, p in params.items()}
    if missing := [name for name, gradient in gradients.items() if gradient is None]:
        raise ValueError(f"backward assigned no gradient to {', '.join(missing)}")
    errors = {"x": relative_error(dx, numerical_gradient(upstream_sum, x))}
    for name, p in params.items():
        reference = numerical_gradient(upstream_sum, p.value)
        errors[name] = relative_error(gradients[name], reference)
    return errors


def check_loss(loss, outputs, targets):
    """Relative error of a loss's gradient at float64 outputs (N, n_out)."""
    outputs = np.array(as_array(outputs, "outputs"))
    _, doutputs = value_and_gradient(loss, outputs, targets)
    return relative_error(doutputs, numerical_gradient(lambda: loss(outputs, targets)[0], outputs))
