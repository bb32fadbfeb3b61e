"""Pruning: score the weights of the dense layers, keep the highest, set the rest to zero.

    masks = keep_masks(model, mean_activation, sparsity=0.8, inputs=mean_inputs(model, images))
    saved = apply(model, masks)      # zeroes at once; optimisers keep the zeros
    undo(model, saved)

A score is a function (w, mean_x) -> array of the shape of w (n_in, n_out); the smallest
are removed.  Biases are never pruned.
"""

import numpy as np

from nnlite.checks import check_mask, check_number
from nnlite.layers import Dense


def magnitude(w, mean_x=None):
    """|w|: the posts' absolute value."""
    return np.abs(w)


def mean_activation(w, mean_x):
    """|mean over images of w * x|, the posts' activated value.

    w is the same for all images, so the mean of the products is |w * mean(x)|: no loop.
    """
    if mean_x is None:
        raise ValueError(
            "mean_activation needs the mean inputs; pass inputs=mean_inputs(model, images)"
        )
    return np.abs(w * mean_x[:, None])


def dense_weights(model):
    """{"1.w": Parameter, ...}: the weights of the dense layers of a Sequential."""
    names = [f"{i}.w" for i, layer in enumerate(model.layers) if isinstance(layer, Dense)]
    if not names:
        raise ValueError(f"nothing to prune, there is no Dense layer in\n{model}")
    return {name: model.named_params[name] for name in names}


def mean_inputs(model, images, batch_size=500):
    """{"1.w": (n_in,), ...}: the mean input of each dense layer over the images."""
    if len(images) == 0:
        raise ValueError("no images given; a mean needs at least one")
    sums = {name: 0.0 for name in dense_weights(model)}
    for start in range(0, len(images), batch_size):
        model.forward(images[start : start + batch_size])
        for i, layer in enumerate(model.layers):
            if isinstance(layer, Dense):  # whose cache is its input
                sums[f"{i}.w"] += layer.cache.sum(axis=0, dtype=np.float64)
    dtype = model.params[0].value.dtype
    return {name: (total / len(images)).astype(dtype) for name, total in sums.items()}


def keep_mask(scores, sparsity, allow_empty=False):
    """Boolean mask, False at the round(sparsity * size) smallest scores.

    The count is exact; of equal scores the first in row order goes first.
    Raises ValueError for a sparsity outside [0, 1], scores that are not numbers, or when
    nothing would be kept and allow_empty is not set.
    """
    sparsity = check_number("sparsity", sparsity, "[0, 1]")
    if np.isnan(scores).any():
        raise ValueError("some scores are nan; are weights and images finite?")
    n_pruned = round(sparsity * scores.size)
    if n_pruned == scores.size and not allow_empty:
        raise ValueError(
            f"sparsity {sparsity} would empty a layer of {scores.size} weights; "
            f"lower it, or pass allow_empty=True"
        )
    keep = np.ones(scores.size, dtype=bool)
    keep[np.argsort(scores, axis=None, kind="stable")[:n_pruned]] = False
    return keep.reshape(scores.shape)


def keep_masks(model, score, sparsity, inputs=None, allow_empty=False):
    """One mask per dense layer, each pruned to the same sparsity (the posts' rule).

    score    a function such as magnitude or mean_activation
    inputs   what mean_inputs returned; magnitude does without
    Weights that are pruned already are the first to go.
    """
    if not callable(score):
        raise ValueError(f"score is {score!r}; pass a function, such as nnlite.prune.magnitude")
    masks = {}
    for name, p in dense_weights(model).items():
        scores = score(p.value, None if inputs is None else inputs[name])
        if p.mask is not None:
            scores = np.where(p.mask, scores, -np.inf)
        masks[name] = keep_mask(scores, sparsity, allow_empty)
    return masks


def apply(model, masks):
    """Set the masks and zero what they prune, at once.  Returns what `undo` needs."""
    params = model.named_params
    for name, mask in masks.items():
        if name not in params:
            raise ValueError(f"no parameter is called {name!r}; there are {', '.join(params)}")
        check_mask(mask, params[name].value.shape)
    saved = {name: (params[name].value, params[name].mask) for name in masks}
    for name, mask in masks.items():
        p = params[name]
        p.mask = mask if p.mask is None else mask & p.mask
        p.value = np.where(p.mask, p.value, 0)
    return saved


def undo(model, saved):
    """Put back the weights and masks from before `apply`."""
    params = model.named_params
    for name, (value, mask) in saved.items():
        params[name].value, params[name].mask = value, mask
