"""Attacks on single images: on a linear model the best one is known; what all of them promise."""

import numpy as np
import pytest
from easy import as_images, easy_images, linear_model

from nnlite import accuracy
from nnlite.attack_losses import margin_loss
from nnlite.attacks import (
    fgsm,
    gaussian,
    pgd,
    random_signs,
    right_under_all,
    side_of_square,
    smallest_limits,
    square,
)

W = np.array([3.0, -2, 0.5, -0.1])


def attack_with(name, model, images, labels, limit, seed=0, **options):
    rng = np.random.default_rng(seed)
    if name == "fgsm":
        return fgsm(model, images, labels, limit, **options)
    if name == "pgd":
        return pgd(model, images, labels, limit, rng=rng, steps=10, restarts=2, **options)
    return square(model, images, labels, limit, rng=rng, queries=100, **options)


ATTACKS = pytest.mark.parametrize("name", ["fgsm", "pgd", "square"])


@ATTACKS
def test_the_best_attack_on_a_linear_model_is_found(name):
    """Class 1 where x @ W > 0: every pixel goes as far as it may, against its weight."""
    model, images = linear_model(W), as_images([0.9, 0.05, 0.5, 0.5])  # x @ W = 2.8
    attacked = attack_with(name, model, images, np.array([1]), 0.1)
    assert np.allclose(attacked[0, 0, :, 0], [0.8, 0.15, 0.4, 0.6], atol=1e-6)  # not enough
    back = attack_with(name, model, attacked, np.array([0]), 0.1, targeted=True)
    assert np.allclose(back[0, 0, :, 0], attacked[0, 0, :, 0] - 0.1 * np.sign(W), atol=1e-6)


@ATTACKS
@pytest.mark.parametrize("targeted", [False, True])
def test_attacks_fool_a_trained_model_within_their_bounds(name, targeted, trained, rng):
    model, _ = trained
    images, labels = easy_images(100, rng)
    before = images.copy()
    wanted = (labels + 1) % 4 if targeted else labels
    attacked = attack_with(name, model, images, wanted, 0.4, targeted=targeted)
    read = model.predict(attacked).argmax(axis=1)
    assert np.mean(read == wanted) > 0.6 if targeted else np.mean(read == labels) < 0.3
    assert np.abs(attacked - images).max() <= 0.4 + 1e-6
    assert attacked.min() >= 0 and attacked.max() <= 1
    assert attacked.dtype == np.float32 and np.array_equal(images, before)
    again = attack_with(name, model, images, wanted, 0.4, targeted=targeted)
    assert np.array_equal(attacked, again)


@pytest.mark.parametrize("name", ["pgd", "square"])
def test_images_that_are_fooled_already_are_left_alone(name, trained, rng):
    model, _ = trained
    images, labels = easy_images(20, rng)
    labels[::2] = (labels[::2] + 1) % 4
    attacked = attack_with(name, model, images, labels, 0.3)
    assert np.array_equal(attacked[::2], images[::2])
    assert not np.array_equal(attacked[1::2], images[1::2])


@ATTACKS
def test_each_image_may_have_a_limit_of_its_own(name, trained, rng):
    model, _ = trained
    images, labels = easy_images(3, rng)
    attacked = attack_with(name, model, images, labels, np.array([0.0, 0.1, 0.3]))
    largest = np.abs(attacked - images).max(axis=(1, 2, 3))
    assert largest[0] == 0 and largest[1] <= 0.1 + 1e-6 and 0.1 < largest[2] <= 0.3 + 1e-6


def test_more_steps_and_beginnings_are_not_weaker(trained, rng):
    model, _ = trained
    images, labels = easy_images(200, rng)

    def right(**options):
        attacked = pgd(model, images, labels, 0.2, rng=np.random.default_rng(0), **options)
        return accuracy(model, attacked, labels)

    one, many = right(steps=1, random_start=False), right(steps=20, restarts=3)
    assert many < one - 0.05


def test_another_goal_is_reached(trained, rng):
    """Output 2 above 0.85, not only above the others."""
    model, _ = trained
    images, _ = easy_images(50, rng)

    def reached(**options):
        wanted = np.full(50, 2)
        attacked = pgd(model, images, wanted, 0.5, rng=rng, targeted=True, **options)
        return np.mean(model.predict(attacked)[:, 2] > 0.85)

    assert reached(goal=lambda outputs, labels: outputs[:, 2] - 0.85, loss=margin_loss) > 0.95
    assert reached() < 0.9


