"""What the layers, losses and data ask of their arguments, each question written once."""

import numbers

import numpy as np


def check_rng(rng):
    """Return `rng` if it is a numpy Generator, else raise ValueError."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(
            f"rng is {rng!r}; pass a generator, for instance rng=np.random.default_rng(0)"
        )
    return rng


def check_count(name, value, minimum=1):
    """Return `value` as an int if it is a whole number >= minimum, else raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < minimum:
        raise ValueError(f"{name} is {value!r}; it must be a whole number, at least {minimum}")
    return int(value)


def check_pair(name, value):
    """An int k becomes (k, k); a pair of whole numbers stays what it is."""
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2:
        raise ValueError(f"{name} is {value!r}; it must be a whole number or a pair of them")
    return check_count(name, pair[0]), check_count(name, pair[1])


def check_number(name, value, interval="[0, inf)"):
    """Return `value` as a float if it is a real number in the interval, such as "[0, 1)"."""
    low, high = map(float, interval[1:-1].split(","))
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        above = low <= value if interval[0] == "[" else low < value
        below = value <= high if interval[-1] == "]" else value < high
        if above and below:
            return float(value)
    raise ValueError(f"{name} is {value!r}; it must be a number in {interval}")


def as_float(x, dtype=None, name="x"):
    """Floating-point input in the given dtype, or in its own; integers are refused.

    An image of whole numbers 0 to 255 would be 255 times too bright without anyone noticing.
    """
    x = np.asarray(x)
    if x.dtype.kind != "f":
        raise ValueError(
            f"{name} has dtype {x.dtype}; floating-point values are expected. "
            f"Scale integer images first: x.astype(np.float32) / 255"
        )
    return x.astype(dtype or x.dtype, copy=False)


def check_labels(labels, n_classes):
    """Integer labels as an array of shape (N,), each in [0, n_classes), else ValueError."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise ValueError(
            f"labels have dtype {labels.dtype} and shape {labels.shape}; "
            f"a one-dimensional integer array is expected"
        )
    if labels.size and not 0 <= labels.min() <= labels.max() < n_classes:
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}; "
            f"with {n_classes} classes they must lie in 0 to {n_classes - 1}"
        )
    return labels


def check_mask(mask, shape):
    """A copy of a boolean array of the given shape, else ValueError."""
    mask = np.array(mask)
    if mask.dtype != bool or mask.shape != shape:
        raise ValueError(
            f"a mask is None or a boolean array of shape {shape}, True where a weight is kept; "
            f"got {mask.dtype} of shape {mask.shape}"
        )
    return mask
