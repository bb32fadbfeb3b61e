"""experiments/is_it_the_border.py on a small scale: each control takes away what its name says."""

from dataclasses import replace

import is_it_the_border
import numpy as np
import pytest
from is_it_the_border import Attacked
from lab import attackers, controls
from lab.controls import CONTROLS
from small import NETS, NOISE

import nnlite

CONFIG = replace(
    is_it_the_border.QUICK,
    network=NETS["ann-lq"],
    noise=NOISE,
    attack=attackers.Config(noise_steps=3, images=50, steps=3),
)


@pytest.fixture(scope="module")
def prepared(few_digits, runs):
    return is_it_the_border.prepared(CONFIG, 0, few_digits, runs)


def taken(name, prepared):
    """(masks, inputs that still reach the first layer (784,))"""
    _, _, parts = prepared
    masks, inputs = CONTROLS[name](parts, CONFIG)
    if inputs is None:
        inputs = masks[parts.first].any(axis=1) if parts.first in masks else np.ones(784, bool)
    return masks, inputs


def test_the_input_mask_takes_what_pruning_disconnects(prepared):
    masks, reached = taken("layer 1 by mean activation", prepared)
    assert 300 < reached.sum() < 700
    none, inputs = taken("unpruned, inputs that layer 1 loses at 0", prepared)
    assert none == {} and np.array_equal(inputs, reached)
    others, _ = taken("layer 1, but no input cut off", prepared)
    kept, other = masks["1.w"], others["1.w"]
    assert np.array_equal(kept[reached], other[reached]) and other[~reached].all()


def test_controls_of_layer_1_remove_as_many_weights(prepared):
    masks, _ = taken("layer 1 by mean activation", prepared)
    for name in ("layer 1, darkest inputs", "layer 1, random inputs", "layer 1, random weights"):
        control, inputs = taken(name, prepared)
        assert control.keys() == {"1.w"}
        assert abs(control["1.w"].mean() - masks["1.w"].mean()) < 1e-3
        if "inputs" in name:
            assert abs(inputs.mean() - 0.2) < 1e-2
    means = prepared[2].statistics["1.w"].mean
    _, brightest = taken("layer 1, darkest inputs", prepared)
    assert means[brightest].min() >= means[~brightest].max()


def test_the_frame_is_four_pixels_wide(prepared):
    _, inputs = taken("unpruned, frame at 0", prepared)
    assert inputs.sum() == 400 and inputs.reshape(28, 28)[4:24, 4:24].all()


def test_the_mask_in_front_hides_inputs_from_network_and_attacker(prepared, few_digits):
    network, _, _ = prepared
    _, inputs = taken("unpruned, frame at 0", prepared)
    model = controls.behind(inputs, network.model, (28, 28, 1))
    x, labels = few_digits.test.images[:4], few_digits.test.labels[:4]
    outside = ~inputs.reshape(28, 28, 1)
    assert np.array_equal(model.predict(x), model.predict(np.where(outside, 1, x)))
    gradient = model.input_gradient(x, labels, nnlite.quadratic)
    assert not gradient[:, outside].any() and gradient.any()


def test_a_row_puts_the_network_back(few_digits, runs, prepared):
    before = [p.value.copy() for p in prepared[0].model.params]
    row = Attacked("all layers, biases compensated", 0).compute(CONFIG, few_digits, runs)
    assert 0 <= max(row["anew"]) <= 1 and len(row["replayed"]) == len(CONFIG.vectors)
    assert row["single"][0] <= row["clean"]
    for p, value in zip(prepared[0].model.params, before):
        assert np.array_equal(p.value, value) and p.mask is None


def test_noise_made_anew_is_at_least_as_strong_on_validation_images(prepared, few_digits):
    network, bank, _ = prepared
    target, limit = CONFIG.vectors[0]
    start = bank[target, limit]
    found = attackers.stronger_noise(network.model, few_digits, target, limit, start, CONFIG.attack)
    under = [
        attackers.accuracy_under(network.model, few_digits.validation, v) for v in (found, start)
    ]
    assert under[0] <= under[1] and np.abs(found).max() <= limit + 1e-6
