"""Every public function, method and class with each of its arguments replaced by nonsense.

The public names are found, not listed: those in the `__all__` of a module, or what has a docstring.
A new one is tested as soon as it is there; where one of its arguments has a name that EXAMPLES does
not know, the test says so.

A call may succeed, or raise a ValueError, a TypeError or what its docstring announces, in nnlite
itself and with a message that names the argument or the value.  Anything else is unclear.
"""

import contextlib
import functools
import inspect
import os
import re
import reprlib
import signal
import tempfile
import time
import traceback
import types
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse

import nnlite
import nnlite.losses
import nnlite.sparse
import nnlite.sparse.prune
from nnlite import (
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Parameter,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    data,
    prune,
)
from nnlite.checkpoint import load_checkpoint, save_checkpoint
from nnlite.sparse import Convolution, Linear, SparseNetwork, unroll
from torture import limited_memory, rounds

ONE_ROUND = {"calls": 2000}
EACH = 10  # replacements of every argument in a round
MOST_UNCLEAR = 0.01  # of all calls
SECONDS, GIGABYTES = 5, 2  # what a call may take
CUT = 12  # letters
PACKAGE = str(Path(nnlite.__file__).parent)

MODULES = [module for name in nnlite.__all__ if inspect.ismodule(module := getattr(nnlite, name))]
MODULES += [nnlite, nnlite.losses, nnlite.sparse, nnlite.sparse.prune]
HELPERS = {  # have a docstring, but are for the functions beside them
    "nnlite.attack_losses": "best_other checked",
    "nnlite.attacks": "climb outputs_and_gradient parts side_of_square",
    "nnlite.data": "read from_files as_images",
    "nnlite.losses": "as_pair",
    "nnlite.noise": "noise_gradient start_from",
    "nnlite.robustness": "right_under gradient_is_zero signs_of_weakness",
    "nnlite.sparse.prune": "of_each_weight",
}


# What is called


def public_names():
    """{"prune.keep_mask": function, "Adam": class, ...}"""
    found = {f"checkpoint.{f.__name__}": f for f in (load_checkpoint, save_checkpoint)}
    for module in MODULES:
        for name in getattr(module, "__all__", None) or documented(module):
            thing, prefix = getattr(module, name), module.__name__.removeprefix("nnlite")
            if callable(thing) and thing not in found.values():
                found[f"{prefix}.{name}".lstrip(".")] = thing
    return found


def documented(module):
    helpers = HELPERS.get(module.__name__, "").split()
    for name, thing in vars(module).items():
        own = getattr(thing, "__module__", None) == module.__name__ and callable(thing)
        if own and thing.__doc__ and not name.startswith(("_", "check_")) and name not in helpers:
            yield name


def calls():
    """{"Adam.step": what makes the bound method of an Adam, ...}: all that can be called."""
    made = {}
    for name, thing in public_names().items():
        made[name] = functools.partial(lambda thing: thing, thing)
        if inspect.isclass(thing):
            for method, function in vars(thing).items():
                is_method = inspect.isfunction(function) or isinstance(function, classmethod)
                if is_method and not method.startswith("_"):
                    made[f"{name}.{method}"] = functools.partial(method_of, name, method)
    return made


def method_of(name, method):
    return getattr(EXAMPLES[name](), method)


# Examples of right arguments, by the name of the parameter; "Dense.forward.x" is for one alone


def floats(*shape):
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def generator():
    return np.random.default_rng(0)


def network():
    rng = generator()
    layers = [Conv2D(1, 3, 3, rng=rng), ReLU(), Flatten(), Dense(48, 5, rng=rng)]
    return Sequential([*layers, Dropout(0.3, rng=rng), Dense(5, 3, rng=rng)])


def after_forward(layer, *shape):
    layer.forward(floats(*shape), train=True)
    return layer


def optimiser(kind):
    model = after_forward(network(), 20, 4, 4, 1)
    model.backward(floats(20, 3))
    return kind(model.params, lr=0.1)


def labels():
    return np.arange(20) % 3


def csr():
    return scipy.sparse.csr_array(floats(5, 6) * (floats(5, 6) < 0.5))


def statistics():
    return prune.input_statistics(network(), floats(20, 4, 4, 1))


