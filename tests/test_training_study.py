"""experiments/training_study.py on a small scale."""

from dataclasses import replace

import numpy as np
import pytest
import training_study
from lab import nets, script
from small import NETS
from training_study import Config, Training, Variant

VARIANTS = (
    Variant("ann-lq", "quick", NETS["ann-lq"], every_seed=True),
    Variant("cnn-sce", "l2-0", replace(NETS["cnn-sce"], l2=0.0)),
)


@pytest.fixture(scope="module")
def results(few_digits, runs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(training_study.PRESETS, "quick", Config(VARIANTS))
        return script.run(training_study, few_digits, "quick", runs, seeds=(0, 1))


def test_a_row_is_a_trained_network(results, few_digits, runs):
    row = results.rows[1]
    network = nets.trained("ann-lq", NETS["ann-lq"], few_digits, 1, runs)
    assert row["variant"]["name"] == "quick" and row["seed"] == 1
    for name in ("test_accuracy", "validation_accuracy", "history"):
        assert row[name] == getattr(network, name)
    values = {name: p.value for name, p in network.model.named_params.items()}
    assert list(row["weights"]) == ["1.w", "3.w", "5.w", "7.w"]
    for name, layer in row["weights"].items():
        assert layer["size"] == values[name].size
        assert layer["largest"] == np.abs(values[name]).max()
        assert 0 <= layer["zero"] <= layer["below_1e-3"] <= 1
    zeros = sum(np.sum(values[name] == 0) for name in row["weights"])
    sizes = sum(values[name].size for name in row["weights"])
    assert training_study.zero_fraction(row) == pytest.approx(zeros / sizes, abs=1e-5)


def test_a_line_of_the_table_is_a_variant(results):
    header, _, first, second = training_study.table(results).splitlines()
    accuracies = [100 * row["test_accuracy"] for row in results.rows[:2]]
    cells = [cell.strip() for cell in first.split("|")[1:-1]]
    assert len(cells) == header.count("|") - 1
    assert cells[:2] == ["ann-lq-quick", "2"]
    assert float(cells[2]) == pytest.approx(np.mean(accuracies), abs=0.006)
    assert cells[3] == f"{min(accuracies):.2f} to {max(accuracies):.2f}"
    cells = [cell.strip() for cell in second.split("|")[1:-1]]
    assert cells[:2] == ["cnn-sce-l2-0", "1"] and cells[3] == ""


def test_variants_have_names_of_their_own_and_differ():
    for preset, cfg in training_study.PRESETS.items():
        variants = cfg.variants
        assert len({(v.model, v.name) for v in variants}) == len(variants)
        assert len({v.network for v in variants}) == len(variants)
        plain = {v.model: v.network for v in variants if v.name == preset}
        assert plain == {model: nets.preset(model, preset) for model in nets.MODELS}


def test_one_seed_is_enough_for_some():
    rows = list(training_study.rows(training_study.PRESETS["standard"], (0, 1, 2)))
    assert len(rows) == 5 * 3 + 6 and len(set(rows)) == len(rows)
    assert all(isinstance(row, Training) for row in rows)
    assert {row.seed for row in rows if row.variant.every_seed} == {0, 1, 2}
    assert {row.seed for row in rows if not row.variant.every_seed} == {0}
