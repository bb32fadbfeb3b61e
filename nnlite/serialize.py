"""save and load: a Sequential as one .npz file, without pickle.

It holds one array per parameter ("1.w"), one per mask ("1.w.mask"), and "architecture", a
JSON text that lists each layer's name and constructor arguments.
"""

import io
import json
import zipfile
from pathlib import Path

import numpy as np

from nnlite.checks import check_rng
from nnlite.conv import Conv2D
from nnlite.files import replace_when_done
from nnlite.layers import Dense, Dropout, Flatten, ReLU
from nnlite.model import Sequential

FORMAT = "nnlite model 1"
LAYERS = {
    "Dense": (Dense, ("n_in", "n_out")),
    "Conv2D": (Conv2D, ("c_in", "c_out", "kernel", "stride", "padding")),
    "Dropout": (Dropout, ("drop_prob",)),
    "ReLU": (ReLU, ()),
    "Flatten": (Flatten, ()),
}


def save(model, path):
    """Write architecture, weights and masks to one .npz; complete or not at all.

    Raises ValueError for layers that nnlite does not know, FileNotFoundError if the
    folder is missing.
    """
    layers = []
    for layer in model.layers:
        name = type(layer).__name__
        if LAYERS.get(name, (None,))[0] is not type(layer):
            raise ValueError(f"cannot save {layer}; layers that can: {', '.join(LAYERS)}")
        layers.append([name, {key: getattr(layer, key) for key in LAYERS[name][1]}])
    arrays = {"architecture": np.array(json.dumps({"format": FORMAT, "layers": layers}))}
    for name, p in model.named_params.items():
        arrays[name] = p.value
        if p.mask is not None:
            arrays[f"{name}.mask"] = p.mask
    with replace_when_done(path) as file:
        np.savez(file, **arrays)


def load(path, rng=None):
    """The model that `save` wrote.

    rng   generator for the Dropout layers; needed only to train on
    Raises FileNotFoundError if there is no such file, ValueError if it is no nnlite model
    or incomplete.  Nothing is unpickled.
    """
    path, rng = Path(path), None if rng is None else check_rng(rng)
    if not path.is_file():
        raise FileNotFoundError(f"there is no model file {path}; write one with nnlite.save")
    content = path.read_bytes()
    try:
        arrays = read_npz(content)
        architecture = json.loads(str(arrays["architecture"]))
        if architecture["format"] != FORMAT:
            raise ValueError(f"its format is {architecture['format']!r}, not {FORMAT!r}")
        model = Sequential([rebuild(name, args) for name, args in architecture["layers"]])
        for name, p in model.named_params.items():
            value = arrays[name]
            if value.shape != p.value.shape or value.dtype not in (np.float32, np.float64):
                raise ValueError(f"{name} has dtype {value.dtype} and shape {value.shape}")
            p.value, p.mask = value, arrays.get(f"{name}.mask")
    except Exception as error:  # zipfile, zlib, numpy and json have each their own
        raise ValueError(
            f"{path} is not a complete nnlite model ({type(error).__name__}: {error}); "
            f"write it again with nnlite.save"
        ) from error
    for layer in model.layers:
        if isinstance(layer, Dropout):
            layer.rng = rng
    return model


def read_npz(content):
    """{name: array} of the bytes of an .npz.  np.load leaks the file if it is damaged."""
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
            arrays[name.removesuffix(".npy")] = array
    return arrays


def rebuild(name, args):
    """A layer from its name and constructor arguments; its weights come from the file."""
    if name not in LAYERS:
        raise ValueError(f"unknown layer {name!r}")
    if name in ("Dense", "Conv2D", "Dropout"):
        args = {**args, "rng": np.random.default_rng(0)}
    return LAYERS[name][0](**args)
