"""12. A convolution as a matrix.

Every output of a convolution is a weighted sum of inputs, so there is a matrix a with
y.ravel() = a @ x.ravel() + biases: a row for each output, a column for each input, mostly zeros.
The stride is 1; `padding` zeros surround the image on all sides.

    w     (kh, kw, c_in, c_out)             a   (Ho * Wo * c_out, H * W * c_in)
    size  (H, W) of the image               Ho = H + 2 * padding - kh + 1, and Wo likewise

Neurons are in the order of x.ravel() and y.ravel(), (row * width + column) * channels + channel.
Where a window hangs over the edge, its weights meet zeros of the padding; these have no column.

Page   docs/decoupling.md#a-small-one
Check  .venv/bin/python exercises/check.py decouple
"""

import numpy as np


def decouple(w, size, padding):
    """a, as an array of NumPy or a sparse one of SciPy."""
    raise NotImplementedError("your turn")


# Hint: loop over output rows and columns, and over the places (i, j) of the filter; the pixel is in
# row r + i - padding.  All channels at once: w[i, j].T is (c_out, c_in), a block of a.
# A negative column does not raise an error: it wraps round to the end of the row above.
