"""ART and Foolbox attack a network of nnlite's: gradients, and where FGSM and PGD end."""

import numpy as np
import pytest

pytest.importorskip("art")
pytest.importorskip("foolbox")
torch = pytest.importorskip("torch")

from art.attacks import evasion
from art_estimator import ArtClassifier
from attack_libraries import by_art, by_foolbox, by_nnlite
from torch_module import TorchModule

from nnlite import Conv2D, Dense, Flatten, ReLU, Sequential, accuracy, quadratic
from nnlite.attacks import fgsm

SHAPE = (8, 8, 2)


@pytest.fixture
def model(rng):
    layers = [Conv2D(2, 3, 3, rng=rng), ReLU(), Flatten(), Dense(192, 3, rng=rng)]
    return Sequential(layers)


@pytest.fixture
def images(rng):
    return rng.random((30, *SHAPE), dtype=np.float32)


@pytest.mark.parametrize("by_library", [by_art, by_foolbox])
def test_fgsm_and_pgd_end_where_nnlites_end(by_library, model, images):
    task = model, images, model.predict(images).argmax(axis=1), 0.1
    fooled = []
    for theirs, ours in zip(by_library(*task), by_nnlite(*task)):
        assert np.abs(theirs - ours).max() < 1e-6 and np.abs(ours - images).max() > 0.09
        fooled.append(1 - accuracy(model, theirs, task[2]))
    assert fooled[1] >= fooled[0] > 0.5


def test_class_gradients_of_art_are_those_of_outputs(model, images):
    exact, x = model.astype(np.float64), images[:4].astype(float)
    estimator, labels = ArtClassifier(exact, SHAPE, 3), np.array([2, 0, 1, 1])
    gradients = estimator.class_gradient(x)
    assert gradients.shape == (4, 3, *SHAPE)
    direction = np.random.default_rng(1).normal(size=x.shape) * 1e-6
    change = exact.predict(x + direction) - exact.predict(x - direction)
    along = 2 * np.sum(gradients * direction[:, None], axis=(2, 3, 4))
    assert np.allclose(along, change, rtol=1e-6, atol=1e-12)
    assert np.array_equal(estimator.class_gradient(x, 2), gradients[:, [2]])
    assert np.array_equal(estimator.class_gradient(x, labels)[:, 0], gradients[range(4), labels])


def test_attacks_of_art_that_need_class_gradients_or_only_outputs_find_something(model, images):
    estimator, labels = ArtClassifier(model, SHAPE, 3), model.predict(images).argmax(axis=1)
    near = evasion.DeepFool(estimator, max_iter=20, verbose=False).generate(images)
    assert accuracy(model, near, labels) < 0.2 and np.abs(near - images).max() < 0.5
    square = evasion.SquareAttack(estimator, eps=0.2, max_iter=50, verbose=False)
    assert accuracy(model, square.generate(images, labels), labels) < 0.8
    assert np.array_equal(estimator.get_activations(images, 3), model.predict(images))


def test_pytorch_differentiates_each_pass_where_it_was_made(model, images):
    """Two passes forward before the first backward: the model remembers only one of them."""
    module = TorchModule(model)
    first, second = (torch.tensor(x, requires_grad=True) for x in (images[:3], images[3:6]))
    outputs = module(first), module(second)
    for x, y in zip((first, second), outputs):
        y.pow(2).sum().backward()
        expected = model.input_gradient(x.detach().numpy(), np.zeros((3, 3), "f"), quadratic)
        assert np.allclose(x.grad.numpy(), 2 * 3 * expected, atol=1e-6)
    assert all(p.grad is None for p in model.params)


def test_an_attack_of_foolbox_changes_what_nnlite_sees(model, images):
    labels = model.predict(images).argmax(axis=1)
    (theirs, _), ours = by_foolbox(model, images, labels, 0.05), fgsm(model, images, labels, 0.05)
    assert np.array_equal(theirs, ours)
