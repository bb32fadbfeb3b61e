"""Pruning: score the weights of the dense layers, keep the highest, set the rest to zero.

    statistics = input_statistics(model, images)
    masks = keep_masks(scores(model, mean_activation, statistics), sparsity=0.8)
    apply(model, masks)              # zeroes at once; optimisers keep the zeros
    with applied(model, masks):      # the same, for as long as the block lasts
        accuracy(model, images, labels)

A layer counts as dense if it has a Parameter `w` of two axes, (n_in, n_out); one of your own does
too.  A score is a function (w, statistics of the layer's inputs) -> array of the shape of w; the
smallest go first.  Biases are never pruned.  docs/pruning.md compares the scores.
"""

import contextlib
import inspect
import reprlib
from dataclasses import dataclass

import numpy as np

from nnlite.checks import (
    as_array,
    as_float,
    check_count,
    check_dict,
    check_flag,
    check_mask,
    check_model,
    check_number,
    check_rng,
)
from nnlite.parameter import Parameter

KEPT = "pass what keep_masks returns"  # the remedy for masks that are none
STATISTICS = "pass what input_statistics(model, images) returns"


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
    """|w| * norm(x), Sun et al. 2023: what a neuron loses, as a root mean square, without w."""
    return of_inputs("norm", statistics, w) * np.abs(w)