def scores():
    return prune.scores(network(), prune.magnitude)


def masks():
    return prune.keep_masks(scores(), 0.5)


def layers():
    return unroll(network(), (4, 4, 1))


def split():
    return data.Split(floats(20, 4, 4, 1), labels())


def written(write, name):
    """The path of a file, written when it is first asked for."""
    if not Path(name).exists():
        write(name)
    return name


def images_folder():
    """The path of a folder of IDX files."""
    folder = Path("idx")
    if not folder.exists():
        folder.mkdir()
        for part, n in (("train", 24), ("t10k", 5)):
            image = bytes([0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 2, 0, 0, 0, 2])
            (folder / f"{part}-images-idx3-ubyte").write_bytes(image + bytes(4 * n))
            label = bytes([0, 0, 8, 1, 0, 0, 0, n])
            (folder / f"{part}-labels-idx1-ubyte").write_bytes(label + bytes(n))
    return str(folder)


def checkpoint(path):
    model = network()
    save_checkpoint(path, model, Adam(model.params), {})


@functools.cache
def trained():
    """A network and its optimiser, for what changes neither: loading puts both back."""
    model = network()
    return model, Adam(model.params)


def bank(path):
    nnlite.noise.save_bank(path, {(1, 0.5): floats(4, 4, 1)}, {})


