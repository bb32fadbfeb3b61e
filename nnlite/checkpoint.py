"""Checkpoints: all that a training run needs to go on as if it had never stopped.

    save_checkpoint(path, model, adam, {"batches": rng}, progress={"epoch": 3})
    progress = load_checkpoint(path, model, adam, {"batches": rng})

One .npz holds weights, masks, what the optimiser remembers, and the state of every random
generator: those given and those that layers keep as `rng`, such as Dropout.  Generators that are
shared stay shared, because states are put back into the objects that are there.

What an optimiser remembers it says itself: `state()` returns numbers, tuples of them and lists of
arrays, by name, and `load_state(state)` checks them and takes them back (see nnlite/optim.py).
"""

import json
from pathlib import Path

import numpy as np

from nnlite.checks import check_mask, check_rng
from nnlite.files import replace_when_done
from nnlite.model import layer_text
from nnlite.serialize import read_npz

FORMAT = "nnlite checkpoint 1"


class OtherRun(ValueError):
    """A checkpoint is whole, but of another model, optimiser or set of generators."""


def save_checkpoint(path, model, optimiser, rngs, progress=None):
    """Write a checkpoint; complete or not at all.

    rngs       {name: numpy Generator}: whatever else draws, the order of the batches say
    progress   anything that JSON can hold, given back by load_checkpoint
    Raises ValueError for an optimiser without `state` and `load_state`.
    """
    check_optimiser(optimiser)
    settings, means = split(optimiser.state())
    about = {
        "format": FORMAT,
        "layers": [layer_text(layer) for layer in model.layers],
        "optimiser": type(optimiser).__name__,
        "trains": trained_names(model, optimiser),
        "settings": settings,
        "generators": sharing(generators(model, rngs)),
        "states": [rng.bit_generator.state for rng in unique(generators(model, rngs))],
        "progress": progress,
    }
    with replace_when_done(path) as file:
        text = json.dumps(about, default=lambda array: array.tolist())
        np.savez(file, checkpoint=np.array(text), **values_and_masks(model), **means)


def load_checkpoint(path, model, optimiser, rngs):
    """Put everything back as it was, and return `progress`.

    model, optimiser, rngs   built just as those that were saved
    Raises FileNotFoundError if there is no such file, ValueError if it is no checkpoint or
    one of another model, optimiser or set of generators; nothing is changed then.
    """
    check_optimiser(optimiser)
    path, params = Path(path), model.named_params
    drawing = unique(generators(model, rngs))
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    try:
        saved = read_npz(path.read_bytes())
        about = json.loads(str(saved.pop("checkpoint")))
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r}, not {FORMAT!r}")
        check_fits(saved, about, model, optimiser, rngs)
        masks = {name: saved_mask(saved, name, p) for name, p in params.items()}
        for rng, state in zip(drawing, about["states"]):
            type(rng.bit_generator)(0).state = state  # refused by one that is thrown away
        progress = about["progress"]
        optimiser.load_state(joined(optimiser.state(), about["settings"], saved))
    except OtherRun as error:
        raise ValueError(f"{path} is of another run: {error}") from None
    except Exception as error:  # zipfile, zlib, numpy and json have each their own
        raise ValueError(
            f"{path} is not a complete checkpoint ({type(error).__name__}: {error}); "
            f"delete it to start from the beginning"
        ) from error

    for name, p in params.items():
        p.value, p.grad, p.mask = saved[name], None, masks[name]
    for rng, state in zip(drawing, about["states"]):
        rng.bit_generator.state = state
    return progress


def check_optimiser(optimiser):
    missing = [name for name in ("state", "load_state") if not hasattr(optimiser, name)]
    if missing:
        raise ValueError(
            f"{type(optimiser).__name__} cannot be kept in a checkpoint, it has no "
            f"{' and no '.join(missing)}; add state(), which returns a dict of numbers and lists "
            f"of arrays, and load_state(state), which checks them and takes them back"
        )


def check_fits(saved, about, model, optimiser, rngs):
    drawing = generators(model, rngs)
    kinds = [type(rng.bit_generator).__name__ for rng in unique(drawing)]
    settings, means = split(optimiser.state())
    questions = [
        ("layers", about["layers"], [layer_text(layer) for layer in model.layers]),
        ("optimiser", about["optimiser"], type(optimiser).__name__),
        ("parameters of the optimiser", about["trains"], trained_names(model, optimiser)),
        ("settings of the optimiser", list(about["settings"]), list(settings)),
        ("generators", about["generators"], sharing(drawing)),
        ("kinds of generator", [state["bit_generator"] for state in about["states"]], kinds),
        ("arrays", described(saved), described(values_and_masks(model) | means)),
    ]
    for what, there, here in questions:
        if there != here:
            raise OtherRun(f"{what} {there} there, {here} here")


def described(named):
    """{"1.w": "float32 (784, 10)", ...}, masks left out: they may come and go."""
    names = sorted(name for name in named if not name.endswith(".mask"))
    return {name: f"{named[name].dtype} {named[name].shape}" for name in names}


def trained_names(model, optimiser):
    """The parameters that an optimiser trains, by name and in its order."""
    names = {id(p): name for name, p in model.named_params.items()}
    return [names.get(id(p), "of another model") for p in optimiser.params]


def values_and_masks(model):
    """{"1.w": ..., "1.w.mask": ..., ...} of all parameters."""
    found = {}
    for name, p in model.named_params.items():
        found[name] = p.value
        if p.mask is not None:
            found[f"{name}.mask"] = p.mask
    return found


def saved_mask(saved, name, p):
    mask = saved.get(f"{name}.mask")
    return None if mask is None else check_mask(mask, p.value.shape)


def split(state):
    """An optimiser's state as settings, {"lr": 0.001, ...}, and arrays, {"m.0": array, ...}."""
    settings, arrays = {}, {}
    for key, value in state.items():
        if isinstance(value, list):
            arrays |= {f"{key}.{k}": array for k, array in enumerate(value)}
        else:
            settings[key] = value
    return settings, arrays


def joined(state, settings, arrays):
    """A state like `state`, of what `split` made of another that went through a file."""
    state = dict(state)
    for key, value in state.items():
        if isinstance(value, list):
            state[key] = [arrays[f"{key}.{k}"] for k in range(len(value))]
        else:  # JSON has no tuples
            state[key] = tuple(settings[key]) if isinstance(value, tuple) else settings[key]
    return state


def generators(model, rngs):
    """{name: Generator}: those given, and those of the model's layers."""
    found = {f"rngs[{name!r}]": check_rng(rng) for name, rng in rngs.items()}
    for i, layer in enumerate(model.layers):
        if isinstance(getattr(layer, "rng", None), np.random.Generator):
            found[f"layer {i}"] = layer.rng
    return found


def unique(named):
    """Every generator once, in order."""
    return list({id(rng): rng for rng in named.values()}.values())


def sharing(named):
    """{name: which of the unique generators it is}."""
    order = [id(rng) for rng in unique(named)]
    return {name: order.index(id(rng)) for name, rng in named.items()}
