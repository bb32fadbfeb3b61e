"""Exercise 5, against im2col of nnlite/conv.py."""

import numpy as np

from checks.compare import Check
from nnlite.conv import im2col


def cases(rng):
    x = rng.normal(size=(2, 5, 6, 3))
    return [
        (x, (2, 2), (1, 1)),
        (x, (3, 2), (1, 1)),
        (x, (3, 2), (2, 1)),
        (x[:, :4], (2, 3), (1, 2)),
    ]


def windows(x, kernel, stride):
    """(N, Ho, Wo, kh, kw, C)."""
    n, height, width, channels = x.shape
    ho, wo = (height - kernel[0]) // stride[0] + 1, (width - kernel[1]) // stride[1] + 1
    return im2col(x, kernel, stride).reshape(n, ho, wo, *kernel, channels)


def flat(array):
    """Of six axes, the first three and the last three together."""
    return array.reshape(np.prod(array.shape[:3]), np.prod(array.shape[3:]))


MISTAKES = (
    (
        lambda x, kernel, stride: flat(windows(x, kernel, stride).transpose(0, 1, 2, 5, 3, 4)),
        "The channels of a pixel belong side by side: (kh, kw, C), not (C, kh, kw).",
    ),
    (
        lambda x, kernel, stride: flat(windows(x, kernel, stride).transpose(0, 1, 2, 4, 3, 5)),
        "The windows lie on their side: a window is read row by row, (kh, kw, C).",
    ),
    (
        lambda x, kernel, stride: flat(windows(x, kernel, stride).transpose(0, 2, 1, 3, 4, 5)),
        "The windows of an image are taken column by column. Row by row: (N, Ho, Wo).",
    ),
    (
        lambda x, kernel, stride: flat(windows(x, kernel, stride).transpose(1, 2, 0, 3, 4, 5)),
        "The images come last. First all windows of the first image: (N, Ho, Wo).",
    ),
    (
        lambda x, kernel, stride: flat(windows(x, kernel, stride)).T,
        "Transposed: a window is a row, not a column.",
    ),
    (
        lambda x, kernel, stride: flat(windows(x, kernel, stride)[:, :-1, :-1]),
        "The last windows are missing: (H - kh) // sh + 1 fit in, the + 1 for the first.",
    ),
    (
        lambda x, kernel, stride: im2col(x, kernel, (1, 1)),
        "The stride is left out: windows begin sh rows and sw columns apart.",
    ),
    (
        lambda x, kernel, stride: im2col(x, kernel, stride[::-1]),
        "The stride is (rows, columns), not the other way round.",
    ),
    (
        lambda x, kernel, stride: im2col(x, kernel[::-1], stride),
        "The kernel is (rows, columns), not the other way round.",
    ),
    (
        lambda x, kernel, stride: flat(windows(x, kernel, stride)[:, :, :, ::-1, ::-1]),
        "The windows are upside down: top-left pixel first.",
    ),
)
CHECKS = (Check(im2col, ("cols",), cases, MISTAKES),)
