"""To PyTorch and back: outputs, weights and masks bit for bit, and what is refused."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pytorch import from_torch, to_torch
from torch import nn
from torch.nn.utils import prune

from nnlite import Conv2D, Dense, Dropout, Flatten, ReLU, Sequential, Sigmoid, Tanh, optim
from nnlite.prune import apply, keep_masks, magnitude, scores

SHAPE = (7, 6, 2)


def network(rng):
    """Two convolutions, a Flatten behind them, two dense layers."""
    layers = [Conv2D(2, 3, (3, 2), (2, 1), 1, rng=rng), ReLU(), Conv2D(3, 4, 4, rng=rng), Tanh()]
    dense = [Dense(4 * 7 * 4, 5, rng=rng), Sigmoid(), Dropout(0.3, rng=rng), Dense(5, 3, rng=rng)]
    model = Sequential([*layers, Flatten(), *dense])
    for p in model.params:
        p.value = rng.normal(size=p.value.shape).astype(np.float32)
    return model


def outputs(module, images):
    """What a module computes for images (N, H, W, C)."""
    with torch.no_grad():
        return module(torch.tensor(np.moveaxis(images, -1, 1))).numpy()


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def test_a_module_computes_what_the_model_does(rng):
    model, images = network(rng), rng.random((5, *SHAPE), dtype=np.float32)
    assert np.allclose(outputs(to_torch(model, SHAPE), images), model.predict(images), atol=1e-6)
    double = to_torch(model.astype(np.float64), SHAPE)
    exact = model.astype(np.float64).predict(images)
    assert np.allclose(outputs(double, images.astype(float)), exact, atol=1e-13)


def test_without_turning_the_dense_layer_few_outputs_agree(rng):
    """The trap: shapes fit, and nothing says that neurons have another order."""
    model, images = network(rng), rng.random((200, *SHAPE), dtype=np.float32)
    module = to_torch(model, SHAPE)
    module[5].weight.data = torch.tensor(model.layers[5].w.value.T)
    assert not np.allclose(outputs(module, images), model.predict(images), atol=0.1)


def test_there_and_back_every_bit_is_the_same(rng):
    model = network(rng)
    apply(model, keep_masks(scores(model, magnitude), 0.5))
    model.layers[0].b.mask = np.array([True, False, True])
    model.layers[0].b.value[1] = 0
    back = from_torch(to_torch(model, SHAPE), SHAPE, rng)
    assert repr(back) == repr(model)
    for p, q in zip(model.params, back.params):
        assert same_bits(p.value, q.value)
        assert (p.mask is None) == (q.mask is None)
        assert p.mask is None or np.array_equal(p.mask, q.mask)


def test_a_model_of_its_own_array_each(rng):
    """Training one does not move the other."""
    model = network(rng)
    module = to_torch(model, SHAPE)
    back, before = from_torch(module, SHAPE, rng), [p.value.copy() for p in model.params]
    with torch.no_grad():
        for weight in module.parameters():
            weight += 1
    for p, q, value in zip(model.params, back.params, before):
        assert np.array_equal(p.value, value) and np.array_equal(q.value, value)


def test_what_was_pruned_in_pytorch_arrives_with_its_masks(rng):
    torch.manual_seed(0)
    linear = nn.Linear(3 * 5 * 4, 3)
    module = nn.Sequential(nn.Conv2d(2, 3, 3, padding="valid"), nn.ReLU(), nn.Flatten(), linear)
    prune.l1_unstructured(module[0], "weight", amount=0.5)
    prune.l1_unstructured(linear, "weight", amount=0.75)
    prune.l1_unstructured(linear, "bias", amount=1)
    with torch.no_grad():
        linear.weight_orig *= 2  # as a step does, without a pass forward behind it
    model = from_torch(module, SHAPE, rng)
    assert [p.mask is None for p in model.params] == [False, True, False, False]
    assert model.params[2].sparsity == 0.75 and np.sum(~model.params[2].mask) == 0.75 * 180
    images = rng.random((5, *SHAPE), dtype=np.float32)
    assert np.allclose(model.predict(images), outputs(module, images), atol=1e-6)
    module = to_torch(model, SHAPE)
    assert prune.is_pruned(module[0]) and prune.is_pruned(module[3])
    sgd = optim.SGD(model.params, lr=1.0)
    for p in model.params:
        p.grad = np.ones_like(p.value)
    sgd.step()
    assert model.params[2].sparsity == 0.75  # and stays pruned


@pytest.mark.parametrize("padding", ["same", "valid", 0, 2])
@pytest.mark.parametrize("kernel", [1, 2, (3, 4)])
def test_padding_is_the_same_on_both_sides(padding, kernel, rng):
    model = Sequential([Conv2D(2, 3, kernel, 1, padding, rng=rng)])
    module, images = to_torch(model, SHAPE), rng.random((2, *SHAPE), dtype=np.float32)
    found = np.moveaxis(outputs(module, images), 1, -1)
    assert np.allclose(found, model.predict(images), atol=1e-6)
    assert from_torch(module, SHAPE, rng).layers[0].padding == padding


class Square:
    params, args = (), ()

    def forward(self, x, train=False):
        return x**2

    def backward(self, dy):
        return dy


def test_what_has_no_counterpart_in_pytorch_is_refused(rng):
    for layer in (Conv2D(2, 3, 3, 2, "same", rng=rng), Conv2D(2, 3, 3, (1, 2), rng=rng), Square()):
        with pytest.raises(ValueError, match="has no counterpart in PyTorch"):
            to_torch(Sequential([layer]), SHAPE)


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(2, 2, 3, dilation=2),
        nn.Conv2d(2, 2, 3, groups=2),
        nn.Conv2d(2, 2, 3, padding=(0, 1)),
        nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(2, 2, 3, bias=False),
        nn.Flatten(0),
        nn.BatchNorm2d(2),
        nn.Sequential(nn.ReLU()),
        nn.Softmax(1),
    ],
    ids=str,
)
def test_what_has_no_counterpart_in_nnlite_is_refused(module, rng):
    with pytest.raises(ValueError, match="has no counterpart in nnlite"):
        from_torch(nn.Sequential(module), SHAPE, rng)


def test_what_is_done_in_place_is_the_same_layer(rng):
    modules = nn.Sequential(nn.ReLU(inplace=True), nn.Dropout(0.25))
    model = from_torch(modules, SHAPE, rng)
    assert repr(model.layers) == "[ReLU(), Dropout(0.25)]"
