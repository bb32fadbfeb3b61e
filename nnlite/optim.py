"""Optimisers, and the one place where pruning masks are enforced.

Every step ends by setting pruned weights to zero.  Masking the gradients instead would not do: the
running means of Adam and the l2 term bring pruned weights back to life.

`l2` is the factor of sum(w^2) / 2 in the loss.  It acts on every parameter the optimiser
was given, biases too, through the gradient, so Adam rescales it like any other gradient.

Weights that nothing but `l2` pulls at shrink for ever.  Below 1e-38 float32 goes on with
denormal numbers, with which many processors are several times slower.  Adam therefore sets
what is below TINY to zero: pruning would remove it first anyway.  So does SGD with its velocities,
which shrink like this where a gradient stays 0.
"""

import reprlib

import numpy as np

from nnlite.checks import as_array, check_count, check_list, check_number
from nnlite.parameter import Parameter
from nnlite.replace import may_be_replaced

# float32 numbers below these become 0: weights, velocities and running means of gradients,
TINY = 1e-20
# and running means of squares.  Not TINY**2, which is denormal itself; its root is far below eps.
TINY_V = 1e-30


class SGD:
    """v <- momentum * v + grad + l2 * w,  then  w <- w - lr * v.

    Without momentum v is the gradient; with 0.9, say, it holds about the sum of the last ten.
    Raises ValueError for rates below 0, for no parameters or one given twice; `step`
    raises ValueError if a parameter has no gradient yet.
    """

    def __init__(self, params, lr, l2=0.0, momentum=0.0):
        self.params = check_params(params)
        self.lr, self.l2 = check_number("lr", lr), check_number("l2", l2)
        self.momentum = check_number("momentum", momentum, "[0, 1)")
        self.v = zeros_like(self.params)

    def step(self):
        """Change every parameter by its gradient; pruned weights stay zero."""
        check_gradients_known(self.params)
        check_shapes(self.params, self.v)
        for k, p in enumerate(self.params):
            v = float(self.momentum) * self.v[k] + (p.grad + float(self.l2) * p.value)
            v = v.astype(p.value.dtype, copy=False)
            if v.dtype == np.float32:
                v[np.abs(v) < TINY] = 0
            w = p.value - float(self.lr) * v
            self.v[k], p.value = v, w if p.mask is None else np.where(p.mask, w, 0)

    def state(self):
        """All that it needs to go on later: numbers, and copies of the velocities."""
        options = {"lr": float(self.lr), "l2": float(self.l2), "momentum": float(self.momentum)}
        return {**options, "v": [v.copy() for v in self.v]}

    def load_state(self, state):
        """Go on from what `state` returned.  Raises ValueError, changing nothing, for another."""
        check_keys(state, ("lr", "l2", "momentum", "v"))
        lr, l2 = check_number("lr", state["lr"]), check_number("l2", state["l2"])
        momentum = check_number("momentum", state["momentum"], "[0, 1)")
        v = check_arrays("v", state["v"], self.params)
        self.lr, self.l2, self.momentum, self.v = lr, l2, momentum, v


