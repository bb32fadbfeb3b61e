"""One image through all layers of a sparse network in one call; a few images one after the other.

A single image leaves nothing but neurons to lie side by side in a register: LANES of one layer,
each of which goes through its own weights.  In one step each multiplies at most one of them,

    sums[lane] += value[step, lane] * state[base[step] + place[step, lane]]

All that a step reads lies within WINDOW numbers: with AVX-512 these are two registers, and one
instruction picks from them.  So each neuron takes its weights in ascending order of their inputs;
one whose next input is too far away waits, and its lane multiplies by zero.

The state holds all neurons: the inputs, then layer after layer.  Within a layer neurons are sorted
by their number of weights.  Inputs and layers are each padded to whole registers.
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

ONE_BY_ONE = 5  # images, where no lane waits, take one by one as long as up to LANES side by side


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
    weights: int  # without the zeros of those that wait


def steps_of(layers):
    """Join Linear layers with CSR matrices in float32."""
    n_in, ends = layers[0].matrix.shape[1], [0]
    read = np.arange(n_in)  # where the state has what a layer reads
    per_row, columns, values, bias = [], [], [], []
    for layer in layers:
        begin = LANES * (registers(n_in) + ends[-1])  # of its own neurons
        order = np.argsort(np.diff(layer.matrix.indptr), kind="stable")
        a = layer.matrix[order]
        a = scipy.sparse.csr_array((a.data, read[a.indices], a.indptr), shape=(len(order), begin))
        a.sort_indices()
        per_row.append(filled(np.diff(a.indptr)))
        columns.append(a.indices)
        values.append(a.data)
        bias.append(filled(layer.bias[order]))
        read = begin + np.argsort(order)
        ends.append(ends[-1] + registers(len(order)))
    per_row, columns = np.concatenate(per_row), np.concatenate(columns)
    step, bases, starts = schedule(np.concatenate([[0], np.cumsum(per_row)]), columns)
    slot = step * LANES + np.repeat(np.arange(len(per_row)) % LANES, per_row)  # of each weight
    places, in_steps = np.zeros(len(bases) * LANES, np.uint8), aligned(len(bases) * LANES)
    in_steps[:] = 0
    places[slot], in_steps[slot] = columns - bases[step], np.concatenate(values)
    return Steps(
        bases.astype(smallest(LANES * (registers(n_in) + ends[-1]))),
        places,
        in_steps,
        starts,
        np.concatenate(bias),
        np.array([layer.relu for layer in layers]),
        np.array(ends),
        read,
        len(columns),
    )


def registers(n):
    """Registers that n neurons fill."""
    return -(-n // LANES)


def filled(numbers):
    """The same with zeros behind, up to whole registers."""
    return np.pad(numbers, (0, -len(numbers) % LANES))


@njit()
def schedule(indptr, columns):
    """(step (weights,), bases (steps,), first step of each LANES rows (rows / LANES + 1,))

    indptr (rows + 1,), columns (weights,) of a CSR matrix, those of a row in ascending order.  The
    row that is furthest behind says where a step begins; every row whose next weight is less than
    WINDOW away takes part.
    """
    rows, n = len(indptr) - 1, 0
    step = np.empty(len(columns), np.intp)
    bases = np.zeros(len(columns) + rows // LANES, np.intp)
    first = np.zeros(rows // LANES + 1, np.intp)
    for group in range(rows // LANES):
        here = group * LANES
        next_weight, ends = indptr[here : here + LANES].copy(), indptr[here + 1 : here + 1 + LANES]
        while True:
            base = -1
            for lane in range(LANES):
                at = next_weight[lane]
                if at < ends[lane] and (base < 0 or columns[at] < base):
                    base = columns[at]
            if base < 0:
                break
            for lane in range(LANES):
                at = next_weight[lane]
                if at < ends[lane] and columns[at] < base + WINDOW:
                    step[at], next_weight[lane] = n, at + 1
            bases[n] = base
            n += 1
        n += n % 2  # `run` takes two at a time
        first[group + 1] = n
    return step, bases[:n], first


def suited(steps, n):
    """Whether n images one after the other take less time than side by side (chain.py)."""
    return n * len(steps.values) <= ONE_BY_ONE * steps.weights


def forward(steps, images):
    """images (N, n_in) -> outputs (N, n_out).

    A lane that waits multiplies by zero a number that its neuron does not read, and 0 * inf is nan.
    So where a number is not finite, outputs may be nan that should not be; finite ones are right.
    """
    n, n_in = images.shape
    outputs = np.empty((n, len(steps.outputs)), np.float32)
    state = np.zeros(LANES * registers(n_in) + len(steps.bias) + WINDOW, np.float32)
    for image, y in zip(images, outputs):
        state[:n_in] = image
        run(*steps[:-2], state, get_num_threads())
        y[:] = state[steps.outputs]
    return outputs


@njit(parallel=True)
def run(bases, places, values, starts, bias, with_relu, ends, state, threads):
    """Fill the state of one image from its inputs on.

    What `pick` loads may reach into neurons that are being computed; none of these is picked.
    """
    lanes, y = np.uintp(LANES), state[len(state) - len(bias) - WINDOW :]
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
                store(total, y, group * lanes, 0, COLUMN)
