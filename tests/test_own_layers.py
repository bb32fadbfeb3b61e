"""Layers of one's own: as short as can be, they do all that nnlite's layers do."""

import copy
import pickle

import numpy as np
import pytest

from nnlite import (
    Adam,
    Dense,
    Parameter,
    ReLU,
    Sequential,
    accuracy,
    check_gradients,
    load,
    minibatches,
    noise,
    prune,
    quadratic,
    save,
    softmax_cross_entropy,
)
from nnlite.checkpoint import load_checkpoint, save_checkpoint
from nnlite.model import check_layers


class Arctan:
    """y = arctan(x)."""

    params, args = (), ()

    def forward(self, x, train=False):
        self.cache = x
        return np.arctan(x)

    def backward(self, dy):
        return dy / (1 + self.cache**2)


class Scale:
    """y = s * x, a factor for each feature."""

    args = ("n", "start")

    def __init__(self, n, start=1.0):
        self.n, self.start = n, start
        self.s = Parameter(np.full(n, start, np.float32))
        self.params = [self.s]

    def forward(self, x, train=False):
        self.cache = x
        return self.s.value * x

    def backward(self, dy):
        self.s.grad = (self.cache * dy).sum(axis=0)
        return self.s.value * dy


class Linear:
    """y = x @ w, without a bias."""

    args = ("n_in", "n_out")

    def __init__(self, n_in, n_out, *, rng):
        self.n_in, self.n_out = n_in, n_out
        self.w = Parameter(rng.normal(0, n_in**-0.5, (n_in, n_out)).astype(np.float32))
        self.params = [self.w]

    def forward(self, x, train=False):
        self.cache = x
        return x @ self.w.value

    def backward(self, dy):
        self.w.grad = self.cache.T @ dy
        return dy @ self.w.value.T


OWN = [Scale, Linear, Arctan]


def own_network(seed=0):
    rng = np.random.default_rng(seed)
    layers = [Scale(2, 1.5), Linear(2, 16, rng=rng), Arctan(), Linear(16, 12, rng=rng), ReLU()]
    return Sequential([*layers, Dense(12, 2, rng=rng)])


@pytest.fixture
def model():
    return own_network()


@pytest.fixture
def x(rng):
    """Points in a square; those of class 1 are above a parabola."""
    return rng.random((400, 2), dtype=np.float32)


def classes(x):
    return (x[:, 1] > x[:, 0] ** 2).astype(int)


def train(model, adam, x, seed, epochs=1):
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        for images, labels in minibatches(x, classes(x), 100, rng):
            _, doutputs = softmax_cross_entropy(model.forward(images, train=True), labels)
            model.backward(doutputs, input_gradient=False)
            adam.step()


def same(a, b):
    return all(np.array_equal(p.value, q.value) for p, q in zip(a.params, b.params))


def test_the_gradients_are_right(model, rng):
    errors = check_gradients(model.astype(np.float64), rng.normal(size=(5, 2)), rng=rng)
    assert list(errors) == ["x", "0.s", "1.w", "3.w", "5.w", "5.b"]
    assert all(error < 1e-7 for error in errors.values()), errors


@pytest.mark.parametrize("first", [0, 1, 2], ids=["scale", "linear", "arctan"])
def test_without_the_input_gradient_the_others_are_the_same(first, x):
    model = Sequential(own_network().layers[first:])
    y = model.forward(x if first < 2 else np.tile(x, 8))
    model.backward(y)
    gradients = [p.grad for p in model.params]
    assert model.backward(y, input_gradient=False) is None
    for p, gradient in zip(model.params, gradients):
        assert p.grad is not gradient and np.array_equal(p.grad, gradient)


def test_the_input_gradient_leaves_the_others_as_they_are(model, x):
    model.input_gradient(x, classes(x), quadratic)
    assert all(p.grad is None for p in model.params)
    _, dy = quadratic(model.forward(x), classes(x))
    dx = model.backward(dy)
    gradients = [p.grad for p in model.params]
    assert np.array_equal(model.input_gradient(x, classes(x), quadratic), dx)
    assert all(p.grad is gradient for p, gradient in zip(model.params, gradients))


def test_it_learns(model, x):
    train(model, Adam(model.params, lr=0.05), x, seed=1, epochs=15)
    assert accuracy(model, x, classes(x)) > 0.9