EXAMPLES = {
    "a": csr,
    "allow_empty": lambda: False,
    "attacked": lambda: [floats(20, 4, 4, 1)],
    "attack": lambda: lambda images, labels, limits: images,
    "b": lambda: floats(2),
    "bank": lambda: {(1, 0.5): floats(4, 4, 1)},
    "batch_size": lambda: 7,
    "betas": lambda: (0.9, 0.99),
    "bias": lambda: floats(5),
    "c_in": lambda: 2,
    "c_out": lambda: 3,
    "conv": lambda: Conv2D(1, 2, 3, rng=generator()),
    "drop_prob": lambda: 0.5,
    "dtype": lambda: np.float64,
    "dy": lambda: floats(20, 3),
    "eps": lambda: 1e-8,
    "goal": lambda: nnlite.attack_losses.lead_of_others,
    "halvings": lambda: 3,
    "height": lambda: 7,
    "highest": lambda: 0.5,
    "images": lambda: floats(20, 4, 4, 1),
    "init": lambda: "he",
    "input_gradient": lambda: True,
    "input_shape": lambda: (4, 4, 1),
    "inputs": lambda: np.array([2, 0]),
    "is_positive": lambda: floats(20) < 0.5,
    "keep": lambda: 0.9,
    "kernel": lambda: (3, 2),
    "l2": lambda: 1e-3,
    "labels": labels,
    "layer": lambda: Sequential([Dense(3, 2, rng=generator())]).astype(np.float64).layers[0],
    "layers": layers,
    "limit": lambda: 0.3,
    "limits": lambda: (0.1, 0.3),
    "loss": lambda: nnlite.softmax_cross_entropy,
    "losses": lambda: {"margin": nnlite.attack_losses.margin_loss},
    "lr": lambda: 0.1,
    "made_by": lambda: {"seed": 3},
    "masks": masks,
    "matrix": csr,
    "max_conv_density": lambda: 0.5,
    "max_density": lambda: 0.5,
    "mean": lambda: floats(5),
    "mean_abs": lambda: floats(5),
    "mean_square": lambda: floats(5),
    "model": network,
    "momentum": lambda: 0.9,
    "n": lambda: 20,
    "n_accepted": lambda: 10,
    "n_classes": lambda: 3,
    "n_in": lambda: 5,
    "n_out": lambda: 4,
    "name": lambda: "own",
    "noise": lambda: floats(4, 4, 1) - 0.5,
    "optimiser": lambda: optimiser(Adam),
    "others": masks,
    "outputs": lambda: floats(20, 3),
    "padding": lambda: "valid",
    "params": lambda: network().params,
    "path": lambda: "any.npz",
    "progress": lambda: {"epoch": 3},
    "queries": lambda: 3,
    "random_start": lambda: True,
    "reject": lambda: 0.1,
    "relu": lambda: True,
    "restarts": lambda: 2,
    "rng": generator,
    "rngs": lambda: {"batches": generator()},
    "rows": lambda: nnlite.robustness.measure(
        *(network(), floats(20, 4, 4, 1), labels(), (0.2, 0.5)), rng=generator(), steps=2, queries=2
    ),
    "saved": lambda: prune.apply(network(), masks()),
    "score": lambda: prune.magnitude,
    "scores": lambda: floats(20),
    "seed": lambda: 1,
    "sparsity": lambda: 0.5,
    "start": lambda: floats(4, 4, 1),
    "state": lambda: Adam(network().params).state(),
    "statistics": lambda: statistics()["3.w"],
    "step": lambda: 3,
    "step_size": lambda: 0.1,
    "steps": lambda: 2,
    "stride": lambda: 2,
    "target": lambda: 1,
    "targets": labels,
    "targeted": lambda: False,
    "temperature": lambda: 0.5,
    "test": split,
    "threshold": lambda: 0.5,
    "tpr": lambda: 0.9,
    "train": lambda: True,
    "validation": split,
    "value": lambda: floats(3, 2),
    "w": lambda: floats(48, 5),
    "whole_network": lambda: True,
    "width": lambda: 7,
    "wrong": lambda: floats(20) < 0.5,
    "x": lambda: floats(20, 4, 4, 1),
    # Objects whose methods are called
    "Adam": lambda: optimiser(Adam),
    "Conv2D": lambda: after_forward(Conv2D(1, 3, 3, rng=generator()), 20, 4, 4, 1),
    "Dense": lambda: after_forward(Dense(5, 3, rng=generator()), 20, 5),
    "Dropout": lambda: after_forward(Dropout(0.5, rng=generator()), 20, 3),
    "Flatten": lambda: after_forward(Flatten(), 20, 3, 1),
    "ReLU": lambda: after_forward(ReLU(), 20, 3),
    "SGD": lambda: optimiser(nnlite.SGD),
    "Sequential": lambda: after_forward(network(), 20, 4, 4, 1),
    "Sigmoid": lambda: after_forward(Sigmoid(), 20, 3),
    "Tanh": lambda: after_forward(Tanh(), 20, 3),
    "prune.InputStatistics": lambda: statistics()["3.w"],
    "sparse.Convolution": lambda: Convolution(Conv2D(1, 2, 3, rng=generator()), (4, 4, 1)),
    "sparse.Linear": lambda: Linear(csr(), floats(5)),
    "sparse.SparseNetwork": lambda: SparseNetwork(layers()),
    # Arguments of one function alone
    "Conv2D.backward.dy": lambda: floats(20, 4, 4, 3),
    "Conv2D.backward_input.dy": lambda: floats(20, 4, 4, 3),
    "Conv2D.backward_params.dy": lambda: floats(20, 4, 4, 3),
    "Dense.forward.x": lambda: floats(20, 5),
    "SGD.load_state.state": lambda: optimiser(nnlite.SGD).state(),
    "Sequential.layers": lambda: network().layers,
    "check_finite.loss": lambda: 0.3,
    "check_gradients.x": lambda: floats(4, 3).astype(float),
    "check_loss.outputs": lambda: floats(4, 3).astype(float),
    "check_loss.targets": lambda: labels()[:4],
    "checkpoint.load_checkpoint.model": lambda: trained()[0],
    "checkpoint.load_checkpoint.optimiser": lambda: trained()[1],
    "checkpoint.load_checkpoint.path": lambda: written(checkpoint, "run.npz"),
    "checkpoint.load_checkpoint.rngs": dict,
    "checkpoint.save_checkpoint.model": lambda: trained()[0],
    "checkpoint.save_checkpoint.optimiser": lambda: trained()[1],
    "conv2d_naive.w": lambda: floats(3, 3, 1, 2),
    "conv2d_naive.x": lambda: floats(2, 4, 4, 1),
    "data.from_arrays.train": split,
    "data.from_folder.path": images_folder,
    "data.load.name": images_folder,
    "load.layers": lambda: [],
    "load.path": lambda: written(lambda path: nnlite.save(network(), path), "model.npz"),
    "noise.load_bank.path": lambda: written(bank, "bank.npz"),
    "noise.universal_noise.step": lambda: "adam",
    "noise.universal_noise.labels": lambda: None,
    "prune.compensate.statistics": statistics,
    "prune.keep_masks.scores": scores,
    "prune.scores.statistics": statistics,
    "sparse.Convolution.backward_input.dy": lambda: floats(20, 4, 4, 2),
    "sparse.Convolution.backward_input.y": lambda: floats(20, 4, 4, 2),
    "sparse.Linear.backward_input.dy": lambda: floats(20, 5),
    "sparse.Linear.backward_input.y": lambda: floats(20, 5),
    "sparse.Linear.forward.x": lambda: floats(20, 6),
    "sparse.SparseNetwork.load.path": lambda: written(SparseNetwork(layers()).save, "sparse.npz"),
    "sparse.csr_matmul.x": lambda: floats(6, 7),
    "sparse.csr_matmul_naive.x": lambda: floats(6, 7),
    "sparse.prune.apply.masks": lambda: {0: np.ones(layers()[0].matrix.nnz, bool)},
    "sparse.prune.scores.statistics": lambda: nnlite.sparse.prune.input_statistics(
        layers(), floats(20, 4, 4, 1)
    ),
}


