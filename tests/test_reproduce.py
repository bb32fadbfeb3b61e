"""The main job, end to end on a small scale."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nnlite
from nnlite.data import Dataset, Split, strokes

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
import kept
import networks
import report
import reproduce


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    sizes = {"train": 2000, "validation": 300, "test": 300}
    return Dataset("strokes", **{k: Split(*strokes.make_digits(n, rng)) for k, n in sizes.items()})


QUICK = reproduce.PRESETS["quick"]
CONFIG = replace(
    QUICK,
    network=replace(QUICK.network, hidden=(64,), steps=320, batch_size=50),
    noise=replace(QUICK.noise, steps=15, batch_size=50),
)


def silent(line):
    pass


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    out, runs = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("runs")
    model, results = reproduce.run(data, CONFIG, 0, "small", runs, silent)
    reproduce.write_results(model, results, out)
    return model, out, json.loads((out / "results.json").read_text())


def test_network_learns_noise_fools_it_and_pruning_costs_accuracy(finished):
    _, _, results = finished
    assert results["accuracy"] > 0.7
    assert np.mean(results["noise"]["accuracy"]) < results["accuracy"] - 0.2
    for rows in results["pruning"].values():
        assert rows[0][0] == results["accuracy"] > rows[-1][0]


def test_model_is_left_unpruned_and_saved(finished, data):
    model, out, results = finished
    assert all(p.mask is None for p in model.params)
    saved = nnlite.load(out / "model.npz")
    assert nnlite.accuracy(saved, *data.test) == results["accuracy"]


def test_noise_stays_within_its_limit(finished):
    *_, results = finished
    assert np.abs(results["noise"]["vectors"]).max() == pytest.approx(0.35)


def test_half_of_the_images_are_attacked_with_another_class():
    labels = np.arange(1001) % 10
    attacked, targets = networks.choose_attacked(labels, np.random.default_rng(0))
    assert attacked.sum() == 500
    assert (targets != labels).all() and set(targets) == set(range(10))


def test_confidence_of_six_images_by_hand():
    """The "network" hands its input through, so that the outputs can be written down."""
    model = nnlite.Sequential([nnlite.Flatten()])
    network = networks.Network("ann-lq", 0, model, bank={})
    right = [[ratio, 1.0] for ratio in (2, 4, 6, 8, 10)]
    validation = np.array([*right, [1.0, 100]]), np.zeros(6, int)  # the last is wrong
    scores = network.ratio_of_right(*validation)
    assert np.array_equal(scores, [2, 4, 6, 8, 10])
    outputs = np.array([[3.0, 1], [5, 1], [1, 9], [1, 3], [7, 1], [9, -1]])
    attacked = np.array([False, False, False, True, True, True])
    is_right = np.array([True, True, False, False, True, True])
    known = network.ratio(outputs), is_right, attacked
    measured = networks.separation(*known, scores)
    assert measured["half_noisy_accuracy"] == 4 / 6
    assert measured["images"] == {"clean": 2, "corrupted": 1, "ineffective": 2}
    assert measured["only_first_positive"] == {"clean": 0, "corrupted": 0, "ineffective": 1}
    kept = {"clean_kept": 1, "corrupted_kept": 1, "ineffective_kept": 1}
    assert measured["at"][0] == {"keep": 0.9, "threshold": 2, **kept}
    kept = {"clean_kept": 0.5, "corrupted_kept": 0, "ineffective_kept": 1}
    assert measured["at"][1] == {"keep": 0.8, "threshold": 4, **kept}
    curves = networks.survival_curves(*known, np.array([1, 4]))["curves"]
    assert np.array_equal(curves["clean"], [1, 0.5])


def test_no_choice_depends_on_the_test_images(finished, data, tmp_path):
    """Other test images: the same weights, noise and thresholds."""
    model, _, results = finished
    others = Split(1 - data.train.images[:300], data.train.labels[:300])
    data = replace(data, test=others)
    again, other_results = reproduce.run(data, CONFIG, 0, "small", tmp_path, silent)
    assert all(np.array_equal(p.value, q.value) for p, q in zip(model.params, again.params))
    assert np.array_equal(other_results["noise"]["vectors"], results["noise"]["vectors"])
    for name, measured in other_results["confidence"].items():
        for at, expected in zip(measured["at"], results["confidence"][name]["at"]):
            assert at["threshold"] == expected["threshold"]
            assert at["clean_kept"] != expected["clean_kept"]


def test_page_holds_figures_and_tables(finished):
    _, out, results = finished
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 6
    assert f"{results['accuracy']:.2%}" in page and "$" not in page
    header, rows = report.table_under_noise(results)
    assert len(rows) == 9 and {len(row) for row in [*header, *rows]} == {7}


def test_same_seed_same_numbers_and_what_is_kept_is_found(finished, data, tmp_path, monkeypatch):
    *_, results = finished
    for _ in range(2):
        _, again = reproduce.run(data, CONFIG, 0, "small", tmp_path, silent)
        again = json.loads(json.dumps(again, default=kept.to_json))
        assert again | {"seconds": 0} == results | {"seconds": 0}
        monkeypatch.setattr(reproduce.train, "train", None)  # the second time, nothing is trained
        monkeypatch.setattr(reproduce.noise_banks, "noise_chain", None)
