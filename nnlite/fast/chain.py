"""A few images through all layers of a sparse network at once; for the fewest see chain_one.py.

For so few images a layer takes microseconds, about as long as calling the next one from Python.
So the layers become one matrix.  Neurons are numbered through the whole network, inputs first:

    state[n_in + row] = relu(bias[row] + sum of value * state[column])

with one row for each neuron that is not an input, layer after layer, where each layer only waits
for the one before.
"""

from typing import NamedTuple

import numpy as np
from numba import get_num_threads, prange

from nnlite.fast.kernel import njit
from nnlite.fast.panels import aligned
from nnlite.fast.simd import COLUMN, LANES
from nnlite.fast.sparse import multiply_chunk, smallest

FEW = LANES  # images


class Chain(NamedTuple):
    """Linear layers as one matrix."""

    rows: np.ndarray  # (rows,), those of a layer by their number of weights, fewest first
    starts: np.ndarray  # (rows + 1,); the weights of rows[i] begin at starts[i]
    columns: np.ndarray  # (weights,); the neuron that each reads
    values: np.ndarray  # (weights,)
    bias: np.ndarray  # (rows,)
    relu: np.ndarray  # (layers,)
    ends: np.ndarray  # (layers + 1,); layer i has the rows from ends[i] to ends[i + 1]
    state: np.ndarray  # (n_in + rows, FEW): all neurons, of a few images side by side


def chain_of(layers):
    """Join Linear layers with CSR matrices in float32.

    The rows of a layer are sorted by their number of weights: see fast/sparse.py.
    """
    n_in, sizes = layers[0].matrix.shape[1], [len(layer.bias) for layer in layers]
    first = np.cumsum([0, n_in, *sizes[:-1]])  # neuron that each layer reads
    columns = np.concatenate([layer.matrix.indices + i for layer, i in zip(layers, first)])
    values = np.concatenate([layer.matrix.data for layer in layers])
    per_row = np.concatenate([np.diff(layer.matrix.indptr) for layer in layers])
    rows = np.lexsort((per_row, np.repeat(np.arange(len(layers)), sizes)))
    weights = np.argsort(np.repeat(np.argsort(rows), per_row), kind="stable")
    neurons = n_in + len(rows)
    state = aligned(neurons * FEW)
    state[:] = 0
    return Chain(
        rows.astype(np.int32),
        np.concatenate([[0], np.cumsum(per_row[rows])]).astype(np.int32),
        columns[weights].astype(smallest(neurons)),
        values[weights],
        np.concatenate([layer.bias for layer in layers]),
        np.array([layer.relu for layer in layers]),
        np.cumsum([0, *sizes]),
        state.reshape(neurons, FEW),
    )


def forward(chain, images):
    """images (N, n_in), N at most FEW -> outputs (N, n_out)."""
    n, n_in = images.shape
    outputs = slice(n_in + chain.ends[-2], None)
    chain.state[:n_in, :n] = images.T
    run_few(*chain[:-1], chain.state, get_num_threads())
    return chain.state[outputs, :n].T.copy()


@njit(parallel=True)
def run_few(rows, starts, columns, values, bias, with_relu, ends, state, threads):
    """Fill the state (neurons, FEW) of a few images from its inputs on."""
    y = state[len(state) - len(bias) :]
    for layer in range(len(with_relu)):
        for thread in prange(threads):
            first, last = share(starts, ends[layer], ends[layer + 1], thread, threads)
            multiply_chunk(
                *(rows, starts, columns, values, bias, with_relu[layer]),
                *(state, y, COLUMN, first, last, 0),
            )


@njit()
def share(starts, first, last, part, parts):
    """(first, last) of the rows that a part takes, of those from first to last: all parts have
    about as many weights as each other."""
    weights = starts[last] - starts[first]
    begin = starts[first] + weights * part // parts
    end = starts[first] + weights * (part + 1) // parts
    rows = starts[first:last]
    start = 0 if part == 0 else np.searchsorted(rows, begin)
    stop = len(rows) if part == parts - 1 else np.searchsorted(rows, end)
    return first + start, first + stop
