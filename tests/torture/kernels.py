"""Every fast version against its plain one: the same result, or declined.

Of arguments of any shape, memory order and content; with one array of another shape than the rest
would have; and with sparse matrices whose indices were changed in place, before and after they were
first used.  A kernel that leaves its bounds ends the process, sooner or later, and run.py notices.
"""

import functools
import itertools

import numpy as np
import scipy.sparse

from nnlite import Conv2D, plain
from nnlite.fast.simd import LANES, TILE
from nnlite.replace import FAST, PLAIN
from nnlite.sparse import Convolution, Linear, SparseNetwork
from nnlite.sparse.layers import is_sparse
from nnlite.sparse.network import layer_outputs
from torture import rounds

ONE_ROUND = {"kernel cases": 300}
EACH = 12  # cases of every kind in a round
REFUSALS = (ValueError, IndexError, TypeError, ZeroDivisionError)  # of the plain functions


def close(a, b, tolerance=1e-5, scale=1e-30):
    """Equal to float32 rounding, relative to the largest entry, or to `scale` if that is larger.

    With nan and inf at the same places.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    finite = np.isfinite(b)
    if a.shape != b.shape or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return False
    scale = max(np.abs(b[finite]).max(initial=0), scale)
    return np.abs(a[finite] - b[finite]).max(initial=0) <= tolerance * scale


def normal(rng, *shape, order="C"):
    return np.asarray(rng.normal(size=shape), dtype=np.float32, order=order)


SPECIAL = {"ordinary": (), "nan": (np.nan,), "inf": (np.inf, -np.inf), "denormal": (1e-40, -1e-42)}


class Draw:
    """Arguments of any shape, memory order and content."""

    def __init__(self, rng):
        self.rng = rng
        self.special = SPECIAL[self.one_of(SPECIAL)]

    def integer(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def one_of(self, values):
        values = list(values)
        return values[self.rng.integers(len(values))]

    def array(self, *shape):
        """float32 (shape), its axes lying in memory in any order, now and then with gaps."""
        axes = self.rng.permutation(len(shape))
        gap = self.one_of((1, 1, 1, 2))
        lying = normal(self.rng, *(shape[axis] * gap for axis in axes))
        a = lying[tuple(slice(None, None, gap) for _ in shape)].transpose(np.argsort(axes))
        for value in self.special:
            a[tuple(self.rng.integers(0, size) for size in shape)] = value
        return a


def arguments_of_matmul(draw):
    m, k, n = draw.integer(8, 60), draw.integer(1, 90), draw.integer(1, 80)
    m = max(m, 2**18 // (k * n) + 1)  # as large as the kernel wants
    out = draw.one_of((None, np.empty((m, n), np.float32), np.empty((n, m), np.float32).T))
    return draw.array(m, k), draw.array(k, n), out


def any_shape(draw):
    return tuple(draw.integer(1, 6) for _ in range(draw.integer(1, 4)))


def arguments_of_relu_gradient(draw):
    shape = any_shape(draw)
    return draw.array(*shape), draw.array(*shape)


def arguments_of_drop(draw):
    x = draw.array(*any_shape(draw))
    return x, draw.rng.integers(0, 2**16, x.shape, np.uint16), draw.one_of((0.0, 0.3, 0.99999999))


def arguments_of_adam_update(draw):
    shape = any_shape(draw)
    w, g = draw.array(*shape), draw.array(*shape)
    m, v = normal(draw.rng, *shape), normal(draw.rng, *shape) ** 2
    mask = draw.one_of((None, draw.rng.random(shape) < 0.5))
    options = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "l2": draw.one_of((0.0, 1e-3))}
    return w, g, m, v, mask, options | {"t": draw.integer(1, 9), "tiny": 1e-20, "tiny_v": 1e-30}


def convolution(draw, fewest=1):
    """Of so many images or more: x, w, b, zeros, (Ho, Wo)"""
    size, kernel = ([draw.integer(1, 6), draw.integer(1, 6)] for _ in range(2))
    zeros = tuple((draw.integer(0, 3), draw.integer(0, 3)) for _ in range(2))
    out = [size[axis] + sum(zeros[axis]) - kernel[axis] + 1 for axis in (0, 1)]
    for axis in (0, 1):  # no smaller than the kernel
        size[axis], out[axis] = size[axis] + max(0, 1 - out[axis]), max(1, out[axis])
    c_in, c_out = draw.one_of((1, 2)), draw.one_of((1, 3, TILE + 3))
    x = draw.array(draw.integer(fewest, 3 * LANES), *size, c_in)
    return x, draw.array(*kernel, c_in, c_out), draw.array(c_out), zeros, tuple(out)


def arguments_of_conv2d(draw):
    x, w, b, zeros, _ = convolution(draw)
    return x, w, b, (1, 1), zeros


def arguments_of_conv2d_filter_gradient(draw):
    x, w, b, zeros, size = convolution(draw, fewest=LANES)
    return x, draw.array(len(x), *size, len(b)), w.shape[:2], (1, 1), zeros


def arguments_of_conv2d_input_gradient(draw):
    x, w, b, zeros, size = convolution(draw)
    return draw.array(len(x), *size, len(b)), w, (1, 1), zeros, x.shape[1:3]


def sparse_matrix(draw, m, k):
    kept = draw.rng.random((m, k)) < draw.one_of((0.0, 0.1, 0.5))
    return scipy.sparse.csr_array(np.where(kept, draw.array(m, k), np.float32(0)))


def arguments_of_csr_matmul(draw):
    m, k = draw.integer(1, 40), draw.integer(1, 300)
    a, x = sparse_matrix(draw, m, k), draw.array(k, draw.integer(1, 150))
    return a.astype(draw.one_of((np.float32, np.float64))), draw.one_of((x, x[:, 0]))


def arguments_of_network_outputs(draw):
    """One image to many; sparse, dense and convolutional layers."""
    sizes = [draw.integer(1, 250) for _ in range(draw.integer(2, 4))]
    if draw.one_of((True, False, False, False)):
        sizes[:2] = 600, 500  # large enough for fast/dense_one.py
    layers = []
    if draw.one_of((True, False)):
        filters = Conv2D(2, 3, 3, rng=draw.rng)
        layers, sizes[0] = [Convolution(filters, (4, 5, 2), True)], 60
    for n, m in itertools.pairwise(sizes):
        a = sparse_matrix(draw, m, n)
        matrix = a if draw.one_of((True, True, False)) else a.toarray()
        layers.append(Linear(matrix, normal(draw.rng, m), draw.one_of((True, False))))
    network = SparseNetwork(layers, max_density=None, max_conv_density=None)
    x = draw.array(draw.one_of((1, 2, LANES, 70, 200)), *network.input_shape)
    return network, x, np.empty((len(x), network.n_out), np.float32)


def arguments_of_network_input_gradient(draw):
    network, x, _ = arguments_of_network_outputs(draw)
    with np.errstate(all="ignore"):
        outputs = layer_outputs(network, x)
    return network, outputs, draw.array(len(x), network.n_out)


ARGUMENTS = {
    "matmul": arguments_of_matmul,
    "relu": lambda draw: (draw.array(*any_shape(draw)),),
    "relu_gradient": arguments_of_relu_gradient,
    "drop": arguments_of_drop,
    "adam_update": arguments_of_adam_update,
    "conv2d": arguments_of_conv2d,
    "conv2d_filter_gradient": arguments_of_conv2d_filter_gradient,
    "conv2d_input_gradient": arguments_of_conv2d_input_gradient,
    "csr_matmul": arguments_of_csr_matmul,
    "network_outputs": arguments_of_network_outputs,
    "layer_outputs": lambda draw: arguments_of_network_outputs(draw)[:2],
    "network_input_gradient": arguments_of_network_input_gradient,
}
TOLERANCE = {"adam_update": 1e-6}
TOLERANCE |= dict.fromkeys(("network_outputs", "layer_outputs", "network_input_gradient"), 1e-4)


def called(function, args):
    """[what a function returns and what it changed], its exception, or NotImplemented."""
    args = [a.copy(order="K") if isinstance(a, np.ndarray) else a for a in args]
    options = args.pop() if isinstance(args[-1], dict) else {}
    try:
        with plain(), np.errstate(all="ignore"):
            result = function(*args, **options)
    except REFUSALS as error:
        return error
    if result is NotImplemented:
        return NotImplemented
    results = result if isinstance(result, (tuple, list)) else (result,)
    return [*results, *(a for a in args if isinstance(a, np.ndarray))]


def agrees(name, args):
    """Whether the fast version took these; AssertionError if the plain one does something else."""
    found = called(FAST[name], args)
    if found is NotImplemented:
        return False
    expected = called(PLAIN[name], args)
    if isinstance(found, Exception) or isinstance(expected, Exception):
        kinds = type(found).__name__, type(expected).__name__
        assert kinds[0] == kinds[1], f"{kinds[0]}, where the plain one gives {kinds[1]}"
        return False
    scale = max(np.abs(b[np.isfinite(b)]).max(initial=1e-30) for b in expected)
    for a, b in zip(found, expected, strict=True):
        same = a.dtype == b.dtype and close(a, b, TOLERANCE.get(name, 1e-5), scale)
        assert same, "they differ"
    return True


def fitting(draw, args):
    return args


def of_other_shape(draw, args):
    """The same with one array that has another shape."""
    args = list(args)
    k = draw.one_of(k for k, a in enumerate(args) if isinstance(a, np.ndarray))
    shape = [max(0, size + draw.one_of((-1, 0, 0, 0, 1))) for size in args[k].shape]
    shape = shape[draw.one_of((0, 0, 0, 1)) :]  # sometimes an axis less
    args[k] = np.resize(args[k], shape).astype(args[k].dtype)
    return args


def damaged(draw, args):
    """The same, one number among the indices of each sparse matrix changed in place."""
    if isinstance(args[0], SparseNetwork):
        matrices = [layer.matrix for layer in args[0].layers if is_sparse(layer)]
    else:
        matrices = [a for a in args if scipy.sparse.issparse(a)]
    for matrix in matrices:
        indices = draw.one_of((matrix.indices, matrix.indptr))
        if indices.size:
            wrong = draw.one_of((-1, 10**4, 2**31 - 1, -(2**31), max(matrix.shape)))
            indices[draw.integer(0, len(indices) - 1)] = wrong
    return args


def goes_on(draw):
    """Whether a network computes as before when it is damaged after it was first used."""
    network, x, _ = damaged_later = ARGUMENTS["network_outputs"](draw)
    with np.errstate(all="ignore"):
        before = network.predict(x)
        damaged(draw, damaged_later)
        assert np.array_equal(network.predict(x), before, equal_nan=True), "another result"
        network.predict(x[:1])
    return True


def torture(rng, deadline):
    cases, taken, defects = 0, 0, []
    tests = [
        (name, functools.partial(with_arguments, name, change))
        for name, change in itertools.product(sorted(PLAIN), (fitting, of_other_shape, damaged))
    ]
    for _ in rounds(deadline):
        for name, test in [*tests, ("network_outputs", goes_on)]:
            for _ in range(EACH):
                seed, cases = int(rng.integers(2**32)), cases + 1
                try:
                    taken += test(Draw(np.random.default_rng(seed)))
                except Exception as error:
                    defects.append(f"{name}, {test}, of seed {seed}: {error!r}")
    return {"kernel cases": cases, "taken by the fast one": taken, "defects": defects}


def with_arguments(name, change, draw):
    return agrees(name, change(draw, ARGUMENTS[name](draw)))
