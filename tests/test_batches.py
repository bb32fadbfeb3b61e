"""Minibatches, accuracy, and that a seed decides a training run to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlite import (
    SGD,
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    ReLU,
    Sequential,
    accuracy,
    check_finite,
    minibatches,
    softmax_cross_entropy,
)


def paired(n):
    """n images that carry their own label."""
    labels = np.arange(n)
    return labels[:, None] * np.ones(3), labels


@given(n=st.integers(0, 20), batch_size=st.integers(1, 25))
def test_each_image_comes_exactly_once_and_with_its_label(n, batch_size):
    batches = list(minibatches(*paired(n), batch_size, np.random.default_rng(0)))
    seen = [label for _, labels in batches for label in labels]
    assert sorted(seen) == list(range(n))
    assert all(np.array_equal(images, labels[:, None] * np.ones(3)) for images, labels in batches)
    full, rest = divmod(n, batch_size)
    assert [len(labels) for _, labels in batches] == [batch_size] * full + [rest] * (rest > 0)


def test_minibatches_are_shuffled_anew_in_every_epoch(rng):
    images, labels = paired(50)
    first, second = (
        np.concatenate([y for _, y in minibatches(images, labels, 10, rng)]) for _ in range(2)
    )
    assert not np.array_equal(first, labels) and not np.array_equal(first, second)


def test_minibatches_are_copies(rng):
    images, labels = paired(10)
    images.setflags(write=False)
    labels.setflags(write=False)
    for x, y in minibatches(images, labels, 4, rng):
        x[:], y[:] = -1, -1
    assert np.array_equal(labels, np.arange(10)) and np.array_equal(images[:, 0], labels)


@pytest.mark.parametrize(
    "n_labels, batch_size, rng, message",
    [
        (9, 5, np.random.default_rng(0), "10 images but 9 labels"),
        (10, 0, np.random.default_rng(0), "batch_size is 0"),
        (10, 2.5, np.random.default_rng(0), r"batch_size is 2\.5"),
        (10, 5, 0, "rng is 0"),
    ],
)
def test_minibatches_name_what_is_wrong(n_labels, batch_size, rng, message):
    with pytest.raises(ValueError, match=message):
        next(minibatches(np.ones((10, 3)), np.arange(n_labels), batch_size, rng))


@pytest.fixture
def largest(rng):
    """A model that answers with the index of its largest input."""
    model = Sequential([Dense(3, 3, rng=rng)])
    model.params[0].value, model.params[1].value = np.eye(3, dtype="f"), np.zeros(3, "f")
    return model


@pytest.mark.parametrize("batch_size", [1, 3, 500])
def test_accuracy_is_the_fraction_that_is_right(batch_size, largest):
    images = np.eye(3, dtype="f")[[0, 1, 2, 2]]
    for labels, expected in [([0, 1, 2, 2], 1), ([0, 1, 2, 1], 0.75), ([1, 2, 0, 0], 0)]:
        fraction = accuracy(largest, images, np.array(labels), batch_size)
        assert type(fraction) is float and fraction == expected


@pytest.mark.parametrize(
    "n_images, labels, message",
    [
        (2, [0, 1, 2], "2 images but 3 labels"),
        (2, [0, 3], r"labels run from 0 to 3; with 3 classes"),
        (2, [0.0, 1.0], "labels have dtype float64"),
        (2, [[0], [1]], r"labels have .* shape \(2, 1\)"),
        (0, np.array([], int), "no images|at least one image"),
    ],
)
def test_accuracy_names_what_is_wrong(n_images, labels, message, largest):
    with pytest.raises(ValueError, match=message):
        accuracy(largest, np.ones((n_images, 3), "f"), np.array(labels))


def test_accuracy_of_outputs_that_are_not_in_rows_is_refused(rng):
    images = rng.random((10, 8, 4, 1), dtype=np.float32)
    for layers in ([Conv2D(1, 10, 1, rng=rng)], [ReLU()]):
        with pytest.raises(ValueError, match=r"\(N, n_out\) is expected: is a Flatten"):
            accuracy(Sequential(layers), images, np.zeros(10, int))


def test_accuracy_of_outputs_that_are_not_finite_is_refused(largest):
    """argmax would call nan the largest, and class 0 would be right."""
    with pytest.raises(ValueError, match="not finite"):
        accuracy(largest, np.full((2, 3), np.nan, "f"), np.array([0, 0]))


def train(seed, optimiser=Adam):
    """The weights after two epochs of all that is random: weights, dropout, order."""
    rng = np.random.default_rng(seed)
    images = np.random.default_rng(7).random((30, 6, 6, 1), dtype=np.float32)
    labels = np.arange(30) % 3
    model = Sequential(
        [
            Conv2D(1, 4, 3, 2, rng=rng),
            ReLU(),
            Flatten(),
            Dropout(0.3, rng=rng),
            Dense(36, 3, rng=rng),
        ]
    )
    o = optimiser(model.params, lr=1e-2, l2=1e-3)
    losses = []
    for _ in range(2):
        for x, y in minibatches(images, labels, 8, rng):
            loss, doutputs = softmax_cross_entropy(model.forward(x, train=True), y)
            model.backward(doutputs, input_gradient=False)
            o.step()
            losses.append(loss)
    return [p.value for p in model.params], losses


@pytest.mark.parametrize("optimiser", [Adam, SGD])
def test_the_seed_decides_a_training_run_to_the_last_bit(optimiser):
    (weights, losses), (again, losses_again) = train(3, optimiser), train(3, optimiser)
    assert losses == losses_again
    assert all(np.array_equal(a, b) for a, b in zip(weights, again))


@pytest.mark.parametrize("optimiser, lr", [(SGD, 1.0), (Adam, 1e-2)])
def test_training_learns_what_can_be_learned(optimiser, lr, rng):
    """Two interleaved classes that no linear model tells apart."""
    x = rng.uniform(-1, 1, (400, 2)).astype(np.float32)
    labels = (x[:, 0] * x[:, 1] > 0).astype(int)
    model = Sequential([Dense(2, 16, rng=rng), ReLU(), Dense(16, 2, rng=rng)])
    o = optimiser(model.params, lr=lr)
    for _ in range(60):
        for images, targets in minibatches(x, labels, 40, rng):
            _, doutputs = softmax_cross_entropy(model.forward(images, train=True), targets)
            model.backward(doutputs, input_gradient=False)
            o.step()
    assert accuracy(model, x, labels) > 0.95


def diverged(where):
    """A network, images and a loss with one number that is not finite."""
    rng = np.random.default_rng(0)
    model = Sequential([Dense(3, 4, rng=rng), ReLU(), Dense(4, 2, rng=rng)])
    images, loss = rng.random((5, 3), dtype=np.float32), 0.5
    if where == "images":
        images[2, 1] = np.nan
    elif where == "weights":
        model.layers[2].w.value[1, 1] = -np.inf
    elif where == "outputs":
        model.layers[0].b.value[:] = np.finfo(np.float32).max
        model.layers[2].w.value[:] = 10.0
    return model, np.inf if where != "weights" else loss, images


@pytest.mark.parametrize(
    "where, match",
    [
        ("images", "not finite: the images"),
        ("weights", r"not finite: the weights of layer 2, Dense\(4, 2\)\."),
        ("outputs", r"not finite: the outputs of layer 2, Dense\(4, 2\)\."),
        ("loss", "not finite: what the loss made of the outputs"),
    ],
)
def test_what_is_not_finite_is_named(where, match):
    model, loss, images = diverged(where)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=match) as error:
        check_finite(model, loss, images, lr=0.01, step=7)
    assert "step 7" in str(error.value) and "learning rate below 0.01" in str(error.value)


def test_what_is_finite_passes():
    model, _, images = diverged(None)
    check_finite(model, 0.5, images, lr=0.01, step=7)
