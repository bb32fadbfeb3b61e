"""One layer, sparse and dense, as density, batch and size grow."""

import time

import numpy as np
import scipy.sparse

import nnlite
from nnlite.layers import matmul
from nnlite.sparse import Convolution, Linear, SparseNetwork, decouple
from shared import timing
from shared.networks import IMAGE, shapes


def measured():
    """Milliseconds of each form of a layer."""
    densities = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
    batches, sizes = (1, 4, 16, 64, 256, 1024), (128, 256, 512, 1024, 2048, 4096)
    return {
        "density": {d: times(layer(1024, d, 1024)) for d in densities},
        "convolution": {d: times(convolution(d, 256)) for d in densities},
        "batch": {b: times(layer(1024, 0.1, b)) for b in batches},
        "size": {n: times(layer(n, 0.1, 1024)) for n in sizes},
    }


def layer(n, density, batch):
    """{form: function} of a layer of n inputs and outputs, so many of its weights not zero."""
    rng = np.random.default_rng(0)
    w = np.where(rng.random((n, n)) < density, rng.normal(size=(n, n)), 0).astype(np.float32)
    x = rng.random((batch, n), dtype=np.float32)
    a, columns = scipy.sparse.csr_array(w), np.ascontiguousarray(x.T)
    sparse = SparseNetwork([Linear(a, np.zeros(n))], max_density=None)
    return {
        "sparse": lambda: sparse.predict(x),
        "dense": lambda: matmul(x, w.T),
        "NumPy dense": lambda: x @ w.T,
        "SciPy": lambda: (a @ columns).T,
    }


def convolution(density, batch):
    """{form: function} of the third of the posts' convolutions, so many of its weights not zero."""
    rng = np.random.default_rng(0)
    kernel, _, c_in, c_out = shapes("cnn")[2]
    conv = nnlite.Conv2D(c_in, c_out, kernel, rng=rng, init="he")
    conv.w.value *= rng.random(conv.w.value.shape) < density
    shape = (*IMAGE[:2], conv.c_in)
    x = rng.random((batch, *shape), dtype=np.float32)
    decoupled, columns = Convolution(conv, shape), x.reshape(batch, -1).T.copy()
    sparse, dense = (SparseNetwork([decoupled], max_conv_density=d) for d in (1, 0))
    a, _ = decouple(conv, shape)
    return {
        "sparse": lambda: sparse.predict(x),
        "dense": lambda: dense.predict(x),
        "SciPy": lambda: (a @ columns).T,
    }


def times(forms):
    return {form: milliseconds(predict) for form, predict in forms.items()}


def milliseconds(predict):
    first = min(timing.seconds_of(predict, 2))
    time.sleep(0.05)  # let the threads of the one before go to sleep
    seconds = timing.seconds_of(predict, max(3, min(200, int(0.2 / first))))
    return 1000 * float(np.median(seconds))
