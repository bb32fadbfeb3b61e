"""Exercise 9, against nnlite.prune.mean_activation."""

import numpy as np

from checks.compare import Check
from checks.timing import fastest
from nnlite import prune


def cases(rng):
    """Inputs of both signs, so that abs inside and outside of the mean differ; square first."""
    return [(rng.normal(size=(n, m)), rng.normal(size=(6, n))) for n, m in ((3, 3), (4, 2))]


def mean_activation(w, x):
    squares = np.mean(x**2, axis=0)
    statistics = prune.InputStatistics(len(x), x.mean(axis=0), np.abs(x).mean(axis=0), squares)
    return prune.mean_activation(w, statistics)


MISTAKES = (
    (
        lambda w, x: np.abs(w) * np.abs(x).mean(axis=0)[:, None],
        "abs inside the mean: inputs of both signs should cancel first. abs(mean), not mean(abs).",
    ),
    (lambda w, x: w * x.mean(axis=0)[:, None], "abs is missing."),
    (
        lambda w, x: np.abs(w * x.sum(axis=0)[:, None]),
        "A sum over the images where a mean belongs.",
    ),
    (
        lambda w, x: np.abs(w * x.mean(axis=0)),
        "The mean inputs meet the outputs: w[i, j] goes with input i. x.mean(axis=0)[:, None].",
    ),
    (lambda w, x: np.abs(w * x.mean()), "One mean for all inputs: each has its own, axis=0."),
    (
        lambda w, x: np.abs(x.mean(axis=0) @ w),
        "Summed over the inputs: that is the mean output. Each weight has a score.",
    ),
    (lambda w, x: np.abs(w), "That is the magnitude. The inputs are missing."),
    (
        lambda w, x: np.abs(w) * np.sqrt(np.mean(x**2, axis=0))[:, None],
        "That is Wanda's score up to a factor: the mean of x, not the root of its mean square.",
    ),
)
CHECKS = (Check(mean_activation, ("score",), cases, MISTAKES),)


def loop(w, x):
    """The posts' way."""
    total = np.zeros_like(w)
    for image in x:
        total += w * image[:, None]
    return np.abs(total / len(x))


def in_use(exercise):
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(784, 300)), rng.random((500, 784))
    ratio = fastest(loop, w, x) / fastest(exercise.mean_activation, w, x)
    return f"On 784 x 300 weights and 500 images, the posts' loop takes {ratio:.3g} times as long."
