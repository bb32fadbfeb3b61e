"""Exercise 10, against the noise_gradient of nnlite/noise.py."""

import functools
from types import SimpleNamespace

import numpy as np

import nnlite
from checks import training
from checks.compare import Check
from nnlite.noise import add_noise, noise_gradient

TARGET, LIMIT = 3, 0.25


def ask_for(model, target):
    """input_gradient of the loss that asks for a class."""

    def input_gradient(x):
        labels = np.full(len(x), target)
        return model.input_gradient(x, labels, nnlite.softmax_cross_entropy)

    return input_gradient


def cases(rng):
    """Images of which many pixels are black or white, and a small network."""
    layers = [nnlite.Flatten(), nnlite.Dense(8, 3, rng=rng)]
    model = nnlite.Sequential(layers).astype(np.float64)
    images = np.clip(rng.normal(0.5, 1, (6, 2, 4, 1)), 0, 1)
    return [(ask_for(model, 1), images, 0.25, 0.1, 1), (ask_for(model, 2), images, 0.25, 0.1, 5)]


def universal_noise(input_gradient, images, limit, step_size, steps):
    model = SimpleNamespace(input_gradient=lambda x, labels, loss: input_gradient(x))
    v = np.zeros_like(images[0])
    for _ in range(steps):
        g = noise_gradient(model, images, v, labels=None, loss=None)
        v = np.clip(v - step_size * g / np.abs(g).max(), -limit, limit)
    return v


def slip(input_gradient, images, limit, step_size, steps, what):
    """The noise, with one slip."""
    v = np.zeros_like(images[0])
    for _ in range(steps):
        moved = images + v
        dx = input_gradient(moved if what == "no clip" else np.clip(moved, 0, 1))
        inside = (moved >= 0) & (moved <= 1)
        if what == "strictly inside":
            inside = (moved > 0) & (moved < 1)
        if what not in ("all pixels", "no clip"):
            dx = dx * inside
        g = dx.sum(axis=0)
        g = g if what == "as it is" else np.sign(g) if what == "sign" else g / np.abs(g).max()
        v = v + step_size * g if what == "up" else v - step_size * g
        v = v if what == "no limit" else np.clip(v, 0 if what == "no minus" else -limit, limit)
    return v


SLIPS = {
    "all pixels": "The gradient of clipped pixels is counted: they do not follow the noise.",
    "strictly inside": "Pixels of exactly 0 or 1 are left out. They follow the noise: >= and <=.",
    "no clip": "The network is shown images + v. It should see them clipped to 0 and 1.",
    "as it is": "The step is not divided by the largest entry of abs(g).",
    "sign": "The sign of g is another way of making noise. Divide g by its largest entry.",
    "up": "The other sign: the loss asks for the class, so go down.",
    "no limit": "v leaves its limit: clip it after every step.",
    "no minus": "v may be negative too: clip it to -limit and limit.",
}
MISTAKES = (
    *((functools.partial(slip, what=what), text) for what, text in SLIPS.items()),
    (
        lambda input_gradient, images, *rest: universal_noise(input_gradient, images[:1], *rest),
        "Only one image counts. g is the sum over all images.",
    ),
)
CHECKS = (Check(universal_noise, ("v",), cases, MISTAKES),)


def in_use(exercise):
    """How often the learner's noise gets its way, and random signs of the same limit."""
    model, _, _ = training.trained(training.dense_layers())
    (images, _), (test_images, labels) = training.digits()
    noise = exercise.universal_noise(ask_for(model, TARGET), images[:500], LIMIT, 0.03, 50)
    signs = LIMIT * np.random.default_rng(0).choice([-1, 1], noise.shape)

    def success(noise):
        outputs = model.predict(add_noise(test_images[labels != TARGET], noise))
        return np.mean(outputs.argmax(axis=1) == TARGET)

    return (
        f"Of limit {LIMIT}, it makes a network read {success(noise):.0%} of other digits as a "
        f"{TARGET}; random signs do with {success(signs):.0%}."
    )
