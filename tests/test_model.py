"""Sequential: predict, astype, repr, errors."""

import copy
import pickle

import numpy as np
import pytest

from nnlite import (
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Parameter,
    ReLU,
    Sequential,
    prune,
    quadratic,
)


def test_forward_applies_the_layers_in_order(rng):
    model = Sequential([Dense(2, 3, rng=rng), ReLU(), Dense(3, 2, rng=rng)]).astype(np.float64)
    x, (w1, b1, w2, b2) = rng.normal(size=(4, 2)), (p.value for p in model.params)
    assert np.allclose(model.forward(x), np.maximum(x @ w1 + b1, 0) @ w2 + b2, rtol=1e-14)


def test_parameters_are_named_by_position(network):
    assert list(network.named_params) == ["0.w", "0.b", "3.w", "3.b", "6.w", "6.b"]
    assert list(network.named_params.values()) == network.params


def test_dropout_is_off_unless_asked_for(network, images):
    assert np.array_equal(network.forward(images), network.forward(images))
    assert not np.array_equal(network.forward(images, train=True), network.forward(images))


@pytest.mark.parametrize("batch_size", [1, 3, 8, 100])
def test_predict_does_not_depend_on_the_batch_size(batch_size, network, images):
    model = network.astype(np.float64)
    assert np.allclose(model.predict(images, batch_size), model.forward(images), rtol=1e-13)


def test_predict_of_no_images(network):
    y = network.predict(np.ones((0, 5, 4, 2), np.float32))
    assert y.shape == (0, 3) and y.dtype == np.float32


def test_outputs_and_gradients_are_not_overwritten_later(network, images, labels):
    images.setflags(write=False)
    labels.setflags(write=False)

    def run(x):
        _, doutputs = quadratic(outputs := network.forward(x), labels)
        dx = network.backward(doutputs)
        arrays = [outputs, doutputs, dx, *(p.grad for p in network.params)]
        return [*arrays, network.predict(x), network.input_gradient(x, labels, quadratic)]

    first = run(images)
    copies = [a.copy() for a in first]
    run(images[::-1] / 2)
    assert all(np.array_equal(a, b) for a, b in zip(first, copies))


def test_astype_makes_an_independent_copy(network, images):
    before = network.predict(images)
    model = network.astype(np.float64)
    assert {p.value.dtype for p in model.params} == {np.dtype(np.float64)}
    assert np.allclose(model.predict(images), before, atol=1e-5)
    for p in model.params:
        p.value[:] = 0
    assert np.array_equal(network.predict(images), before)


def test_astype_and_back_is_exact(network):
    model = network.astype(np.float64).astype(np.float32)
    for p, q in zip(network.params, model.params):
        assert q.value.dtype == np.float32 and np.array_equal(p.value, q.value)


def test_astype_keeps_masks_and_forgets_gradients(network, images, rng):
    prune.apply(network, prune.keep_masks(prune.scores(network, prune.magnitude), 0.5))
    network.forward(images)
    network.backward(rng.normal(size=(8, 3)))
    model = network.astype(np.float64)
    assert all(p.grad is None for p in model.params)
    for p, q in zip(network.params, model.params):
        assert (p.mask is None and q.mask is None) or np.array_equal(p.mask, q.mask)


def test_astype_forgets_the_forward_pass(network, images):
    """Its float32 cache would make float32 gradients of float64 parameters."""
    network.forward(images)
    with pytest.raises(ValueError, match="backward before forward"):
        network.astype(np.float64).backward(np.ones((8, 3)))


@pytest.mark.parametrize("dtype", [int, np.float16, complex])
def test_astype_refuses_other_dtypes(dtype, network):
    with pytest.raises(ValueError, match=f"dtype is {np.dtype(dtype)}"):
        network.astype(dtype)


@pytest.mark.parametrize("copied", [lambda a: pickle.loads(pickle.dumps(a)), copy.deepcopy])
def test_a_copy_goes_on_bit_for_bit(copied, network, images, labels):
    """With its optimiser, whose parameters stay those of the model, and its generators."""
    prune.apply(network, prune.keep_masks(prune.scores(network, prune.magnitude), 0.5))
    runs = [(network, Adam(network.params, l2=1e-3))]
    for _ in range(2):
        for model, adam in runs:
            for _ in range(3):
                _, doutputs = quadratic(model.forward(images, train=True), labels)
                model.backward(doutputs, input_gradient=False)
                adam.step()
        runs += [copied(runs[0])] * (len(runs) == 1)
    (model, _), (other, adam) = runs
    assert all(p is q for p, q in zip(other.params, adam.params))
    for p, q in zip(model.params, other.params):
        assert np.array_equal(p.value, q.value) and p.value is not q.value
        assert (p.mask is None and q.mask is None) or np.array_equal(p.mask, q.mask)


