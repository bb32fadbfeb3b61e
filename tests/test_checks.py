"""What people get wrong, and what they are told: tests/torture/bad_arguments.py tries much more."""

import numpy as np
import pytest
import scipy.sparse

import nnlite.sparse.prune as sparse_prune
from nnlite import (
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Parameter,
    ReLU,
    Sequential,
    accuracy,
    check_gradients,
    minibatches,
    prune,
    quadratic,
)
from nnlite.checks import as_array, as_float, check_count, check_dtype, check_number
from nnlite.data import Split
from nnlite.sparse import Linear, SparseNetwork, csr_matmul, decouple, unroll

# Values


@pytest.mark.parametrize("value", [10**400, -(10**400), float("nan"), "3", None, True, [1.0]])
def test_what_is_no_number_in_the_interval_is_named(value):
    with pytest.raises(ValueError, match=r"lr is .*; it must be a number in \[0, inf\)"):
        check_number("lr", value)


@pytest.mark.parametrize("value", [10**400, 2**63, -1, 0, 1.0, "3", None, True])
def test_what_is_no_count_is_named(value):
    with pytest.raises(ValueError, match=r"n is .*; it must be a whole number, at least 1"):
        check_count("n", value)


@pytest.mark.parametrize("x", [None, "text", 3.0, [[1], [2, 3]], [None], {"a": 1}, 1j, [1j]])
def test_what_is_no_array_of_numbers_is_named(x):
    with pytest.raises(ValueError, match=r"images is .*array"):
        as_array(x, "images")


@pytest.mark.parametrize("dtype", [np.float16, ">f4", np.longdouble])
def test_floats_of_other_sizes_and_orders_are_refused_unless_they_are_converted(dtype):
    x = np.ones(3, dtype)
    with pytest.raises(ValueError, match=r"x has dtype .*x\.astype\(np\.float32\)"):
        as_float(x)
    assert as_float(x, np.float32).dtype == np.float32


@pytest.mark.parametrize("dtype", [None, "text", int, np.float16, [1], Sequential])
def test_what_is_no_dtype_is_named(dtype):
    with pytest.raises(ValueError, match=r"dtype is .*; np.float32 or np.float64 is needed"):
        check_dtype(dtype)
    assert check_dtype("float32") == check_dtype(np.float32) == np.float32


def test_masked_arrays_are_refused_where_an_array_is_taken(network, images, labels, rng):
    masked = np.ma.masked_array(images, images > 0.5)
    adam, outputs = Adam(network.params), network.forward(images)
    for call in (
        lambda: network.predict(masked),
        lambda: next(minibatches(masked, labels, 4, rng)),
        lambda: accuracy(network, images, np.ma.masked_array(labels)),
        lambda: quadratic(np.ma.masked_array(outputs), labels),
        lambda: network.backward(np.ma.masked_array(outputs)),
        lambda: prune.keep_mask(masked, 0.5),
        lambda: Parameter(masked),
        lambda: csr_matmul(scipy.sparse.csr_array(np.eye(8)), masked[..., 0, 0, 0]),
        lambda: adam.load_state({**adam.state(), "m": [np.ma.masked_array(m) for m in adam.m]}),
    ):
        with pytest.raises(ValueError, match=r"is a masked array; .*without a mask"):
            call()


# Layers


def test_backward_of_a_layer_before_its_forward_is_told(rng):
    layers = (Dense(5, 4, rng=rng), Conv2D(2, 3, 3, rng=rng), ReLU(), Flatten())
    for layer in (*layers, Dropout(0.5, rng=rng)):
        for method in ("backward", "backward_params", "backward_input"):
            if hasattr(layer, method):
                with pytest.raises(ValueError, match=r"backward before forward; call forward\(x\)"):
                    getattr(layer, method)(np.ones((3, 4)))


@pytest.mark.parametrize("shape", [(3, 5), (3, 1), (1, 4), (4, 4), (4,), (3, 4, 1)])
def test_a_gradient_that_numpy_would_broadcast_is_refused(shape, rng):
    dense = Dense(2, 4, rng=rng)
    dense.forward(np.ones((3, 2)))
    relu, dropout, flatten = ReLU(), Dropout(0.5, rng=rng), Flatten()
    for layer in (relu, dropout, flatten):
        layer.forward(np.ones((3, 4)), train=True)
    backwards = [layer.backward for layer in (dense, relu, dropout, flatten)]
    for backward in (*backwards, dense.backward_params, dense.backward_input):
        with pytest.raises(ValueError, match=r"dy has shape \(.*\), the outputs of .* \(3, 4\)"):
            backward(np.ones(shape))


def test_dropout_that_drops_nothing_has_its_shape_too(rng):
    dropout = Dropout(0.5, rng=rng)
    dropout.forward(np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"dy has shape \(3, 5\)"):
        dropout.backward(np.ones((3, 5)))


@pytest.mark.parametrize("part, shape", [("w", (3, 3, 1, 4)), ("b", (1,)), ("b", ())])
def test_filters_of_another_shape_are_an_error(part, shape, rng):
    layer = Conv2D(3, 4, 3, rng=rng)
    getattr(layer, part).value = np.ones(shape, np.float32)
    with pytest.raises(ValueError, match=r"x \(20, 5, 5, 3\), filters w .* and b .* do not fit"):
        layer.forward(np.ones((20, 5, 5, 3), np.float32))


def test_a_mask_of_another_shape_is_an_error():
    p = Parameter(np.ones((4, 3), np.float32))
    p.mask = np.ones((4, 3), bool)
    p.value = p.grad = np.ones((200, 200), np.float32)
    with pytest.raises(ValueError, match=r"has a mask of shape \(4, 3\); assign a new one"):
        Adam([p]).step()