class OutputsOnly:
    """A model of which nothing but predict is known."""

    def __init__(self, model):
        self.predict = model.predict


def test_squares_need_no_gradient(trained, rng):
    model, _ = trained
    images, labels = easy_images(50, rng)
    one, other = (
        square(m, images, labels, 0.3, rng=np.random.default_rng(1), queries=50)
        for m in (model, OutputsOnly(model))
    )
    assert np.array_equal(one, other)
    with pytest.raises(ValueError, match="input_gradient"):
        pgd(OutputsOnly(model), images, labels, 0.3, rng=rng)


def test_squares_shrink_as_in_the_paper():
    sides = [side_of_square(k / 10000, 28, 28) for k in (0, 10, 11, 51, 201, 9000)]
    areas = [0.8, 0.8, 0.4, 0.2, 0.1, 0.8 / 2**9]
    assert sides == [round(np.sqrt(area * 784)) for area in areas]


def test_controls_have_the_norm_they_say(rng):
    images = np.full((6, 8, 8, 1), 0.5, np.float32)
    signs = random_signs(images, 0.1, rng=rng) - images
    noise = gaussian(images, 0.1, rng=rng) - images
    assert np.allclose(np.abs(signs), 0.1)
    assert np.allclose((noise**2).sum(axis=(1, 2, 3)), (signs**2).sum(axis=(1, 2, 3)), rtol=1e-3)
    assert np.abs(noise).max() > 0.2 and abs(np.mean(signs > 0) - 0.5) < 0.1


def test_right_under_all_is_the_worst_of_each_image():
    model = linear_model(W)
    images, labels = as_images([1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]), np.array([1, 1, 1])
    worse = as_images([1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0])
    assert right_under_all(model, [images], labels).tolist() == [True, True, False]
    assert right_under_all(model, [images, worse], labels).tolist() == [True, False, False]


def test_right_under_all_takes_a_label_for_each_image_of_each_attack():
    model, images = linear_model(W), as_images([1, 0, 0, 0], [0, 1, 0, 0])
    with pytest.raises(ValueError, match="1 images and 2 labels"):
        right_under_all(model, [images, images[:1]], np.array([1, 1]))
    with pytest.raises(ValueError, match="labels run from 1 to 51"):
        right_under_all(model, [images], np.array([1, 51]))


def test_attacked_images_have_the_dtype_of_the_images():
    model, images, labels = linear_model(W), as_images([1, 0, 0, 0]), np.array([1])
    assert images.dtype == np.float32
    for name in ("fgsm", "pgd", "square"):
        found = attack_with(name, model.astype(np.float64), images, labels, 0.1)
        assert found.dtype == np.float32


def test_smallest_limits_where_all_are_read_wrong_are_zero():
    model, images = linear_model(W), as_images([1, 0, 0, 0])

    def attack(*args):
        raise AssertionError("nothing is left to attack")

    assert smallest_limits(attack, model, images, np.array([0])).tolist() == [0]


def test_smallest_limits_of_a_linear_model():
    """x @ W - limit * sum(abs(W)) = 0, where no pixel is clipped."""
    model = linear_model(W)
    images = as_images([0.7, 0.5, 0.5, 0.5], [0.6, 0.6, 0.6, 0.6], [0.2, 0.9, 0.5, 0.5])
    labels = np.array([1, 1, 1])

    def attack(images, labels, limits):
        return fgsm(model, images, labels, limits)

    found = smallest_limits(attack, model, images, labels, highest=0.5, halvings=10)
    exact = (images[:, 0, :, 0] @ W) / np.abs(W).sum()
    assert np.all(found[:2] >= exact[:2]) and np.all(found[:2] - exact[:2] <= 0.5 / 2**10 + 1e-6)
    assert found[2] == 0
    assert smallest_limits(attack, model, images[:1], labels[:1], highest=0.01).tolist() == [np.inf]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"limit": 1.5}, r"limit is 1\.5"),
        ({"limit": True}, "limit is True"),
        ({"limit": np.full(3, 0.1)}, "one for each of 2"),
        ({"images": np.full((2, 1, 4, 1), 2, np.float32)}, "outside"),
        ({"labels": np.array([1])}, "2 images and 1 labels"),
    ],
)
@ATTACKS
def test_what_does_not_fit_is_refused(name, changes, message):
    right = {"images": as_images(W * 0, W * 0), "labels": np.array([0, 1]), "limit": 0.1}
    with pytest.raises(ValueError, match=message):
        attack_with(name, linear_model(W), **right | changes)
