"""Exercise 4, against the adam_update of nnlite/optim.py."""

import functools

import numpy as np

import nnlite
from checks import training
from checks.compare import Check
from nnlite.optim import adam_update


def cases(rng):
    w, g, m = rng.normal(size=(3, 2, 3))
    options = (0.1, 0.8, 0.9, 0.05)  # lr, beta1, beta2, eps: large enough for every slip to show
    zeros = np.zeros_like(w)
    return [(w, g, m, m**2, 3, *options), (w, g, zeros, zeros, 1, *options)]


def adam(w, g, m, v, t, lr, beta1, beta2, eps):
    m, v = m.copy(), v.copy()  # adam_update writes into them
    options = {"lr": lr, "betas": (beta1, beta2), "eps": eps, "t": t}
    w = adam_update(w, g, m, v, None, l2=0.0, tiny=0.0, tiny_v=0.0, **options)
    return w, m, v


def slip(w, g, m, v, t, lr, beta1, beta2, eps, what):
    """Adam written out, with one slip."""
    keep1, keep2 = (1 - beta1, 1 - beta2) if what == "betas" else (beta1, beta2)
    m = keep1 * m + (1 if what == "factor" else 1 - keep1) * g
    v = keep2 * v + (1 - keep2) * (g if what == "square" else g**2)
    t = {"counted from 0": t - 1, "counted from 2": t + 1}.get(what, t)
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    if what == "no correction":
        m_hat, v_hat = m, v
    root = np.sqrt(v_hat + eps) if what == "eps" else np.sqrt(v_hat) + eps
    if what == "root":
        root = v_hat + eps
    w = w + lr * m_hat / root if what == "sign" else w - lr * m_hat / root
    return (w, m_hat, v_hat) if what == "kept" else (w, m, v)


SLIPS = {
    "no correction": "Without the division by 1 - beta^t: the first steps are too large or small.",
    "kept": "The corrected means were returned. They serve this step; m and v go on without.",
    "betas": "beta and 1 - beta are exchanged: beta is the part of the old mean that stays.",
    "factor": "The gradient enters m with the factor 1 - beta1.",
    "square": "v is the mean of the gradient's square.",
    "root": "The root of v is missing.",
    "eps": "eps is added to the root, not inside it.",
    "sign": "The other sign: a step goes against the gradient.",
    "counted from 0": "beta^(t - 1) in place of beta^t: the first step is number 1.",
    "counted from 2": "beta^(t + 1) in place of beta^t: t counts this step already.",
}
MISTAKES = tuple((functools.partial(slip, what=what), text) for what, text in SLIPS.items())
CHECKS = (Check(adam, ("w", "m", "v"), cases, MISTAKES),)


def in_use(exercise):
    def adam_update(w, g, m, v, mask, *, lr, betas, eps, l2, t, tiny, tiny_v):
        w, m[...], v[...] = exercise.adam(w, g, m, v, t, lr, *betas, eps)
        return w

    with nnlite.replaced(adam_update=adam_update):
        return training.report(training.dense_layers())