# Slips, and the remedy


def test_lists_are_taken_for_arrays(rng):
    (batch,) = minibatches([[1.0, 2.0], [3.0, 4.0]], [0, 1], 2, rng)
    assert sorted(batch[0].tolist()) == [[1, 2], [3, 4]] and sorted(batch[1]) == [0, 1]


@pytest.mark.parametrize("layers", [None, 3, Dense])
def test_a_sequential_of_no_list_is_told(layers):
    with pytest.raises(ValueError, match=r"layers is .*in a list: Sequential\(\[Dense"):
        Sequential(layers)


def test_layers_that_are_not_in_a_list_are_told(rng):
    for layers in ([ReLU()], [Dense(3, 2, rng=rng), ReLU()]):
        with pytest.raises(ValueError, match=r"in a list: Sequential\(\[Dense"):
            Sequential(*layers)


def test_an_optimiser_wants_the_parameters(network):
    for params in (network, network.layers, 3, [None]):
        with pytest.raises(ValueError, match=r"params (is|has) .*pass model\.params"):
            Adam(params)


def test_both_parts_of_a_split_are_unpacked(network, images, labels, rng):
    split = Split(images, labels)
    assert accuracy(network, *split) == accuracy(network, images, labels)
    for call in (
        lambda: accuracy(network, split),
        lambda: network.predict(split),
        lambda: next(minibatches(split, labels, 3, rng)),
    ):
        with pytest.raises(ValueError, match=r"is a Split of images and labels; unpack it"):
            call()


def test_what_is_no_network_is_told(network, images, labels):
    for model in (None, "text", [network], Sequential):
        for call in (
            lambda model=model: accuracy(model, images, labels),
            lambda model=model: prune.scores(model, prune.magnitude),
            lambda model=model: prune.input_statistics(model, images),
            lambda model=model: unroll(model, (5, 4, 2)),
        ):
            with pytest.raises(ValueError, match=r"model is .*; a network is needed"):
                call()


def test_the_gradients_of_a_list_cannot_be_checked(rng):
    with pytest.raises(ValueError, match=r"layer is \[Dense\(3, 2\)\], which has no forward"):
        check_gradients([Dense(3, 2, rng=rng)], np.ones((4, 3)), rng=rng)
    layer = Sequential([Dense(3, 2, rng=rng)]).astype(np.float64)
    assert max(check_gradients(layer, [[1.0, 2.0, 3.0]], rng=rng).values()) < 1e-6


def test_masks_need_scores(network):
    with pytest.raises(ValueError, match=r"scores is .*first scores: keep_masks\(scores\(model"):
        prune.keep_masks(network, 0.5)
    with pytest.raises(ValueError, match=r"masks is 0.5; pass what keep_masks returns"):
        prune.apply(network, 0.5)
    with pytest.raises(
        ValueError, match=r"statistics are None; .*pass statistics=input_statistics"
    ):
        prune.scores(network, prune.mean_activation)


# Sparse


A = scipy.sparse.csr_array(np.float32([[1, 0, 2], [0, 0, 3]]))


@pytest.mark.parametrize("layers", [A, np.ones((2, 3)), Linear(A, np.zeros(2)), None, 3, [A]])
def test_a_sparse_network_wants_a_list_of_layers(layers):
    with pytest.raises(ValueError, match=r"layers.*list such as \[Linear\(matrix, bias\)\]"):
        SparseNetwork(layers)


@pytest.mark.parametrize("option", ["max_density", "max_conv_density"])
@pytest.mark.parametrize("density", [60, -0.1, float("nan"), "half", True])
def test_a_density_is_a_fraction(option, density):
    with pytest.raises(ValueError, match=rf"{option} is .*; it must be a number in \[0, 1\]"):
        SparseNetwork([Linear(A, np.zeros(2))], **{option: density})


@pytest.mark.parametrize("shape", [(4.7, 4, 1), "441", None, (4, 4, None), (4, 4, True)])
def test_an_input_shape_is_made_of_whole_numbers(shape, rng):
    with pytest.raises(ValueError, match=r"input_shape is .*whole number"):
        decouple(Conv2D(1, 2, 3, rng=rng), shape)


def test_pruning_of_unrolled_weights_wants_unrolled_layers(network, rng):
    x = rng.random((3, 5, 4, 2), dtype=np.float32)
    for layers in (network, None, [None], []):
        for call in (
            lambda layers=layers: sparse_prune.input_statistics(layers, x),
            lambda layers=layers: sparse_prune.scores(layers, prune.magnitude),
            lambda layers=layers: sparse_prune.apply(layers, {}),
        ):
            with pytest.raises(ValueError, match=r"nnlite\.sparse\.unroll\(model, input_shape\)"):
                call()


def test_statistics_and_masks_that_do_not_fit_unrolled_layers_are_told(network, rng):
    layers = unroll(network, (5, 4, 2))
    x = rng.random((3, 5, 4, 2), dtype=np.float32)
    statistics = sparse_prune.input_statistics(layers, x)
    for wrong in (statistics[:1], statistics[::-1], 3, {0: statistics[0]}, [None] * len(layers)):
        with pytest.raises(ValueError, match=r"statistics.*pass what input_statistics"):
            sparse_prune.scores(layers, prune.mean_activation, wrong)
    with pytest.raises(ValueError, match=r"masks has 7, which is not one of the 3 layers"):
        sparse_prune.apply(layers, {7: np.ones(3, bool)})
    with pytest.raises(ValueError, match=r"x has shape \(3, 5, 4, 1\); images of shape \(40,\)"):
        sparse_prune.input_statistics(layers, x[..., :1])