class Adam:
    """Adam, Kingma & Ba 2015: `adam_update` for every parameter.

    `lr` may be changed between steps.  Raises ValueError like SGD.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, l2=0.0):
        self.params = check_params(params)
        self.lr, self.l2 = check_number("lr", lr), check_number("l2", l2)
        self.betas, self.eps = check_betas(betas), check_number("eps", eps)
        self.t = 0
        self.m, self.v = zeros_like(self.params), zeros_like(self.params)

    def step(self):
        """Change every parameter by `adam_update`; pruned weights stay zero."""
        check_gradients_known(self.params)
        check_shapes(self.params, self.m)
        self.t += 1
        # A NumPy scalar, from a schedule say, would turn float32 weights into float64.
        options = {"lr": float(self.lr), "l2": float(self.l2), "betas": self.betas}
        options |= {"eps": self.eps, "t": self.t, "tiny": TINY, "tiny_v": TINY_V}
        for p, m, v in zip(self.params, self.m, self.v):
            p.value = adam_update(p.value, p.grad, m, v, p.mask, **options)

    def state(self):
        """All that it needs to go on later: numbers, and copies of the running means."""
        options = {"lr": float(self.lr), "l2": float(self.l2), "betas": self.betas, "eps": self.eps}
        m, v = [m.copy() for m in self.m], [v.copy() for v in self.v]
        return {**options, "t": self.t, "m": m, "v": v}

    def load_state(self, state):
        """Go on from what `state` returned.  Raises ValueError, changing nothing, for another."""
        check_keys(state, ("lr", "l2", "betas", "eps", "t", "m", "v"))
        lr, l2, eps = (check_number(key, state[key]) for key in ("lr", "l2", "eps"))
        betas, t = check_betas(state["betas"]), check_count("t", state["t"], 0)
        m, v = (check_arrays(key, state[key], self.params) for key in ("m", "v"))
        self.lr, self.l2, self.betas, self.eps, self.t = lr, l2, betas, eps, t
        self.m, self.v = m, v


@may_be_replaced
def adam_update(w, g, m, v, mask, *, lr, betas, eps, l2, t, tiny, tiny_v):
    """Step number t of Adam, Kingma & Ba 2015, algorithm 1: returns the new w, changes m and v.

        m <- beta1 * m + (1 - beta1) * g          running mean of the gradient
        v <- beta2 * v + (1 - beta2) * g^2        running mean of its square
        w <- w - lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)

    eps is added to the bias-corrected root, as in PyTorch.
    """
    beta1, beta2 = betas
    g = g + l2 * w
    m += (1 - beta1) * (g - m)
    v += (1 - beta2) * (g**2 - v)
    w = w - lr / (1 - beta1**t) * m / (np.sqrt(v / (1 - beta2**t)) + eps)
    if w.dtype == np.float32:
        w[np.abs(w) < tiny] = 0
        m[np.abs(m) < tiny] = 0
        v[v < tiny_v] = 0
    return w if mask is None else np.where(mask, w, 0)


def zeros_like(params):
    """Arrays of zeros, one for each parameter, of its shape and dtype."""
    return [np.zeros(p.value.shape, p.value.dtype) for p in params]


def check_gradients_known(params):
    for p in params:
        if p.grad is None:
            raise ValueError(
                f"{p} has no gradient; call model.backward(doutputs) before step(); in a layer of "
                f"your own backward assigns p.grad of each of its params.  An optimiser "
                f"that was pickled or copied without its model trains parameters of its own: "
                f"pickle both at once, as in pickle.dumps((model, adam))"
            )
        if getattr(p.grad, "shape", None) != p.value.shape:
            raise ValueError(f"{p} has a gradient of shape {np.shape(p.grad)}")
        if p.mask is not None and p.mask.shape != p.value.shape:
            raise ValueError(f"{p} has a mask of shape {p.mask.shape}; assign a new one, or None")


def check_shapes(params, arrays):
    for p, array in zip(params, arrays):
        if array.shape != p.value.shape:
            raise ValueError(
                f"{p} had the shape {array.shape} when its optimiser was made; make a new one"
            )


def check_betas(betas):
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise ValueError(f"betas are {betas!r}; a pair such as (0.9, 0.999) is expected")
    return tuple(check_number("beta", beta, "[0, 1)") for beta in betas)


def check_keys(state, keys):
    if not isinstance(state, dict) or set(state) != set(keys):
        found = ", ".join(map(str, state)) if isinstance(state, dict) else repr(state)
        raise ValueError(f"the state has {found}; this optimiser's is {', '.join(keys)}")


def check_arrays(name, arrays, params):
    """Copies of arrays, one for each parameter, of its shape and dtype, else ValueError."""
    if not isinstance(arrays, list) or len(arrays) != len(params):
        raise ValueError(f"{name} must be a list of {len(params)} arrays, one for each parameter")
    copies = [np.array(as_array(array, name)) for array in arrays]
    for a, p in zip(copies, params):
        if a.shape != p.value.shape or a.dtype != p.value.dtype:
            raise ValueError(f"{name} has an array of {a.dtype} and shape {a.shape} for {p}")
    return copies


def check_params(params):
    params = check_list("params", params, "pass model.params")
    for p in params:
        if not isinstance(p, Parameter):
            raise ValueError(f"params has {reprlib.repr(p)}, no Parameter; pass model.params")
    if len({id(p) for p in params}) != len(params) or not params:
        raise ValueError(
            f"{len(params)} parameters given; an optimiser takes at least one, each once, "
            f"for instance model.params"
        )
    return params
