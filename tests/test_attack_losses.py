"""Losses for attackers: known values, gradients against differences, what is refused."""

import numpy as np
import pytest

from nnlite import check_loss, softmax_cross_entropy
from nnlite.attack_losses import (
    cross_entropy_at,
    lead_of_label,
    lead_of_others,
    margin_loss,
    ratio_loss,
)

OUTPUTS = np.array([[4.0, 1, 2, -1], [0, 3, 1, 5]])


def test_leads_of_known_outputs():
    assert np.array_equal(lead_of_others(OUTPUTS, np.array([0, 1])), [-2, 2])
    assert np.array_equal(lead_of_label(OUTPUTS, np.array([0, 1])), [2, -2])


def test_margin_loss_of_known_outputs():
    loss, doutputs = margin_loss(OUTPUTS, np.array([0, 1]))
    assert loss == 0
    assert np.array_equal(doutputs, [[-0.5, 0, 0.5, 0], [0, -0.5, 0, 0.5]])


def test_ratio_loss_of_known_outputs():
    """-2 / (4 - 1) and 2 / (5 - 1)."""
    assert np.isclose(ratio_loss(OUTPUTS, np.array([0, 1]))[0], (-2 / 3 + 1 / 2) / 2, rtol=1e-14)


@pytest.mark.parametrize("loss", [margin_loss, ratio_loss, cross_entropy_at(0.1)])
def test_gradients_are_those_of_the_values(loss, rng):
    assert check_loss(loss, rng.normal(size=(20, 5)), rng.integers(5, size=20)) < 1e-8


def test_the_ratio_does_not_see_scale_and_shift(rng):
    labels = np.array([0, 1])
    assert np.isclose(ratio_loss(7 * OUTPUTS + 3, labels)[0], ratio_loss(OUTPUTS, labels)[0])


def test_the_ratio_of_equal_outputs_is_0_with_gradient_0():
    loss, doutputs = ratio_loss(np.zeros((3, 4), np.float32), np.array([0, 1, 2]))
    assert loss == 0 and not doutputs.any() and doutputs.dtype == np.float32


def test_a_temperature_divides_the_outputs():
    labels = np.array([0, 1])
    loss, doutputs = cross_entropy_at(0.5)(OUTPUTS, labels)
    expected, gradient = softmax_cross_entropy(2 * OUTPUTS, labels)
    assert loss == expected and np.array_equal(doutputs, 2 * gradient)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"n_out >= 3"):
        ratio_loss(np.ones((4, 2)), np.zeros(4, int))
    with pytest.raises(ValueError, match=r"2 rows of outputs and 3 labels"):
        margin_loss(OUTPUTS, np.zeros(3, int))
    with pytest.raises(ValueError, match=r"temperature is 0"):
        cross_entropy_at(0)
