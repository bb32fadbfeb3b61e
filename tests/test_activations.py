"""Sigmoid and Tanh: known values, no overflow, dtypes, saved and loaded, in a network that learns.

Their gradients are checked with those of all layers, in tests/test_gradients.py.
"""

import math

import numpy as np
import pytest

from nnlite import SGD, Dense, Sequential, Sigmoid, Tanh, load, save, softmax_cross_entropy

X = np.array([[-3.0, -0.5, 0.0], [0.25, 1.0, 8.0]])
BOTH = pytest.mark.parametrize(
    "kind, function", [(Sigmoid, lambda x: 1 / (1 + math.exp(-x))), (Tanh, math.tanh)]
)


@BOTH
def test_the_values_are_those_of_the_function(kind, function):
    assert np.allclose(kind().forward(X), np.vectorize(function)(X), rtol=1e-13)


def test_a_sigmoid_far_below_zero_is_no_rounding_error():
    x = np.array([-10, -20, -50], np.float32)
    assert np.allclose(Sigmoid().forward(x), np.exp(x.astype(float)), rtol=1e-4, atol=0)


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_from_zero_nothing_overflows(kind, function, dtype):
    y = kind().forward(np.array([-1e30, -1000, 1000, 1e30], dtype))
    low = 0 if kind is Sigmoid else -1
    assert y.dtype == dtype and np.array_equal(y, [low, low, 1, 1])


@BOTH
def test_a_gradient_in_double_does_not_change_the_dtype(kind, function):
    layer = kind()
    layer.forward(X.astype(np.float32))
    assert layer.backward(np.ones(X.shape)).dtype == np.float32


@BOTH
def test_backward_before_forward_and_another_shape_are_refused(kind, function):
    layer = kind()
    with pytest.raises(ValueError, match=rf"{kind.__name__}\(\): backward before forward"):
        layer.backward(X)
    layer.forward(X)
    with pytest.raises(ValueError, match=r"dy has shape \(3, 2\)"):
        layer.backward(X.T)


def exclusive_or():
    """The four points, and which of the two numbers differ."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    return x, np.array([0, 1, 1, 0])


@BOTH
def test_with_momentum_it_learns_what_no_straight_line_tells_apart(kind, function, rng, tmp_path):
    x, labels = exclusive_or()
    model = Sequential([Dense(2, 8, rng=rng), kind(), Dense(8, 2, rng=rng)])
    sgd = SGD(model.params, lr=0.3, momentum=0.9)
    for _ in range(300):
        _, doutputs = softmax_cross_entropy(model.forward(x, train=True), labels)
        model.backward(doutputs, input_gradient=False)
        sgd.step()
    assert np.array_equal(model.predict(x).argmax(axis=1), labels)
    save(model, tmp_path / "model.npz")
    loaded = load(tmp_path / "model.npz")  # without being told of the class
    assert type(loaded.layers[1]) is kind
    assert np.array_equal(loaded.predict(x), model.predict(x))
