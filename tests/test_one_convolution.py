"""experiments/one_convolution.py on a small scale."""

from dataclasses import replace

import longer
import one_convolution
import pytest
from lab import attackers, nets
from one_convolution import Alone, Attacked
from small import NETS, NOISE

CONFIG = replace(
    one_convolution.PRESETS["quick"],
    network=NETS["cnn-lq"],
    noise=NOISE,
    vectors=((3, 0.25),),
    sparsities=(0.0, 0.5),
    attack=attackers.Config(noise_steps=2),
)


def accuracy_of_the_whole(data, runs):
    return nets.trained("cnn-lq", CONFIG.network, data, 0, runs).test_accuracy


def test_one_convolution_is_pruned(few_digits, runs):
    row = Alone(0, 1, "magnitude").compute(CONFIG, few_digits, runs)
    (clean, noisy), (pruned, _) = row["accuracy"]
    assert clean == accuracy_of_the_whole(few_digits, runs)
    assert noisy < clean and pruned != clean


@pytest.mark.parametrize("form", one_convolution.FORMS)
def test_the_first_convolution_is_attacked_as_it_is(form, few_digits, runs):
    whole, pruned = (
        Attacked(0, form, sparsity).compute(CONFIG, few_digits, runs) for sparsity in (0.0, 0.8)
    )
    assert whole["clean"] == accuracy_of_the_whole(few_digits, runs)
    assert pruned["pixels"] < whole["pixels"] == 784 and pruned["clean"] != whole["clean"]
    alone = Alone(0, 1, "mean_activation").compute(CONFIG, few_digits, runs)
    assert [whole["clean"], *whole["replayed"]] == alone["accuracy"][0]


def test_noise_made_anew_is_no_weaker_on_validation_images(few_digits, runs):
    swapped = replace(few_digits, test=few_digits.validation)
    row = Attacked(0, "pruned", 0.5).compute(CONFIG, swapped, runs)
    assert row["anew"][0] <= row["replayed"][0] < row["clean"]


def test_the_network_is_the_longest_of_longer():
    assert one_convolution.PRESETS["standard"].network == longer.PRESETS["standard"].cnns[-1]