def test_pruned_weights_stay_zero_under_a_warm_adam(model, x):
    adam = Adam(model.params, lr=0.01, l2=1e-3)
    train(model, adam, x, seed=1)
    statistics = prune.input_statistics(model, x, batch_size=150)
    assert list(statistics) == ["1.w", "3.w", "5.w"]
    hidden = np.arctan((model.layers[0].s.value * x) @ model.layers[1].w.value)
    assert np.allclose(statistics["3.w"].mean, hidden.mean(axis=0), atol=1e-6)
    masks = prune.keep_masks(prune.scores(model, prune.mean_activation, statistics), 0.75)
    with prune.applied(model, masks):
        train(model, adam, x, seed=2)
        for name, mask in masks.items():
            value = model.named_params[name].value
            assert np.array_equal(value != 0, mask) and np.sum(~mask) == 0.75 * mask.size
    assert all(p.mask is None for p in model.params)


def test_noise_can_be_made_for_it(model, x, rng):
    train(model, Adam(model.params, lr=0.05), x, seed=1, epochs=15)
    v = noise.universal_noise(model, x, target=0, limit=0.3, rng=rng, steps=20)
    assert v.shape == (2,) and 0.1 < np.abs(v).max() <= np.float32(0.3)
    asked_for = model.predict(noise.add_noise(x, v)).argmax(axis=1) == 0
    assert asked_for.mean() > np.mean(classes(x) == 0) + 0.1


def test_a_loaded_model_is_the_saved_one(model, x, tmp_path):
    train(model, Adam(model.params), x, seed=1)
    prune.apply(model, prune.keep_masks(prune.scores(model, prune.magnitude), 0.5))
    save(model, tmp_path / "own.npz")
    loaded = load(tmp_path / "own.npz", layers=OWN)
    assert [type(a) for a in loaded.layers] == [type(a) for a in model.layers]
    assert loaded.layers[0].start == 1.5 and loaded.layers[3].n_out == 12
    assert np.array_equal(loaded.predict(x), model.predict(x))
    assert np.array_equal(loaded.layers[1].w.mask, model.layers[1].w.mask)
    with pytest.raises(ValueError, match=r"pass layers=\[Scale, Linear\] to load"):
        load(tmp_path / "own.npz", layers=[Arctan])


def test_a_checkpointed_run_goes_on_bit_for_bit(x, tmp_path):
    runs = [(model, Adam(model.params, l2=1e-3)) for model in (own_network(0), own_network(1))]
    through, resumed = runs
    train(*through, x, seed=1)
    save_checkpoint(tmp_path / "c.npz", *through, {})
    load_checkpoint(tmp_path / "c.npz", *resumed, {})
    for run in runs:
        train(*run, x, seed=2)
    assert same(through[0], resumed[0])
    other = Sequential([Scale(2, 0.5), *own_network().layers[1:]])
    with pytest.raises(ValueError, match=r"layers .*Scale\(2, 1\.5\).*Scale\(2, 0\.5\)"):
        load_checkpoint(tmp_path / "c.npz", other, Adam(other.params), {})


@pytest.mark.parametrize("copied", [lambda a: pickle.loads(pickle.dumps(a)), copy.deepcopy])
def test_a_pickled_run_goes_on_bit_for_bit(copied, model, x):
    run = model, Adam(model.params, l2=1e-3)
    train(*run, x, seed=1)
    other = copied(run)
    for each in (run, other):
        train(*each, x, seed=2)
    assert same(model, other[0]) and other[0].params[0] is not model.params[0]


def test_an_optimiser_that_was_copied_apart_says_so(model, x):
    """It would train weights that nobody looks at."""
    adam = Adam(model.params)
    train(model, adam, x, seed=1)
    apart = [pickle.loads(pickle.dumps(a)) for a in (model, adam)]
    with pytest.raises(ValueError, match=r"has no gradient.*pickle both at once"):
        train(*apart, x, seed=2)


def test_a_pickle_does_not_grow_with_what_was_predicted(model, x):
    model.forward(x[:1])
    before = len(pickle.dumps(model))
    model.predict(x)
    assert len(pickle.dumps(model)) == before


def test_its_arguments_stand_for_it(model):
    """Without a __repr__ of its own, which would be an address."""
    lines = repr(model).splitlines()
    assert lines[1].startswith("  0  Scale(2, 1.5)        ") and lines[3] == "  2  Arctan()"


def test_three_methods_are_all_that_a_layer_needs():
    check_layers([Arctan(), Scale(2)])
    for missing in ("forward", "backward", "params"):
        parts = {name: None for name in ("forward", "backward", "params") if name != missing}
        with pytest.raises(ValueError, match=f"is not a layer: it has no {missing}$"):
            check_layers([type("Half", (), parts)()])
