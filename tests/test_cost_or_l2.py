"""experiments/cost_or_l2.py on a small scale: every question of the posts, for each cost and l2."""

from dataclasses import replace

import cost_or_l2
import numpy as np
import pytest
from cost_or_l2 import Compared, Notebook
from lab import attackers
from small import NETS, NOISE

import nnlite

CONFIG = replace(
    cost_or_l2.PRESETS["quick"],
    costs=tuple((name, NETS[name]) for name in ("ann-lq", "ann-sce")),
    noise=NOISE,
    attack=attackers.Config(images=40, steps=3),
    notebook_steps=5,
)


@pytest.mark.parametrize("cost", ["ann-lq", "ann-sce"])
def test_a_network_is_asked_what_the_posts_ask(cost, few_digits, runs):
    row = Compared(cost, 1e-3, 0).compute(CONFIG, few_digits, runs)
    network = cost_or_l2.prepared(CONFIG, cost, 1e-3, 0, few_digits, runs)
    assert network.after_softmax == (cost == "ann-sce")
    assert row["clean"] == nnlite.accuracy(network.model, *few_digits.test)
    assert row["own"][0] < row["signs"] <= row["clean"] and row["single"] < row["clean"]
    assert 0 <= row["kept"] <= 1 and 0 <= row["outside"] <= 1 and 0 <= row["auroc"] <= 1
    assert len(row["pruned"]) == 2 and all(0 <= accuracy <= 1 for accuracy in row["pruned"])
    assert all(p.mask is None for p in network.model.params)


def test_l2_is_that_of_the_row(few_digits, runs):
    weak, strong = (
        cost_or_l2.prepared(CONFIG, "ann-lq", l2, 0, few_digits, runs) for l2 in (1e-4, 1e-1)
    )
    norms = [np.sum([np.sum(p.value**2) for p in n.model.params]) for n in (weak, strong)]
    assert norms[1] < 0.8 * norms[0]


def test_the_notebooks_cost_is_a_tenth(rng):
    outputs, labels = rng.normal(size=(6, 10)), rng.integers(10, size=6)
    loss, gradient = cost_or_l2.mean_over_outputs(outputs, labels)
    expected, ten_times = nnlite.quadratic(outputs, labels)
    assert np.isclose(10 * loss, expected) and np.allclose(10 * gradient, ten_times)
    assert nnlite.check_loss(cost_or_l2.mean_over_outputs, outputs, labels) < 1e-8


def test_noise_as_in_the_notebooks(few_digits, runs):
    row = Notebook(0.0, 3, 0).compute(CONFIG, few_digits, runs)
    assert 0 <= row["success"] <= 1 and 0 <= row["accuracy"] <= 1


def test_every_cost_is_trained_with_every_l2():
    rows = list(cost_or_l2.rows(CONFIG, (0, 1)))
    assert (
        sum(isinstance(row, Compared) for row in rows)
        == 2 * 2 * 2
        == len(cost_or_l2.needs(CONFIG, (0, 1)))
    )
