"""Losses: known values, stability, the two kinds of targets, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nnlite import quadratic, softmax_cross_entropy
from nnlite.losses import one_hot

LOSSES = pytest.mark.parametrize("loss", [quadratic, softmax_cross_entropy])
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_quadratic_of_known_outputs():
    """(1 + 4 + 4 + 9) / (2 * 2): summed over the outputs, averaged over the images."""
    loss, doutputs = quadratic(np.array([[1.0, 2], [3, 4]]), np.array([[0.0, 0], [1, 1]]))
    assert loss == 4.5
    assert np.array_equal(doutputs, [[0.5, 1], [1, 1.5]])


def test_softmax_cross_entropy_of_known_outputs():
    """softmax(0, log 3) = (1/4, 3/4)."""
    outputs = np.log([[1.0, 3], [1, 3]])
    loss, doutputs = softmax_cross_entropy(outputs, np.array([1, 0]))
    assert np.isclose(loss, (np.log(4 / 3) + np.log(4)) / 2, rtol=1e-14)
    assert np.allclose(doutputs, [[1 / 8, -1 / 8], [-3 / 8, 3 / 8]], rtol=1e-14)


@pytest.mark.parametrize("value", [0, -7.5, 1000])
def test_softmax_cross_entropy_of_equal_outputs_is_log_10(value):
    loss, doutputs = softmax_cross_entropy(np.full((4, 10), float(value)), np.array([0, 3, 9, 9]))
    assert np.isclose(loss, np.log(10), rtol=1e-14)
    assert np.allclose(doutputs, (0.1 - np.eye(10)[[0, 3, 9, 9]]) / 4, rtol=1e-14)


def test_softmax_cross_entropy_of_soft_targets():
    loss, doutputs = softmax_cross_entropy(np.log([[1.0, 3]]), np.array([[0.5, 0.5]]))
    assert np.isclose(loss, np.log(4) / 2 + np.log(4 / 3) / 2, rtol=1e-14)
    assert np.allclose(doutputs, [[-1 / 4, 1 / 4]], rtol=1e-14)


@DTYPES
def test_softmax_cross_entropy_of_huge_outputs(dtype):
    outputs = np.array([[1000, -1000], [-1000, 1000], [1000, -1000]], dtype)
    loss, doutputs = softmax_cross_entropy(outputs, np.array([0, 1, 1]))
    assert np.isclose(loss, 2000 / 3, rtol=1e-6)
    assert np.allclose(doutputs, np.array([[0, 0], [0, 0], [1, -1]]) / 3, rtol=1e-6)


def test_quadratic_of_huge_outputs():
    assert quadratic(np.float32([[1000, -1000]]), np.float32([[0, 0]]))[0] == 1e6


@LOSSES
@DTYPES
def test_labels_equal_one_hot_targets(loss, dtype, rng):
    outputs = rng.normal(size=(4, 3)).astype(dtype)
    a, da = loss(outputs, np.array([2, 0, 1, 1]))
    b, db = loss(outputs, np.eye(3)[[2, 0, 1, 1]])
    assert a == b and np.array_equal(da, db)


@LOSSES
def test_losses_are_means_over_the_images(loss, rng):
    """The same images twice: the same loss, half the gradient for each copy."""
    outputs, labels = rng.normal(size=(3, 4)), np.array([1, 0, 3])
    once, d_once = loss(outputs, labels)
    twice, d_twice = loss(np.tile(outputs, (2, 1)), np.tile(labels, 2))
    assert np.isclose(once, twice, rtol=1e-14)
    assert np.allclose(d_twice, np.tile(d_once, (2, 1)) / 2, rtol=1e-14)


@given(outputs=arrays(float, (3, 4), elements=st.floats(-1000, 1000)), shift=st.floats(-1e3, 1e3))
def test_softmax_cross_entropy_does_not_see_a_shift(outputs, shift):
    labels = np.array([0, 2, 3])
    loss, doutputs = softmax_cross_entropy(outputs, labels)
    shifted, dshifted = softmax_cross_entropy(outputs + shift, labels)
    assert loss >= 0 and np.isclose(loss, shifted, rtol=1e-9, atol=1e-9)
    assert np.allclose(doutputs, dshifted, atol=1e-9)
    assert np.allclose(doutputs.sum(axis=1), 0, atol=1e-14)


@LOSSES
@DTYPES
@pytest.mark.parametrize("targets", [np.array([0, 2]), np.eye(3)[:2], np.eye(3, dtype="f")[:2]])
def test_gradient_keeps_the_dtype_and_loss_is_a_float(loss, dtype, targets):
    value, doutputs = loss(np.ones((2, 3), dtype), targets)
    assert type(value) is float and doutputs.dtype == dtype


@LOSSES
def test_losses_write_into_nothing(loss, rng):
    outputs, targets = rng.normal(size=(2, 3)), np.eye(3)[:2]
    outputs.setflags(write=False)
    targets.setflags(write=False)
    _, first = loss(outputs, targets)
    copy = first.copy()
    loss(-outputs, targets)
    assert np.array_equal(first, copy)


def test_one_hot_of_known_labels():
    assert np.array_equal(one_hot(np.array([1, 0, 2]), 3), [[0, 1, 0], [1, 0, 0], [0, 0, 1]])


@LOSSES
@pytest.mark.parametrize(
    "outputs, targets, message",
    [
        (np.ones((2, 3)), np.array([0, 3]), r"labels run from 0 to 3; with 3 classes.*0 to 2"),
        (np.ones((2, 3)), np.array([-1, 0]), r"labels run from -1 to 0"),
        (np.ones((2, 3)), np.array([0.0, 1.0]), r"labels have dtype float64"),
        (np.ones((2, 3)), np.array([True, False]), r"labels have dtype bool"),
        (np.ones((2, 3)), np.array([0, 1, 2]), r"targets have .* shape \(3,\).*labels of .*\(2,\)"),
        (np.ones((2, 3)), np.array([[0], [1]]), r"targets have .* shape \(2, 1\)"),
        (np.ones((2, 3)), np.eye(3)[:2].astype(int), r"targets have dtype int64"),
        (np.ones((2, 3)), np.ones((2, 4)), r"targets have .* shape \(2, 4\).*\(2, 3\)"),
        (np.ones((2, 3)), np.ones((1, 3)), r"targets have .* shape \(1, 3\)"),
        (np.ones(3), np.array([0, 1, 2]), r"outputs have .* shape \(3,\)"),
        (np.ones((2, 3), int), np.array([0, 1]), r"outputs have dtype int64"),
        (np.ones((0, 3)), np.array([], int), r"outputs have .* shape \(0, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(loss, outputs, targets, message):
    with pytest.raises(ValueError, match=message):
        loss(outputs, targets)


def test_softmax_cross_entropy_wants_probabilities():
    with pytest.raises(ValueError, match=r"sum to 1; row sums run from 0\.5 to 3"):
        softmax_cross_entropy(np.ones((2, 3)), np.array([[1.0, 1, 1], [0.5, 0, 0]]))
