"""Every backward pass against central differences, and the check against broken ones."""

import numpy as np
import pytest

from nnlite import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    ReLU,
    Sequential,
    check_gradients,
    check_loss,
    quadratic,
    softmax_cross_entropy,
)
from nnlite.gradcheck import numerical_gradient, relative_error

TOLERANCE = 1e-7
LOSSES = pytest.mark.parametrize("loss", [quadratic, softmax_cross_entropy])


class RepeatingDropout(Dropout):
    """Draws the same mask in every forward pass, as a difference quotient needs."""

    def forward(self, x, train=False):
        self.rng = np.random.default_rng(5)
        return super().forward(x, train)


def assert_small(errors):
    assert all(error < TOLERANCE for error in errors.values()), errors


def probabilities(rng, shape):
    p = rng.random(shape)
    return p / p.sum(axis=1, keepdims=True)


def test_gradients_of_each_layer(layer_and_x, rng):
    layer, x = layer_and_x
    errors = check_gradients(layer, x, rng=rng)
    assert set(errors) == ({"x", "w", "b"} if layer.params else {"x"})
    assert_small(errors)


def test_gradient_of_dropout_in_training(rng):
    layer = RepeatingDropout(0.4, rng=rng)
    assert_small(check_gradients(layer, rng.normal(size=(4, 6)), rng=rng, train=True))


def test_gradients_of_convolutions(kernel, stride, padding, rng):
    model = Sequential([Conv2D(2, 3, kernel, stride, padding, rng=rng)]).astype(np.float64)
    assert_small(check_gradients(model, rng.normal(size=(2, 5, 6, 2)), rng=rng))


@pytest.mark.parametrize("chunk_bytes", [1, 1500, 4500], ids=["row", "two rows", "two images"])
def test_gradients_of_convolutions_in_chunks(chunk_bytes, rng, monkeypatch):
    monkeypatch.setattr("nnlite.conv.CHUNK_BYTES", chunk_bytes)
    model = Sequential([Conv2D(2, 3, 3, (2, 1), rng=rng)]).astype(np.float64)
    assert_small(check_gradients(model, rng.normal(size=(3, 6, 5, 2)), rng=rng))


@LOSSES
def test_gradient_of_the_losses(loss, rng):
    outputs = 3 * rng.normal(size=(4, 5))
    assert check_loss(loss, outputs, np.array([0, 4, 2, 2])) < TOLERANCE
    assert check_loss(loss, outputs, probabilities(rng, (4, 5))) < TOLERANCE


@LOSSES
@pytest.mark.parametrize("integer_labels", [True, False])
def test_gradients_through_a_whole_network(loss, integer_labels, network, labels, rng):
    model = network.astype(np.float64)
    model.layers[4] = RepeatingDropout(0.4, rng=rng)
    x = rng.normal(size=(8, 5, 4, 2))
    targets = labels if integer_labels else probabilities(rng, (8, 3))

    def loss_value():
        return loss(model.forward(x, train=True), targets)[0]

    _, dy = loss(model.forward(x, train=True), targets)
    dx = model.backward(dy)
    gradients = {name: p.grad for name, p in model.named_params.items()}
    errors = {"x": relative_error(dx, numerical_gradient(loss_value, x))}
    for name, p in model.named_params.items():
        errors[name] = relative_error(gradients[name], numerical_gradient(loss_value, p.value))
    assert len(errors) == 7
    assert_small(errors)


@LOSSES
def test_input_gradient_is_the_dx_of_backward(loss, network, images, labels):
    _, dy = loss(network.forward(images), labels)
    dx = network.backward(dy)
    assert np.any(dx != 0)
    assert np.array_equal(network.input_gradient(images, labels, loss), dx)


@pytest.mark.parametrize("loss", [quadratic, softmax_cross_entropy])
def test_backward_input_is_the_dx_of_backward_and_leaves_the_parameters_alone(
    loss, network, images, labels
):
    _, dy = loss(network.forward(images), labels)
    dx = network.backward_input(dy)
    assert all(p.grad is None for p in network.params)
    assert np.array_equal(network.backward(dy), dx)


def test_input_gradient_ignores_dropout(network, images, labels):
    first = network.input_gradient(images, labels, quadratic)
    network.forward(images, train=True)  # leaves a mask in the dropout layer
    assert np.array_equal(network.input_gradient(images, labels, quadratic), first)


def test_input_gradient_leaves_parameter_gradients_alone(network, images, labels, rng):
    network.input_gradient(images, labels, quadratic)
    assert all(p.grad is None for p in network.params)
    network.forward(images)
    network.backward(rng.normal(size=(8, 3)))
    before = [(p.grad, p.grad.copy()) for p in network.params]
    network.input_gradient(images, labels, quadratic)
    for p, (grad, copy) in zip(network.params, before):
        assert p.grad is grad and np.array_equal(grad, copy)


@pytest.mark.parametrize("first", [0, 1, 2], ids=["conv", "relu", "flatten"])
def test_backward_without_input_gradient(first, network, rng):
    """Same parameter gradients, None returned, and nothing computed that nobody asked for."""
    model = Sequential(network.layers[first:])
    x = rng.normal(size=(8, 3, 4, 3) if first else (8, 5, 4, 2))
    model.forward(x, train=True)
    dy = rng.normal(size=(8, 3))
    model.backward(dy)
    full = [p.grad for p in model.params]
    bottom = next(i for i, layer in enumerate(model.layers) if layer.params)
    for layer in model.layers[: bottom + 1]:
        layer.backward = layer.backward_input = None  # must not be called
    assert model.backward(dy, input_gradient=False) is None
    for p, grad in zip(model.params, full):
        assert p.grad is not grad and np.array_equal(p.grad, grad)


