"""Exercise 1, against nnlite.Dense."""

import numpy as np

import nnlite
from checks.compare import Check


def cases(rng):
    shapes = [(4, 3, 3), (5, 4, 2), (1, 2, 3)]  # N, n_in, n_out; square: w and w.T both fit
    return [
        (rng.normal(size=(n, i)), rng.normal(size=(i, o)), rng.normal(size=(n, o)))
        for n, i, o in shapes
    ]


def dense_backward(x, w, dy):
    layer = nnlite.Dense(*w.shape, rng=np.random.default_rng(0))
    layer.w.value, layer.b.value = w, np.zeros(w.shape[1])
    layer.forward(x)
    return layer.backward(dy), layer.w.grad, layer.b.grad


MISTAKES = (
    (
        lambda x, w, dy: (dy @ w.T / len(x), x.T @ dy / len(x), dy.mean(axis=0)),
        "A mean over the images where a sum belongs: the loss has divided by N already.",
    ),
    (
        lambda x, w, dy: (x.T @ dy, dy @ w.T, dy.sum(axis=0)),
        "dx and dw are in each other's place: return (dx, dw, db).",
    ),
    (
        lambda x, w, dy: (dy @ w.T, x.T @ dy, dy.sum()),
        "db is summed over everything: a bias for each output, so sum over the images alone.",
    ),
    (
        lambda x, w, dy: (dy @ w, dy.T @ x, dy.sum(axis=1)),
        "The wrong way round. dx sums over the outputs, dw and db sum over the images.",
    ),
    (
        lambda x, w, dy: (w @ dy.T, x @ dy.T, dy.sum(axis=1)),
        "The wrong way round. dx sums over the outputs, dw and db sum over the images.",
    ),
    (
        lambda x, w, dy: (dy @ w.T, x.T @ dy, dy),
        "db is not summed: every bias meets all images, so sum over them.",
    ),
)
CHECKS = (Check(dense_backward, ("dx", "dw", "db"), cases, MISTAKES),)


def in_use(exercise):
    class Dense(nnlite.Dense):
        def backward(self, dy):
            x, w = self.cache, self.w.value
            dx, self.w.grad, self.b.grad = exercise.dense_backward(x, w, dy)
            return dx

    rng = np.random.default_rng(0)
    layer = nnlite.Sequential([Dense(6, 3, rng=rng)]).astype(np.float64)
    errors = nnlite.check_gradients(layer, rng.normal(size=(4, 6)), rng=rng)
    return f"It agrees with differences to {max(errors.values()):.0e} (nnlite.check_gradients)."
