"""Checkpoints: all that a training run needs to go on as if it had never stopped.

    save_checkpoint(path, model, adam, {"batches": rng}, progress={"epoch": 3})
    progress = load_checkpoint(path, model, adam, {"batches": rng})

One .npz holds weights, masks, what the optimiser remembers, and the state of every random
generator: those given and those of the Dropout layers.  Generators that are shared stay
shared, because states are put back into the objects that are there.
"""

import json
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
        "optimiser": {**numbers(optimiser), "kind": type(optimiser).__name__},
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
    for key in numbers(optimiser):
        setattr(optimiser, key, about["optimiser"][key])
    for rng, state in zip(unique(generators(model, rngs)), about["states"]):
        rng.bit_generator.state = state
    return about["progress"]


def check_fits(path, saved, about, model, optimiser, rngs):
    here = arrays(model, optimiser)
    for name in {**here, **saved}:
        if name.endswith(".mask"):
            continue
        described = [
            f"{a[name].dtype} {a[name].shape}" if name in a else "missing" for a in (saved, here)
        ]
        if described[0] != described[1]:
            raise ValueError(
                f"{path} is of another run: {name} is {described[0]} there, {described[1]} here"
            )
    kinds = [type(rng.bit_generator).__name__ for rng in unique(generators(model, rngs))]
    for what, there, here in (
        ("the optimiser", about["optimiser"]["kind"], type(optimiser).__name__),
        ("what shares a generator", about["generators"], sharing(generators(model, rngs))),
        ("generators", [state["bit_generator"] for state in about["states"]], kinds),
    ):
        if there != here:
            raise ValueError(f"{path} is of another run: {what} is {there} there, {here} here")


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


def numbers(optimiser):
    """{"lr": 0.001, "t": 17, ...}: an optimiser's attributes that are numbers."""
    return {k: v for k, v in vars(optimiser).items() if isinstance(v, (int, float))}


def generators(model, rngs):
    """{name: Generator}: those given, and those of the model's Dropout layers."""
    dropouts = [(i, layer) for i, layer in enumerate(model.layers) if isinstance(layer, Dropout)]
    return {**rngs, **{f"layer {i}": layer.rng for i, layer in dropouts if layer.rng is not None}}


def unique(named):
    """Every generator once, in order."""
    return list({id(rng): rng for rng in named.values()}.values())


def sharing(named):
    """{name: which of the unique generators it is}."""
    order = [id(rng) for rng in unique(named)]
    return {name: order.index(id(rng)) for name, rng in named.items()}
