"""Checkpoints: all that a training run needs to go on as if it had never stopped.

    save_checkpoint(path, model, adam, {"batches": rng}, progress={"epoch": 3})
    progress = load_checkpoint(path, model, adam, {"batches": rng})

One .npz holds weights, masks, what the optimiser remembers, and the state of every random
generator: those given and those that layers keep as `rng`, such as Dropout.  Generators that are
shared stay shared, because states are put back into the objects that are there.

What an optimiser remembers it says itself: `state()` returns numbers, tuples of them and lists of
arrays, by name, and `load_state(state)` checks them and takes them back (see nnlite/optim.py).
"""

import copy

import numpy as np

from nnlite.checks import check_dict, check_model, check_rng
from nnlite.container import Unfit, opened, outline, through_json, write_arrays
from nnlite.model import layer_text
from nnlite.serialize import values_and_masks

KIND = "nnlite checkpoint"


def save_checkpoint(path, model, optimiser, rngs, progress=None):
    """Write a checkpoint; complete or not at all.

    rngs       {name: numpy Generator}: whatever else draws, the order of the batches say
    progress   anything that JSON can hold, given back by load_checkpoint as JSON keeps it: lists
               for tuples, texts for the keys of dicts
    Raises ValueError for an optimiser without `state` and `load_state`, and for what could not be
    loaded again.
    """
    check_optimiser(optimiser, check_model(model, "layers", "named_params"))
    drawing = generators(model, rngs)
    state = optimiser.state()
    settings, means = split(state)
    # Better no checkpoint than one that replaces a good one and is refused: a copy tries it.
    copy.copy(optimiser).load_state(joined(state, through_json(settings), means))
    about = {
        "layers": [layer_text(layer) for layer in model.layers],
        "optimiser": type(optimiser).__name__,
        "trains": trained_names(model, optimiser),
        "settings": settings,
        "generators": sharing(drawing),
        "states": [rng.bit_generator.state for rng in unique(drawing)],
        "progress": progress,
    }
    write_arrays(path, KIND, about, values_and_masks(model) | means)


def load_checkpoint(path, model, optimiser, rngs):
    """Put everything back as it was, and return `progress`.

    model, optimiser, rngs   built just as those that were saved
    Raises FileNotFoundError if there is no such file, ValueError if it is no checkpoint or
    one of another model, optimiser or set of generators; nothing is changed then.
    """
    check_optimiser(optimiser, check_model(model, "layers", "named_params"))
    drawing = unique(generators(model, rngs))
    with opened(path, KIND, "delete it to start from the beginning") as saved:
        about = saved.about
        check_fits(about, saved.listed, model, optimiser, rngs)
        arrays, progress = saved.arrays(), about["progress"]
        for rng, state in zip(drawing, about["states"]):
            check_state(type(rng.bit_generator)(0), state)
        optimiser.load_state(joined(optimiser.state(), about["settings"], arrays))

    for name, p in model.named_params.items():
        p.value, p.grad, p.mask = arrays[name], None, arrays.get(f"{name}.mask")
    for rng, state in zip(drawing, about["states"]):
        rng.bit_generator.state = state
    return progress


def check_optimiser(optimiser, model):
    """It has a state, and trains parameters of the model, else ValueError."""
    missing = [name for name in ("state", "load_state") if not hasattr(optimiser, name)]
    if missing:
        raise ValueError(
            f"{type(optimiser).__name__} cannot be kept in a checkpoint, it has no "
            f"{' and no '.join(missing)}; add state(), which returns a dict of numbers and lists "
            f"of arrays, and load_state(state), which checks them and takes them back"
        )
    own = {id(p) for p in model.named_params.values()}
    others = [p for p in optimiser.params if id(p) not in own]
    if others:
        raise ValueError(
            f"the optimiser trains {others[0]}, which is no parameter of this model: the two were "
            f"copied or loaded apart; make one of model.params, or copy or pickle both at once"
        )


def check_fits(about, listed, model, optimiser, rngs):
    """Compare what a checkpoint says with what is here; its masks may be others."""
    drawing = generators(model, rngs)
    kinds = [type(rng.bit_generator).__name__ for rng in unique(drawing)]
    settings, means = split(optimiser.state())
    arrays = {name: p.value for name, p in model.named_params.items()} | means
    arrays = {name: text(outline(name, array)) for name, array in arrays.items()}
    masks = {f"{name}.mask": f"bool {p.value.shape}" for name, p in model.named_params.items()}
    there = {name: text(entry) for name, entry in listed.items()}
    here = arrays | {name: mask for name, mask in masks.items() if name in there}
    questions = [
        ("layers", about["layers"], [layer_text(layer) for layer in model.layers]),
        ("optimiser", about["optimiser"], type(optimiser).__name__),
        ("parameters of the optimiser", about["trains"], trained_names(model, optimiser)),
        ("settings of the optimiser", list(about["settings"]), list(settings)),
        ("generators", about["generators"], sharing(drawing)),
        ("kinds of generator", [state["bit_generator"] for state in about["states"]], kinds),
        ("arrays", there, here),
    ]
    for what, there, here in questions:
        if there != here:
            raise Unfit(
                f"is of another run: {what} {there} there, {here} here; build what was saved, "
                f"or take another file"
            )


def text(entry):
    """An array that is listed, as "float32 (784, 10)"."""
    return f"{entry['dtype']} {tuple(entry['shape'])}"


def check_state(bit_generator, state):
    """Try the state of a generator on another that is thrown away."""
    bit_generator.state = state
    if through_json(bit_generator.state) != state:
        raise ValueError("a generator cannot have the state that it lists")


def trained_names(model, optimiser):
    """The parameters that an optimiser trains, by name and in its order."""
    names = {id(p): name for name, p in model.named_params.items()}
    return [names[id(p)] for p in optimiser.params]


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
    check_dict("rngs", rngs, "pass {name: generator, ...}, or {}")
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
