"""experiments/score_table.py and lab/scoring.py: metrics of scores, and their intervals."""

from dataclasses import replace

import numpy as np
import pytest
from lab import forms, scoring
from score_table import Config, Cost, Scores, advantages_of_ratio
from small import NETS, NOISE

from nnlite.confidence import SCORES, auroc, top_two_ratio

CONFIG = Config(forms.Config((("ann-lq", NETS["ann-lq"]),), NOISE), resamples=3)


def test_metrics_of_images_of_one_kind_only_are_nan(rng):
    scores = scoring.all_scores(np.eye(10), after_softmax=False)
    samples = scoring.measured(scores, np.ones(10, bool), 3, rng)
    for record in scoring.records("right", 0.0, samples):
        assert np.isnan(record["auroc"]).all() and np.isnan(record["aurc"]).all()


def test_scores_are_measured_with_intervals(rng):
    outputs = rng.normal(size=(300, 10))
    is_right = rng.random(300) < 0.9
    outputs[is_right, 0] += 2
    scores = scoring.all_scores(outputs, after_softmax=False)
    samples = scoring.measured(scores, is_right, 30, rng)
    records = {record["score"]: record for record in scoring.records("right", 0.0, samples)}
    assert list(records) == list(SCORES)
    for record in records.values():
        for metric in ("auroc", "aupr", "fpr95", "aurc"):
            value, low, high = record[metric]
            assert low <= value <= high
    assert records["margin"]["auroc"][0] == auroc(is_right, scores["margin"])
    (advantage,) = advantages_of_ratio("right", 0.0, samples, ("margin",))
    value, low, high = advantage["auroc"]
    difference = records["ratio"]["auroc"][0] - records["margin"]["auroc"][0]
    assert value == pytest.approx(difference) and low <= value <= high


def test_differences_are_of_the_same_resampled_images(rng):
    """Else they would be as uncertain as the scores themselves."""
    scores = {"ratio": rng.normal(size=300)}
    is_right = rng.normal(size=300) + scores["ratio"] > 0
    scores["margin"] = scores["ratio"] + 1e-9
    samples = scoring.measured(scores, is_right, 30, rng)
    (advantage,) = advantages_of_ratio("right", 0.0, samples, ("margin",))
    assert advantage["auroc"] == [0, 0, 0]
    (record, _) = scoring.records("right", 0.0, samples)
    assert record["auroc"][2] - record["auroc"][1] > 0.01


def test_without_resamples_there_are_only_values():
    assert scoring.with_interval([0.5]) == [0.5]
    assert scoring.with_interval([0.5, np.nan]) == [0.5]
    assert scoring.with_interval([0.5, *range(41)]) == [0.5, 1, 39]


def test_scores_after_softmax_are_those_of_the_probabilities(rng):
    outputs = rng.normal(size=(50, 10))
    scores = scoring.all_scores(outputs, after_softmax=True)
    p = np.sort(np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True))
    assert np.allclose(scores["ratio"], p[:, -1] / p[:, -2])
    assert np.allclose(scores["-second / first"], -p[:, -2] / p[:, -1])
    assert np.allclose(scores["-abs(largest - 1)"], p[:, -1] - 1)
    assert np.allclose(scores["largest probability"], p[:, -1])
    assert np.allclose(scores["margin"], np.sort(outputs)[:, -1] - np.sort(outputs)[:, -2])
    raw = top_two_ratio(outputs)
    assert np.allclose(scores["ratio before softmax"], np.where(np.isnan(raw), -np.inf, raw))


def test_two_questions_of_one_network(few_digits, runs):
    network = forms.network("ann-lq", "whole", 0, CONFIG.forms, few_digits, runs)
    right, strong, weak = scoring.questions(network, few_digits.test, (0.35, 0.15))
    assert [asked[:2] for asked in (right, strong, weak)] == [
        *(("right", 0.0), ("clean", 0.35), ("clean", 0.15))
    ]
    assert np.array_equal(right[3], right[2].argmax(axis=1) == few_digits.test.labels)
    assert np.array_equal(strong[3], weak[3]) and strong[3].mean() == 0.5
    assert np.array_equal(strong[2][strong[3]], right[2][strong[3]])  # left alone


def test_a_row_holds_all_scores_of_all_questions(few_digits, runs):
    row = Scores("ann-lq", "whole", 0, 3).compute(CONFIG, few_digits, runs)
    without = Scores("ann-lq", "whole", 0, 0).compute(CONFIG, few_digits, runs)
    assert len(row["scores"]) == 3 * 9 and len(row["advantages"]) == 3 * 2
    for record, value in zip(row["scores"], without["scores"]):
        assert len(record["auroc"]) == 3 and record["auroc"][:1] == value["auroc"]
    network = forms.network("ann-lq", "whole", 0, CONFIG.forms, few_digits, runs)
    assert list(scoring.every_score(network, few_digits, CONFIG.limits)) == without["scores"]


def test_a_form_that_does_not_exist_is_nothing(few_digits, runs):
    cfg = replace(CONFIG, forms=replace(CONFIG.forms, ann_sparsity=0.05))
    assert Scores("ann-lq", "pruned less", 0, 0).compute(cfg, few_digits, runs) is None


def test_the_cost_is_measured_in_every_run(few_digits, runs):
    seconds = Cost("ann-lq", 0).compute(CONFIG, few_digits, runs)
    assert 0 < seconds["ratio_seconds"] < seconds["network_seconds"] and not Cost.kept