def example(call, parameter):
    for name in (f"{call}.{parameter}", parameter):
        if name in EXAMPLES:
            return EXAMPLES[name]()
    raise KeyError(f"bad_arguments.EXAMPLES needs an example of {parameter!r}, which {call} takes")


def parameters(function):
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    found = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in found if parameter.kind not in kinds]


# Nonsense in the place of an example

LONG = {"steps", "queries", "restarts", "halvings"}  # a large number of these takes long, rightly

WRONG = [  # whatever the example is
    *(lambda: None, lambda: "text", lambda: "", lambda: b"bytes", lambda: True, lambda: 1j),
    *(lambda: -1, lambda: 0, lambda: 0.5, lambda: 7, lambda: np.nan, lambda: np.inf),
    *(lambda: -np.inf, lambda: 10**15, lambda: 10**400, lambda: -(10**400), lambda: 1e300),
    *(list, dict, tuple, set, lambda: [1, 2], lambda: [[1], [2, 3]], lambda: {"a": 1}),
    *(lambda: [None], lambda: ["text"], lambda: {None: None}, lambda: {"3.w": None}),
    *(object, lambda: Sequential, lambda: len, lambda: range(3), lambda: iter([1]), generator),
    *(network, csr, split, layers, lambda: optimiser(Adam), lambda: Parameter(floats(3))),
    *(lambda: network().layers[3], lambda: SparseNetwork(layers()), lambda: {9: floats(3)}),
    *(lambda: np.array("text"), lambda: np.array([None, 1], object), lambda: np.array(3.0)),
    *(lambda: np.array([]), lambda: np.zeros((0, 3)), lambda: np.ones((2, 2, 2, 2, 2), "f4")),
    *(lambda: np.arange(5), lambda: np.full((20, 3), np.nan), lambda: np.datetime64("2020-01-01")),
    *(lambda: np.float32(0.5), lambda: np.ma.masked_array([1.0, 2.0], [True, False])),
]


def as_kind(kind, a):
    return a.astype(kind)


CHANGES = [  # of an array
    *(lambda a: a[0], lambda a: a[None], lambda a: a[..., None], lambda a: a[:0], lambda a: a[:-1]),
    *(lambda a: a[..., :-1], lambda a: a.T, lambda a: np.concatenate([a, a]), np.ravel),
    *(lambda a: a * np.nan, lambda a: a * np.inf, lambda a: a * 1e30, lambda a: a - 1),
    *(lambda a: np.ma.masked_array(a, a > 0.5), lambda a: a.tolist()),
    *(functools.partial(as_kind, kind) for kind in "i8 f2 >f4 c8 U9 O ?".split()),
]


def nonsense(value, rng):
    """EACH values to take the place of one, some of them made of it."""
    makers = list(WRONG)
    if isinstance(value, np.ndarray):
        makers += [functools.partial(change, value) for change in CHANGES]
    if isinstance(value, (dict, list, tuple)):
        inner = (None, "text", [1], floats(2), 10**400)
        makers += [functools.partial(with_first, value, wrong) for wrong in inner]
    with np.errstate(all="ignore"):
        return [makers[k]() for k in rng.permutation(len(makers))[:EACH]]


