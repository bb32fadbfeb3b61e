"""experiments/single_images.py on a small scale: forms, yardsticks, smallest limits."""

from dataclasses import replace

import numpy as np
import pytest
import single_images
from lab import adversarial
from lab.layers import BlackAndWhite
from single_images import Carried, Measured, Smallest
from small import NETS

import nnlite
from nnlite.attacks import pgd

SMALL = adversarial.Config(0.1, hidden=(40,), steps=60, attack_steps=2)
CONFIG = replace(
    single_images.QUICK,
    networks=(("ann-lq", NETS["ann-lq"]),),
    adversarial=(SMALL,),
    limits=(0.03, 0.1),
    images=40,
    steps=3,
    queries=5,
    halvings=3,
)


def in_form(form, data, runs, network="ann-lq"):
    return single_images.in_form(network, form, 0, CONFIG, data, runs)


def test_forms_are_what_they_say(few_digits, runs):
    whole, pruned = (in_form(form, few_digits, runs) for form in ("whole", "pruned"))
    assert all(p.mask is None for p in whole.params)
    assert np.allclose([1 - each.density for each in pruned.layers], CONFIG.ann_sparsity, atol=1e-3)
    assert isinstance(in_form("black and white", few_digits, runs).layers[0], BlackAndWhite)


def test_black_and_white_lets_gradients_through():
    layer = BlackAndWhite()
    assert np.array_equal(layer.forward(np.float32([0.2, 0.7])), [0, 1])
    assert np.array_equal(layer.backward(np.float32([3, -1])), [3, -1])


def test_rows_are_in_order(few_digits, runs):
    weak, strong = (
        Measured("ann-lq", "whole", 0, limit).compute(CONFIG, few_digits, runs)
        for limit in CONFIG.limits
    )
    assert strong["worst"] < weak["worst"] < weak["no noise"]
    q1, median, q3 = Smallest("ann-lq", "whole", 0).compute(CONFIG, few_digits, runs)["quartiles"]
    assert 0 <= q1 <= median <= q3 <= 1
    own = Carried("ann-lq", "whole", "whole", 0, 0.1).compute(CONFIG, few_digits, runs)
    other = Carried("ann-lq", "whole", "pruned", 0, 0.1).compute(CONFIG, few_digits, runs)
    assert own["accuracy"] <= other["accuracy"]


@pytest.fixture(scope="module")
def twins(few_digits, tmp_path_factory):
    runs = tmp_path_factory.mktemp("twins")
    configs = (replace(SMALL, limit=limit, steps=200) for limit in (0.0, 0.15))
    return [adversarial.trained(cfg, few_digits, 0, runs) for cfg in configs]


def test_training_on_attacked_images_helps(twins, few_digits):
    images, labels = few_digits.test

    def right(model):
        attacked = pgd(model, images, labels, 0.1, rng=np.random.default_rng(0), steps=10)
        return nnlite.accuracy(model, attacked, labels)

    clean, robust = map(right, twins)
    assert robust > clean + 0.1


def test_the_goal_of_training_is_the_highest_loss():
    outputs, labels = np.float32([[1, 2, 0], [3, 0, 0]]), np.array([1, 1])
    each = adversarial.highest_loss(outputs, labels) + 1000
    loss, _ = nnlite.softmax_cross_entropy(outputs, labels)
    assert np.isclose(each.mean(), loss, rtol=1e-3)
