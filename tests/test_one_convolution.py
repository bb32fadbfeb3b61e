"""experiments/one_convolution.py on a small scale, with a network of two convolutions."""

from dataclasses import replace

import longer
import numpy as np
import one_convolution
import pytest
from lab import attackers, nets
from lab.controls import behind
from numpy.testing import assert_allclose
from one_convolution import Alone, Attacked
from small import NETS, NOISE

import nnlite

CONFIG = replace(
    one_convolution.PRESETS["quick"],
    network=replace(NETS["cnn-lq"], convolutions=((3, 4), (3, 3))),
    noise=NOISE,
    vectors=((3, 0.25),),
    sparsities=(0.0, 0.5),
    attack=attackers.Config(noise_steps=2),
)


def trained(data, runs):
    return nets.trained("cnn-lq", CONFIG.network, data, 0, runs)


@pytest.mark.parametrize("number", [0, 1])
def test_one_convolution_is_pruned_and_the_rest_is_left(number, few_digits, runs):
    *_, whole, layers, scores = one_convolution.written_out(CONFIG, 0, few_digits, runs)
    mask = nnlite.prune.keep_mask(scores["magnitude"][number], 0.75)
    model = one_convolution.without(whole, layers, number, mask)
    assert model.layers[number].matrix.nnz == mask.sum() < layers[number].matrix.nnz
    assert [hasattr(layer, "matrix") for layer in model.layers[:2]] == [number == 0, number == 1]
    everything = one_convolution.without(whole, layers, number, np.ones_like(mask))
    images = few_digits.test.images
    assert_allclose(everything.predict(images), whole.predict(images), atol=1e-5)


@pytest.mark.parametrize("layer", [1, 2])
def test_a_row_is_about_its_layer(layer, few_digits, runs):
    row = Alone(0, layer, "magnitude").compute(CONFIG, few_digits, runs)
    (clean, noisy), (pruned, _) = row["accuracy"]
    assert noisy < clean == trained(few_digits, runs).test_accuracy
    *_, whole, layers, scores = one_convolution.written_out(CONFIG, 0, few_digits, runs)
    mask = nnlite.prune.keep_mask(scores["magnitude"][layer - 1], 0.5)
    model = one_convolution.without(whole, layers, layer - 1, mask)
    assert pruned == nnlite.accuracy(model, *few_digits.test)


def test_the_control_is_the_whole_network_without_the_pixels(few_digits, runs):
    pruned, control = (
        Attacked(0, form, 0.8).compute(CONFIG, few_digits, runs) for form in one_convolution.FORMS
    )
    assert pruned["pixels"] == control["pixels"] < 784 and pruned["clean"] != control["clean"]
    *_, whole, layers, scores = one_convolution.written_out(CONFIG, 0, few_digits, runs)
    mask = nnlite.prune.keep_mask(scores["mean_activation"][0], 0.8)
    read = one_convolution.without(whole, layers, 0, mask).layers[0].matrix.indices
    model = behind(np.isin(np.arange(784), read), trained(few_digits, runs).model, (28, 28, 1))
    assert control["clean"] == nnlite.accuracy(model, *few_digits.test)


@pytest.mark.parametrize("form", one_convolution.FORMS)
def test_both_forms_begin_at_the_whole_network(form, few_digits, runs):
    whole = Attacked(0, form, 0.0).compute(CONFIG, few_digits, runs)
    assert whole["pixels"] == 784
    alone = Alone(0, 1, "mean_activation").compute(CONFIG, few_digits, runs)
    assert [whole["clean"], *whole["replayed"]] == alone["accuracy"][0]


def test_noise_made_anew_is_no_weaker_on_validation_images(few_digits, runs):
    swapped = replace(few_digits, test=few_digits.validation)
    row = Attacked(0, "pruned", 0.5).compute(CONFIG, swapped, runs)
    assert row["anew"][0] <= row["replayed"][0] < row["clean"]


def test_the_network_is_the_longest_of_longer():
    assert one_convolution.PRESETS["standard"].network == longer.PRESETS["standard"].cnns[-1]
