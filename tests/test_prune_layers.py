"""experiments/prune_layers.py and prune_cnn_dense.py on a small scale: only what lies above the cut
is computed again, and it is the whole network pruned there."""

from dataclasses import replace

import numpy as np
import prune_cnn_dense
import prune_layers
import pytest
from lab import banks, cut, nets, pruning, sparsity_curves
from lab.published import ANN_NOISE
from lab.script import Results
from small import NETS, NOISE

import nnlite
from nnlite import prune
from nnlite.data import Dataset, Split

ANN = replace(prune_layers.STANDARD, network=NETS["ann-lq"], noise=NOISE)
CNN = replace(prune_cnn_dense.STANDARD, network=NETS["cnn-lq"], noise=NOISE)


@pytest.fixture(scope="module")
def ann(few_digits, runs):
    return nets.trained("ann-lq", ANN.network, few_digits, 0, runs)


@pytest.fixture(scope="module")
def cnn(few_digits, runs):
    return nets.trained("cnn-lq", CNN.network, few_digits, 0, runs)


def scores_of(network, data):
    return pruning.scores_of(network.model, data.train.images, 0, ANN.scored_images)


def with_noise(part, vector):
    return Split(np.clip(part.images + vector, 0, 1), part.labels)


def test_a_network_cut_below_a_dense_layer_is_that_network(cnn, few_digits):
    images = few_digits.test.images
    for number in (1, 2, 3):
        lower, upper = cut.below(cnn.model, number)
        assert isinstance(upper.layers[0], nnlite.Dense)
        assert np.array_equal(upper.predict(lower.predict(images)), cnn.model.predict(images))
    assert upper.layers[0].w.value.shape == (20, 10)


def test_layers_pruned_alone_equal_the_whole_network_pruned_there(ann, few_digits, runs):
    scores = scores_of(ann, few_digits)
    bank = banks.bank(ann, few_digits, runs, NOISE)
    noisy = [with_noise(few_digits.test, bank[pair]) for pair in ANN_NOISE]
    cases = {(1,): ["1.w"], (4,): ["7.w"], (2, 3): ["3.w", "5.w"]}
    for layers, names in cases.items():
        for score in ANN.scores:
            row = prune_layers.Curve(0, layers, score, (0.5, 0.92)).compute(ANN, few_digits, runs)
            for k, sparsity in enumerate((0.5, 0.92)):
                masks = prune.keep_masks({name: scores[score][name] for name in names}, sparsity)
                validation, *test = (
                    pruning.pruned_accuracy(ann.model, masks, part)
                    for part in (few_digits.validation, few_digits.test, *noisy)
                )
                assert row["validation"][k] == validation and row["accuracy"][k] == test
    _, upper = cut.below(ann.model, 1)
    assert all(p.mask is None for p in upper.params)


def test_the_searched_sparsity_of_a_layer_is_the_highest_that_validation_allows(
    ann, few_digits, runs
):
    row = prune_layers.Searched(0, (1,), "magnitude").compute(ANN, few_digits, runs)
    unpruned = nnlite.accuracy(ann.model, *few_digits.validation)
    wanted = pruning.wanted_accuracy(unpruned, ANN.wanted_accuracy)
    assert 0 < row["sparsity"] < 0.995 and row["validation"] >= wanted
    scores = {"1.w": scores_of(ann, few_digits)["magnitude"]["1.w"]}
    for higher in np.arange(row["sparsity"] + 0.005, 0.9951, 0.005):
        masks = prune.keep_masks(scores, higher)
        assert pruning.pruned_accuracy(ann.model, masks, few_digits.validation) < wanted
    at = prune_layers.Curve(0, (1,), "magnitude", (row["sparsity"],))
    assert at.compute(ANN, few_digits, runs)["accuracy"] == [row["accuracy"]]


def test_no_sparsity_of_a_layer_depends_on_the_test_images(few_digits, runs):
    test = Split(1 - few_digits.test.images, few_digits.test.labels)
    others = Dataset("strokes", few_digits.train, few_digits.validation, test)
    for layers in ((1,), (2, 3)):
        searched = prune_layers.Searched(0, layers, "mean_activation")
        row, again = (searched.compute(ANN, data, runs) for data in (few_digits, others))
        assert row["sparsity"] == again["sparsity"]
        assert row["accuracy"] != again["accuracy"]


def test_each_layer_has_a_curve_for_each_score_the_first_seed_the_finest():
    rows = list(prune_layers.rows(ANN, (0, 1)))
    curves = [row for row in rows if isinstance(row, prune_layers.Curve)]
    assert len(curves) == 2 * 2 * 5 and len(rows) == 2 * len(curves)
    assert all(
        row.sparsities == (ANN.sparsities if row.seed else ANN.first_sparsities) for row in curves
    )
    assert set(ANN.sparsities) < set(ANN.first_sparsities)


def test_dense_layers_of_a_cnn_pruned_alone(cnn, few_digits, runs):
    scores = scores_of(cnn, few_digits)
    noise = banks.bank(cnn, few_digits, runs, NOISE)[3, 0.25]
    sets = {
        ("validation", ()): few_digits.validation,
        ("test", ()): few_digits.test,
        ("test", (3, 0.25)): with_noise(few_digits.test, noise),
    }
    for (part, pair), split in sets.items():
        unpruned = prune_cnn_dense.Unpruned(0, part, pair).compute(CNN, few_digits, runs)
        assert unpruned["accuracy"] == nnlite.accuracy(cnn.model, *split)
        for layer, name, sparsity in ((1, "3.w", 0.96), (2, "5.w", 0.7)):
            for score in CNN.scores:
                curve = prune_cnn_dense.Curve(0, part, pair, layer, score, (0.3, sparsity))
                masks = prune.keep_masks({name: scores[score][name]}, sparsity)
                expected = pruning.pruned_accuracy(cnn.model, masks, split)
                assert curve.compute(CNN, few_digits, runs)["accuracy"][1] == expected


def test_each_set_of_images_comes_with_all_curves_of_both_layers():
    """One after the other, so that its features are computed once."""
    rows = list(prune_cnn_dense.rows(CNN, (0, 1)))
    sets = [(row.seed, row.part, row.noise) for row in rows]
    assert sets == sorted(sets, key=list(dict.fromkeys(sets)).index)
    assert len(set(sets)) == 2 * (2 + len(CNN.vectors)) and len(rows) == 5 * len(set(sets))


def test_the_highest_sparsity_without_loss_is_that_of_validation_images():
    def row(kind, accuracy, part, **fields):
        return {"kind": kind, "seed": 0, "part": part, "accuracy": accuracy, **fields}

    curve = {"layer": 1, "score": "magnitude", "sparsities": [0.3, 0.5, 0.9]}
    rows = [
        row("Unpruned", 0.9, "validation"),
        row("Curve", [0.9, 0.8995, 0.8], "validation", **curve),
        row("Curve", [0.9, 0.9, 0.9], "test", **curve),
    ]
    results = Results("mnist", "standard", [0], {}, {}, rows)
    assert sparsity_curves.lossless(results, 1, "magnitude") == [0.5]
    rows[1]["accuracy"] = [0.8, 0.8, 0.8]
    assert sparsity_curves.lossless(results, 1, "magnitude") == [0.0]
