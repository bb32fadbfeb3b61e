"""Layers: known values, dropout, initial weights, dtypes, arrays left alone, errors."""

import numpy as np
import pytest

from nnlite import (
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    ReLU,
    Sequential,
    quadratic,
    softmax_cross_entropy,
)

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_dense_of_known_values(rng):
    layer = Dense(2, 3, rng=rng)
    layer.w.value, layer.b.value = np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([0.0, 10, 20])
    assert np.array_equal(layer.forward(np.array([[1.0, 0], [2, -1]])), [[1, 12, 23], [-2, 9, 20]])
    assert np.array_equal(layer.backward(np.array([[1.0, 0, 0], [0, 0, 1]])), [[1, 4], [3, 6]])
    assert np.array_equal(layer.w.grad, [[1, 0, 2], [0, 0, -1]])
    assert np.array_equal(layer.b.grad, [1, 0, 1])


def test_relu_has_derivative_zero_at_zero():
    layer = ReLU()
    assert np.array_equal(layer.forward(np.array([[-2.0, 0, 3]])), [[0, 0, 3]])
    assert np.array_equal(layer.backward(np.array([[5.0, 6, 7]])), [[0, 0, 7]])


def test_flatten_puts_the_channel_last():
    """Neuron (row * W + column) * C + channel."""
    layer, x = Flatten(), np.arange(24.0).reshape(1, 2, 3, 4)
    y = layer.forward(x)
    assert all(y[0, (r * 3 + c) * 4 + k] == x[0, r, c, k] for r, c, k in np.ndindex(2, 3, 4))
    assert np.array_equal(layer.backward(y), x)


def test_flatten_of_no_images():
    assert Flatten().forward(np.ones((0, 2, 3, 4))).shape == (0, 24)


def test_dropout_zeroes_the_fraction_and_scales_the_rest(rng):
    y = Dropout(0.3, rng=rng).forward(np.ones((200, 500)), train=True)
    assert np.allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-5)
    assert abs(np.mean(y == 0) - 0.3) < 0.01  # 7 standard deviations
    assert abs(y.mean() - 1) < 0.015
    assert np.ptp(np.mean(y == 0, axis=0)) > 0  # each image has a mask of its own


def test_dropout_drops_the_gradient_where_it_dropped_the_value(rng):
    layer, x, dy = Dropout(0.5, rng=rng), rng.normal(size=(9, 9)), rng.normal(size=(9, 9))
    scale = layer.forward(x, train=True) / x
    assert np.allclose(layer.backward(dy), dy * scale)


def test_dropout_draws_anew_in_every_step(rng):
    layer, x = Dropout(0.5, rng=rng), np.ones((4, 50))
    assert not np.array_equal(layer.forward(x, train=True), layer.forward(x, train=True))


@pytest.mark.parametrize("drop_prob, train", [(0.5, False), (0, True)])
def test_dropout_that_does_nothing_draws_nothing(drop_prob, train, rng):
    layer, x, state = Dropout(drop_prob, rng=rng), np.ones((4, 50)), rng.bit_generator.state
    layer.forward(x, train=not train)
    rng.bit_generator.state = state
    assert np.array_equal(layer.forward(x, train=train), x)
    assert np.array_equal(layer.backward(x), x)
    assert rng.bit_generator.state == state


# Initial weights.  Fans of a filter: kernel area times channels.


def dense_weights(init):
    layer = Dense(300, 200, rng=np.random.default_rng(1), init=init)
    return layer, 300, 200


def filter_weights(init):
    layer = Conv2D(40, 50, (3, 5), rng=np.random.default_rng(1), init=init)
    return layer, 15 * 40, 15 * 50


FANS = pytest.mark.parametrize("build", [dense_weights, filter_weights])


@FANS
def test_posts_are_truncated_normal(build):
    """Two sd cut off a normal distribution's tails leave 0.8796 of its sd."""
    layer, fan_in, fan_out = build("posts")
    w, sd = layer.w.value, np.sqrt(3 / (fan_in + fan_out))
    assert 1.99 * sd < np.abs(w).max() <= 2 * sd * (1 + 1e-6)
    assert np.isclose(w.std(), 0.8796 * sd, rtol=0.01)
    assert abs(w.mean()) < 0.02 * sd
    assert np.isclose(np.mean(np.abs(w) < sd), 0.6827 / 0.9545, atol=0.01)
    assert np.array_equal(layer.b.value, np.full(len(layer.b.value), 0.1, np.float32))


@FANS
def test_he_is_normal(build):
    layer, fan_in, _ = build("he")
    w, sd = layer.w.value, np.sqrt(2 / fan_in)
    assert np.isclose(w.std(), sd, rtol=0.02)
    assert abs(w.mean()) < 0.02 * sd
    assert np.isclose(np.mean(np.abs(w) < sd), 0.6827, atol=0.01)
    assert np.abs(w).max() > 3 * sd
    assert np.array_equal(layer.b.value, np.zeros(len(layer.b.value)))


@FANS
def test_default_is_uniform(build):
    layer, fan_in, _ = build("default")
    w, b, bound = layer.w.value, layer.b.value, 1 / np.sqrt(fan_in)
    assert 0.99 * bound < np.abs(w).max() <= bound * (1 + 1e-6)
    assert np.isclose(w.std(), bound / np.sqrt(3), rtol=0.01)
    assert abs(w.mean()) < 0.02 * bound
    assert 0.9 * bound < np.abs(b).max() <= bound * (1 + 1e-6) and np.ptp(b) > bound


