"""5. im2col: every window of an image becomes the row of a matrix.

A filter of kh x kw sees one window of the image at a time; with a stride (sh, sw) the next window
begins sw pixels to the right, the next row of windows sh pixels below.  There are

    Ho = (H - kh) // sh + 1 rows of windows, and Wo = (W - kw) // sw + 1 in each.

    x             (N, H, W, C)                   kernel  (kh, kw)    stride  (sh, sw)
    im2col(x)     (N * Ho * Wo, kh * kw * C)

The rows go image by image, and in an image row by row.  In a row of the matrix stand the pixels
of the window, row by row, and of each pixel its channels.

Page   docs/conv-as-matmul.md#windows-become-rows
Check  .venv/bin/python exercises/check.py im2col
"""

import numpy as np


def im2col(x, kernel, stride):
    """The matrix, (N * Ho * Wo, kh * kw * C)."""
    raise NotImplementedError("your turn")


# Hint: make an array of shape (N, Ho, Wo, kh, kw, C) and reshape it at the end.  Looping over the
# few places (i, j) of a window is enough: what do all windows see at the place (i, j)?
# Without a loop: np.lib.stride_tricks.sliding_window_view, but look where it puts the channels.