def test_backward_without_input_gradient_needs_no_parameters():
    model = Sequential([ReLU()])
    model.forward(np.ones((2, 3)))
    assert model.backward(np.ones((2, 3)), input_gradient=False) is None


def test_gradients_are_assigned_not_accumulated(layer_and_x, rng):
    layer, x = layer_and_x
    dy = rng.normal(size=layer.forward(x).shape)
    layer.backward(dy)
    first = [p.grad for p in layer.params]
    layer.backward(dy)
    assert all(np.array_equal(p.grad, grad) for p, grad in zip(layer.params, first))


# The check itself: what is wrong is found, and blamed on the right array.


class FlippedSign(Dense):
    def backward_input(self, dy):
        return -super().backward_input(dy)


class Transposed(Dense):
    def backward_params(self, dy):
        super().backward_params(dy)
        self.w.grad = self.w.grad.T


class MeanBias(Dense):
    def backward_params(self, dy):
        super().backward_params(dy)
        self.b.grad = dy.mean(axis=0)


class ExtraAxis(Dense):
    def backward_params(self, dy):
        super().backward_params(dy)
        self.b.grad = self.b.grad[None]  # (1, n_out): it would broadcast


class FlippedFilters(Conv2D):
    def backward_params(self, dy):
        super().backward_params(dy)
        self.w.grad = self.w.grad[::-1]


class WrongOrder(Flatten):
    """Right for an upstream gradient of ones, hence wrong only for a random one."""

    def backward(self, dy):
        return super().backward(dy[:, ::-1])


class LinearBackward(ReLU):
    def backward(self, dy):
        return dy


class NoGradient(ReLU):
    def backward(self, dy):
        return 0 * dy


@pytest.mark.parametrize(
    "kind, sizes, x_shape, wrong",
    [
        (FlippedSign, (3, 3), (4, 3), "x"),
        (Transposed, (3, 3), (4, 3), "w"),
        (MeanBias, (3, 3), (4, 3), "b"),
        (FlippedFilters, (1, 2, 3), (2, 4, 4, 1), "w"),
        (WrongOrder, (), (4, 3), "x"),
        (LinearBackward, (), (4, 3), "x"),
        (NoGradient, (), (4, 3), "x"),
    ],
)
def test_check_gradients_finds_a_broken_backward(kind, sizes, x_shape, wrong, rng):
    layer = kind(*sizes, rng=rng) if sizes else kind()
    layer = Sequential([layer]).astype(np.float64).layers[0]
    errors = check_gradients(layer, rng.normal(size=x_shape), rng=rng)
    assert errors.pop(wrong) > 1e-3
    assert_small(errors)


def test_check_gradients_finds_a_gradient_of_the_wrong_shape(rng):
    layer = Sequential([ExtraAxis(3, 3, rng=rng)]).astype(np.float64).layers[0]
    with pytest.raises(ValueError, match=r"shape \(1, 3\)"):
        check_gradients(layer, rng.normal(size=(4, 3)), rng=rng)


def test_check_loss_finds_a_forgotten_mean(rng):
    def summed(outputs, targets):
        loss, doutputs = quadratic(outputs, targets)
        return loss, doutputs * len(outputs)

    assert check_loss(summed, rng.normal(size=(4, 3)), np.array([0, 1, 2, 1])) > 1e-3


def test_check_gradients_puts_every_array_back(rng):
    model = Sequential([Dense(3, 2, rng=rng)]).astype(np.float64)
    x = rng.normal(size=(4, 3))
    x.setflags(write=False)
    before = [p.value.copy() for p in model.params]
    check_gradients(model, x, rng=rng)
    assert all(np.array_equal(p.value, value) for p, value in zip(model.params, before))


def test_check_gradients_names_the_parameters_of_a_model(rng):
    model = Sequential([ReLU(), Dense(3, 2, rng=rng)]).astype(np.float64)
    assert set(check_gradients(model, rng.normal(size=(4, 3)), rng=rng)) == {"x", "1.w", "1.b"}


def test_numerical_gradient_of_a_known_function():
    array = np.array([[1.0, 2.0], [3.0, -4.0]])
    gradient = numerical_gradient(lambda: np.sum(array**3), array)
    assert np.allclose(gradient, [[3, 12], [27, 48]], rtol=1e-8)


@pytest.mark.parametrize("model_dtype, x_dtype", [("float32", "float64"), ("float64", "float32")])
def test_check_gradients_needs_float64(model_dtype, x_dtype, rng):
    model = Sequential([Dense(3, 2, rng=rng)]).astype(model_dtype)
    with pytest.raises(ValueError, match=r"dtype float32.*model\.astype\(np\.float64\)"):
        check_gradients(model, np.ones((4, 3), x_dtype), rng=rng)


def test_check_gradients_needs_a_generator(rng):
    with pytest.raises(ValueError, match="rng is 0"):
        check_gradients(ReLU(), np.ones((2, 3)), rng=0)
