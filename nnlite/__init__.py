"""A neural-network framework in plain NumPy, small enough to read in an afternoon."""

import importlib
import importlib.util

from nnlite import attack_losses, attacks, confidence, data, noise, prune, robustness
from nnlite.activations import Sigmoid, Tanh
from nnlite.batches import accuracy, check_finite, minibatches
from nnlite.conv import Conv2D, conv2d_naive
from nnlite.gradcheck import check_gradients, check_loss
from nnlite.layers import Dense, Dropout, Flatten, ReLU
from nnlite.losses import quadratic, softmax_cross_entropy
from nnlite.model import Sequential
from nnlite.optim import SGD, Adam
from nnlite.parameter import Parameter
from nnlite.replace import plain, replaceable, replaced
from nnlite.serialize import load, save

if importlib.util.find_spec("numba"):  # without it the plain functions stay
    importlib.import_module("nnlite.fast")

__version__ = "0.1.0"

LATER = ("plots", "sparse")  # loaded when first used: they need matplotlib and SciPy


def __getattr__(name):
    if name in LATER:
        return importlib.import_module(f"nnlite.{name}")
    raise AttributeError(f"module 'nnlite' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *LATER})


__all__ = [
    "SGD",
    "Adam",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "accuracy",
    "attack_losses",
    "attacks",
    "check_finite",
    "check_gradients",
    "check_loss",
    "confidence",
    "conv2d_naive",
    "data",
    "load",
    "minibatches",
    "noise",
    "plain",
    "prune",
    "quadratic",
    "replaceable",
    "replaced",
    "robustness",
    "save",
    "softmax_cross_entropy",
]
