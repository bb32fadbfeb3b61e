"""Exercise 7, against the functions of nnlite/conv.py."""

import numpy as np

import nnlite
from checks import training
from checks.compare import Check
from nnlite.conv import conv2d_filter_gradient, conv2d_input_gradient, im2col

NONE = ((0, 0), (0, 0))
GEOMETRIES = [  # kernel, stride, zeros
    ((3, 3), (1, 1), ((1, 1), (1, 1))),
    ((3, 2), (2, 1), ((0, 1), (2, 0))),  # the last row of an image is in no window
    ((2, 3), (1, 2), NONE),
]


def upstream(rng, size, kernel, stride, zeros):
    padded = [length + sum(side) for length, side in zip(size, zeros)]
    ho, wo = ((p - k) // s + 1 for p, k, s in zip(padded, kernel, stride))
    return rng.normal(size=(2, ho, wo, 4))


def filter_cases(rng):
    x = rng.normal(size=(2, 5, 6, 3))
    return [(x, upstream(rng, (5, 6), *geometry), *geometry) for geometry in GEOMETRIES]


def input_cases(rng):
    return [
        (upstream(rng, (5, 6), kernel, *rest), rng.normal(size=(*kernel, 3, 4)), *rest, (5, 6))
        for kernel, *rest in GEOMETRIES
    ]


def without_padding(x, dy, kernel, stride, zeros):
    cols = im2col(x, kernel, stride)  # too few rows
    return cols.T @ dy.reshape(-1, dy.shape[3]), dy.sum(axis=(0, 1, 2))


def changed(dw=lambda dw, n: dw, db=lambda dy: dy.sum(axis=(0, 1, 2))):
    """The right answer, but with `dw` done to it, or `db` in the place of the sum."""

    def mistake(x, dy, kernel, stride, zeros):
        right, _ = conv2d_filter_gradient(x, dy, kernel, stride, zeros)
        return dw(right, dy[..., 0].size), db(dy)

    return mistake


FILTER_MISTAKES = (
    (without_padding, "The padding is forgotten: the windows are those of x with zeros around it."),
    (
        lambda x, dy, *rest: conv2d_filter_gradient(x, dy / len(x), *rest),
        "A mean over the images where a sum belongs: the loss has divided by N already.",
    ),
    (
        changed(lambda dw, n: dw / n, lambda dy: dy.mean(axis=(0, 1, 2))),
        "A mean over images and places where a sum belongs.",
    ),
    (changed(db=lambda dy: dy.sum(axis=0)), "db is a sum over three axes: images, rows, columns."),
    (changed(db=lambda dy: dy.sum(axis=(1, 2))), "db is a sum over the images too: axis 0."),
    (
        changed(lambda dw, n: dw.transpose(1, 0, 2, 3)),
        "The filters are transposed: dw[i, j] belongs to row i and column j of a window.",
    ),
    (
        changed(lambda dw, n: dw[::-1, ::-1]),
        "The filters are turned round: dw[0, 0] belongs to the top left of a window.",
    ),
    (
        changed(lambda dw, n: dw.reshape(-1, dw.shape[3])),
        "The shape is missing: dw is (kh, kw, c_in, c_out), like w.",
    ),
)


def in_windows(dy, w, stride, zeros, size, put, order=1):
    """dx with its frame of zeros; `put` puts what is known of a place of all windows, in order."""
    (n, ho, wo, _), (kh, kw, c_in, _), (sh, sw) = dy.shape, w.shape, stride
    (top, bottom), (left, right) = zeros
    dx = np.zeros((n, top + size[0] + bottom, left + size[1] + right, c_in))
    for i, j in list(np.ndindex(kh, kw))[::order]:
        put(dx[:, i : i + sh * ho : sh, j : j + sw * wo : sw], dy @ w[i, j].T)
    return dx


def overwrite(window, values):
    window[...] = values


def add(window, values):
    window += values


def turned_filters(dy, w, stride, zeros, size):
    return conv2d_input_gradient(dy, w[::-1, ::-1], stride, zeros, size)


def transposed_filters(dy, w, stride, zeros, size):
    return conv2d_input_gradient(dy, w.transpose(1, 0, 2, 3), stride, zeros, size)


def frame_left_on(*args):
    return in_windows(*args, add)


def frame_at_the_end(*args):
    height, width = args[-1]
    return in_windows(*args, add)[:, :height, :width]


def overwritten(*args, order=1):
    (height, width), ((top, _), (left, _)) = args[-1], args[-2]
    dx = in_windows(*args, overwrite, order)
    return dx[:, top : top + height, left : left + width]


OVERLAP = "Windows overlap: += and not =, a pixel's derivative is the sum over its windows."


INPUT_MISTAKES = (
    (overwritten, OVERLAP),
    (lambda *args: overwritten(*args, order=-1), OVERLAP),  # in a loop over the windows
    (frame_left_on, "The frame of zeros is still there: dx is as large as x without it."),
    (frame_at_the_end, "The frame is cut off on the wrong side: x begins at row top, column left."),
    (turned_filters, "The filters are turned round: w[0, 0] gives to the top left of a window."),
    (transposed_filters, "The filters are transposed: w[i, j] gives to row i and column j."),
    (
        lambda dy, w, *rest: conv2d_input_gradient(dy, w, *rest) / len(dy),
        "A mean over the images: each image has a dx of its own.",
    ),
)
CHECKS = (
    Check(conv2d_filter_gradient, ("dw", "db"), filter_cases, FILTER_MISTAKES),
    Check(conv2d_input_gradient, ("dx",), input_cases, INPUT_MISTAKES),
)


def in_use(exercise):
    names = [check.name for check in CHECKS]
    rng = np.random.default_rng(0)
    layer = nnlite.Conv2D(2, 3, kernel=(3, 2), stride=2, rng=rng)
    layer = nnlite.Sequential([layer]).astype(np.float64)
    with nnlite.replaced(**{name: getattr(exercise, name) for name in names}):
        errors = nnlite.check_gradients(layer, rng.normal(size=(2, 5, 4, 2)), rng=rng)
        trained = training.report(training.conv_layers())
    return f"It agrees with differences to {max(errors.values()):.0e}. {trained}"
