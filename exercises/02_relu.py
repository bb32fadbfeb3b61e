"""2. ReLU, y = max(x, 0), and its backward pass.

Every entry for itself: what is negative becomes 0, the rest stays.  Backwards, dy passes where x
was above 0, and nowhere else.  At exactly 0 there is no derivative; 0 is taken.

The backward pass is given y, not x: it is the array that is kept in memory anyway.

    x, y, dy   of any shape, all of the same

Page   docs/backprop.md#relu
Check  .venv/bin/python exercises/check.py relu
"""

import numpy as np


def relu(x):
    """y."""
    raise NotImplementedError("your turn")


def relu_gradient(y, dy):
    """dx."""
    raise NotImplementedError("your turn")


# Hint: np.maximum compares two things entry by entry (np.max does not).  Where x > 0, y > 0 too.
