"""Optimisers, and the one place where pruning masks are enforced.

Every step ends by setting pruned weights to zero.  Masking the gradients instead would not do: the
running means of Adam and the l2 term bring pruned weights back to life.

`l2` is the factor of sum(w^2) / 2 in the loss.  It acts on every parameter the optimiser
was given, biases too, through the gradient, so Adam rescales it like any other gradient.
"""

import numpy as np

from nnlite.checks import check_number


class SGD:
    """w <- w - lr * (grad + l2 * w).

    Raises ValueError for rates below 0, for no parameters or one given twice; `step`
    raises ValueError if a parameter has no gradient yet.
    """

    def __init__(self, params, lr, l2=0.0):
        self.params = check_params(params)
        self.lr, self.l2 = check_number("lr", lr), check_number("l2", l2)

    def step(self):
        check_gradients_known(self.params)
        for p in self.params:
            g = p.grad + float(self.l2) * p.value
            p.value = masked(p.value - float(self.lr) * g, p.mask)


class Adam:
    """Adam, Kingma & Ba 2015, algorithm 1, with the bias corrections written out.

        m <- beta1 * m + (1 - beta1) * g          running mean of the gradient
        v <- beta2 * v + (1 - beta2) * g^2        running mean of its square
        w <- w - lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)

    eps is added to the bias-corrected root, as in PyTorch.  `lr` may be changed between
    steps.  Raises ValueError like SGD.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, l2=0.0):
        self.params = check_params(params)
        self.lr, self.l2 = check_number("lr", lr), check_number("l2", l2)
        if np.shape(betas) != (2,):
            raise ValueError(f"betas are {betas!r}; a pair such as (0.9, 0.999) is expected")
        self.betas = tuple(check_number("beta", beta, "[0, 1)") for beta in betas)
        self.eps = check_number("eps", eps)
        self.t = 0
        self.m = [np.zeros_like(p.value) for p in self.params]
        self.v = [np.zeros_like(p.value) for p in self.params]

    def step(self):
        check_gradients_known(self.params)
        self.t += 1
        (beta1, beta2), t = self.betas, self.t
        # A NumPy scalar, from a schedule say, would turn float32 weights into float64.
        lr, l2 = float(self.lr), float(self.l2)
        for p, m, v in zip(self.params, self.m, self.v):
            g = p.grad + l2 * p.value
            m += (1 - beta1) * (g - m)
            v += (1 - beta2) * (g**2 - v)
            root = np.sqrt(v / (1 - beta2**t)) + self.eps
            p.value = masked(p.value - lr / (1 - beta1**t) * m / root, p.mask)


def masked(value, mask):
    return value if mask is None else np.where(mask, value, 0)


def check_gradients_known(params):
    for p in params:
        if p.grad is None:
            raise ValueError(f"{p} has no gradient; call model.backward(doutputs) before step()")


def check_params(params):
    params = list(params)
    if len({id(p) for p in params}) != len(params) or not params:
        raise ValueError(
            f"{len(params)} parameters given; an optimiser takes at least one, each once, "
            f"for instance model.params"
        )
    return params
