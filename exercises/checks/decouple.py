"""Exercise 12, against nnlite.sparse.decouple."""

import numpy as np

import nnlite
from checks.compare import Check
from nnlite import sparse


def cases(rng):
    return [
        (rng.normal(size=(2, 2, 1, 1)), (3, 3), 0),
        (rng.normal(size=(3, 3, 2, 2)), (4, 4), 1),
        (rng.normal(size=(3, 2, 2, 3)), (4, 5), 1),
    ]


def decouple(w, size, padding):
    kernel, (c_in, c_out) = w.shape[:2], w.shape[2:]
    conv = nnlite.Conv2D(c_in, c_out, kernel, padding=padding, rng=np.random.default_rng(0))
    conv.w.value, conv.b.value = w, np.zeros(c_out)
    matrix, _ = sparse.decouple(conv, (*size, c_in))
    return matrix.toarray()


def channels_first(w, size, padding):
    (height, width), (kh, kw, c_in, c_out) = size, w.shape
    ho, wo = height + 2 * padding - kh + 1, width + 2 * padding - kw + 1
    a = decouple(w, size, padding).reshape(ho * wo, c_out, height * width, c_in)
    return a.transpose(1, 0, 3, 2).reshape(c_out * ho * wo, c_in * height * width)


def wrapped(w, size, padding):
    """Without a look at the columns: windows go on in the row above or below."""
    (height, width), (kh, kw, c_in, c_out) = size, w.shape
    ho, wo = height + 2 * padding - kh + 1, width + 2 * padding - kw + 1
    a = np.zeros((ho, wo, c_out, height * width, c_in))
    for r, c, i, j in np.ndindex(ho, wo, kh, kw):
        pixel = (r + i - padding) * width + c + j - padding
        if 0 <= pixel < height * width:
            a[r, c, :, pixel] += w[i, j].T
    return a.reshape(ho * wo * c_out, -1)


def beyond_the_edge(w, size, padding):
    """Without a look at all: beyond the last pixel there is no column."""
    (height, width), (kh, kw, c_in, c_out) = size, w.shape
    ho, wo = height + 2 * padding - kh + 1, width + 2 * padding - kw + 1
    a = np.zeros((ho * wo * c_out, height * width * c_in))
    for r, c, i, j, k, o in np.ndindex(ho, wo, *w.shape):
        pixel = (r + i - padding) * width + c + j - padding
        a[(r * wo + c) * c_out + o, pixel * c_in + k] = w[i, j, k, o]
    return a


MISTAKES = (
    (beyond_the_edge, "Some windows hang over the edge: ask if row and column are inside."),
    (
        wrapped,
        "Windows that hang over the edge go on in the next row: ask columns, too, if inside.",
    ),
    (
        channels_first,
        "The channels of a pixel are neighbours: (row * width + column) * C + channel.",
    ),
    (
        lambda w, size, padding: decouple(w[::-1, ::-1], size, padding),
        "The filters are turned round: w[0, 0] meets the top left of a window.",
    ),
    (
        lambda w, size, padding: decouple(w.transpose(1, 0, 2, 3), size, padding),
        "The filters are transposed: w[i, j] meets row i and column j of a window.",
    ),
    (
        lambda w, size, padding: decouple(w.transpose(0, 1, 3, 2), size, padding),
        "The channels are exchanged: w[i, j] is (c_in, c_out), a row of `a` an output.",
    ),
    (lambda w, size, padding: decouple(w, size, padding).T, "Transposed: a row for each output."),
    (
        lambda w, size, padding: decouple(w, size, 0),
        "The padding is forgotten: more windows fit, and row 0 of a window may be -padding.",
    ),
)
CHECKS = (Check(decouple, ("a",), cases, MISTAKES),)


def in_use(exercise):
    rng = np.random.default_rng(0)
    a = exercise.decouple(rng.normal(size=(3, 3, 1, 2)), (28, 28), 1)
    zeros = 1 - np.count_nonzero(a.toarray() if hasattr(a, "toarray") else a) / np.prod(a.shape)
    return (
        f"A filter of 3 x 3 x 2, 18 weights, is a matrix of {a.shape[0]:,} x {a.shape[1]:,} for a "
        f"digit, {zeros:.1%} zeros: what exercise 13 is for."
    )
