"""Sigmoid and Tanh, written as you would write a layer of your own.

No other file needs to know of them: nnlite/serialize.py only lists them, so that `load` finds them
without being told.  What a layer needs, step by step:

1. `forward(x, train=False)` computes y, and keeps in `self.cache` what `backward` needs.  Of both
   functions the derivative is a polynomial of y, so that is all.
2. `backward(dy)` is the chain rule, d loss / d x = d loss / d y * dy / dx, for a dy of y's shape.
3. `params` lists its Parameters, of which an activation has none; `args` names the arguments of
   its constructor, each also an attribute.

Then `nnlite.check_gradients` compares `backward` with differences of `forward`; and the layer
trains, is attacked, copied and checkpointed like all others.  A class of your own is saved as
these are, and loaded with `nnlite.load(path, layers=[YourLayer])`.  docs/your-own.md goes on with
a layer that has weights.
"""

import numpy as np

from nnlite.checks import as_float, check_upstream, remembered


class Sigmoid:
    """y = 1 / (1 + exp(-x)), any shape, with dy/dx = y (1 - y)."""

    params, args = (), ()

    def __init__(self):
        self.cache = None

    def forward(self, x, train=False):
        # exp(-log(1 + exp(-x))) is the same, and does not overflow where x is far below 0.
        x = as_float(x)
        self.cache = y = np.exp(-np.logaddexp(x.dtype.type(0), -x))
        return y

    def backward(self, dy):
        y = remembered(self)
        return check_upstream(self, dy, y.shape, y.dtype) * (y * (1 - y))

    def __repr__(self):
        return "Sigmoid()"


class Tanh:
    """y = tanh(x), any shape, with dy/dx = 1 - y^2."""

    params, args = (), ()

    def __init__(self):
        self.cache = None

    def forward(self, x, train=False):
        self.cache = y = np.tanh(as_float(x))
        return y

    def backward(self, dy):
        y = remembered(self)
        return check_upstream(self, dy, y.shape, y.dtype) * (1 - y**2)

    def __repr__(self):
        return "Tanh()"