def with_first(values, wrong):
    """A dict or list with another first element."""
    if isinstance(values, dict):
        return values | dict.fromkeys(list(values)[:1] or ["other"], wrong)
    return [wrong, *values[1:]]


# A call, and whether its error is clear


class TookTooLong(Exception):
    """A call did not end within SECONDS."""


def outcome(function, arguments, patience=20 * SECONDS):
    """The exception of a call, or None.  What it returns is used, where it comes one by one.

    A call that takes long is made again, with less patience: the first may compile a kernel.
    """

    def stop(signum, frame):
        raise TookTooLong(f"more than {patience} s")

    before, begin = signal.signal(signal.SIGPROF, stop), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, patience)  # of the processor: others may be at work
    error = result_of(function, arguments)
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)
    if patience > SECONDS and time.process_time() - begin > SECONDS:
        return outcome(function, arguments, SECONDS)
    return error


def result_of(function, arguments):
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            result = function(**arguments)
            if isinstance(result, types.GeneratorType):
                list(result)
            elif isinstance(result, contextlib.AbstractContextManager):
                with result:
                    pass
    except Exception as error:
        return error


def is_clear(error, function, parameter, value):
    """Whether an exception says what was wrong, and where."""
    if isinstance(value, int) and value > 10**9 and isinstance(error, (MemoryError, ValueError)):
        return True  # NumPy says how large the array would be that was asked for
    announced = type(error).__name__ in (inspect.getdoc(function) or "")
    if not isinstance(error, (ValueError, TypeError)) and not announced:
        return False
    last = traceback.extract_tb(error.__traceback__)[-1]
    if not last.filename.startswith(PACKAGE) or not last.line.startswith("raise"):
        return False
    name = re.escape(parameter.removesuffix("s"))
    told = re.search(rf"\b{name}s?\b", str(error)) is not None
    return told or any(means(word, str(error)) for word in described(value))


def means(word, text):
    """Whether a word, or the beginning of a long one, stands in a text by itself."""
    end = r"(?!\w)" if len(word) < CUT else ""
    return bool(word) and re.search(rf"(?<!\w){re.escape(word)}{end}", text) is not None


def described(value):
    """Words by which a message may mean a value, at most CUT letters of each."""
    words = [repr(value), str(value), type(value).__name__]
    with contextlib.suppress(ValueError, TypeError):
        array = np.asarray(value)
        words += [str(array.shape), str(array.shape[1:])[1:], str(array.dtype)]
    if isinstance(value, (dict, list, tuple)):
        elements = [*value, *value.values()] if isinstance(value, dict) else value[:1]
        words += map(repr, elements)
    return [word[:CUT] for word in words]


def torture(rng, deadline):
    tried, unclear, defects = 0, [], []
    with tempfile.TemporaryDirectory() as folder, inside(folder), limited_memory(GIGABYTES):
        for number in rounds(deadline):
            for call, make in calls().items():
                names = parameters(make())
                rights = {name: example(call, name) for name in names}
                if number == 0 and (error := outcome(make(), rights)):
                    defects.append(f"the example call of {call} fails: {error!r}")
                for name in names:
                    for value in nonsense(example(call, name), rng):
                        if name in LONG and isinstance(value, int) and value > 10**9:
                            continue
                        tried += 1
                        function = make()
                        arguments = {other: example(call, other) for other in names}
                        error = outcome(function, arguments | {name: value})
                        if error and not is_clear(error, function, name, value):
                            text = f"{call}({name}={reprlib.repr(value)}): {error!r}"
                            unclear.append(text)
                            if isinstance(error, (MemoryError, TookTooLong)):
                                defects.append(text)
    if len(unclear) > MOST_UNCLEAR * tried:
        defects.append(f"{len(unclear)} of {tried} errors are unclear:\n" + "\n".join(unclear))
    return {"calls": tried, "unclear": len(unclear), "defects": defects}


@contextlib.contextmanager
def inside(folder):
    """With that folder as the working directory."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
