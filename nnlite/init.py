"""Initial weights and biases, by name.

Each initialiser takes the shape of the weights (inputs first, outputs last) and returns
weights and biases; fan_in and fan_out count the connections into and out of one neuron.
"""

import numpy as np

from nnlite.checks import check_rng


def truncated_normal(shape, sd, rng):
    """Normal values of mean 0; those beyond two sd are drawn again until none is left."""
    values = rng.normal(0, sd, shape)
    while (far := np.abs(values) > 2 * sd).any():
        values[far] = rng.normal(0, sd, np.count_nonzero(far))
    return values


def default(shape, fan_in, fan_out, rng):
    """Weights and biases uniform in +-1/sqrt(fan_in), as in PyTorch."""
    bound = 1 / np.sqrt(fan_in)
    return rng.uniform(-bound, bound, shape), rng.uniform(-bound, bound, shape[-1])


def he(shape, fan_in, fan_out, rng):
    """Weights normal with sd sqrt(2/fan_in), biases 0.   He et al. 2015, for ReLU."""
    return rng.normal(0, np.sqrt(2 / fan_in), shape), np.zeros(shape[-1])


def posts(shape, fan_in, fan_out, rng):
    """Weights truncated normal with sd sqrt(3/(fan_in + fan_out)), biases 0.1: the posts'."""
    return truncated_normal(shape, np.sqrt(3 / (fan_in + fan_out)), rng), np.full(shape[-1], 0.1)


def unset(shape, fan_in, fan_out, rng):
    """Zeros that take no memory and cannot be changed: for `load`, which brings its own."""
    return np.broadcast_to(np.float32(0), shape), np.broadcast_to(np.float32(0), shape[-1:])


INITIALISERS = {"default": default, "he": he, "posts": posts, "unset": unset}


def initialise(name, shape, rng):
    """float32 weights of the given shape and biases of its last axis.

    shape   (n_in, n_out) of a dense layer or (kh, kw, c_in, c_out) of filters,
            whose fans are kernel area times channels
    Raises ValueError for an unknown name or something that is not a generator.
    """
    if not isinstance(name, str) or name not in INITIALISERS:
        raise ValueError(f"init is {name!r}; known initialisers: {', '.join(INITIALISERS)}")
    area = int(np.prod(shape[:-2]))  # 1 for a dense layer
    w, b = INITIALISERS[name](shape, area * shape[-2], area * shape[-1], check_rng(rng))
    return w.astype(np.float32, copy=False), b.astype(np.float32, copy=False)
