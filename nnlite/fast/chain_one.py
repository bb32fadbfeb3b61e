"""One image through all layers of a sparse network at once, or very few, one after the other.

A single image leaves nothing but neurons to lie side by side in a register: LANES of one layer,
each of which goes through its own weights.  In one step each multiplies one of them,

    sums[lane] += value[step, lane] * state[base[step] + place[step, lane]]

Everything that a step reads lies within WINDOW numbers, because these are few enough to be loaded
as they lie in memory and picked from in registers.  So the weights of a neuron come in the order of
what they read, and one that reads too far away waits: its lane multiplies by zero.

The state is that of all neurons: the inputs, then layer after layer, those of a layer in the order
of their number of weights, and each layer filled up to whole registers.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse
from numba import get_num_threads, prange

from nnlite.fast.chain import share
from nnlite.fast.kernel import njit
from nnlite.fast.panels import aligned
from nnlite.fast.simd import (
    COLUMN,
    LANES,
    ROW,
    WINDOW,
    add,
    fma,
    load,
    pick,
    relu,
    store,
    zeros,
)
from nnlite.fast.sparse import STEP, smallest

ONE_BY_ONE = 4  # images, up to which this takes less time than all of them side by side


class Steps(NamedTuple):
    """Linear layers, LANES neurons at a time."""

    bases: np.ndarray  # (steps,); what a step reads begins at state[bases[step]]
    places: np.ndarray  # (steps * LANES,) bytes: which of these numbers each lane reads
    values: np.ndarray  # (steps * LANES,), zero where a lane waits
    starts: np.ndarray  # (groups + 1,); the steps of LANES neurons begin at starts[group]
    bias: np.ndarray  # (groups * LANES,)
    relu: np.ndarray  # (layers,)
    ends: np.ndarray  # (layers + 1,); layer i has the groups from ends[i] to ends[i + 1]
    outputs: np.ndarray  # (n_out,); where they are in the state


def steps_of(layers):
    """Join Linear layers with CSR matrices in float32."""
    n_in, ends = layers[0].matrix.shape[1], [0]
    read = np.arange(n_in)  # where the state has what a layer reads
    per_row, columns, values, bias = [], [], [], []
    for layer in layers:
        begin = LANES * (groups(n_in) + ends[-1])  # of its own neurons
        order = np.argsort(np.diff(layer.matrix.indptr), kind="stable")
        a = layer.matrix[order]
        a = scipy.sparse.csr_array((a.data, read[a.indices], a.indptr), shape=(len(order), begin))
        a.sort_indices()
        per_row.append(filled(np.diff(a.indptr)))
        columns.append(a.indices)
        values.append(a.data)
        bias.append(filled(layer.bias[order]))
        read = begin + np.argsort(order)
        ends.append(ends[-1] + groups(len(order)))
    per_row, columns = np.concatenate(per_row), np.concatenate(columns)
    step, bases, starts = schedule(np.concatenate([[0], np.cumsum(per_row)]), columns)
    lane = step * LANES + np.repeat(np.arange(len(per_row)) % LANES, per_row)
    places, lanes = np.zeros(len(bases) * LANES, np.uint8), aligned(len(bases) * LANES)
    lanes[:] = 0
    places[lane], lanes[lane] = columns - bases[step], np.concatenate(values)
    bases = bases.astype(smallest(n_in + len(per_row)))
    relus = np.array([layer.relu for layer in layers])
    return Steps(bases, places, lanes, starts, np.concatenate(bias), relus, np.array(ends), read)


def groups(n):
    """Registers that n neurons fill."""
    return -(-n // LANES)


def filled(numbers):
    """The same with zeros behind, up to whole registers."""
    return np.pad(numbers, (0, -len(numbers) % LANES))


@njit()
def schedule(starts, columns):
    """The step of each weight, the base of each step, the first step of LANES rows.

    starts (rows + 1,), columns (weights,) of a CSR matrix, those of a row in ascending order.  The
    row that is furthest behind says where a step begins; whoever can goes along.
    """
    rows, n = len(starts) - 1, 0
    step = np.empty(len(columns), np.intp)
    bases = np.zeros(len(columns) + rows // LANES, np.intp)
    first = np.zeros(rows // LANES + 1, np.intp)
    for group in range(rows // LANES):
        here = group * LANES
        following, ends = starts[here : here + LANES].copy(), starts[here + 1 : here + 1 + LANES]
        while True:
            base = -1
            for lane in range(LANES):
                at = following[lane]
                if at < ends[lane] and (base < 0 or columns[at] < base):
                    base = columns[at]
            if base < 0:
                break
            for lane in range(LANES):
                at = following[lane]
                if at < ends[lane] and columns[at] < base + WINDOW:
                    step[at], following[lane] = n, at + 1
            bases[n] = base
            n += 1
        n += n % 2  # `run` takes two at a time
        first[group + 1] = n
    return step, bases[:n], first


def forward(steps, images):
    """images (N, n_in), one after the other -> outputs (N, n_out).

    Where a neuron is infinite or nan, those that wait may be nan, too: then so are the outputs, if
    any depends on them.
    """
    n, n_in = images.shape
    begin, outputs = LANES * groups(n_in), np.empty((n, len(steps.outputs)), np.float32)
    state = np.zeros(begin + len(steps.bias) + WINDOW, np.float32)
    for image, y in zip(images, outputs):
        state[:n_in] = image
        run(*steps[:-1], state, begin, get_num_threads())
        y[:] = state[steps.outputs]
    return outputs


@njit(parallel=True)
def run(bases, places, values, starts, bias, with_relu, ends, state, begin, threads):
    """Fill the state of one image from its inputs on; that of the first layer begins at `begin`."""
    lanes = np.uintp(LANES)
    for layer in range(len(with_relu)):
        for thread in prange(threads):
            first, last = share(starts, ends[layer], ends[layer + 1], thread, threads)
            for group in range(np.uintp(first), np.uintp(last)):
                even, odd = load(bias, group * lanes, 0, ROW, COLUMN), zeros(ROW, COLUMN)
                p, stop = np.uintp(starts[group]), np.uintp(starts[group + STEP])
                while p < stop:
                    q = p + STEP
                    left = pick(state, bases[p], places, p * lanes)
                    right = pick(state, bases[q], places, q * lanes)
                    even = fma(even, load(values, p * lanes, 0, ROW, COLUMN), left)
                    odd = fma(odd, load(values, q * lanes, 0, ROW, COLUMN), right)
                    p = q + STEP
                total = add(even, odd)
                if with_relu[layer]:
                    total = relu(total)
                store(total, state, begin + group * lanes, 0, COLUMN)
