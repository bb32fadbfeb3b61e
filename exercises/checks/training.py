"""A small network on a few drawn digits, trained with what stands in nnlite's places."""

import functools
import itertools
import time

import numpy as np

import nnlite
from nnlite.data import strokes

PASSES = 4  # over the digits
SECONDS = 5  # at most, so that a slow function is not waited for


@functools.cache
def digits():
    """((images, labels) to train, (images, labels) to test): 3000 and 500 drawn digits."""
    rng = np.random.default_rng(0)
    return strokes.make_digits(3000, rng), strokes.make_digits(500, rng)


def dense_layers():
    rng = np.random.default_rng(0)
    return [nnlite.Flatten(), nnlite.Dense(784, 50, rng=rng), nnlite.ReLU(), output(50, rng)]


def conv_layers():
    rng = np.random.default_rng(0)
    conv = nnlite.Conv2D(1, 8, kernel=3, stride=2, rng=rng)  # 28 x 28 -> 14 x 14
    return [conv, nnlite.ReLU(), nnlite.Flatten(), output(14 * 14 * 8, rng)]


def output(n_in, rng):
    return nnlite.Dense(n_in, 10, rng=rng)


def trained(layers, loss=nnlite.softmax_cross_entropy):
    """(model, batches, seconds): trained for PASSES over the digits, or for SECONDS."""
    train, _ = digits()
    model, rng = nnlite.Sequential(layers), np.random.default_rng(0)
    adam, start, seconds = nnlite.Adam(model.params, lr=3e-3), time.perf_counter(), 0
    epochs = (nnlite.minibatches(*train, 50, rng) for _ in range(PASSES))
    for x, labels in itertools.chain.from_iterable(epochs):
        _, doutputs = loss(model.forward(x, train=True), labels)
        model.backward(doutputs, input_gradient=False)
        adam.step()
        seconds = time.perf_counter() - start
        if seconds > SECONDS:
            break
    return model, adam.t, seconds


def report(layers):
    """What a network that is trained now reads: a sentence."""
    model, batches, seconds = trained(layers)
    right = nnlite.accuracy(model, *digits()[1])
    return (
        f"A small network trained with it, {batches} batches in {seconds:.1f} s, reads "
        f"{right:.0%} of new digits right."
    )
