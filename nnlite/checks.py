"""What the layers, losses and data ask of their arguments, each question written once."""

import contextlib
import numbers
import reprlib
import warnings

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
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not minimum <= value < 2**63:
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
        try:
            number = float(value)
        except OverflowError:  # an int may have any size
            number = np.nan
        above = low <= number if interval[0] == "[" else low < number
        below = number <= high if interval[-1] == "]" else number < high
        if above and below:
            return number
    raise ValueError(f"{name} is {value!r}; it must be a number in {interval}")


def check_flag(name, value):
    """Return `value` if it is True or False, else raise ValueError."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} is {reprlib.repr(value)}; True or False is needed")
    return bool(value)


def check_name(name, value, known):
    """Return `value` if it is one of the known texts, else raise ValueError."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} is {value!r}; known are {', '.join(known)}")
    return value


def check_dtype(dtype):
    """np.float32 or np.float64, however it is named, else ValueError."""
    if dtype is not None:  # of which NumPy makes float64
        with contextlib.suppress(TypeError, ValueError):
            dtype = np.dtype(dtype)
    if not isinstance(dtype, np.dtype) or dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype is {dtype}; np.float32 or np.float64 is needed")
    return dtype


def check_shape(name, shape, minimum=1):
    """A tuple of whole numbers from a list of them, or of one."""
    shape = [shape] if isinstance(shape, numbers.Integral) else shape
    sizes = check_list(name, shape, "a tuple of whole numbers is needed")
    return tuple(check_count(name, size, minimum) for size in sizes)


def check_list(name, values, remedy):
    """A list of the values, else ValueError with the remedy."""
    try:
        return list(values)
    except TypeError:
        raise ValueError(f"{name} is {reprlib.repr(values)}; {remedy}") from None


def check_dict(name, value, remedy):
    """Return `value` if it is a dict, else raise ValueError with the remedy."""
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {reprlib.repr(value)}; {remedy}")
    return value


def check_function(name, value):
    """Return `value` if it can be called, else raise ValueError."""
    if not callable(value):
        raise ValueError(f"{name} is {value!r}; a function is needed")
    return value


def value_and_gradient(loss, outputs, targets):
    """(value, d value / d outputs) of a loss, else ValueError."""
    found = check_function("loss", loss)(outputs, targets)
    if not isinstance(found, tuple) or len(found) != 2:
        raise ValueError(f"loss returned {reprlib.repr(found)}; (value, gradient) is needed")
    return found


def check_model(model, *needs, name="model"):
    """Return `model` if it has what is needed of it, attributes by name, else raise ValueError."""
    missing = [need for need in needs if not hasattr(model, need)]
    if missing or isinstance(model, type):
        lack = f", which has no {', '.join(missing)}" if missing else ""
        raise ValueError(
            f"{name} is {reprlib.repr(model)}{lack}; a network is needed, such as a Sequential"
        )
    return model


def as_array(x, name="x", axes=1):
    """An array of numbers, of so many axes or more, else ValueError.

    Masked arrays are refused: what comes out of NumPy's functions has lost the mask.
    """
    if hasattr(x, "images") and hasattr(x, "labels"):
        raise ValueError(
            f"{name} is a {type(x).__name__} of images and labels; unpack it, as in *data.test, "
            f"or take one of the two"
        )
    if isinstance(x, np.ma.MaskedArray):
        raise ValueError(f"{name} is a masked array; pass one without a mask: {name}.filled(0)")
    try:
        array = np.asarray(x)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is {reprlib.repr(x)}; an array is needed ({error})") from None
    if array.ndim < axes or array.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} is {reprlib.repr(x)} of dtype {array.dtype}; an array of numbers is needed"
        )
    return array


def as_float(x, dtype=None, name="x"):
    """Floating-point input in the given dtype, or in its own, which is float32 or float64.

    Integers are refused: an image of whole numbers 0 to 255 would be 255 times too bright without
    anyone noticing.
    """
    x = as_array(x, name)
    if x.dtype.kind != "f":
        raise ValueError(
            f"{name} has dtype {x.dtype}; floating-point values are expected. Convert integers: "
            f"{name}.astype(np.float32), or images of bytes: {name}.astype(np.float32) / 255"
        )
    if dtype is None and x.dtype not in (np.float32, np.float64):
        raise ValueError(f"{name} has dtype {x.dtype}; use {name}.astype(np.float32)")
    return x.astype(dtype or x.dtype, copy=False)


def warn_of_bytes(images):
    """Warn of images (N, H, W, C) far beyond 1: bytes that became floats without being divided.

    Standardised images, mean 0 and deviation 1, stay below 10.
    """
    if images.ndim == 4 and images.size and images.max() > 10:
        warnings.warn(
            f"the images reach {images.max():.4g}; 0 to 1 is expected: divide bytes by 255",
            stacklevel=3,
        )


def remembered(layer):
    """What a layer's forward pass left for its backward pass; ValueError if there was none."""
    if layer.cache is None:
        raise ValueError(f"{layer}: backward before forward; call forward(x) first")
    return layer.cache


def check_upstream(layer, dy, shape, dtype=None):
    """d loss / d outputs as floats, if it has the shape that the layer's outputs had."""
    dy = as_float(dy, dtype, "dy")
    if dy.shape != shape:
        raise ValueError(
            f"dy has shape {dy.shape}, the outputs of {layer} had {shape}; "
            f"in a model dy is what backward of the next layer returned"
        )
    return dy


def check_labels(labels, n_classes):
    """Integer labels as an array of shape (N,), each in [0, n_classes), else ValueError."""
    labels = as_array(labels, "labels")
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


def check_outputs(outputs):
    """Return the outputs of a network if they are (N, n_out), else raise ValueError."""
    if outputs.ndim != 2:
        raise ValueError(
            f"outputs have shape {outputs.shape}; (N, n_out) is expected: is a Flatten() or a "
            f"Dense missing at the end of the network?"
        )
    return outputs


def check_mask(mask, shape):
    """A copy of a boolean array of the given shape, else ValueError."""
    mask = np.array(as_array(mask, "mask"))
    if mask.dtype != bool or mask.shape != shape:
        raise ValueError(
            f"a mask is None or a boolean array of shape {shape}, True where a weight is kept; "
            f"got {mask.dtype} of shape {mask.shape}"
        )
    return mask
