"""The fast versions against the plain NumPy ones, which the other tests check."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numba.core.errors import TypingError
from torture.kernels import ARGUMENTS, Draw, agrees, called, close, normal, of_other_shape

import nnlite
from nnlite import (
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Parameter,
    ReLU,
    Sequential,
    plain,
    quadratic,
)
from nnlite.fast import conv_gradient
from nnlite.fast.kernel import njit
from nnlite.fast.matmul import (
    ALONE,
    DEPTH,
    MIN_ROWS,
    PACKED,
    ROWS,
    WIDTH,
    lines,
    matmul,
    multiply_columns,
    multiply_rows,
)
from nnlite.fast.simd import (
    LANES,
    ROW,
    TILE,
    WINDOW,
    load,
    pick,
    store,
    times,
    transposed,
)
from nnlite.replace import FAST, PLAIN

# Every fast version against its plain one


class FromHypothesis(Draw):
    """Arguments that hypothesis chooses, and makes small where a test fails."""

    def __init__(self, data):
        self.data = data
        super().__init__(np.random.default_rng(self.integer(0, 10**6)))

    def integer(self, low, high):
        return self.data.draw(st.integers(low, high))

    def one_of(self, values):
        return self.data.draw(st.sampled_from(list(values)))


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_a_fast_version_computes_what_the_plain_one_does(name):
    taken = []

    @settings(max_examples=80, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data):
        taken.append(agrees(name, ARGUMENTS[name](FromHypothesis(data))))

    check()
    assert np.mean(taken) > 0.3  # it is the fast version that is tested


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_arrays_of_other_shapes_are_declined_or_taken_rightly(name):
    """No array takes a kernel outside its bounds."""

    @settings(max_examples=80, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data):
        draw = FromHypothesis(data)
        agrees(name, of_other_shape(draw, ARGUMENTS[name](draw)))

    check()


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_other_types_are_declined(name):
    @settings(max_examples=10)
    @given(st.data())
    def check(data):
        args = list(ARGUMENTS[name](FromHypothesis(data)))
        for k, a in enumerate(args):
            if isinstance(a, np.ndarray) and a.dtype == np.float32:
                for other in (np.float16, np.int32, ">f4"):
                    changed = [*args[:k], np.zeros(a.shape, other), *args[k + 1 :]]
                    assert called(FAST[name], changed) is NotImplemented

    check()


# Single kernels


def taken(name, *args):
    """Whether the fast version takes these."""
    return called(FAST[name], args) is not NotImplemented


@pytest.mark.parametrize("orders", ["CC", "FC", "CF", "FF"])
@pytest.mark.parametrize(
    "m, k, n",
    [
        (250, 784, 100),  # several blocks of k
        (ROWS * 37, 60, WIDTH * 3),  # whole tiles, more than one block of rows
        (ROWS * 37 + 1, 257, WIDTH + 1),
        (MIN_ROWS, 1, 2**16),
        (2**15, 3, 10),
        (2**12, 20, 4),  # fewer columns than MIN_ROWS
        (20, PACKED + DEPTH + 5, 90),  # more than is packed at a time
        (90, PACKED + DEPTH + 5, 20),
        (ALONE // DEPTH + 40, DEPTH, ALONE // DEPTH + 30),  # all threads pack the smaller one
        (ALONE // DEPTH + 30, DEPTH, ALONE // DEPTH + 40),
    ],
)
def test_matmul(m, k, n, orders, rng):
    a, b = normal(rng, m, k, order=orders[0]), normal(rng, k, n, order=orders[1])
    expected = a.astype(np.float64) @ b
    assert close(matmul(a, b), expected)
    out = np.full((n, m), np.nan, np.float32).T
    assert matmul(a, b, out) is out and close(out, expected)


SIZES = {"m": st.integers(1, 60), "k": st.integers(1, 40), "n": st.integers(1, 80)}
ORDERS = st.sampled_from(["CC", "FC", "CF", "FF"])


@given(**SIZES, tiles=st.integers(1, 4), orders=ORDERS)
def test_every_size_and_blocking_of_the_kernel(m, k, n, tiles, orders):
    rng = np.random.default_rng(m + 100 * k + 10000 * n)
    a, b = normal(rng, m, k, order=orders[0]), normal(rng, k, n, order=orders[1])
    for kernel, block in ((multiply_columns, tiles * WIDTH), (multiply_rows, tiles * ROWS)):
        out = np.full((m, n), np.nan, np.float32)
        kernel(lines(a), lines(b.T), out, block)
        assert close(out, a @ b)


def test_what_is_not_finite_stays_in_its_row_and_column(rng):
    a, b = normal(rng, 45, 70), normal(rng, 70, 300)
    a[-1], b[:, -1] = np.inf, np.nan
    out = matmul(a, b)
    assert np.isfinite(out[:-1, :-1]).all() and np.isnan(out[:, -1]).all()
    assert close(out[:-1, :-1], a[:-1] @ b[:, :-1])


def test_matmul_into_one_of_its_factors_is_declined(rng):
    a, b = normal(rng, 100, 100), normal(rng, 100, 100)
    assert matmul(a, b, out=a) is NotImplemented


def test_matmul_into_every_other_number_or_what_is_not_to_be_written_is_declined(rng):
    a, b = normal(rng, 100, 90), normal(rng, 90, 100)
    read_only = np.zeros((100, 100), np.float32, order="F")
    read_only.flags.writeable = False
    for out in (np.zeros((200, 100), np.float32)[::2], read_only):
        assert matmul(a, b, out) is NotImplemented and not out.any()


@pytest.mark.parametrize("n", [1, 3, LANES - 1, LANES, 2 * LANES + 7])
@pytest.mark.parametrize("c_in, c_out", [(1, 12), (2, 3), (12, 3), (3, TILE + 3), (TILE + 3, 3)])
def test_convolution(n, c_in, c_out, kernel, padding, rng):
    layer = Conv2D(c_in, c_out, kernel, padding=padding, rng=rng)
    x = normal(rng, n, 6, 5, c_in)
    y = layer.forward(x)
    dy = normal(rng, *y.shape)
    dx, dw, db = layer.backward(dy), layer.w.grad, layer.b.grad
    with plain():
        assert close(y, layer.forward(x))
        assert close(dx, layer.backward(dy))
        assert close(dw, layer.w.grad) and close(db, layer.b.grad)
    assert all(a.dtype == np.float32 for a in (y, dx, dw, db))


def test_convolution_with_a_stride_is_left_to_numpy(rng):
    w, b, zeros = normal(rng, 3, 3, 2, 3), normal(rng, 3), ((1, 1), (1, 1))
    assert taken("conv2d", normal(rng, LANES, 6, 6, 2), w, b, (1, 1), zeros)
    assert not taken("conv2d", normal(rng, LANES, 6, 6, 2), w, b, (2, 2), zeros)
    few, dy = normal(rng, LANES - 1, 6, 6, 2), normal(rng, LANES - 1, 6, 6, 3)
    assert taken("conv2d", few, w, b, (1, 1), zeros)
    assert not taken("conv2d_filter_gradient", few, dy, (3, 3), (1, 1), zeros)


def test_an_infinite_pixel_reaches_the_gradient_of_the_filters_as_in_numpy(rng):
    """Of LANES + 3 images some are met twice, and counted once."""
    layer = Conv2D(1, 1, 1, rng=rng)
    x = np.ones((LANES + 3, 2, 2, 1), np.float32)
    x[5, 0, 0] = np.inf
    dy = layer.forward(np.ones_like(x))
    layer.forward(x)
    layer.backward_params(np.ones_like(dy))
    assert layer.w.grad.item() == np.inf


def test_filters_whose_sums_take_too_much_memory_are_left_to_numpy(rng, monkeypatch):
    x, dy = normal(rng, 5 * LANES, 6, 6, 2), normal(rng, 5 * LANES, 6, 6, 3)
    args = x, dy, (3, 3), (1, 1), ((1, 1), (1, 1))
    expected = called(FAST["conv2d_filter_gradient"], args)
    monkeypatch.setattr(conv_gradient, "MOST_TASKS", 2)  # several groups of images each
    found = called(FAST["conv2d_filter_gradient"], args)
    assert all(close(a, b) for a, b in zip(found, expected))
    monkeypatch.setattr(conv_gradient, "MOST_SUMS", 100)
    assert not taken("conv2d_filter_gradient", *args)


def test_no_copy_between_convolution_and_dense_layer(rng):
    """The batch lies innermost; what follows keeps it so, forward and backward."""
    conv, relu, flatten = Conv2D(2, 3, 3, rng=rng), ReLU(), Flatten()
    dense = Dense(6 * 5 * 3, 4, rng=rng)
    y = conv.forward(normal(rng, 20, 6, 5, 2))
    h = flatten.forward(relu.forward(y))
    assert y.transpose(1, 2, 3, 0).flags.c_contiguous and h.flags.f_contiguous
    dh = dense.backward_input(dense.forward(h))
    dy = relu.backward(flatten.backward(dh))
    assert dh.flags.f_contiguous and dy.transpose(1, 2, 3, 0).flags.c_contiguous


@pytest.mark.parametrize("kernel, padding", [((9, 11), "same"), ((2, 3), 5), (1, 0)])
@pytest.mark.parametrize("size", [(1, 1), (4, 7)])
@pytest.mark.parametrize("n", [2, LANES + 3])
def test_convolution_with_a_kernel_or_zeros_larger_than_the_image(kernel, padding, size, n, rng):
    layer = Conv2D(2, 3, kernel, padding=padding, rng=rng)
    x = normal(rng, n, *size, 2)
    y = layer.forward(x)
    dy = normal(rng, *y.shape)
    found = y, layer.backward(dy), layer.w.grad, layer.b.grad
    with plain():
        expected = layer.forward(x), layer.backward(dy), layer.w.grad, layer.b.grad
    assert all(close(a, b) for a, b in zip(found, expected))


def test_convolution_with_weights_that_were_assigned(rng):
    """Other dtypes and strides than the ones a layer starts with."""
    layer, x = Conv2D(2, 3, 3, rng=rng), normal(rng, LANES, 5, 5, 2)
    layer.w.value = np.asfortranarray(layer.w.value)
    for b in (np.arange(12, dtype=np.float32)[::4], np.array([1.0, 2.0, 3.0])):
        layer.b.value = b
        y = layer.forward(x)
        with plain():
            assert close(y, layer.forward(x))


@pytest.mark.parametrize("wrong", [(40, 6, 5, 3), (3, 6, 5, 3), (20, 6, 5, 2)])
def test_an_upstream_gradient_of_another_shape_is_an_error(wrong, rng):
    x = normal(rng, 20, 6, 5, 3)
    layers = [Conv2D(3, 3, 3, rng=rng), ReLU(), Dropout(0.3, rng=rng), Dense(3, 3, rng=rng)]
    for layer in layers:
        if isinstance(layer, Dense):
            x, wrong = x[:, 0, 0], wrong[::3]
        layer.forward(x, train=True)
        with pytest.raises(ValueError, match=r"shape|mismatch"):
            layer.backward(normal(rng, *wrong))


def test_adam_refuses_a_gradient_of_another_shape(rng):
    p = Parameter(normal(rng, 3, 5))
    adam, p.grad = Adam([p]), normal(rng, 5, 3)
    with pytest.raises(ValueError, match=r"has a gradient of shape \(5, 3\)"):
        adam.step()
    p.value, p.grad = normal(rng, 5, 3), normal(rng, 5, 3)
    with pytest.raises(ValueError, match=r"had the shape \(3, 5\) when its optimiser was made"):
        adam.step()


def test_results_do_not_depend_on_the_number_of_threads():
    def weights(threads):
        before = numba.get_num_threads()
        numba.set_num_threads(threads)
        rng = np.random.default_rng(0)
        model = small_network(rng)
        adam = Adam(model.params)
        for _ in range(3):
            x, labels = normal(rng, 100, 10, 10, 1), rng.integers(0, 10, 100)
            _, doutputs = quadratic(model.forward(x, train=True), labels)
            model.backward(doutputs, input_gradient=False)
            adam.step()
        numba.set_num_threads(before)
        return [p.value for p in model.params]

    most = numba.config.NUMBA_NUM_THREADS
    assert all(np.array_equal(a, b) for a, b in zip(weights(1), weights(most)))


@pytest.mark.parametrize("version", [plain, nnlite.replaced])
def test_adam_sets_tiny_numbers_to_zero(version):
    """Denormal weights make products slow; nothing but l2 pulls at these."""
    p = Parameter(np.array([9e-21, -1e-21, 1e-19, 1.0], np.float32))
    adam = Adam([p], lr=1e-30)
    with version():
        for _ in range(1000):  # m halves every 7 steps, v every 700
            p.grad = np.full(4, 1e-14 if adam.t == 0 else 0, np.float32)
            adam.step()
    assert p.value.tolist() == [0, 0, np.float32(1e-19), 1]
    assert not adam.m[0].any() and not adam.v[0].any()


def test_float64_keeps_tiny_numbers():
    p = Parameter(np.array([1e-25]))
    p.grad = np.array([0.0])
    Adam([p]).step()
    assert p.value == 1e-25


ORDERS = {"C": (0, 1, 2, 3), "F": (3, 2, 1, 0), "batch last": (1, 2, 3, 0)}


@pytest.mark.parametrize("order_x", ORDERS)
@pytest.mark.parametrize("order_dy", ORDERS)
def test_relu_and_dropout_in_any_memory_order(order_x, order_dy, rng):
    def lying(order):
        axes = ORDERS[order]
        a = normal(rng, *np.array((6, 5, 4, 3))[list(axes)])
        return a.transpose(np.argsort(axes))

    x, dy = lying(order_x), lying(order_dy)
    x[0, 0, 0], x[1::2, 1, 1], x[0::2, 1, 1] = 0, np.nan, np.inf
    for build in (ReLU, lambda: Dropout(0.3, rng=np.random.default_rng(1))):
        layer, reference = build(), build()
        y, dx = layer.forward(x, train=True), layer.backward(dy)
        with plain():
            assert np.array_equal(y, reference.forward(x, train=True), equal_nan=True)
            assert np.array_equal(dx, reference.backward(dy))
        assert y.strides == x.strides


def test_values_that_are_repeated_in_memory(rng):
    """A gradient that was broadcast, as that of a mean, has strides of 0."""
    x, dy = normal(rng, 2, 3, 2), np.broadcast_to(normal(rng, 2, 1, 2), (2, 3, 2))
    for values in (x, dy):
        layer = ReLU()
        found = layer.forward(values), layer.backward(dy)
        with plain():
            assert np.array_equal(found[0], layer.forward(values))
            assert np.array_equal(found[1], layer.backward(dy))
    repeated = np.broadcast_to(x[0], x.shape)
    gradient, fast = nnlite.layers.relu_gradient, nnlite.layers.relu_gradient(repeated, x)
    with plain():
        assert np.array_equal(fast, gradient(repeated, x))


def small_network(rng):
    return Sequential(
        [
            Conv2D(1, 3, 3, rng=rng),
            ReLU(),
            Conv2D(3, 3, 3, padding="valid", rng=rng),
            ReLU(),
            Flatten(),
            Dense(3 * 64, 300, rng=rng),
            ReLU(),
            Dropout(0.3, rng=rng),
            Dense(300, 10, rng=rng),
        ]
    )


def test_training_is_the_same_with_and_without():
    def losses():
        rng = np.random.default_rng(0)
        model = small_network(rng)
        model.layers[5].w.mask = rng.random(model.layers[5].w.value.shape) < 0.5
        adam = Adam(model.params, lr=1e-3, l2=1e-3)
        x, labels = normal(rng, 100, 10, 10, 1), rng.integers(0, 10, 100)
        for _ in range(20):
            loss, doutputs = quadratic(model.forward(x, train=True), labels)
            model.backward(doutputs, input_gradient=False)
            adam.step()
            yield loss

    found = list(losses())
    with plain():
        expected = list(losses())
    assert np.allclose(found, expected, rtol=1e-3) and found[-1] < 0.8 * found[0]


SQUARE = times(LANES)


@njit()
def picked(a, i, places, j, y):
    store(pick(a, i, places, j), y, 0, 0, ROW)


@njit()
def turned(a, b):
    store(transposed(load(a, 0, LANES, SQUARE, ROW)), b, 0, LANES, ROW)


def test_a_square_is_transposed(rng):
    a, b = normal(rng, LANES, LANES), np.empty((LANES, LANES), np.float32)
    turned(a.reshape(-1), b.reshape(-1))
    assert np.array_equal(b, a.T)


def test_numbers_near_a_place_are_picked(rng):
    a, y = normal(rng, 500), np.empty(LANES, np.float32)
    places = rng.integers(0, WINDOW, 3 * LANES).astype(np.uint8)
    picked(a, 40, places, LANES, y)
    assert np.array_equal(y, a[40 + places[LANES : 2 * LANES].astype(int)])
    for wrong in (places[::2], places.astype(np.uint16), places[None]):
        with pytest.raises((TypeError, TypingError), match="contiguous bytes"):
            picked(a, 0, wrong, 0, y)


OTHER_REGISTERS = """
import numpy as np
from nnlite import Conv2D, Dense, Flatten, ReLU, Sequential, plain
from nnlite.fast.matmul import matmul
from nnlite.fast.simd import LANES
from nnlite.sparse import SparseNetwork
rng = np.random.default_rng(0)
a, b = (rng.random((90, 90), dtype=np.float32) for _ in range(2))
assert np.allclose(matmul(a, b), a.astype(float) @ b, rtol=1e-5)
"""
MANY_IMAGES = """
assert LANES == 8
layer, x = Conv2D(3, 3, 3, rng=rng), rng.random((19, 6, 5, 3), dtype=np.float32)
def run():
    y = layer.forward(x)
    return y, layer.backward(y), layer.w.grad, layer.b.grad
