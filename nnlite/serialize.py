"""save and load: a Sequential as one .npz file, without pickle.

It holds one array per parameter ("1.w"), one per mask ("1.w.mask"), and "architecture", a
JSON text that lists each layer's class and constructor arguments.  What these are a class says
itself, in a tuple of attribute names: args = ("n_in", "n_out").
"""

import inspect
import io
import json
import zipfile
from pathlib import Path

import numpy as np

from nnlite.checks import check_rng
from nnlite.conv import Conv2D
from nnlite.files import replace_when_done
from nnlite.layers import Dense, Dropout, Flatten, ReLU
from nnlite.model import Sequential, layer_text

FORMAT = "nnlite model 1"
LAYERS = {kind.__name__: kind for kind in (Conv2D, Dense, Dropout, Flatten, ReLU)}


def save(model, path):
    """Write architecture, weights and masks to one .npz; complete or not at all.

    Raises ValueError for a layer whose class does not name its constructor arguments in `args`,
    or with one that JSON cannot hold, FileNotFoundError if the folder is missing.
    """
    known_layers([type(layer) for layer in model.layers])
    layers = [[type(layer).__name__, arguments(layer)] for layer in model.layers]
    arrays = {"architecture": np.array(json.dumps({"format": FORMAT, "layers": layers}))}
    for name, p in model.named_params.items():
        arrays[name] = p.value
        if p.mask is not None:
            arrays[f"{name}.mask"] = p.mask
    with replace_when_done(path) as file:
        np.savez(file, **arrays)


def load(path, rng=None, layers=()):
    """The model that `save` wrote.

    rng      generator for the layers that draw, such as Dropout; needed only to train on
    layers   your own layer classes that are in the model
    Raises FileNotFoundError if there is no such file, ValueError if it is no nnlite model,
    incomplete, or has a layer of another class.  Nothing is unpickled.
    """
    path, rng = Path(path), None if rng is None else check_rng(rng)
    known = known_layers(layers)
    if not path.is_file():
        raise FileNotFoundError(f"there is no model file {path}; write one with nnlite.save")
    content = path.read_bytes()
    try:
        arrays = read_npz(content)
        architecture = json.loads(str(arrays["architecture"]))
        if architecture["format"] != FORMAT:
            raise ValueError(f"its format is {architecture['format']!r}, not {FORMAT!r}")
        unknown = [name for name, _ in architecture["layers"] if name not in known]
        model = None if unknown else filled(architecture["layers"], arrays, known)
    except Exception as error:  # zipfile, zlib, numpy and json have each their own
        raise ValueError(
            f"{path} is not a complete nnlite model ({type(error).__name__}: {error}); "
            f"write it again with nnlite.save"
        ) from error
    if unknown:
        names = ", ".join(dict.fromkeys(unknown))
        raise ValueError(f"{path} has layers that are not nnlite's; pass layers=[{names}] to load")
    for layer in model.layers:
        if hasattr(layer, "rng"):
            layer.rng = rng
    return model


def known_layers(kinds):
    """{class name: class} of nnlite's layers and of these; ValueError if two share a name."""
    known = dict(LAYERS)
    for kind in kinds:
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
        found[name] = getattr(layer, name)
        try:
            json.dumps(found[name])
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"cannot save {text}: its {name} is {found[name]!r}, which JSON cannot hold "
                f"({error}); keep a number, a text or a list of them"
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


def filled(layers, arrays, known):
    """A Sequential of [class name, {argument: value}] pairs; weights and masks from `arrays`."""
    model = Sequential([rebuild(name, args, known) for name, args in layers])
    for name, p in model.named_params.items():
        value = arrays[name]
        if value.shape != p.value.shape or value.dtype not in (np.float32, np.float64):
            raise ValueError(f"{name} has dtype {value.dtype} and shape {value.shape}")
        p.value, p.mask = value, arrays.get(f"{name}.mask")
    return model


def rebuild(name, args, known=LAYERS):
    """A layer from its class name and arguments; its weights are still to come from the file."""
    kind = known[name]
    if "rng" in inspect.signature(kind).parameters:
        args = {**args, "rng": np.random.default_rng(0)}
    return kind(**args)


def read_npz(content):
    """{name: array} of the bytes of an .npz.  np.load leaks the file if it is damaged."""
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
            arrays[name.removesuffix(".npy")] = array
    return arrays
