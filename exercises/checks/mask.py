"""Exercise 8, against nnlite.prune and the adam_update of nnlite/optim.py."""

import functools

import numpy as np

from checks.compare import Check
from nnlite.optim import adam_update
from nnlite.prune import keep_mask


def mask_cases(rng):
    small = np.array([[3.0, 1.0], [1.0, 2.0]])
    ties = rng.integers(4, size=(10, 20)).astype(float)
    cases = [(small, sparsity) for sparsity in (0.25, 0.5, 0.0, 1.0)]
    return [*cases, (ties, 0.35), (rng.normal(size=(4, 6)), 0.65)]


def first_removed(scores, n):
    """A mask without the first n in the order of a sort that takes any order of equals."""
    keep = np.ones(scores.size, bool)
    keep[np.argsort(scores.ravel())[:n]] = False
    return keep.reshape(scores.shape)


def last_removed(scores, n):
    """A mask without the n smallest, of equals the last."""
    last_first = np.argsort(scores.ravel()[::-1], kind="stable")[:n]
    keep = np.ones(scores.size, bool)
    keep[scores.size - 1 - last_first] = False
    return keep.reshape(scores.shape)


def ordered(scores, k):
    """The k-th smallest score, counted from 0; beyond the last, infinity."""
    return np.append(np.sort(scores, axis=None), np.inf)[k]


MASK_MISTAKES = (
    (lambda scores, sparsity: ~keep_mask(scores, sparsity), "Inverted: True means kept."),
    (
        lambda scores, sparsity: scores > ordered(scores, round(sparsity * scores.size) - 1),
        "Too many go where scores are equal: `>` removes all that equal the last to go.",
    ),
    (
        lambda scores, sparsity: scores >= ordered(scores, round(sparsity * scores.size)),
        "Too few go where scores are equal: `>=` keeps all that equal the first to stay.",
    ),
    (
        lambda scores, sparsity: scores > np.quantile(scores, sparsity),
        "A quantile is a threshold between scores: with equal ones the count is not exact.",
    ),
    (
        lambda scores, sparsity: last_removed(scores, round(sparsity * scores.size)),
        "Of equal scores the last goes first. The first in row order should.",
    ),
    (
        lambda scores, sparsity: first_removed(scores, round(sparsity * scores.size)),
        'Equal scores go in any order: np.argsort needs kind="stable".',
    ),
    (
        lambda scores, sparsity: keep_mask(scores, int(sparsity * scores.size) / scores.size),
        "int() cuts off, and one too few goes: round(sparsity * size).",
    ),
    (lambda scores, sparsity: keep_mask(-scores, sparsity), "The largest go. The smallest should."),
)


def adam(w, g, m, v, t):
    """w after step t of nnlite's Adam with l2, which changes m and v."""
    options = {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8, "l2": 1e-3}
    return adam_update(w, g, m, v, None, **options, t=t, tiny=0.0, tiny_v=0.0)


def step_cases(rng):
    w, g, m = rng.normal(size=(3, 3, 4))
    mask = np.resize([True, False, True, True, False], w.shape)

    def warm(w, g):
        """The same step whenever it is called."""
        return adam(w, g, m.copy(), m**2 + 0.1, t=50)

    return [(w, g, mask, warm), (w * mask, g, mask, warm)]


def masked_step(w, g, mask, adam):
    return np.where(mask, adam(w, g), 0)


STEP_MISTAKES = (
    (
        lambda w, g, mask, adam: adam(w, g * mask),
        "Masking the gradient is not enough: Adam remembers older gradients, and l2 has its own.",
    ),
    (
        lambda w, g, mask, adam: adam(w * mask, g * mask),
        "Masked before the step, and Adam moves them from 0: it remembers older gradients.",
    ),
    (
        lambda w, g, mask, adam: adam(w * mask, g),
        "Masked before the step, and the step moves them from 0. The mask comes last.",
    ),
    (
        lambda w, g, mask, adam: np.where(mask, adam(w, g), w),
        "The pruned weights stay where they were. They were not 0 yet: set them to 0.",
    ),
    (lambda w, g, mask, adam: adam(w, g), "The mask is not used."),
    (
        lambda w, g, mask, adam: adam(w, g) * ~mask,
        "Inverted: weights are kept where the mask is True.",
    ),
)
CHECKS = (
    Check(keep_mask, ("mask",), mask_cases, MASK_MISTAKES),
    Check(masked_step, ("w",), step_cases, STEP_MISTAKES),
)


def zeros_after_training(step, mask, wanted, rng):
    """The fraction of zeros after 20 steps, a mask, and 100 steps more."""
    w, m, v = rng.normal(size=wanted.shape), np.zeros_like(wanted), np.zeros_like(wanted)
    for t in range(1, 121):
        update = functools.partial(adam, m=m, v=v, t=t)
        g = w - wanted
        w = update(w, g) if t <= 20 else step(w, g, mask, update)
        if t == 20:
            w = w * mask
    return np.mean(w == 0)


def in_use(exercise):
    """Sparsity after a hundred steps with the learner's step, and with masked gradients."""
    wanted = np.random.default_rng(0).normal(size=(20, 30))
    mask = exercise.keep_mask(np.abs(wanted), 0.8)
    steps = (exercise.masked_step, lambda w, g, mask, adam: adam(w, g * mask))
    yours, masked_gradient = (
        zeros_after_training(step, mask, wanted, np.random.default_rng(1)) for step in steps
    )
    return (
        f"Pruned after 20 steps, 100 steps later: {yours:.0%} zeros; with masked gradients "
        f"instead, {masked_gradient:.0%}."
    )