def test_a_pickle_holds_neither_caches_nor_gradients(network, images, labels):
    before = len(pickle.dumps(network))
    network.predict(np.tile(images, (20, 1, 1, 1)))
    assert len(pickle.dumps(network)) == before
    _, doutputs = quadratic(network.forward(images), labels)
    network.backward(doutputs)
    other = pickle.loads(pickle.dumps(network))
    assert len(pickle.dumps(network)) == before
    assert network.params[0].grad is not None and other.params[0].grad is None
    network.backward(doutputs)  # the model itself still has what it needs
    with pytest.raises(ValueError, match="backward before forward"):
        other.backward(doutputs)


def test_repr_shows_layers_shapes_and_sparsity(rng):
    model = Sequential(
        [
            Conv2D(1, 2, 3, rng=rng),
            Conv2D(2, 2, (3, 1), (1, 2), 0, rng=rng),
            ReLU(),
            Flatten(),
            Dropout(0.25, rng=rng),
            Dense(40, 25, rng=rng),
        ]
    )
    prune.apply(model, prune.keep_masks(prune.scores(model, prune.magnitude), 0.9))
    assert repr(model).splitlines() == [
        "Sequential: 1,059 parameters, sparsity 0.874",
        "  0  Conv2D(1, 2, 3, 1, 'same')         w (3, 3, 1, 2)  b (2,)"
        "  20 parameters, sparsity 0.000",
        "  1  Conv2D(2, 2, (3, 1), (1, 2), 0)    w (3, 1, 2, 2)  b (2,)"
        "  14 parameters, sparsity 0.000",
        "  2  ReLU()",
        "  3  Flatten()",
        "  4  Dropout(0.25)",
        "  5  Dense(40, 25)                      w (40, 25)  b (25,)"
        "  1,025 parameters, sparsity 0.900",
    ]


def test_repr_of_a_parameter(rng):
    p = Dense(4, 2, rng=rng).w
    p.value[:2] = 0
    assert repr(p) == "Parameter(4, 2), float32, sparsity 0.500"


# Errors


def test_no_layers_are_refused():
    with pytest.raises(ValueError, match=r"at least one layer .* got \[\]"):
        Sequential([])


def test_the_same_layer_twice_is_refused(rng):
    layer = Dense(3, 3, rng=rng)
    with pytest.raises(ValueError, match=r"each layer object once, got \[Dense\(3, 3\), ReLU"):
        Sequential([layer, ReLU(), layer])


@pytest.mark.parametrize("inner", [[ReLU()], [Dense(3, 3, rng=np.random.default_rng(0))]])
def test_a_nested_sequential_is_refused_with_the_remedy(inner):
    with pytest.raises(ValueError, match=r"unpack it: \*model\.layers"):
        Sequential([Sequential(inner), ReLU()])


def test_what_is_no_layer_is_refused():
    with pytest.raises(ValueError, match=r"<built-in function max> is not a layer.* no forward"):
        Sequential([max])


def test_a_class_instead_of_a_layer_is_refused():
    """ReLU without its brackets."""
    with pytest.raises(ValueError, match="ReLU'> is not a layer"):
        Sequential([ReLU])


class Scaled(Dense):
    """Its scale is in `params` but in no attribute of its own."""

    def __init__(self, *sizes, rng):
        super().__init__(*sizes, rng=rng)
        self.scales = [Parameter(np.ones(1))]

    @property
    def params(self):
        return [self.w, self.b, *self.scales]


def test_a_parameter_that_the_gradient_check_would_miss_is_refused(rng):
    with pytest.raises(ValueError, match=r"Dense\(3, 2\) must keep each of its params in an attr"):
        Sequential([Scaled(3, 2, rng=rng)])


def test_backward_before_forward_is_refused(network):
    with pytest.raises(ValueError, match="backward before forward"):
        network.backward(np.ones((8, 3)))


@pytest.mark.parametrize("input_gradient", [True, False])
@pytest.mark.parametrize("shape", [(8, 4), (7, 3), (3,), ()])
def test_an_upstream_gradient_of_the_wrong_shape_is_refused(shape, input_gradient, network, images):
    network.forward(images)
    with pytest.raises(ValueError, match=r"dy has shape \(.*\); .* have shape \(8, 3\)"):
        network.backward(np.ones(shape), input_gradient)


def test_images_of_the_wrong_shape_are_refused(network):
    with pytest.raises(ValueError, match=r"Conv2D\(2, 3, .*\(N, H, W, 2\), got \(8, 5, 4, 1\)"):
        network.forward(np.ones((8, 5, 4, 1)))


@pytest.mark.parametrize("batch_size", [0, -1, 2.5])
def test_predict_names_a_bad_batch_size(batch_size, network, images):
    with pytest.raises(ValueError, match=f"batch_size is {batch_size}"):
        network.predict(images, batch_size)
