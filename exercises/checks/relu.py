"""Exercise 2, against the functions of nnlite/layers.py."""

import numpy as np

import nnlite
from checks.compare import Check
from nnlite.layers import relu, relu_gradient


def with_zeros(rng):
    """x (4, 5), a third of it exactly 0."""
    return rng.normal(size=(4, 5)) * rng.integers(3, size=(4, 5)).clip(0, 1)


def cases(rng):
    return [(with_zeros(rng),), (rng.normal(size=(2, 3, 3, 2)),)]


def gradient_cases(rng):
    return [(relu(with_zeros(rng)), rng.normal(size=(4, 5)))]


MISTAKES = (
    (lambda x: np.max(x, 0), "np.max(x, 0) is the maximum along axis 0. np.maximum compares."),
    (np.abs, "What is negative becomes 0, not positive."),
    (lambda x: np.minimum(x, 0), "The other half: what is above 0 stays."),
    (lambda x: x > 0, "That says where y is above 0. Wanted is y."),
)
GRADIENT_MISTAKES = (
    (
        lambda y, dy: np.where(y >= 0, dy, 0),
        "y >= 0 holds everywhere, y being max(x, 0). dy passes where y > 0; at 0 it is stopped.",
    ),
    (lambda y, dy: np.where(y > 0, 1.0, 0), "The chain rule is missing: times dy."),
    (lambda y, dy: y > 0, "The chain rule is missing: times dy."),
    (lambda y, dy: np.maximum(dy, 0), "Whether dy passes depends on the sign of y, not of dy."),
    (lambda y, dy: y * dy, "y itself is no derivative: where y > 0, it is 1."),
)
CHECKS = (
    Check(relu, ("y",), cases, MISTAKES),
    Check(relu_gradient, ("dx",), gradient_cases, GRADIENT_MISTAKES),
)


def in_use(exercise):
    rng = np.random.default_rng(0)
    with nnlite.replaced(relu=exercise.relu, relu_gradient=exercise.relu_gradient):
        errors = nnlite.check_gradients(nnlite.ReLU(), rng.normal(size=(4, 6)), rng=rng)
    return f"In the place of nnlite's, it agrees with differences to {errors['x']:.0e}."
