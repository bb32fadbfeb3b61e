"""experiments/confidence_curves.py on a small scale: its ways to one network give one result."""

from dataclasses import replace

import confidence_curves
import numpy as np
import pytest
from confidence_curves import Config, Form, Length, Sparsity
from lab import forms
from small import NETS, NOISE

CONFIG = Config(forms.Config((("ann-lq", NETS["ann-lq"]), ("ann-sce", NETS["ann-sce"])), NOISE))


def test_what_is_varied_contains_the_network_itself(few_digits, runs):
    args = CONFIG, few_digits, runs
    whole = Form("ann-lq", "whole", 0, "test", 0.35, with_curves=True).compute(*args)
    pruned = Form("ann-lq", "pruned", 0, "test", 0.35, with_curves=True).compute(*args)
    assert whole.pop("removed") == 0 and round(pruned.pop("removed"), 3) == 0.8
    np.testing.assert_equal(Sparsity(0, 0.0, with_curves=True).compute(*args), whole)
    np.testing.assert_equal(Sparsity(0, 0.8, with_curves=True).compute(*args), pruned)
    np.testing.assert_equal(Length(0, NETS["ann-lq"].steps).compute(*args), whole)
    shorter = Length(0, 20).compute(*args)
    assert shorter["clean_accuracy"] < whole["clean_accuracy"]


def test_curves_meet_what_the_thresholds_keep(few_digits, runs):
    for network, end in (("ann-lq", 1e5), ("ann-sce", 1e10)):
        row = Form(network, "whole", 0, "test", 0.15, with_curves=True)
        result = row.compute(CONFIG, few_digits, runs)
        assert result["thresholds"][-1] == pytest.approx(end)
        for at in result["at"]:
            above = np.searchsorted(result["thresholds"], at["threshold"])
            for group, curve in result["curves"].items():
                assert curve[above - 1] + 1e-4 > at[f"{group}_kept"] > curve[above] - 1e-4


def test_a_part_of_the_training_images_as_large_as_the_test_set(few_digits, runs):
    result = Form("ann-lq", "whole", 0, "train", 0.35).compute(CONFIG, few_digits, runs)
    groups, n = result["images"], len(few_digits.test.labels)
    assert groups["corrupted"] + groups["ineffective"] == n // 2
    assert groups["clean"] + groups["ineffective"] == round(n * result["half_noisy_accuracy"])
    assert "curves" not in result


def test_a_form_that_does_not_exist_is_nothing(few_digits, runs):
    cfg = replace(CONFIG, forms=replace(CONFIG.forms, ann_sparsity=0.05))
    assert Form("ann-lq", "pruned less", 0, "test", 0.35).compute(cfg, few_digits, runs) is None


def test_rows_and_the_networks_they_need():
    rows = list(confidence_curves.rows(CONFIG, (0, 1)))
    assert len(rows) == len(set(rows)) == 2 * 2 * 3 * 4 + 2 * 6 + 4
    lengths = [row.steps for row in rows if isinstance(row, Length)]
    assert lengths == [22, 67, 200, 600]
    made = confidence_curves.needs(CONFIG, (0, 1))
    assert [row.network.steps for row in made if row.seed == 0] == [200, 200, 22, 67, 600]
    curves = [row for row in rows if getattr(row, "with_curves", False)]
    assert len(curves) == 2 * 3 + 6 and all(row.seed == 0 for row in curves)
