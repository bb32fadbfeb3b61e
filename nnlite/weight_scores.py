"""Scores of weights, for pruning: the smallest go first.

A score is a function (w, statistics of the layer's inputs) -> array of the shape of w, (n_in,
n_out).  `input_statistics` takes one pass over images for all layers and all scores; `scores` asks
one score of all dense layers.  A layer counts as dense if it has a Parameter `w` of two axes; one
of your own does too.  docs/pruning.md compares the scores.
"""

import inspect
import reprlib
from dataclasses import dataclass

import numpy as np

from nnlite.checks import as_array, as_float, check_count, check_dict, check_model, check_rng
from nnlite.parameter import Parameter

STATISTICS = "pass what input_statistics(model, images) returns"  # the remedy for others


@dataclass(frozen=True)
class InputStatistics:
    """Statistics of the inputs x of one layer over n images, each array (n_in,), float64."""

    n: int
    mean: np.ndarray  # of x
    mean_abs: np.ndarray  # of |x|
    mean_square: np.ndarray  # of x^2

    @property
    def variance(self):
        """Variance of each input."""
        return np.maximum(self.mean_square - self.mean**2, 0)  # not below 0 by rounding

    @property
    def deviation(self):
        """Standard deviation of each input."""
        return np.sqrt(self.variance)

    @property
    def norm(self):
        """sqrt(sum over images of x^2), as in Wanda: it grows with the number of images."""
        return np.sqrt(self.n * self.mean_square)


def magnitude(w, statistics=None):
    """|w|: the posts' absolute value."""
    return np.abs(as_float(w, name="w"))


def mean_activation(w, statistics):
    """|mean over images of w * x|, the posts' activated value.

    w is the same for all images, so the mean of the products is w * mean(x): no loop.
    """
    return np.abs(signed_mean_activation(w, statistics))


def signed_mean_activation(w, statistics):
    """mean over images of w * x: what pulls its neuron down goes first."""
    return of_inputs("mean", statistics, w) * w


def mean_absolute_activation(w, statistics):
    """mean over images of |w * x|.  Behind a ReLU, where x >= 0, the same as mean_activation."""
    return of_inputs("mean_abs", statistics, w) * np.abs(w)


def wanda(w, statistics):
    """|w| * norm(x), Sun et al. 2023: sqrt(n) times the root mean square of what a neuron loses
    without w."""
    return of_inputs("norm", statistics, w) * np.abs(w)


def fluctuation(w, statistics):
    """|w| * sd(x): the root mean square of what a neuron loses without w but with its mean in the
    bias.  wanda^2 / n = mean_activation^2 + fluctuation^2."""
    return of_inputs("deviation", statistics, w) * np.abs(w)


def random(rng):
    """A score that draws from `rng`: the control for all others."""
    check_rng(rng)
    return lambda w, statistics=None: rng.random(w.shape, dtype=w.dtype)


def of_inputs(name, statistics, w):
    """One of the statistics as a column beside w (n_in, n_out), in its dtype."""
    if not isinstance(statistics, InputStatistics):
        raise ValueError(
            f"statistics are {reprlib.repr(statistics)}; this score needs the layers' inputs, pass "
            f"statistics=input_statistics(model, images)"
        )
    w, column = as_float(w, name="w"), getattr(statistics, name)[:, None]
    if w.ndim != 2 or len(w) != len(column):
        raise ValueError(f"w has shape {w.shape}, the statistics are of {len(column)} inputs")
    return column.astype(w.dtype)


def dense_weights(model):
    """{"1.w": Parameter, ...}: the weights of the dense layers of a Sequential."""
    layers = check_model(model, "layers", "params").layers
    weights = {f"{i}.w": layer.w for i, layer in enumerate(layers) if is_dense(layer)}
    if not weights:
        raise ValueError(f"nothing to prune, no layer has a Parameter w (n_in, n_out) in\n{model}")
    return weights


def is_dense(layer):
    w = getattr(layer, "w", None)
    return isinstance(w, Parameter) and w.value.ndim == 2


def input_statistics(model, images, batch_size=500):
    """{"1.w": InputStatistics, ...}: of each dense layer, in one pass over images (N, ...).

    Raises ValueError for no images.
    """
    images, batch_size = as_array(images, "images"), check_count("batch_size", batch_size)
    n = len(images)
    if n == 0:
        raise ValueError("no images given; a mean needs at least one")
    weights = dense_weights(model)
    sums = {name: np.zeros((3, p.value.shape[0])) for name, p in weights.items()}
    for start in range(0, n, batch_size):
        x = as_float(images[start : start + batch_size], model.params[0].value.dtype)
        for i, layer in enumerate(model.layers):
            if is_dense(layer):
                for total, values in zip(sums[f"{i}.w"], moments(x)):
                    total += values.sum(axis=0, dtype=np.float64)
            x = layer.forward(x)
    model.output_shape = None  # the caches are of these images now: no backward
    return {name: InputStatistics(n, *(total / n)) for name, total in sums.items()}


def moments(x):
    """x, |x| and x^2, the squares in float64: the variance is a small difference of large ones."""
    return x, np.abs(x), np.square(x, dtype=np.float64)


def scores(model, score, statistics=None):
    """{"1.w": scores (n_in, n_out), ...} of all dense layers.

    score        a function such as magnitude or mean_activation
    statistics   what input_statistics returned; magnitude and random do without
    Weights that are pruned already get -inf: they are the first to go again.
    Raises ValueError for a score that is no function, or statistics of another model.
    """
    check_score(score)
    found, weights = {}, dense_weights(model)
    if statistics is not None:
        check_dict("statistics", statistics, STATISTICS)
        if statistics.keys() != weights.keys():
            names = ", ".join(map(str, statistics))
            raise ValueError(f"statistics are of {names}, weights {', '.join(weights)}")
    for name, p in weights.items():
        found[name] = score(p.value, None if statistics is None else statistics[name])
        check_scores(found[name], name, p.value.shape)
        if p.mask is not None:
            found[name] = np.where(p.mask, found[name], -np.inf)
    return found


def check_scores(found, name, shape):
    """Return what a score found if it is a number for each weight, else raise ValueError."""
    if np.shape(found) != shape:
        raise ValueError(
            f"the score of {name} has shape {np.shape(found)}, its weights have {shape}; a score "
            f"is a number for each weight"
        )
    return found


def check_score(score):
    """Raise ValueError unless it is a function that can be given weights and statistics."""
    if not callable(score):
        raise ValueError(f"score is {score!r}; pass a function, such as nnlite.prune.magnitude")
    if score is random:
        raise ValueError("random makes a score; pass random(rng)")
    try:
        inspect.signature(score).bind(None, None)
    except TypeError:
        raise ValueError(
            f"score is {score!r}, which does not take two arguments; give it the weights and the "
            f"statistics of their inputs, needed or not: def score(w, statistics)"
        ) from None
