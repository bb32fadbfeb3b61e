"""1. The backward pass of a dense layer, y = x @ w + b.

The layers behind it say how the loss depends on y: dy, d loss / d y.  From that, find how it
depends on the input, the weights and the biases.

    x   (N, n_in)        dx  like x
    w   (n_in, n_out)    dw  like w
    dy  (N, n_out)       db  (n_out,)

Page   docs/backprop.md#dense
Check  .venv/bin/python exercises/check.py dense_backward
"""

import numpy as np


def dense_backward(x, w, dy):
    """(dx, dw, db)."""
    raise NotImplementedError("your turn")


# Hint: dx and dw are a matrix product each, db is a sum.  Of x, w, dy and their transposes only
# two fit together so that the result has the right shape.
