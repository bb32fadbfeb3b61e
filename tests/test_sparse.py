"""Decoupled convolutions, sparse products and SparseNetwork against what they replace."""

import itertools
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import nnlite.sparse.prune as sparse_prune
from nnlite import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    ReLU,
    Sequential,
    plain,
    prune,
    quadratic,
    softmax_cross_entropy,
)
from nnlite.attacks import pgd
from nnlite.container import opened, write_arrays
from nnlite.fast import chain, chain_one
from nnlite.fast import sparse as kernels
from nnlite.fast.chain import FEW
from nnlite.fast.chain_one import ONE_BY_ONE
from nnlite.fast.dense_one import LARGE
from nnlite.fast.kernel import second_cache
from nnlite.fast.network import Plan
from nnlite.fast.panels import WIDTHS, empty_panels, pack, tile_width, unpack
from nnlite.fast.simd import LANES, TILE, WINDOW
from nnlite.fast.sparse import BLOCK, ENOUGH, GROUP, NEAR, block_width, blocks_of, multiply
from nnlite.noise import universal_noise
from nnlite.sparse import (
    Convolution,
    Linear,
    SparseNetwork,
    csr_matmul,
    csr_matmul_naive,
    decouple,
    unroll,
)

# Decoupling


def random_conv(rng, *args):
    conv = Conv2D(*args, rng=rng)
    for p in conv.params:
        p.value = rng.normal(size=p.value.shape)
    return conv


@pytest.mark.parametrize(
    "kernel, stride, padding",
    list(itertools.product([1, 2, 3, (3, 2)], [1, 2, (2, 1)], ["same", "valid", 1, 2])),
)
def test_a_decoupled_convolution_is_the_convolution(kernel, stride, padding, rng):
    conv = random_conv(rng, 2, 3, kernel, stride, padding)
    x = rng.normal(size=(4, 6, 5, 2))
    y = conv.forward(x)
    a, bias = decouple(conv, (6, 5, 2))
    assert a.shape == (y[0].size, x[0].size) and a.format == "csr" and a.has_sorted_indices
    found = (a @ x.reshape(4, -1).T + bias[:, None]).T
    assert np.allclose(found, y.reshape(4, -1), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "sizes, non_zeros",
    [((1, 12, 7), 406272), ((12, 15, 5), 3232080), ((15, 25, 3), 2521500), ((25, 20, 3), 3362000)],
)
def test_the_posts_layers_have_the_structural_counts(sizes, non_zeros, rng):
    a, _ = decouple(Conv2D(*sizes, rng=rng), (28, 28, sizes[0]))
    assert a.nnz == non_zeros
    a.check_format(full_check=True)


def test_weights_that_are_zero_or_masked_are_not_stored(rng):
    conv = random_conv(rng, 2, 3, 3)
    conv.w.value[0, 0, 0, 0] = 0
    before, _ = decouple(conv, (5, 5, 2))
    prune.apply(Sequential([conv]), {"0.w": rng.random(conv.w.value.shape) < 0.3})
    after, _ = decouple(conv, (5, 5, 2))
    assert np.all(before.data != 0) and np.all(after.data != 0)
    full, _ = decouple(random_conv(rng, 2, 3, 3), (5, 5, 2))
    assert after.nnz < 0.4 * full.nnz and before.nnz == full.nnz - 16  # 4 x 4 places have it


@pytest.mark.parametrize("shape", [(5, 5), (5, 5, 3), (0, 5, 2)])
def test_a_shape_that_does_not_fit_is_named(shape, rng):
    with pytest.raises(ValueError, match=r"input_shape is .*\(H, W, 2\)"):
        decouple(Conv2D(2, 3, 3, rng=rng), shape)


# Products


def random_csr(m, k, density, dtype, rng):
    kept = rng.random((m, k)) < density
    return scipy.sparse.csr_array(np.where(kept, rng.normal(size=(m, k)), 0).astype(dtype))


@given(
    m=st.integers(0, 40),
    k=st.integers(0, 40),
    n=st.integers(0, 150),
    density=st.sampled_from([0.0, 0.02, 0.3, 1.0]),
    dtype=st.sampled_from([np.float32, np.float64]),
    layout=st.sampled_from(["C", "F", "strided", "reversed", "unaligned"]),
    seed=st.integers(0, 5),
)
@settings(max_examples=150, deadline=None)
def test_csr_matmul_equals_scipy(m, k, n, density, dtype, layout, seed):
    rng = np.random.default_rng(seed)
    a, x = random_csr(m, k, density, dtype, rng), rng.normal(size=(k, n)).astype(dtype)
    if layout == "F":
        x = np.asfortranarray(x)
    elif layout == "strided":
        x = np.repeat(x, 2, axis=1)[:, ::2]
    elif layout == "reversed":
        x = x[::-1]
    elif layout == "unaligned":
        x = np.concatenate([np.zeros(1, dtype), x.ravel()])[1:].reshape(k, n)
    x.setflags(write=False)
    y = csr_matmul(a, x)
    assert y.dtype == dtype and y.shape == (m, n)
    assert np.allclose(y, a @ x, rtol=0, atol=1e-5 if dtype == np.float32 else 1e-13)


def test_the_naive_product_is_scipys(rng):
    a, x = random_csr(9, 7, 0.4, np.float64, rng), rng.normal(size=(7, 5))
    assert np.allclose(csr_matmul_naive(a, x), a @ x, rtol=0, atol=1e-14)


