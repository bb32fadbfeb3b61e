"""Pruning: score the weights of the dense layers, keep the highest, set the rest to zero.

    statistics = input_statistics(model, images)
    masks = keep_masks(scores(model, mean_activation, statistics), sparsity=0.8)
    apply(model, masks)              # zeroes at once; optimisers keep the zeros
    with applied(model, masks):      # the same, for as long as the block lasts
        accuracy(model, images, labels)

The scores, and what counts as a dense layer, are in weight_scores.py; here masks are made of them,
set and taken back.  Biases are never pruned.
"""

import contextlib
import reprlib

import numpy as np

from nnlite.checks import (
    as_array,
    check_dict,
    check_flag,
    check_mask,
    check_model,
    check_number,
)
from nnlite.weight_scores import (
    STATISTICS,
    InputStatistics,
    dense_weights,
    fluctuation,
    input_statistics,
    is_dense,
    magnitude,
    mean_absolute_activation,
    mean_activation,
    of_inputs,
    random,
    scores,
    signed_mean_activation,
    wanda,
)

__all__ = [
    "InputStatistics",
    "applied",
    "apply",
    "combine",
    "compensate",
    "dense_weights",
    "fluctuation",
    "fraction_removed",
    "input_statistics",
    "is_dense",
    "keep_mask",
    "keep_masks",
    "magnitude",
    "mean_absolute_activation",
    "mean_activation",
    "random",
    "scores",
    "signed_mean_activation",
    "undo",
    "wanda",
]

KEPT = "pass what keep_masks returns"  # the remedy for what is not a dict of masks


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
        names, other_names = (", ".join(map(str, m)) for m in (masks, others))
        raise ValueError(f"masks for {names} and for {other_names} differ")
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
    size = sum(mask.size for mask in masks.values())
    return float(1 - kept / size) if size else 0.0


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
        bias = f"{str(name).rpartition('.')[0]}.b"
        if name not in params or bias not in params:
            raise ValueError(f"{name} has no bias {bias} in\n{model}")
        if name not in statistics:
            raise ValueError(f"statistics have no {name}, only {', '.join(map(str, statistics))}")
        w, b = params[name].value, params[bias]
        lost = np.where(check_mask(mask, w.shape), 0, of_inputs("mean", statistics[name], w) * w)
        lost = lost.sum(axis=0, dtype=np.float64).astype(b.value.dtype)
        lost = lost if b.mask is None else np.where(b.mask, lost, 0)  # what is pruned stays zero
        changed[bias] = b.value + lost, b.mask
    saved = {name: (params[name].value, params[name].mask) for name in changed}
    put(params, changed)
    return saved


def undo(model, saved):
    """Put back the weights and masks from before the `apply` that returned `saved`.

    Raises ValueError for what belongs to another model, and then changes nothing.
    """
    params = check_model(model, "named_params").named_params
    for name, before in check_dict("saved", saved, "pass what apply returned").items():
        pair = name in params and isinstance(before, tuple) and len(before) == 2
        if not pair or np.shape(before[0]) != params[name].value.shape:
            raise ValueError(f"saved has another {name!r} than the model; pass what apply returned")
    put(params, saved)


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
