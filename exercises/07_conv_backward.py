"""7. The backward pass of a convolution.

It is a dense layer, y = cols @ w + b, with a row of cols = im2col(x) for each window.  So

    dw = cols.T @ dy        db = sum of dy        dcols = dy @ w.T

and what is left is the way from dcols to dx.  A pixel stands in several windows, and its
derivative is the sum over all of them.

    x, dx   (N, H, W, c_in)           kernel  (kh, kw)     stride  (sh, sw)
    dy      (N, Ho, Wo, c_out)        zeros   ((top, bottom), (left, right))
    w, dw   (kh, kw, c_in, c_out)     size    (H, W), without the zeros
    db      (c_out,)

Page   docs/conv-as-matmul.md#backward
Check  .venv/bin/python exercises/check.py conv_backward
"""

import numpy as np

from nnlite.conv import im2col  # or put yours here


def conv2d_filter_gradient(x, dy, kernel, stride, zeros):
    """(dw, db)."""
    raise NotImplementedError("your turn")


def conv2d_input_gradient(dy, w, stride, zeros, size):
    """dx."""
    raise NotImplementedError("your turn")


# Hint: begin with zeros of the padded size, (N, top + H + bottom, left + W + right, c_in).  Reshape
# dcols to (N, Ho, Wo, kh, kw, c_in) and loop over the places (i, j) of a window: the pixels that
# all windows see at (i, j) are x[:, i : i + sh * Ho : sh, j : j + sw * Wo : sw].  Add to them.
# The frame of zeros is cut off at the end.