@pytest.mark.parametrize("n", [1, 16, 64, 130])
def test_the_fast_product_is_the_naive_one(n, rng):
    a, x = random_csr(50, 70, 0.2, np.float32, rng), rng.normal(size=(70, n)).astype(np.float32)
    assert np.allclose(csr_matmul(a, x), csr_matmul_naive(a, x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("n", [40, 300])
def test_the_size_of_chunks_changes_no_bit(n, rng, monkeypatch):
    """200 rows in one chunk, and in chunks of 64; one tile of images, and several."""
    a, x = random_csr(200, 70, 0.5, np.float32, rng), rng.normal(size=(70, n)).astype(np.float32)
    one = csr_matmul(a, x)
    monkeypatch.setattr("nnlite.fast.sparse.CHUNK", 1000)
    assert np.array_equal(csr_matmul(a, x), one)
    assert np.allclose(one, a.astype(float) @ x, rtol=0, atol=1e-4)


def test_what_fits_the_second_cache_is_asked_of_linux(tmp_path):
    told = tmp_path / "size"
    told.write_text("2048K\n")
    assert second_cache(told) == 2 * 2**20
    for text in ("0K", "unknown", ""):
        told.write_text(text)
        assert second_cache(told) == 2**20
    assert second_cache(tmp_path / "missing") == 2**20


def test_many_inputs_and_long_rows(rng):
    """Columns that need 32 bits; rows of 81,000 weights."""
    a = random_csr(3, 90_000, 0.9, np.float32, rng)
    x = rng.normal(size=(90_000, 40)).astype(np.float32)
    assert np.allclose(csr_matmul(a, x), a.astype(float) @ x, rtol=0, atol=0.02)  # of about 400


def test_unsorted_and_repeated_entries_add_up():
    a = scipy.sparse.csr_array(
        (np.float32([1, 2, 4]), np.array([2, 0, 2]), np.array([0, 3, 3])), shape=(2, 3)
    )
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert np.array_equal(csr_matmul(a, x), [[20, 27], [0, 0]])


def test_a_vector_and_mixed_types(rng):
    a, x = random_csr(9, 7, 0.4, np.float32, rng), rng.normal(size=7)
    y = csr_matmul(a, x)
    assert y.shape == (9,) and y.dtype == np.float64 and np.allclose(y, a @ x)
    long = scipy.sparse.csr_array(a)
    long.indices, long.indptr = a.indices.astype(np.int64), a.indptr.astype(np.int64)
    assert np.allclose(csr_matmul(long, x), y)


def test_nan_and_infinity_pass_through():
    a = scipy.sparse.csr_array(np.float32([[1, 0], [0, 1], [1, 1]]))
    y = csr_matmul(a, np.float32([[np.nan, 1], [2, np.inf]]))
    assert np.array_equal(y, [[np.nan, 1], [2, np.inf], [np.nan, np.inf]], equal_nan=True)


@pytest.mark.parametrize(
    "a, x, message",
    [
        (np.ones((2, 2)), np.ones((2, 2)), "CSR matrix"),
        (scipy.sparse.csc_array(np.ones((2, 2))), np.ones((2, 2)), "CSR matrix.*tocsr"),
        (scipy.sparse.csr_array(np.ones((2, 2), int)), np.ones((2, 2)), "a has dtype int"),
        (scipy.sparse.csr_array(np.ones((2, 2))), np.ones((2, 2), int), "x has dtype int"),
        (scipy.sparse.csr_array(np.ones((2, 3))), np.ones((2, 2)), r"\(2, 3\), x \(2, 2\)"),
        (scipy.sparse.csr_array(np.ones((2, 2))), np.ones((2, 2, 2)), r"x \(2, 2, 2\)"),
    ],
)
def test_operands_that_do_not_fit_are_named(a, x, message):
    with pytest.raises(ValueError, match=message):
        csr_matmul(a, x)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("n", [1, 7, 64, 130])
def test_panels_hold_the_images_tile_by_tile(width, n, rng):
    images = rng.normal(size=(n, 37)).astype(np.float32)
    for order in (images, np.asfortranarray(images), np.repeat(images, 2, axis=1)[:, ::2]):
        panels = pack(order, width)
        assert panels.ctypes.data % 64 == 0
        flat = panels.transpose(0, 2, 1).reshape(-1, 37)
        assert np.array_equal(flat[:n], images) and not flat[n:].any()
        y = np.empty_like(order)
        unpack(panels, y)
        assert np.array_equal(y, images)


@pytest.mark.parametrize("k", [1, 20, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
@pytest.mark.parametrize("with_relu", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_bias_and_relu_are_part_of_the_product(k, with_relu, width, rng):
    """Whether the columns are one block or several, of which only the last takes the relu."""
    a, x = random_csr(30, k, 0.3, np.float32, rng), rng.normal(size=(k, 50)).astype(np.float32)
    bias, y = rng.normal(size=30).astype(np.float32), np.empty((30, 50), np.float32)
    unpack(multiply(blocks_of(a), pack(x.T, width), bias, with_relu), y.T)
    expected = a @ x + bias[:, None]
    expected = np.maximum(expected, 0) if with_relu else expected
    assert np.allclose(y, expected, rtol=0, atol=1e-4)


def test_blocks_hold_every_weight_once(rng):
    a = random_csr(7, 2 * BLOCK + 9, 0.2, np.float32, rng)
    a = a[:, rng.permutation(a.shape[1])]  # columns in no order
    blocks, found = blocks_of(a), np.zeros(a.shape, np.float32)
    assert len(blocks.starts) == 3 * 7 + 1 and blocks.starts[-1] == a.nnz
    for place in range(3 * 7):
        weights = slice(blocks.starts[place], blocks.starts[place + 1])
        columns = blocks.columns[weights].astype(int)
        assert np.all(columns // BLOCK == place // 7)
        assert np.all(np.diff(columns) * (-1) ** place > 0)  # every other one runs backwards
        found[blocks.rows[place], columns] = blocks.values[weights]
    assert np.array_equal(found, a.toarray())


@pytest.mark.parametrize("density", [0.5, 0.1, 0.05, 0.02, 0.001])
def test_a_row_has_enough_weights_in_a_block(density, rng):
    """As many as fit the first cache, where these are more; never more columns than there are."""
    a = random_csr(400, 2000, density, np.float32, rng)
    assert block_width(a) == pytest.approx(min(2000, max(BLOCK, ENOUGH / density)), rel=0.1)


def test_rows_that_read_neighbours_are_one_block_or_have_more_in_each(rng):
    short, long = (decouple(Conv2D(c, 4, 5, rng=rng), (28, 28, c))[0] for c in (3, 12))
    assert block_width(short) == short.shape[1]  # at most 75 weights in a row
    reach, length = 4 * 28 * 12 + 5 * 12, 5 * 5 * 12
    assert block_width(long) == pytest.approx(NEAR * reach / length, rel=0.1)
    shuffled = long[:, rng.permutation(long.shape[1])]
    assert block_width(shuffled) == pytest.approx(ENOUGH * long.shape[1] / length, rel=0.1)


@pytest.mark.parametrize("chunk", [10_000, 10**6])
@pytest.mark.parametrize("n", [20, 64, 150])
def test_blocks_in_which_a_chunk_has_no_weights_are_left_out(n, chunk, rng, monkeypatch):
    """The first and the last blocks of most chunks of a decoupled convolution, one row of none."""
    monkeypatch.setattr(kernels, "CHUNK", chunk)
    a = decouple(Conv2D(12, 3, 5, rng=rng), (14, 14, 12))[0].astype(np.float32)
    a.data[a.indptr[200] : a.indptr[201]] = 0
    a.eliminate_zeros()
    x, bias = rng.normal(size=(a.shape[1], n)), rng.normal(size=a.shape[0])
    y = np.empty((a.shape[0], n), np.float32)
    panels = pack(x.astype(np.float32).T, tile_width(n))
    unpack(multiply(blocks_of(a), panels, bias.astype(np.float32), True), y.T)
    expected = np.maximum(a.astype(float) @ x + bias[:, None], 0)
    assert np.allclose(y, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (3, 5)])
def test_a_matrix_without_weights_is_one_block(shape):
    blocks = blocks_of(scipy.sparse.csr_array(shape, dtype=np.float32))
    assert len(blocks.starts) == shape[0] + 1 and not blocks.starts.any()


@pytest.mark.parametrize("n", [64, 200])
def test_blocks_and_tiles_that_are_asked_for_ahead_change_no_number(n, rng):
    """Of 200 images three tiles follow, of 64 none; with more rows than a block has columns."""
    a, x = random_csr(300, 700, 0.2, np.float32, rng), rng.normal(size=(700, n)).astype(np.float32)
    y = np.empty((300, n), np.float32)
    unpack(multiply(blocks_of(a), pack(x.T, WIDTHS[-1]), np.zeros(300, np.float32), False), y.T)
    assert np.allclose(y, a.astype(float) @ x, rtol=0, atol=1e-4)


def test_rows_of_a_group_come_in_the_order_of_their_weights(rng):
    m = 2 * GROUP + 5
    blocks = blocks_of(random_csr(m, 3 * BLOCK, 0.2, np.float32, rng))
    weights = np.diff(blocks.starts).reshape(3, m)
    for first in range(0, m, GROUP):
        group = slice(first, first + GROUP)
        assert np.all(np.diff(weights[:, group]) >= 0)
        rows = np.sort(blocks.rows.reshape(3, m)[:, group])
        assert np.array_equal(rows, np.tile(np.arange(m)[group], (3, 1)))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_that_share_the_rows_of_one_tile_share_whole_groups(threads, rng, monkeypatch):
    """A row of one block may be another thread's in the next, were groups cut."""
    monkeypatch.setattr(kernels, "get_num_threads", lambda: threads)
    a = random_csr(3 * GROUP + 7, 2 * BLOCK, 0.1, np.float32, rng)
    x = rng.normal(size=(2 * BLOCK, 20)).astype(np.float32)
    y = np.empty((len(a.indptr) - 1, 20), np.float32)
    unpack(multiply(blocks_of(a), pack(x.T, 32), np.zeros(len(y), np.float32), False), y.T)
    assert np.allclose(y, a @ x, atol=1e-4)


def test_tiles_are_no_wider_than_needed():
    assert [tile_width(n) for n in (1, WIDTHS[0], WIDTHS[0] + 1, 10**6)] == [
        *(WIDTHS[0], WIDTHS[0], WIDTHS[1], WIDTHS[2])
    ]
    assert empty_panels(0, 5, WIDTHS[0]).shape == (0, 5, WIDTHS[0])


# Networks

SHAPE = (14, 15, 1)


@pytest.fixture
def cnn(rng):
    layers = [Conv2D(1, 4, 3, rng=rng), ReLU(), Conv2D(4, 5, 5, stride=2, rng=rng), ReLU()]
    layers += [Flatten(), Dense(280, 30, rng=rng), ReLU(), Dropout(0.5, rng=rng)]
    model = Sequential([*layers, Dense(30, 10, rng=rng)])
    for p in model.params:
        if p.value.ndim == 1:
            p.value = rng.normal(size=p.value.shape).astype(np.float32)
    prune.apply(model, prune.keep_masks(prune.scores(model, prune.magnitude), 0.8))
    return model


def random_layers(sizes, density, rng):
    """Linear layers of these sizes, with a ReLU or without."""
    return [
        Linear(random_csr(m, k, density, np.float32, rng), rng.normal(size=m), relu)
        for k, m, relu in zip(sizes, sizes[1:], [True, False, True])
    ]


@given(
    sizes=st.lists(st.sampled_from([0, 1, 3, 20, BLOCK, BLOCK + 1, 500]), min_size=2, max_size=4),
    n=st.sampled_from([1, 2, ONE_BY_ONE + 1, FEW, FEW + 1, 70, 200]),
    density=st.sampled_from([0.0, 0.02, 0.3]),
    seed=st.integers(0, 5),
)
@settings(max_examples=100, deadline=None)
def test_sparse_layers_of_any_size_for_any_batch(sizes, n, density, seed):
    """One image, a few and many take ways of their own."""
    rng = np.random.default_rng(seed)
    layers = random_layers(sizes, density, rng)
    x = rng.normal(size=(n, sizes[0])).astype(np.float32)
    y = x.astype(float)
    for layer in layers:
        y = y @ layer.matrix.toarray().T + layer.bias
        y = np.maximum(y, 0) if layer.relu else y
    network = SparseNetwork(layers, max_density=None)
    assert np.allclose(network.predict(x), y, rtol=0, atol=1e-5 * np.abs(y).max(initial=1))


@pytest.mark.parametrize("k", [2**16, 2**16 + 1, 90_000])
@pytest.mark.parametrize("n", [1, FEW, 40])
def test_layers_of_many_inputs(k, n, rng):
    """From 65,536 on, columns need 32 bits."""
    a = random_csr(5, k, 0.01, np.float32, rng)
    x = rng.normal(size=(n, k)).astype(np.float32)
    y = SparseNetwork([Linear(a, np.arange(5))], max_density=None).predict(x)
    assert np.allclose(y, (a.astype(float) @ x.T).T + np.arange(5), rtol=0, atol=1e-3)


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_the_number_of_threads_changes_nothing(threads, rng, monkeypatch):
    """Shares of the images, or of the weights, are computed one after the other here."""
    layers = [
        Linear(random_csr(m, k, 0.1, np.float32, rng), rng.normal(size=m), True)
        for k, m in ((50, 7), (7, 90), (90, 1))
    ]
    x = rng.normal(size=(300, 50)).astype(np.float32)
    expected = SparseNetwork(layers, max_density=None).predict(x)
    for module in (kernels, chain, chain_one):
        monkeypatch.setattr(module, "get_num_threads", lambda: threads)
    network = SparseNetwork(layers, max_density=None)
    for n in (1, 5, 30, 300):
        assert np.allclose(network.predict(x[:n]), expected[:n], rtol=0, atol=1e-5)


def test_networks_that_take_turns_do_not_disturb_each_other(cnn, rng):
    networks = [SparseNetwork(cnn, SHAPE, max_conv_density=d) for d in (0, 1)]
    batches = [rng.random((n, *SHAPE), dtype=np.float32) for n in (40, 3, 1, 200)]
    for x in batches:
        for network in networks:
            assert np.allclose(network.predict(x), cnn.predict(x), rtol=0, atol=1e-5)


def steps_of(a):
    """chain_one.Steps of one layer with these weights."""
    layer = Linear(scipy.sparse.csr_array(np.float32(a)), np.zeros(len(a)))
    return chain_one.steps_of([layer])


def test_one_image_reads_in_a_step_what_lies_near():
    """A row that reads further away waits; steps come in pairs."""
    a = np.zeros((2, WINDOW + 2))
    a[0, 1], a[1, WINDOW] = 1, 2
    near = steps_of(a)
    assert near.bases.tolist() == [1, 0] and near.starts.tolist() == [0, 2]
    assert near.places[:2].tolist() == [0, WINDOW - 1] and near.values[:2].tolist() == [1, 2]
    a[1] = np.roll(a[1], 1)
    far = steps_of(a)
    assert far.bases.tolist() == [1, WINDOW + 1]
    assert far.values.reshape(2, LANES)[:, :2].tolist() == [[1, 0], [0, 2]]


def test_every_weight_has_its_step(rng):
    a = random_csr(70, 300, 0.1, np.float32, rng).toarray()
    steps, found = steps_of(a), np.zeros((80, 300 + WINDOW), np.float32)
    group = np.repeat(np.arange(len(steps.starts) - 1), np.diff(steps.starts))
    rows = (LANES * group[:, None] + np.arange(LANES)).ravel()
    columns = np.repeat(steps.bases.astype(int), LANES) + steps.places
    np.add.at(found, (rows, columns), steps.values)
    assert np.array_equal(found[steps.outputs - LANES * chain_one.registers(300), :300], a)
    assert steps.places.max() < WINDOW and steps.weights == np.count_nonzero(a)


def test_few_images_go_one_after_the_other_while_few_rows_wait():
    full = steps_of(np.ones((LANES, 40)))
    assert chain_one.suited(full, ONE_BY_ONE) and not chain_one.suited(full, ONE_BY_ONE + 1)
    apart = np.zeros((LANES, LANES * WINDOW))
    apart[np.arange(LANES), WINDOW * np.arange(LANES)] = 1
    assert not chain_one.suited(steps_of(apart), 1)


def test_nan_and_infinity_reach_the_outputs_of_their_images_only():
    a = scipy.sparse.csr_array(np.float32([[1, 0], [0, 1], [1, 1]]))
    network = SparseNetwork([Linear(a, np.zeros(3), relu=True)], max_density=None)
    x = np.float32([[np.nan, 2], [1, np.inf], [1, -np.inf], [1, 2]])
    expected = [[np.nan, 2, np.nan], [1, np.inf, np.inf], [1, 0, 0], [1, 2, 3]]
    assert np.array_equal(network.predict(x), expected, equal_nan=True)
    for image, outputs in zip(x, expected):
        assert np.array_equal(network.predict(image[None])[0], outputs, equal_nan=True)
    assert np.array_equal(network.predict(np.ones((4, 2))), [[1, 1, 2]] * 4)  # nothing is left over


@pytest.mark.parametrize("n", [0, 1, 5, 16, 33, 700])
@pytest.mark.parametrize("options", [{}, {"max_density": 0}, {"max_density": 1}])
@pytest.mark.parametrize("max_conv_density", [0, 1])
def test_a_sparse_network_predicts_what_the_model_predicts(n, options, max_conv_density, cnn, rng):
    network = SparseNetwork(cnn, SHAPE, max_conv_density=max_conv_density, **options)
    x = rng.random((n, *SHAPE), dtype=np.float32)
    assert np.allclose(network.predict(x), cnn.predict(x), rtol=0, atol=1e-5)
    assert network.predict(x).shape == (n, 10)


@pytest.mark.parametrize("n", [1, 5, 33, 300])
@pytest.mark.parametrize("max_density", [0, 0.6, 1])
@pytest.mark.parametrize("max_conv_density", [0, 1])
@pytest.mark.parametrize("computed", [nullcontext, plain])
def test_a_sparse_network_has_the_gradient_of_the_model(
    n, max_density, max_conv_density, computed, cnn, rng
):
    network = SparseNetwork(cnn, SHAPE, max_density, max_conv_density)
    x, labels = rng.random((n, *SHAPE), dtype=np.float32), rng.integers(10, size=n)
    for loss in (quadratic, softmax_cross_entropy):
        expected = cnn.input_gradient(x, labels, loss)
        with computed():
            found = network.input_gradient(x, labels, loss)
            of_flat = network.input_gradient(x.reshape(n, -1), labels, loss)
        assert np.allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
        assert np.array_equal(of_flat, found.reshape(n, -1))


@given(
    sizes=st.lists(st.sampled_from([1, 3, 20, BLOCK + 1, 500]), min_size=3, max_size=4),
    n=st.sampled_from([1, 2, 33, 200]),
    density=st.sampled_from([0.0, 0.02, 0.3]),
    seed=st.integers(0, 5),
)
@settings(max_examples=50, deadline=None)
def test_the_gradient_is_the_product_of_the_transposed_matrices(sizes, n, density, seed):
    """Of any random upstream, from the last layer to the first."""
    rng = np.random.default_rng(seed)
    layers = random_layers(sizes, density, rng)
    x = rng.normal(size=(n, sizes[0])).astype(np.float32)
    upstream = dy = rng.normal(size=(n, sizes[-1]))
    outputs = [x.astype(float)]
    for layer in layers:
        y = outputs[-1] @ layer.matrix.toarray().T + layer.bias
        outputs.append(np.maximum(y, 0) if layer.relu else y)
    for layer, y in zip(layers[::-1], outputs[::-1]):
        dy = (dy * (y > 0) if layer.relu else dy) @ layer.matrix.toarray()
    network = SparseNetwork(layers, max_density=None)
    found = network.input_gradient(x, None, lambda outputs, _: (0.0, upstream))
    assert found.dtype == np.float32
    assert np.allclose(found, dy, rtol=0, atol=1e-4 * np.abs(dy).max(initial=1))


def test_noise_and_attacks_take_a_sparse_network(cnn, rng):
    network = SparseNetwork(cnn, SHAPE)
    x = rng.random((40, *SHAPE), dtype=np.float32)
    labels = cnn.predict(x).argmax(axis=1)  # all are right before
    both = [
        (
            universal_noise(model, x, 3, 0.2, rng=np.random.default_rng(0), steps=3),
            pgd(model, x, labels, 0.1, rng=np.random.default_rng(0), steps=3),
        )
        for model in (cnn, network)
    ]
    for expected, found in zip(*both):
        assert np.mean(np.abs(found - expected) < 1e-4) > 0.99  # but where a sign is a coin's
    assert np.abs(both[0][1] - x).max() > 0.05


def test_a_convolution_may_follow_a_decoupled_one_and_be_the_last(rng, tmp_path):
    first, second = Conv2D(1, 3, 3, rng=rng), Conv2D(3, 2, 3, rng=rng)
    first.w.value *= rng.random(first.w.value.shape) < 0.3
    model = Sequential([first, ReLU(), second, ReLU()])
    SparseNetwork(model, SHAPE).save(tmp_path / "network.npz")
    x = rng.random((20, *SHAPE), dtype=np.float32)
    outputs = model.predict(x)
    upstream = rng.normal(size=outputs.shape).astype(np.float32)
    model.forward(x)
    gradient = model.backward_input(upstream)
    for network in (SparseNetwork(model, SHAPE), SparseNetwork.load(tmp_path / "network.npz")):
        assert [isinstance(layer, Linear) for layer in network.layers] == [True, False]
        found = network.input_gradient(x, None, lambda y, _: (0.0, upstream.reshape(y.shape)))
        assert np.allclose(network.predict(x), outputs.reshape(20, -1), atol=1e-5)
        assert np.allclose(found, gradient, atol=1e-5)


def test_a_gradient_of_another_shape_is_refused(cnn, rng):
    network, x = SparseNetwork(cnn, SHAPE), rng.random((4, *SHAPE), dtype=np.float32)
    with pytest.raises(ValueError, match=r"dy has shape \(4, 9\), the outputs of the network had"):
        network.input_gradient(x, None, lambda outputs, _: (0.0, outputs[:, 1:]))
    with pytest.raises(ValueError, match="x has shape"):
        network.input_gradient(x[:, 1:], np.arange(4), quadratic)


@pytest.mark.parametrize("computed", [nullcontext, plain])
def test_indices_damaged_before_the_first_gradient_are_noticed(computed, rng):
    a = random_csr(30, 40, 0.2, np.float32, rng)
    network = SparseNetwork([Linear(a, np.zeros(30))], max_density=None)
    x = rng.random((20, 40), dtype=np.float32)
    network.predict(x)
    network.layers[0].matrix.indices[0] = 10**8
    with computed(), pytest.raises(ValueError, match="lead outside it"):
        network.input_gradient(x, np.zeros(20, int), quadratic)
    with pytest.raises(ValueError, match="lead outside it"):  # SciPy would not look
        network.layers[0].backward_input(np.ones((20, 30), "f"), np.ones((20, 30), "f"))


def test_weights_of_another_type_since_the_last_prediction_are_multiplied_plainly(rng):
    a = random_csr(30, 40, 0.2, np.float32, rng)
    network = SparseNetwork([Linear(a, np.zeros(30))], max_density=None)
    x, upstream = rng.random((20, 40), dtype=np.float32), rng.random((20, 30), dtype=np.float32)
    network.predict(x)
    network.layers[0].matrix.data = network.layers[0].matrix.data.astype(float)
    found = network.input_gradient(x, None, lambda outputs, _: (0.0, upstream))
    assert np.allclose(found, upstream @ a.toarray(), atol=1e-5)


def test_unrolled_layers_have_independent_weights(cnn, rng):
    layers = unroll(cnn, SHAPE)
    x = rng.random((20, *SHAPE), dtype=np.float32)
    assert np.allclose(SparseNetwork(layers).predict(x), cnn.predict(x), rtol=0, atol=1e-5)
    a = layers[0].matrix.copy()
    a.data[:5] = 0
    pruned = [replace(layers[0], matrix=a), *layers[1:]]
    network = SparseNetwork(pruned)
    assert network.non_zeros == sum(layer.matrix.nnz for layer in layers) - 5
    y = x.reshape(20, -1).T
    for layer in pruned:
        y = layer.matrix @ y + layer.bias[:, None]
        y = np.maximum(y, 0) if layer.relu else y
    assert np.allclose(network.predict(x), y.T, rtol=0, atol=1e-5)


def test_the_batch_size_changes_nothing_but_rounding(cnn, rng):
    network, x = SparseNetwork(unroll(cnn, SHAPE)), rng.random((70, *SHAPE), dtype=np.float32)
    whole = network.predict(x)
    assert np.allclose(network.predict(x, batch_size=9), whole, rtol=0, atol=1e-5)


def test_a_layer_is_sparse_or_dense_by_its_density(cnn):
    kinds = [type(layer) for layer in SparseNetwork(cnn, SHAPE, max_conv_density=0).layers]
    assert kinds == [Convolution, Convolution, Linear, Linear]
    network = SparseNetwork(cnn, SHAPE, max_density=0.1)
    assert [layer.is_sparse for layer in network.layers[2:]] == [False, False]
    network = SparseNetwork(cnn, SHAPE, max_density=0.2)
    assert [layer.is_sparse for layer in network.layers[2:]] == [True, True]
    text = str(network)
    assert f"{network.non_zeros:,} non-zeros" in text and "sparse, density 0.200" in text


def test_counts_and_bytes(rng):
    a = scipy.sparse.csr_array(np.float32([[1, 0, 2], [0, 0, 3]]))
    network = SparseNetwork([Linear(a, np.zeros(2)), Linear(np.ones((4, 2)), np.zeros(4))])
    assert [layer.is_sparse for layer in network.layers] == [True, False]  # densities 0.5 and 1
    kept = SparseNetwork([Linear(a, np.zeros(2))], max_density=0.5)
    assert (kept.non_zeros, kept.multiplications) == (3, 3)
    assert kept.bytes == 3 * 4 + 3 * 4 + 3 * 4 + 2 * 4  # values, columns, starts, bias


def test_multiplications_of_a_convolution_are_those_of_its_matrix(cnn):
    kept = SparseNetwork(cnn, SHAPE, max_conv_density=0).layers[:2]
    for layer in kept:
        layer.conv.w.value[...] = 1
        assert layer.multiplications == decouple(layer.conv, layer.input_shape)[0].nnz


def test_a_network_is_its_own(cnn, rng):
    """What happens to the model afterwards does not reach it."""
    x = rng.random((20, *SHAPE), dtype=np.float32)
    networks = [SparseNetwork(cnn, SHAPE, max_conv_density=d) for d in (0, 1)]
    before = [network.predict(x) for network in networks]
    for p in cnn.params:
        p.value[...] = 0
    for network, outputs in zip(networks, before):
        assert np.array_equal(network.predict(x), outputs)


def test_a_matrix_of_one_column_is_copied_too(rng):
    model = Sequential([Dense(30, 1, rng=rng)])
    network, x = SparseNetwork(model), rng.random((5, 30), dtype=np.float32)
    before = network.predict(x)
    model.params[0].value[...] = 0
    assert np.array_equal(network.predict(x), before)


@pytest.mark.parametrize("max_conv_density", [0, 1])
def test_save_and_load(max_conv_density, cnn, rng, tmp_path):
    network = SparseNetwork(cnn, SHAPE, max_density=0.2, max_conv_density=max_conv_density)
    network.save(tmp_path / "network.npz")
    loaded = SparseNetwork.load(tmp_path / "network.npz")
    x = rng.random((20, *SHAPE), dtype=np.float32)
    assert np.array_equal(loaded.predict(x), network.predict(x)) and str(loaded) == str(network)


def test_a_relu_may_be_any_truth(tmp_path, rng):
    layer = Convolution(Conv2D(1, 3, 3, rng=rng), (6, 5, 1), 1)
    SparseNetwork([layer], max_conv_density=None).save(tmp_path / "network.npz")
    assert SparseNetwork.load(tmp_path / "network.npz").layers[0].relu is True


def test_files_that_are_no_network_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        SparseNetwork.load(tmp_path / "nothing.npz")
    (tmp_path / "text.npz").write_text("not a network")
    with pytest.raises(ValueError, match=r"text\.npz is not a complete nnlite sparse network"):
        SparseNetwork.load(tmp_path / "text.npz")


def write(part, key, value):
    """A change of what a file says of its layers."""

    def change(about, arrays):
        place = {"first": about["layers"][0], "last": about["layers"][-1], "all": about}[part]
        place[key] = value

    return change


def replace_array(name, convert):
    return lambda about, arrays: arrays.update({name: convert(arrays[name])})


@pytest.mark.parametrize(
    "change, message",
    [
        (write("first", "relu", "no"), "relu of layer 0 is 'no'"),
        (write("first", "shape", [14, 14, 3]), "14, 14, 3"),
        (
            write("first", "conv", {"c_in": 30_000, "c_out": 30_000, "kernel": 9}),
            "weights of shape",
        ),
        (write("last", "csr", [10, 10**12]), "takes inputs of shape"),
        (write("last", "csr", [10**12, 10]), "index pointer size"),
        (write("last", "csr", None), ""),
        (write("all", "input_shape", [14.0, 15, 1]), r"input_shape is 14\.0"),
        (write("all", "layers", []), "it lists"),
        (replace_array("0.w", lambda w: w[..., :1]), r"layer 0, .* has weights of shape"),
        (replace_array("0.w", lambda w: w.astype(np.float64)), "it lists"),
        (replace_array("2.indices", lambda i: i.astype(np.int64)), "it lists"),
        (replace_array("2.indices", lambda i: i + 10**6), "indices"),
        (replace_array("2.indptr", lambda i: i[:-1]), "index pointer size"),
        (replace_array("2.b", lambda b: b[:-1]), "bias"),
        (lambda about, arrays: arrays.pop("2.b"), "it lists"),
        (lambda about, arrays: arrays.update({"9.b": np.ones(3, np.float32)}), "it lists"),
    ],
)
def test_files_that_save_does_not_write_are_refused(change, message, cnn, tmp_path):
    path = tmp_path / "network.npz"
    SparseNetwork(cnn, SHAPE, max_density=1, max_conv_density=0).save(path)
    with opened(path, "nnlite sparse network", "") as saved:
        about, arrays = saved.about, saved.arrays()
    change(about, arrays)
    write_arrays(path, "nnlite sparse network", about, arrays)
    with pytest.raises(
        ValueError, match=rf"network\.npz is not a complete .*{message}.*; write it"
    ):
        SparseNetwork.load(path)


def test_a_file_with_another_input_shape_is_refused(tmp_path, rng):
    """The kernel would read beyond the images."""
    a = random_csr(2, 50, 0.5, np.float32, rng)
    network = SparseNetwork([Linear(a, np.zeros(2))], max_density=None)
    network.input_shape = (3,)
    network.save(tmp_path / "network.npz")
    with pytest.raises(ValueError, match=r"input_shape is \(3,\); the first layer takes .*\(50,\)"):
        SparseNetwork.load(tmp_path / "network.npz")
    with pytest.raises(ValueError, match=r"input_shape is \(28, 28, 1\)"):
        SparseNetwork(Sequential([Dense(30, 2, rng=rng)]), (28, 28, 1))


def test_images_of_another_shape_than_the_given_one_are_refused(rng):
    """As many numbers in another order, which a matrix would take."""
    conv, x = Conv2D(1, 3, 3, rng=rng), rng.random((2, 4, 8, 1), dtype=np.float32)
    model = Sequential([conv])
    for layers in (model, unroll(model, (8, 4, 1))):
        network = SparseNetwork(layers, (8, 4, 1))
        assert network.input_shape == (8, 4, 1)
        with pytest.raises(ValueError, match=r"images of shape \(8, 4, 1\) are expected"):
            network.predict(x)
    with pytest.raises(ValueError, match=r"input_shape is \(4, 8, 1\); the first layer takes"):
        SparseNetwork([Convolution(conv, (8, 4, 1))], (4, 8, 1))


@pytest.mark.parametrize(
    "matrix, message",
    [
        (scipy.sparse.coo_array(np.ones((2, 3))), "coo; CSR is needed"),
        (scipy.sparse.csr_array(np.ones((2, 3), complex)), "dtype complex"),
        ([[1, 2, 3], [4, 5, 6]], "is a list"),
    ],
)
def test_other_matrices_are_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        SparseNetwork([Linear(matrix, np.zeros(2))])


def test_stored_zeros_and_repeated_entries_count_for_nothing():
    full = scipy.sparse.csr_array(np.ones((20, 20), np.float32))
    full.data[:380] = 0
    layer = SparseNetwork([Linear(full, np.zeros(20))]).layers[0]
    assert layer.is_sparse and layer.non_zeros == 20 and full.nnz == 400
    twice = scipy.sparse.csr_array(
        (np.ones(4, np.float32), np.array([0, 0, 1, 1]), np.array([0, 4, 4])), shape=(2, 2)
    )
    network = SparseNetwork([Linear(twice, np.zeros(2))])
    assert network.non_zeros == 2
    assert np.array_equal(network.predict(np.ones((1, 2))), [[4, 0]])


def test_a_few_images_go_through_all_layers_at_once(cnn, rng):
    """Where all are matrices, and most weights in sparse ones."""
    sparse = Linear(random_csr(50, 40, 0.5, np.float32, rng), np.zeros(50))
    small, large = (Linear(rng.normal(size=(n, 50)), np.zeros(n)) for n in (10, 400))
    assert Plan(SparseNetwork([sparse, small]).layers).linear() is not None
    assert Plan(SparseNetwork([sparse, large]).layers).linear() is None
    assert Plan(SparseNetwork([sparse], max_density=0).layers).linear() is None
    behind = Plan(SparseNetwork(cnn, SHAPE, max_conv_density=0).layers)  # the convolutions
    assert len(behind.convolutions) == 2 and len(behind.linear()) == 2
    x = rng.normal(size=(FEW, 40)).astype(np.float32)
    expected, network = (sparse.matrix @ x.T).T @ small.matrix.T, SparseNetwork([sparse, small])
    for n in (1, 3, ONE_BY_ONE + 1, FEW):
        assert np.allclose(network.predict(x[:n]), expected[:n], rtol=0, atol=1e-4)


@pytest.mark.parametrize("n", [1, FEW // 2, FEW - 1, FEW + 1])
@pytest.mark.parametrize("padding, stride", [("same", 1), (0, 1), ("same", 2)])
def test_convolutions_of_a_few_images(n, padding, stride, rng):
    """With a relu behind them and without, and all that is kept between the layers."""
    model = Sequential(
        [
            Conv2D(2, 3, 3, padding=padding, rng=rng),
            Conv2D(3, 3, 2, padding=padding, stride=stride, rng=rng),
            ReLU(),
            Conv2D(3, 3, 3, padding=padding, rng=rng),
        ]
    )
    x = rng.normal(size=(n, 9, 8, 2)).astype(np.float32)
    features = model.forward(x)
    for head in ([], [Flatten(), Dense(features[0].size, 5, rng=rng)]):
        whole = Sequential([*model.layers, *head])
        network = SparseNetwork(whole, (9, 8, 2), max_density=1.0)
        with plain():
            expected = whole.predict(x).reshape(n, -1)
        assert np.allclose(network.predict(x), expected, rtol=0, atol=1e-5)


def test_layers_that_do_not_fit_are_refused(cnn, rng):
    a = scipy.sparse.csr_array(np.float32([[1, 0, 2], [0, 0, 3]]))
    with pytest.raises(ValueError, match=r"takes inputs of shape \(3,\).*gives \(2,\)"):
        SparseNetwork([Linear(a, np.zeros(2)), Linear(a, np.zeros(2))])
    with pytest.raises(ValueError, match=r"\(2, 3\) has a bias of shape \(3,\)"):
        SparseNetwork([Linear(a, np.zeros(3))])
    with pytest.raises(ValueError, match=r"needs input_shape=\(H, W, C\); it is None"):
        SparseNetwork(cnn)
    with pytest.raises(ValueError, match="at least one layer"):
        SparseNetwork([])
    with pytest.raises(ValueError, match=r"ReLU\(\) cannot"):
        SparseNetwork(Sequential([ReLU(), Dense(3, 2, rng=rng)]))
    with pytest.raises(ValueError, match="is not a Linear or a Convolution"):
        SparseNetwork([a])
    with pytest.raises(ValueError, match=r"x has shape \(5, 4\); images of shape \(3,\)"):
        SparseNetwork([Linear(a, np.zeros(2))]).predict(np.zeros((5, 4)))


@pytest.mark.parametrize("max_density", [None, 0.1, 1])
def test_columns_outside_the_matrix_are_refused(max_density):
    """The kernel does not look where it reads."""
    a = scipy.sparse.csr_array(np.float32([[1, 0, 2], [0, 0, 3]]))
    a.indices[0] = 40_000_000
    with pytest.raises(ValueError, match=r"indices|column"):
        SparseNetwork([Linear(a, np.zeros(2))], max_density=max_density)


WRONG_INDICES = [
    ("indices", 0, -1),
    ("indices", 0, 10**6),
    ("indptr", 0, 1),
    ("indptr", 1, 10**6),
    ("indptr", 1, -5),
    ("indptr", -1, 10**6),
    ("indptr", -1, 0),
]


@pytest.mark.parametrize("name, place, value", WRONG_INDICES)
def test_indices_changed_in_place_are_noticed_before_they_are_used(name, place, value, rng):
    """SciPy does not look at `indptr` where its last number is 0."""
    a, b = (random_csr(20, 20, 0.3, np.float32, rng) for _ in range(2))
    x = rng.random((30, 20), dtype=np.float32)
    network = SparseNetwork([Linear(a, np.zeros(20)), Linear(b, np.zeros(20))], max_density=None)
    for matrix in (a, network.layers[1].matrix):
        getattr(matrix, name)[place] = value
    for version in (nullcontext, plain):
        with version():
            for product in (csr_matmul, csr_matmul_naive):
                with pytest.raises(ValueError, match=r"the indices of a, \(20, 20\), lead outside"):
                    product(a, x.T)
            for images in (x, x[:2]):
                with pytest.raises(ValueError, match="the indices of a"):
                    network.predict(images)
    with pytest.raises(ValueError, match="the indices of a"):
        SparseNetwork([Linear(a, np.zeros(20))])


@pytest.mark.parametrize("name, place, value", WRONG_INDICES)
def test_indices_changed_in_place_after_they_were_used_change_nothing(name, place, value, rng):
    layers = [Linear(random_csr(20, 20, 0.3, np.float32, rng), np.zeros(20)) for _ in range(2)]
    for first, second in itertools.permutations((1, ONE_BY_ONE + 1, 30), 2):  # three ways
        network, x = SparseNetwork(layers, max_density=None), rng.random((30, 20), dtype=np.float32)
        before = network.predict(x[:first])
        getattr(network.layers[1].matrix, name)[place] = value
        assert np.array_equal(network.predict(x[:first]), before)
        assert np.allclose(network.predict(x[:second])[0], before[0], atol=1e-5)


@pytest.mark.parametrize("n", [1, 30])
@pytest.mark.parametrize("used", [False, True])
def test_a_matrix_that_lost_its_last_rows_in_place(n, used, rng):
    """Its bias has as many as before."""
    network = SparseNetwork([Linear(random_csr(20, 20, 0.3, np.float32, rng), np.zeros(20))])
    x = rng.random((30, 20), dtype=np.float32)
    if used:
        network.predict(x)
    network.layers[0].matrix.resize((5, 20))
    with pytest.raises(ValueError, match=r"\(5, 20\) has a bias of shape \(20,\)|broadcast"):
        network.predict(x[:n])


def test_another_list_of_layers_is_used_or_refused(cnn, rng):
    layers = [
        Linear(random_csr(m, k, 0.3, np.float32, rng), np.zeros(m)) for k, m in ((9, 7), (7, 5))
    ]
    network, x = SparseNetwork(layers, max_density=None), rng.random((30, 9), dtype=np.float32)
    network.predict(x), network.predict(x[:1])
    network.input_gradient(x, np.zeros(30, int), quadratic)
    network.layers, weights = network.layers[:1], layers[0].matrix.toarray()
    for n in (1, 30):
        assert np.allclose(network.predict(x[:n]), x[:n] @ weights.T, atol=1e-5)
        gradient = network.input_gradient(
            x[:n], None, lambda outputs, _: (0.0, np.ones_like(outputs))
        )
        assert np.allclose(gradient, weights.sum(axis=0), atol=1e-5)
    network.layers = (*network.layers, network.layers[0])
    for n in (1, 30):
        with pytest.raises(ValueError, match=r"takes inputs of shape \(9,\).*gives \(7,\)"):
            network.predict(x[:n])


def test_filters_of_a_network_that_were_replaced_take_no_product_outside(rng):
    conv, a = Conv2D(1, 2, 3, rng=rng), random_csr(7, 50, 0.5, np.float32, rng)
    layers = [Convolution(conv, (5, 5, 1)), Linear(a, np.zeros(7))]
    network = SparseNetwork(layers, max_density=None, max_conv_density=None)
    x = rng.random((40, 5, 5, 1), dtype=np.float32)
    network.predict(x)
    filters = network.layers[0].conv
    filters.w.value, filters.b.value = np.ones((3, 3, 1, 1), "f"), np.ones(1, "f")
    with pytest.raises(ValueError, match=r"out of the convolutions has shape \(40, 5, 5, 1\)"):
        network.predict(x)


@pytest.mark.parametrize("n", [1, 3, 40])
def test_nan_meets_the_zeros_of_a_dense_layer_for_any_number_of_images(n, rng):
    """0 * nan is nan, also where a small dense layer counts as one of the sparse ones."""
    sparse = Linear(random_csr(50, 40, 0.5, np.float32, rng), np.zeros(50))
    last = np.zeros((3, 50), np.float32)
    last[0] = 1
    network = SparseNetwork([sparse, Linear(last, np.zeros(3))], max_density=None)
    x = np.full((n, 40), np.nan, np.float32)
    assert np.isnan(network.predict(x)).all()


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("n_out", [LANES, LANES + 5, LANES * (TILE + 1) - 1, 1000])
def test_one_image_through_a_large_dense_layer(n_out, relu, rng):
    n_in = LARGE // n_out + 1
    w, b = rng.normal(size=(n_out, n_in)).astype(np.float32), rng.random(n_out, dtype=np.float32)
    network = SparseNetwork([Linear(w, b, relu)])
    assert Plan(network.layers).skipping == [True]
    for kept in (0, 0.5, 1):
        x = (rng.normal(size=(1, n_in)) * (rng.random(n_in) < kept)).astype(np.float32)
        expected = x.astype(float) @ w.T.astype(float) + b
        expected = np.maximum(expected, 0) if relu else expected
        assert np.allclose(network.predict(x), expected, rtol=0, atol=1e-3)


def test_weights_that_meet_a_zero_are_not_read(rng):
    x = np.ones((1, LARGE), np.float32)
    x[0, 7] = 0
    network = SparseNetwork([Linear(np.ones((LANES, LARGE), np.float32), np.zeros(LANES))])
    assert (network.predict(x) == LARGE - 1).all()
    network.layers[0].matrix[:, 7] = np.nan  # behind the network's back
    assert (network.predict(x) == LARGE - 1).all()


def test_filters_replaced_in_front_of_a_large_dense_layer_are_noticed(rng):
    dense = Linear(rng.normal(size=(1000, 400)), np.zeros(1000))
    conv = Conv2D(1, 4, 3, stride=2, rng=rng)
    network = SparseNetwork([Convolution(conv, (20, 20, 1)), dense], max_conv_density=0)
    assert Plan(network.layers).skipping == [False, True]
    x = rng.random((1, 20, 20, 1), dtype=np.float32)
    network.predict(x)
    for n in (1, 8):
        filters = network.layers[0].conv
        filters.w.value, filters.b.value = np.ones((3, 3, 1, n), "f"), np.ones(n, "f")
        with pytest.raises(ValueError, match="400"):
            network.predict(x)


@pytest.mark.parametrize("n", [1, 8, 40])
@pytest.mark.parametrize("filters", [1, 3, 8])
def test_filters_replaced_in_front_of_a_sparse_layer_are_noticed(n, filters, rng):
    conv, sparse = Conv2D(1, 4, 3, stride=2, rng=rng), random_csr(10, 400, 0.1, np.float32, rng)
    layers = [Convolution(conv, (20, 20, 1)), Linear(sparse, np.zeros(10))]
    network = SparseNetwork(layers, max_conv_density=0)
    x = rng.random((n, 20, 20, 1), dtype=np.float32)
    network.predict(x)
    conv = network.layers[0].conv
    conv.w.value, conv.b.value = np.ones((3, 3, 1, filters), "f"), np.ones(filters, "f")
    with pytest.raises(ValueError, match="400"):
        network.predict(x)


def test_a_zero_meets_weights_that_are_not_finite(rng):
    w = rng.normal(size=(LANES, LARGE)).astype(np.float32)
    w[3, 7] = np.nan
    x = np.zeros((1, LARGE), np.float32)
    assert np.flatnonzero(np.isnan(SparseNetwork([Linear(w, np.zeros(LANES))]).predict(x))) == [3]


@pytest.mark.parametrize("max_conv_density", [0, 1])
def test_images_in_another_order_are_refused(max_conv_density, cnn, rng, tmp_path):
    network = SparseNetwork(cnn, list(SHAPE), max_conv_density=max_conv_density)
    network.save(tmp_path / "network.npz")
    for one in (network, SparseNetwork.load(tmp_path / "network.npz")):
        with pytest.raises(ValueError, match=r"x has shape \(5, 15, 14, 1\)"):
            one.predict(np.zeros((5, 15, 14, 1), np.float32))
    with pytest.raises(ValueError, match=r"input_shape is .*\(H, W, 1\)"):
        SparseNetwork(cnn, (14, 15, 3), max_conv_density=max_conv_density)


def test_a_strided_matrix_is_multiplied(rng):
    a = random_csr(9, 7, 0.4, np.float32, rng)
    a.data = np.repeat(a.data, 2)[::2]
    x = rng.normal(size=(7, 5)).astype(np.float32)
    assert np.allclose(csr_matmul(a, x), a @ x, rtol=0, atol=1e-6)


# Pruning weights that are no longer shared


SCORES = (
    prune.magnitude,
    prune.mean_activation,
    prune.signed_mean_activation,
    prune.mean_absolute_activation,
    prune.wanda,
)


@pytest.mark.parametrize("score", SCORES)
def test_scores_of_stored_weights_are_those_of_the_matrix(score, cnn, rng):
    """Written out as a dense matrix (n_in, n_out), every weight has the score that nnlite.prune
    gives it."""
    layers, images = unroll(cnn, SHAPE), rng.random((30, *SHAPE), dtype=np.float32)
    statistics = sparse_prune.input_statistics(layers, images, batch_size=7)
    found = sparse_prune.scores(layers, score, statistics)
    x = images.reshape(30, -1)
    for i, layer in enumerate(layers):
        assert np.allclose(statistics[i].mean, x.mean(axis=0), atol=1e-5)
        assert np.allclose(statistics[i].mean_square, np.mean(x**2, axis=0), rtol=1e-4, atol=1e-5)
        a = layer.matrix
        rows = np.repeat(np.arange(a.shape[0]), np.diff(a.indptr))
        dense = score(a.toarray().T, statistics[i])
        assert np.array_equal(found[i], dense[a.indices, rows])
        x = x @ a.toarray().T + layer.bias
        x = np.maximum(x, 0) if layer.relu else x


def test_pruned_layers_lose_the_smallest(cnn, rng):
    layers = unroll(cnn, SHAPE)
    before = [layer.matrix.nnz for layer in layers]
    found = sparse_prune.scores(layers, prune.magnitude)
    masks = prune.keep_masks({i: found[i] for i in (0, 1)}, 0.7)
    pruned = sparse_prune.apply(layers, masks)
    counts = [layer.matrix.nnz for layer in pruned]
    left = [count - round(0.7 * count) for count in before[:2]]
    assert counts == [*left, *before[2:]]
    assert np.abs(pruned[0].matrix.data).min() >= np.quantile(np.abs(layers[0].matrix.data), 0.69)
    assert [layer.matrix.nnz for layer in layers] == before  # they are not written into
    assert pruned[2] is layers[2]


def test_a_mask_removes_what_it_says_and_no_more():
    a = scipy.sparse.csr_array(np.float32([[1, 0, 2], [0, 0, 3]]))
    a.data[1] = 0  # stored, though it is zero
    (same,) = sparse_prune.apply([Linear(a, np.zeros(2))], {0: np.array([True, True, True])})
    assert same.matrix.nnz == 3
    (less,) = sparse_prune.apply([same], {0: np.array([False, True, True])})
    assert np.array_equal(less.matrix.toarray(), [[0, 0, 0], [0, 0, 3]])
    assert less.matrix.nnz == 2 and np.array_equal(less.matrix.indices, [2, 2])


def test_only_csr_matrices_are_pruned():
    layers = [Linear(np.ones((2, 3)), np.zeros(2))]
    for function in (sparse_prune.scores, sparse_prune.apply, sparse_prune.input_statistics):
        with pytest.raises(ValueError, match=r"layer 0 has no CSR matrix.*unroll"):
            function(layers, {})


def test_scores_that_are_not_one_for_each_weight_are_refused(cnn):
    layers = unroll(cnn, SHAPE)
    with pytest.raises(ValueError, match=r"pass random\(rng\)"):
        sparse_prune.scores(layers, prune.random)
    for score in (lambda w, s: abs(w).ravel(), lambda w, s: 1.0, lambda w, s: w[:1]):
        with pytest.raises(ValueError, match=r"the score of 0 has shape .* for each weight"):
            sparse_prune.scores(layers, score)


def test_statistics_of_no_images_are_refused(cnn):
    with pytest.raises(ValueError, match="no images"):
        sparse_prune.input_statistics(unroll(cnn, SHAPE), np.zeros((0, *SHAPE), np.float32))
