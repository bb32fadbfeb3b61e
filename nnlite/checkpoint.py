"""Checkpoints: all that a training run needs to go on as if it had never stopped.

    save_checkpoint(path, model, adam, {"batches": rng}, progress={"epoch": 3})
    progress = load_checkpoint(path, model, adam, {"batches": rng})

One .npz holds weights, masks, what the optimiser remembers, and the state of every random
generator: those given and those of the Dropout layers.  Generators that are shared stay
shared, because states are put back into the objects that are there.
"""

import json
import numbers
from pathlib import Path

import numpy as np

from nnlite.files import replace_when_done
from nnlite.layers import Dropout
from nnlite.serialize import read_npz

FORMAT = "nnlite checkpoint 1"


def save_checkpoint(path, model, optimiser, rngs, progress=None):
    """Write a checkpoint; complete or not at all.

    rngs       {name: numpy Generator}: whatever else draws, the order of the batches say
    progress   anything that JSON can hold, given back by load_checkpoint
    """
    about = {
        "format": FORMAT,
        "layers": [repr(layer) for layer in model.layers],
        "optimiser": type(optimiser).__name__,
        "trains": trained_names(model, optimiser),
        "settings": settings(optimiser),
        "generators": sharing(generators(model, rngs)),
        "states": [rng.bit_generator.state for rng in unique(generators(model, rngs))],
        "progress": progress,
    }
    with replace_when_done(path) as file:
        text = json.dumps(about, default=lambda array: array.tolist())
        np.savez(file, checkpoint=np.array(text), **arrays(model, optimiser))


def load_checkpoint(path, model, optimiser, rngs):
    """Put everything back as it was, and return `progress`.

    model, optimiser, rngs   built just as those that were saved
    Raises FileNotFoundError if there is no such file, ValueError if it is no checkpoint or
    one of another model, optimiser or set of generators; nothing is changed then.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    try:
        saved = read_npz(path.read_bytes())
        about = json.loads(str(saved.pop("checkpoint")))
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r}, not {FORMAT!r}")
    except Exception as error:  # zipfile, zlib, numpy and json have each their own
        raise ValueError(
            f"{path} is not a complete checkpoint ({type(error).__name__}: {error}); "
            f"delete it to start from the beginning"
        ) from error
    check_fits(path, saved, about, model, optimiser, rngs)

    for name, p in model.named_params.items():
        p.value, p.grad, p.mask = saved[name], None, saved.get(f"{name}.mask")
    for key, values in moments(optimiser).items():
        values[:] = [saved[f"{key}.{k}"] for k in range(len(values))]
    for key, value in about["settings"].items():
        setattr(optimiser, key, tuple(value) if isinstance(value, list) else value)
    for rng, state in zip(unique(generators(model, rngs)), about["states"]):
        rng.bit_generator.state = state
    return about["progress"]


def check_fits(path, saved, about, model, optimiser, rngs):
    drawing = generators(model, rngs)
    kinds = [type(rng.bit_generator).__name__ for rng in unique(drawing)]
    questions = [
        ("layers", about["layers"], [repr(layer) for layer in model.layers]),
        ("optimiser", about["optimiser"], type(optimiser).__name__),
        ("parameters of the optimiser", about["trains"], trained_names(model, optimiser)),
        ("settings of the optimiser", list(about["settings"]), list(settings(optimiser))),
        ("generators", about["generators"], sharing(drawing)),
        ("kinds of generator", [state["bit_generator"] for state in about["states"]], kinds),
        ("arrays", described(saved), described(arrays(model, optimiser))),
    ]
    for what, there, here in questions:
        if there != here:
            raise ValueError(f"{path} is of another run: {what} {there} there, {here} here")


def described(named):
    """{"1.w": "float32 (784, 10)", ...}, masks left out: they may come and go."""
    names = sorted(name for name in named if not name.endswith(".mask"))
    return {name: f"{named[name].dtype} {named[name].shape}" for name in names}


def trained_names(model, optimiser):
    """The parameters that an optimiser trains, by name and in its order."""
    names = {id(p): name for name, p in model.named_params.items()}
    return [names.get(id(p), "of another model") for p in optimiser.params]


def arrays(model, optimiser):
    """{"1.w": ..., "1.w.mask": ..., "m.0": ...}: weights, masks and running means."""
    found = {}
    for name, p in model.named_params.items():
        found[name] = p.value
        if p.mask is not None:
            found[f"{name}.mask"] = p.mask
    for key, values in moments(optimiser).items():
        found |= {f"{key}.{k}": value for k, value in enumerate(values)}
    return found


def moments(optimiser):
    """{"m": [...], "v": [...]}: an optimiser's lists of arrays, one for each parameter."""
    return {key: value for key, value in vars(optimiser).items() if key in ("m", "v")}


def settings(optimiser):
    """{"lr": 0.001, "betas": (0.9, 0.999), "t": 17, ...}: all of an optimiser but its arrays."""
    kinds = numbers.Real, tuple
    return {key: value for key, value in vars(optimiser).items() if isinstance(value, kinds)}


def generators(model, rngs):
    """{name: Generator}: those given, and those of the model's Dropout layers."""
    found = {f"rngs[{name!r}]": rng for name, rng in rngs.items()}
    for i, layer in enumerate(model.layers):
        if isinstance(layer, Dropout) and layer.rng is not None:
            found[f"layer {i}"] = layer.rng
    return found


def unique(named):
    """Every generator once, in order."""
    return list({id(rng): rng for rng in named.values()}.values())


def sharing(named):
    """{name: which of the unique generators it is}."""
    order = [id(rng) for rng in unique(named)]
    return {name: order.index(id(rng)) for name, rng in named.items()}