def fluctuation(w, statistics):
    """|w| * sd(x): what a neuron loses, as a root mean square, without w but with its mean in the
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
                for total, values in zip(sums[f"{i}.w"], (x, np.abs(x), np.square(x))):
                    total += values.sum(axis=0, dtype=np.float64)
            x = layer.forward(x)
    model.output_shape = None  # the caches are of these images now: no backward
    return {name: InputStatistics(n, *(total / n)) for name, total in sums.items()}


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
        if np.shape(found[name]) != p.value.shape:
            raise ValueError(
                f"the score of {name} has shape {np.shape(found[name])}, its weights have "
                f"{p.value.shape}; a score is a number for each weight"
            )
        if p.mask is not None:
            found[name] = np.where(p.mask, found[name], -np.inf)
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


def keep_mask(scores, sparsity):
    """Boolean mask, False at the round(sparsity * size) smallest scores.

    The count is exact; of equal scores the first in row order goes first.
    Raises ValueError for a sparsity outside [0, 1] or scores that are not numbers.
    """
    sparsity = check_number("sparsity", sparsity, "[0, 1]")
    scores = as_array(scores, "scores")
    if np.isnan(scores).any():
        raise ValueError("some scores are nan; are weights and images finite?")
    n_pruned = round(sparsity * scores.size)
    if n_pruned == 0:
        return np.ones(scores.shape, dtype=bool)
    flat = scores.ravel()
    last = np.partition(flat, n_pruned - 1)[n_pruned - 1]  # the highest score that goes
    keep = flat > last
    equal = np.flatnonzero(flat == last)
    keep[equal[n_pruned - np.count_nonzero(flat < last) :]] = True
    return keep.reshape(scores.shape)


def keep_masks(scores, sparsity, whole_network=False, allow_empty=False):
    """Masks for the layers in `scores`, {"1.w": array, ...}, as `scores` returns them.

    Each layer is pruned to the same sparsity (the posts' rule); with whole_network=True,
    the smallest scores go wherever they are.  For some of the layers only, pass only theirs.
    Raises ValueError where nothing of a layer would be kept, unless allow_empty is set.
    """
    check_dict("scores", scores, "first scores: keep_masks(scores(model, magnitude), sparsity)")
    scores = {name: as_array(values, "scores") for name, values in scores.items()}
    if not scores:
        raise ValueError("no scores given; nothing can be pruned")
    if not check_flag("whole_network", whole_network):
        masks = {name: keep_mask(values, sparsity) for name, values in scores.items()}
    else:
        keep = keep_mask(np.concatenate([values.ravel() for values in scores.values()]), sparsity)
        ends = np.cumsum([values.size for values in scores.values()])
        parts = zip(scores.items(), np.split(keep, ends[:-1]))
        masks = {name: part.reshape(values.shape) for (name, values), part in parts}
    return masks if check_flag("allow_empty", allow_empty) else check_kept(masks)


def combine(masks, others, allow_empty=False):
    """Remove what either of two sets of masks removes: the posts' combined pruning."""
    check_masks(masks)
    check_masks(others, "others")
    if masks.keys() != others.keys():
        raise ValueError(f"masks for {', '.join(masks)} and for {', '.join(others)} differ")
    masks = {name: mask & check_mask(others[name], mask.shape) for name, mask in masks.items()}
    return masks if check_flag("allow_empty", allow_empty) else check_kept(masks)


def check_masks(masks, name="masks"):
    """Return `masks` if they are a dict of boolean arrays, else raise ValueError."""
    check_dict(name, masks, KEPT)
    for key, mask in masks.items():
        if not isinstance(mask, np.ndarray) or mask.dtype != bool:
            raise ValueError(f"{name}[{key!r}] is {reprlib.repr(mask)}; a boolean array is needed")
    return masks


def check_kept(masks):
    """Return the masks if each keeps a weight, else raise ValueError."""
    for name, mask in masks.items():
        if mask.size and not mask.any():
            raise ValueError(
                f"all {mask.size} weights of {name} would go; lower the sparsity, or pass "
                f"allow_empty=True"
            )
    return masks


def fraction_removed(masks):
    """Fraction of the weights that the masks remove, all layers together, in [0, 1]."""
    check_masks(masks)
    kept = sum(np.count_nonzero(mask) for mask in masks.values())
    return float(1 - kept / sum(mask.size for mask in masks.values())) if masks else 0.0


def apply(model, masks):
    """Set the masks and zero what they prune, at once.  Returns what `undo` needs.

    Masks that are there already stay: what either prunes is pruned.  Raises ValueError for a
    name that the model does not have or a mask of another shape, and then changes nothing.
    """
    params, saved, pruned = check_model(model, "named_params").named_params, {}, {}
    for name, mask in check_dict("masks", masks, KEPT).items():
        if name not in params:
            raise ValueError(f"no parameter is called {name!r}; there are {', '.join(params)}")
        p = params[name]
        keep = check_mask(mask, p.value.shape)
        keep = keep if p.mask is None else keep & p.mask
        saved[name], pruned[name] = (p.value, p.mask), (np.where(keep, p.value, 0), keep)
    put(params, pruned)
    return saved


def compensate(model, masks, statistics):
    """Add to each bias what the weights that the masks remove gave it on average, w * mean(x).

    Call it before `apply`.  statistics as input_statistics returns them, of the unpruned model.
    Returns what `undo` needs.  Raises ValueError for a layer without a bias `b`.
    """
    params, changed = check_model(model, "named_params").named_params, {}
    check_dict("statistics", statistics, STATISTICS)
    for name, mask in check_masks(masks).items():
        bias = f"{name.rpartition('.')[0]}.b"
        if name not in params or bias not in params:
            raise ValueError(f"{name} has no bias {bias} in\n{model}")
        if name not in statistics:
            raise ValueError(f"statistics have no {name}, only {', '.join(map(str, statistics))}")
        w, b = params[name].value, params[bias]
        lost = np.where(check_mask(mask, w.shape), 0, of_inputs("mean", statistics[name], w) * w)
        changed[bias] = b.value + lost.sum(axis=0, dtype=np.float64).astype(b.value.dtype), b.mask
    saved = {name: (params[name].value, params[name].mask) for name in changed}
    put(params, changed)
    return saved


def undo(model, saved):
    """Put back the weights and masks from before the `apply` that returned `saved`."""
    check_dict("saved", saved, "pass what apply returned")
    put(check_model(model, "named_params").named_params, saved)


def put(params, values_and_masks):
    for name, (value, mask) in values_and_masks.items():
        params[name].value, params[name].mask = value, mask


@contextlib.contextmanager
def applied(model, masks):
    """Prune inside the `with`, then put weights and masks back, also after an error.

    Yields the model.  Raises ValueError as `apply` does.
    """
    saved = apply(model, masks)
    try:
        yield model
    finally:
        undo(model, saved)