found = run()
with plain():
    expected = run()
assert all(np.allclose(p, q, atol=1e-3 * abs(q).max()) for p, q in zip(found, expected))
model, x = Sequential([Dense(300, 20, rng=rng)]), rng.random((100, 300), dtype=np.float32)
model.params[0].value *= rng.random((300, 20)) < 0.1
network = SparseNetwork(model)
for n in (1, 3, 100):
    assert np.allclose(network.predict(x[:n]), model.predict(x[:n]), atol=1e-5)
"""
ONE_IMAGE = """
assert LANES == 4
layers = [Conv2D(2, 5, 3, rng=rng), ReLU(), Flatten(), Dense(1800, 160, rng=rng)]
model, x = Sequential(layers), rng.random((1, 9, 40, 2), dtype=np.float32)
found = SparseNetwork(model, x.shape[1:]).predict(x)  # kernels of their own, for each layer
with plain():
    assert np.allclose(found, model.predict(x), atol=1e-5)
"""


@pytest.mark.parametrize(
    "cpu, features, code",
    [("haswell", "+avx,+avx2,+fma", MANY_IMAGES), ("nehalem", "+sse4.2", ONE_IMAGE)],
)
def test_without_avx512(cpu, features, code, tmp_path):
    """The same kernels on registers of other sizes."""
    env = {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", OTHER_REGISTERS + code]
    run = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_whoever_edits_a_kernel_runs_the_new_one(tmp_path):
    """Also in simd.py, of which the caches of the kernels in other files hold a copy."""
    copy = tmp_path / "nnlite"
    shutil.copytree(Path(nnlite.__file__).parent, copy, ignore=shutil.ignore_patterns("*cache*"))
    code = "import numpy as np; from nnlite.fast.conv import convolve;"
    code += f"x = np.ones(({LANES}, 1, 1, 1), 'f'); w = np.ones((1, 1, 1, 1), 'f');"
    code += "print(convolve(x, w, np.ones(1, 'f'), (0, 0), (1, 1)).max())"

    def run():
        env = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return subprocess.check_output([sys.executable, "-c", code], env=env, cwd=tmp_path)

    assert float(run()) == 2 and list(copy.glob("fast/__pycache__/*.nbi"))
    simd = copy / "fast" / "simd.py"
    simd.write_text(
        simd.read_text().replace("builder.fadd(old, product", "builder.fsub(old, product")
    )
    assert float(run()) == 0