@pytest.mark.parametrize("init", ["default", "he", "posts"])
def test_the_seed_decides_the_weights(init):
    a, b, c = (Dense(5, 4, rng=np.random.default_rng(s), init=init).w.value for s in (0, 0, 1))
    assert a.dtype == np.float32
    assert np.array_equal(a, b) and not np.array_equal(a, c)


# dtypes


@DTYPES
@pytest.mark.parametrize("x_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", [quadratic, softmax_cross_entropy])
def test_dtype_follows_the_parameters(dtype, x_dtype, loss, network, images, labels):
    model = network.astype(dtype)
    adam = Adam(model.params, lr=np.float64(1e-3), l2=1e-4)
    for _ in range(2):
        outputs = model.forward(images.astype(x_dtype), train=True)
        _, doutputs = loss(outputs, labels)
        dx = model.backward(doutputs.astype(x_dtype))
        adam.step()
        arrays = [outputs, doutputs, dx]
        arrays += [a for p in model.params for a in (p.value, p.grad)]
        assert {a.dtype for a in arrays} == {np.dtype(dtype)}
    assert model.predict(images.astype(x_dtype)).dtype == dtype
    assert model.input_gradient(images.astype(x_dtype), labels, loss).dtype == dtype


@DTYPES
def test_each_layer_keeps_the_dtype(dtype, layer_and_x, rng):
    layer, x = layer_and_x
    layer = Sequential([layer]).astype(dtype).layers[0]
    y = layer.forward(x.astype(dtype), train=True)
    assert y.dtype == dtype
    assert layer.backward(rng.normal(size=y.shape).astype(dtype)).dtype == dtype


@DTYPES
@pytest.mark.parametrize("x_dtype", [np.uint8, np.int64, bool])
def test_integer_images_are_refused_with_the_remedy(dtype, x_dtype, network, images):
    with pytest.raises(ValueError, match=r"integer.*x\.astype\(np\.float32\) / 255"):
        network.astype(dtype).forward(images.astype(x_dtype))


def test_integer_images_are_refused_by_dropout_too(rng):
    """It would divide by int(0.5)."""
    layer = Dropout(0.5, rng=rng)
    with pytest.raises(ValueError, match="dtype int64"):
        Sequential([layer, Dense(3, 2, rng=rng)]).forward(np.ones((2, 3), int), train=True)


# Arrays left alone


def test_no_argument_is_written_into(layer_and_x, rng):
    layer, x = layer_and_x
    x.setflags(write=False)
    dy = rng.normal(size=layer.forward(x, train=True).shape)
    dy.setflags(write=False)
    for p in layer.params:
        p.value.setflags(write=False)
    assert np.all(np.isfinite(layer.backward(dy)))


def test_no_returned_array_changes_later(layer_and_x, rng):
    layer, x = layer_and_x

    def run(x):
        y = layer.forward(x, train=True)
        return [y, layer.backward(rng.normal(size=y.shape)), *(p.grad for p in layer.params)]

    first = run(x)
    copies = [a.copy() for a in first]
    second = run(rng.normal(size=x.shape))
    assert not any(np.array_equal(a, b) for a, b in zip(first, second))
    assert all(np.array_equal(a, b) for a, b in zip(first, copies))


def test_forward_in_evaluation_repeats_itself(layer_and_x):
    layer, x = layer_and_x
    assert np.array_equal(layer.forward(x), layer.forward(x))


# Errors


@pytest.mark.parametrize("shape", [(3, 6), (5,), (3, 5, 1)])
def test_dense_refuses_other_shapes(shape, rng):
    with pytest.raises(ValueError, match=r"Dense\(5, 4\) takes x of shape \(N, 5\), got \("):
        Dense(5, 4, rng=rng).forward(np.ones(shape))


def test_dense_advises_flatten_for_images(rng):
    with pytest.raises(ValueError, match=r"Flatten\(\)"):
        Dense(20, 4, rng=rng).forward(np.ones((3, 4, 5)))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"n_in": 0}, "n_in is 0"),
        ({"n_out": -2}, "n_out is -2"),
        ({"n_in": 2.0}, r"n_in is 2\.0"),
        ({"n_out": True}, "n_out is True"),
        ({"init": "xavier"}, "init is 'xavier'; known initialisers: default, he, posts"),
        ({"rng": 0}, r"rng is 0; .*np\.random\.default_rng"),
        ({"rng": None}, "rng is None"),
    ],
)
def test_bad_options_of_dense_are_named(options, message, rng):
    with pytest.raises(ValueError, match=message):
        Dense(**{"n_in": 3, "n_out": 2, "rng": rng} | options)


@pytest.mark.parametrize("drop_prob", [1, 1.5, -0.1, float("nan"), "half", None])
def test_drop_prob_outside_its_range_is_named(drop_prob, rng):
    with pytest.raises(ValueError, match=rf"drop_prob is {drop_prob!r}.*\[0, 1\)"):
        Dropout(drop_prob, rng=rng)


def test_dropout_refuses_a_seed():
    with pytest.raises(ValueError, match="rng is 42"):
        Dropout(0.5, rng=42)


@pytest.mark.parametrize("layer, sizes", [(Dense, (3, 2)), (Conv2D, (1, 2, 3)), (Dropout, (0.5,))])
def test_rng_is_required_by_name(layer, sizes, rng):
    with pytest.raises(TypeError, match="rng"):
        layer(*sizes)
