"""Dense, ReLU, Dropout, Flatten.

A layer is any object with

    forward(x, train=False) -> y    keeps what backward needs in `self.cache`
    backward(dy) -> dx              assigns `p.grad` of its parameters; dx and dy have the
                                    shapes of x and y
    params                          its Parameters, each also an attribute; empty without
    args                            names of its constructor's arguments, each also an
                                    attribute; only `save` needs them

The cache holds arrays, not copies: leave x and y alone until backward is done.  Sequential
calls them in the right order and checks what it passes on.

A layer with parameters may have its backward pass in two halves, `backward_params(dy)`
and `backward_input(dy) -> dx`: training never needs the input gradient of the first
layer, and adversarial noise never needs the parameters'.

The arithmetic is in plain functions.  Those marked @may_be_replaced have a fast version too,
which is taken where it can be: see nnlite/replace.py.  Under `nnlite.plain()` these run.
"""

import math

import numpy as np

from nnlite.checks import (
    as_float,
    check_count,
    check_number,
    check_rng,
    check_upstream,
    remembered,
)
from nnlite.init import initialise
from nnlite.parameter import Parameter
from nnlite.replace import may_be_replaced


@may_be_replaced
def matmul(a, b, out=None):
    """a @ b, written to `out` if it is given: (M, K), (K, N) -> (M, N)."""
    return np.matmul(a, b, out=out)


@may_be_replaced
def relu(x):
    """max(x, 0), any shape."""
    return np.maximum(x, 0)


@may_be_replaced
def relu_gradient(y, dy):
    """d loss / d x of y = relu(x): dy where y > 0, else 0."""
    return np.where(y > 0, dy, 0)


@may_be_replaced
def drop(x, draws, drop_prob):
    """x / (1 - drop_prob) where draws / 2^16 >= drop_prob, else 0;  draws: uint16 like x."""
    dropped = min(round(drop_prob * 2**16), 2**16 - 1)  # of the 2^16 values that a draw has
    return np.where(draws >= dropped, x * x.dtype.type(2**16 / (2**16 - dropped)), 0)


class Dense:
    """Fully connected layer, y = x @ w + b.

    x (N, n_in) -> y (N, n_out);  w (n_in, n_out), b (n_out,)
    init: "default", "he" or "posts" (see nnlite.init).
    Raises ValueError for sizes below 1, an unknown init, or x of another shape.
    """

    args = ("n_in", "n_out")

    def __init__(self, n_in, n_out, *, rng, init="default"):
        self.n_in, self.n_out = check_count("n_in", n_in), check_count("n_out", n_out)
        w, b = initialise(init, (self.n_in, self.n_out), rng)
        self.w, self.b = Parameter(w), Parameter(b)
        self.cache = None

    @property
    def params(self):
        """[w, b]"""
        return [self.w, self.b]

    def forward(self, x, train=False):
        """x (N, n_in) -> y (N, n_out)"""
        x = as_float(x, self.w.value.dtype)
        if x.ndim != 2 or x.shape[1] != self.n_in:
            raise ValueError(
                f"{self} takes x of shape (N, {self.n_in}), got {x.shape}"
                + ("; put a Flatten() before it" if x.ndim > 2 else "")
            )
        self.cache = x
        y = matmul(x, self.w.value)
        y += self.b.value
        return y

    def backward(self, dy):
        """dy (N, n_out) -> dx (N, n_in); assigns the gradients of w and b."""
        self.backward_params(dy)
        return self.backward_input(dy)

    def backward_params(self, dy):
        """Assign the gradients of w and b: x.T @ dy and sum(dy)."""
        x = remembered(self)
        dy = check_upstream(self, dy, (len(x), self.n_out), x.dtype)
        self.w.grad = matmul(x.T, dy)  # (n_in, n_out)
        self.b.grad = dy.sum(axis=0)  # (n_out,)

    def backward_input(self, dy):
        """dy (N, n_out) -> dx (N, n_in) = dy @ w.T"""
        x, w = remembered(self), self.w.value
        dy = check_upstream(self, dy, (len(x), self.n_out), w.dtype)
        return matmul(dy, w.T, out=np.empty_like(x))  # (N, n_in), lying in memory like x

    def __repr__(self):
        return f"Dense({self.n_in}, {self.n_out})"


class ReLU:
    """y = max(x, 0), any shape.  The derivative at exactly 0 is taken as 0."""

    params, args = (), ()

    def __init__(self):
        self.cache = None

    def forward(self, x, train=False):
        """x -> y of the same shape: max(x, 0)"""
        self.cache = y = relu(as_float(x))
        return y

    def backward(self, dy):
        """dy -> dx: dy where y > 0, else 0"""
        y = remembered(self)
        return relu_gradient(y, check_upstream(self, dy, y.shape))

    def __repr__(self):
        return "ReLU()"


class Dropout:
    """In training, zero each entry with probability drop_prob and scale the rest up.

    y = x * kept / (1 - drop_prob), so that E[y] = x and nothing changes in evaluation,
    where y = x.  drop_prob is in [0, 1), taken to the nearest 1/65536: what is kept is
    decided by whole numbers of 16 bits, quick to draw.   Srivastava et al. 2014, inverted.
    """

    params, args = (), ("drop_prob",)

    def __init__(self, drop_prob, *, rng):
        self.drop_prob = check_number("drop_prob", drop_prob, "[0, 1)")
        self.rng = check_rng(rng)
        self.cache = None

    def forward(self, x, train=False):
        """x -> y of the same shape; with train=False x itself."""
        x = as_float(x)
        if not train or self.drop_prob == 0:
            self.cache = x.shape, None
            return x
        if self.rng is None:
            raise ValueError(
                "this Dropout was loaded from a file and has no generator; to train on, "
                "load with nnlite.load(path, rng=np.random.default_rng(seed))"
            )
        draws = self.rng.integers(0, 2**16, x.shape, np.uint16)
        self.cache = x.shape, draws
        return drop(x, draws, self.drop_prob)

    def backward(self, dy):
        """dy -> dx: dy where x was kept, scaled as x was, else 0"""
        shape, draws = remembered(self)
        dy = check_upstream(self, dy, shape)
        return dy if draws is None else drop(dy, draws, self.drop_prob)

    def __repr__(self):
        return f"Dropout({self.drop_prob})"


class Flatten:
    """(N, H, W, C) -> (N, H*W*C), neuron order (row*W + column)*C + channel."""

    params, args = (), ()

    def __init__(self):
        self.cache = None

    def forward(self, x, train=False):
        """x (N, ...) -> y (N, features)"""
        x = as_float(x)
        self.cache = x.shape
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, dy):
        """dy (N, features) -> dx of the shape of x"""
        shape = remembered(self)
        return check_upstream(self, dy, (shape[0], math.prod(shape[1:]))).reshape(shape)

    def __repr__(self):
        return "Flatten()"
