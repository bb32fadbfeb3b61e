"""save and load: a Sequential as one .npz file, without pickle.

It holds one array per parameter ("1.w"), one per mask ("1.w.mask"), and the class and constructor
arguments of each layer.  What these are a class says itself, in a tuple of attribute names:
args = ("n_in", "n_out").  nnlite/container.py says what is in the file besides.
"""

import functools
import inspect

import numpy as np

from nnlite.activations import Sigmoid, Tanh
from nnlite.checks import check_list, check_mask, check_model, check_rng
from nnlite.container import Unfit, opened, outline, through_json, write_arrays
from nnlite.conv import Conv2D
from nnlite.layers import Dense, Dropout, Flatten, ReLU
from nnlite.model import Sequential, layer_text

KIND = "nnlite model"
KINDS = (Conv2D, Dense, Dropout, Flatten, ReLU, Sigmoid, Tanh)
LAYERS = {kind.__name__: kind for kind in KINDS}


def save(model, path):
    """Write architecture, weights and masks to one .npz; complete or not at all.

    Raises ValueError for what `load` would refuse: a layer whose class does not name its
    constructor arguments in `args`, or with one that JSON cannot hold, and arrays that are not
    float32 or float64 or not of the shape that the constructor gives them.  To know, it builds
    every layer once more.  Raises FileNotFoundError if the folder is missing.
    """
    check_model(model, "layers", "named_params")
    known = known_layers([type(layer) for layer in model.layers])
    layers = [[type(layer).__name__, arguments(layer)] for layer in model.layers]
    arrays = values_and_masks(model)
    listed = {name: outline(name, array) for name, array in arrays.items()}
    try:
        check_fits(listed, built(layers, known))
    except Exception as error:  # a constructor of somebody's own may raise any
        raise ValueError(
            f"cannot save what could not be loaded again ({type(error).__name__}: {error})"
        ) from error
    write_arrays(path, KIND, {"layers": layers}, arrays)


def load(path, rng=None, layers=()):
    """The model that `save` wrote.

    rng      generator for the layers that draw and keep it as `rng`, such as Dropout; needed only
             to train on
    layers   your own layer classes that are in the model; their constructors are run with the
             arguments in the file, and may take any time and memory; nnlite's take none
    Raises FileNotFoundError if there is no such file, ValueError if it is no nnlite model,
    incomplete, or has a layer of another class.  Nothing is unpickled.
    """
    rng, known = None if rng is None else check_rng(rng), known_layers(layers)
    with opened(path, KIND, "write it again with nnlite.save") as saved:
        model = built(saved.about["layers"], known)
        check_fits(saved.listed, model)
        arrays = saved.arrays()
    for name, p in model.named_params.items():
        p.value, p.mask = arrays[name], arrays.get(f"{name}.mask")
    for layer in model.layers:
        if hasattr(layer, "rng"):
            layer.rng = rng
    return model


def known_layers(kinds):
    """{class name: class} of nnlite's layers and of these; ValueError if two share a name."""
    known = dict(LAYERS)
    for kind in check_list("layers", kinds, "pass a list of classes"):
        if not isinstance(kind, type):
            raise ValueError(f"{kind!r} is not a class; pass layers=[...] the classes themselves")
        if known.setdefault(kind.__name__, kind) is not kind:
            raise ValueError(
                f"two classes are called {kind.__name__}, {known[kind.__name__]} and {kind}, "
                f"and a file could not tell them apart; rename yours"
            )
    return known


def arguments(layer):
    """{name: value}: the constructor arguments of a layer, as its `args` names them."""
    names, text, found = argument_names(type(layer)), layer_text(layer), {}
    for name in names:
        if not hasattr(layer, name):
            raise ValueError(
                f"cannot save {text}: it has no attribute {name!r}, which is in its args, "
                f"{names!r}; args is a tuple such as ('n_in', 'n_out')"
            )
        try:
            found[name] = through_json(getattr(layer, name))
        except ValueError as error:
            raise ValueError(
                f"cannot save {text}: its {name} is {getattr(layer, name)!r}; {error}"
            ) from error
    return found


def argument_names(kind):
    """The `args` of a layer's class.  Inherited ones do not count for a constructor of its own."""
    for cls in kind.__mro__:
        if "args" in vars(cls):
            return cls.args
        if "__init__" in vars(cls):
            break
    raise ValueError(
        f"cannot save a {kind.__name__}: the class does not say what its constructor takes; add "
        f"args = (...), the names of its arguments but rng, each also an attribute, or args = ()"
    )


def built(layers, known):
    """A Sequential of [class name, {argument: value}] pairs, its weights still to come."""
    unknown = [name for name, _ in layers if name not in known]
    if unknown:
        names = ", ".join(dict.fromkeys(unknown))
        raise Unfit(f"has layers that are not nnlite's; pass layers=[{names}] to load")
    return Sequential([rebuilt(known[name], args) for name, args in layers])


def rebuilt(kind, args):
    """A layer from its class and arguments.  nnlite's own draw no weights."""
    if "rng" in parameters(kind):
        args = {**args, "rng": np.random.default_rng(0)}
    if "init" in parameters(kind) and kind in LAYERS.values():
        args = {**args, "init": "unset"}
    try:
        return kind(**args)
    except Exception as error:  # a class of somebody's own may raise any
        if kind in LAYERS.values():
            raise
        raise Unfit(
            f"has a {kind.__name__} that the class given does not build ({type(error).__name__}: "
            f"{error})"
        ) from error


@functools.lru_cache
def parameters(kind):
    """The names of all that a constructor takes."""
    return frozenset(inspect.signature(kind).parameters)


def values_and_masks(model):
    """{"1.w": ..., "1.w.mask": ..., ...} of all parameters."""
    found = {}
    for name, p in model.named_params.items():
        found[name] = p.value
        if p.mask is not None:
            found[f"{name}.mask"] = check_mask(p.mask, np.shape(p.value))
    return found


def check_fits(listed, model):
    """Whether what is listed is all parameters of a model, and masks of some."""
    needed = {}
    for name, p in model.named_params.items():
        needed[name] = ("float32", "float64"), p.value.shape
        needed[f"{name}.mask"] = ("bool",), p.value.shape
        if name not in listed:
            raise ValueError(f"{name} is missing")
    for name, entry in listed.items():
        if name not in needed:
            raise ValueError(f"{name} belongs to no layer")
        (dtypes, shape), found = needed[name], tuple(entry["shape"])
        if entry["dtype"] not in dtypes or found != shape:
            raise ValueError(
                f"{name} has dtype {entry['dtype']} and shape {found}; "
                f"{' or '.join(dtypes)} and {shape} are needed"
            )
