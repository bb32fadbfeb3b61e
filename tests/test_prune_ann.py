"""experiments/prune_ann.py on a small scale: what it reuses equals what it skips."""

from dataclasses import replace

import numpy as np
import prune_ann
import pytest
from lab import banks, nets, pruning
from lab.published import ANN_NOISE
from prune_ann import Overlap, Pruned, Searched
from small import NETS, NOISE

import nnlite
from nnlite import prune
from nnlite.data import Split

CONFIG = replace(prune_ann.QUICK, network=NETS["ann-lq"], noise=NOISE)


@pytest.fixture(scope="module")
def network(few_digits, runs):
    return nets.trained("ann-lq", CONFIG.network, few_digits, 0, runs)


def directly(model, masks, data, noises):
    """Accuracy of the whole network, clean and under each noise."""
    sets = [data.test.images, *(np.clip(data.test.images + v, 0, 1) for v in noises)]
    with prune.applied(model, masks):
        return [nnlite.accuracy(model, images, data.test.labels) for images in sets]


def scores_of(model, data):
    return pruning.scores_of(model, data.train.images, 0, CONFIG.scored_images)


def test_a_point_of_a_curve_is_the_pruned_network(network, few_digits, runs):
    bank = banks.bank(network, few_digits, runs, NOISE)
    noises, scores = [bank[pair] for pair in ANN_NOISE], scores_of(network.model, few_digits)
    a = prune.keep_masks(scores["magnitude"], 0.6)
    b = prune.keep_masks(scores["mean_activation"], 0.53)
    cases = {
        (): {},
        (("magnitude", 0.5),): prune.keep_masks(scores["magnitude"], 0.5),
        (("random", 0.3),): prune.keep_masks(scores["random"], 0.3),
        (("magnitude", 0.6), ("mean_activation", 0.53)): prune.combine(a, b),
    }
    for settings, masks in cases.items():
        row = Pruned(0, settings).compute(CONFIG, few_digits, runs)
        assert row["accuracy"] == directly(network.model, masks, few_digits, noises)
        assert row["removed"] == pytest.approx(prune.fraction_removed(masks))
    overlap = Overlap(0, 0.6).compute(CONFIG, few_digits, runs)["overlap"]
    assert 0.53 / 0.6 >= overlap > 0.53 * 0.6 / (0.53 + 0.6 - 0.53 * 0.6)


def test_the_searched_sparsity_is_the_highest_that_validation_allows(network, few_digits, runs):
    row = Searched(0, "magnitude").compute(CONFIG, few_digits, runs)
    unpruned = nnlite.accuracy(network.model, *few_digits.validation)
    wanted = pruning.wanted_accuracy(unpruned, CONFIG.wanted_accuracy)
    assert 0 < row["sparsity"] < 0.99 and row["validation_accuracy"] >= wanted
    scores = scores_of(network.model, few_digits)["magnitude"]
    for higher in np.arange(row["sparsity"] + 0.005, 0.99, 0.005):
        masks = prune.keep_masks(scores, higher)
        assert pruning.pruned_accuracy(network.model, masks, few_digits.validation) < wanted


def test_no_sparsity_depends_on_the_test_images(few_digits, runs):
    test = Split(1 - few_digits.test.images, few_digits.test.labels)
    others = nnlite.data.Dataset("strokes", few_digits.train, few_digits.validation, test)
    for curve in CONFIG.curves:
        found, again = (Searched(0, curve).compute(CONFIG, d, runs) for d in (few_digits, others))
        assert found["sparsity"] == again["sparsity"]
        assert found["accuracy"] != again["accuracy"]


def test_the_rows_are_those_of_all_curves_and_tables():
    rows = list(prune_ann.rows(CONFIG, (0, 1)))
    pruned = {row for row in rows if isinstance(row, Pruned) and row.seed == 1}
    assert Pruned(1, (("random", 0.99),)) in pruned and Pruned(1, ()) in pruned
    assert all(Pruned(1, settings) in pruned for settings in CONFIG.published)
    assert sum(isinstance(row, Searched) for row in rows) == 8
