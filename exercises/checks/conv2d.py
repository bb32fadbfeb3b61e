"""Exercise 6, against the conv2d of nnlite/conv.py."""

import nnlite
from checks import training
from checks.compare import Check
from nnlite.conv import conv2d

NONE = ((0, 0), (0, 0))


def cases(rng):
    x, b = rng.normal(size=(2, 6, 5, 2)), rng.normal(size=4)
    square, high = rng.normal(size=(3, 3, 2, 4)), rng.normal(size=(3, 2, 2, 4))
    return [
        (x, square, b, (1, 1), ((1, 1), (1, 1))),
        (x, high, b, (2, 1), ((0, 1), (2, 0))),
        (x, high, b, (1, 2), NONE),
    ]


def as_other_rows(w):
    """The filters, their entries in the order (c_out, kh, kw, c_in) of memory."""
    return w.reshape(w.shape[3], -1).T.reshape(w.shape)


MISTAKES = (
    (
        lambda x, w, b, stride, zeros: conv2d(x, w, b, stride, NONE),
        "The padding is forgotten: zeros go around each image first (np.pad).",
    ),
    (
        lambda x, w, b, stride, zeros: conv2d(x, w, b, stride, zeros[::-1]),
        "The padding is ((top, bottom), (left, right)): rows first.",
    ),
    (
        lambda x, w, b, stride, zeros: conv2d(x, w, b, stride, [side[::-1] for side in zeros]),
        "The padding is on the other side: (top, bottom), (left, right).",
    ),
    (
        lambda x, w, b, stride, zeros: conv2d(x, w.transpose(1, 0, 2, 3), b, stride, zeros),
        "The filters are transposed: w[i, j] meets row i and column j of a window.",
    ),
    (
        lambda x, w, b, stride, zeros: conv2d(x, w[::-1, ::-1], b, stride, zeros),
        "The filters are turned round, as mathematicians do. Here w[0, 0] meets the top left.",
    ),
    (
        lambda x, w, b, stride, zeros: conv2d(x, as_other_rows(w), b, stride, zeros),
        "The filters are columns already: w.reshape(-1, c_out), without a transpose.",
    ),
    (
        lambda x, w, b, stride, zeros: conv2d(x, w, 0 * b, stride, zeros),
        "The bias is missing.",
    ),
    (
        lambda x, w, b, stride, zeros: conv2d(x, w, b, (1, 1), zeros),
        "The stride is left out.",
    ),
    (
        lambda x, w, b, stride, zeros: conv2d(x, w, b, stride[::-1], zeros),
        "The stride is (rows, columns), not the other way round.",
    ),
    (
        lambda x, w, b, stride, zeros: conv2d(x, w, b, stride, zeros).reshape(-1, w.shape[3]),
        "The shape is missing: a row for each window becomes (N, Ho, Wo, c_out).",
    ),
)
CHECKS = (Check(conv2d, ("y",), cases, MISTAKES),)


def in_use(exercise):
    with nnlite.replaced(conv2d=exercise.conv2d):
        return training.report(training.conv_layers())
