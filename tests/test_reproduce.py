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
import report
import reproduce


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    sizes = {"train": 2000, "validation": 300, "test": 300}
    return Dataset("strokes", **{k: Split(*strokes.make_digits(n, rng)) for k, n in sizes.items()})


CONFIG = replace(
    reproduce.PRESETS["quick"],
    hidden=(64,),
    epochs=8,
    batch_size=50,
    noise_steps=40,
    scored_images=100,
)


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    model, results = reproduce.run(data, CONFIG, seed=0, say=lambda line: None)
    reproduce.keep(model, results, out)
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


def test_half_of_the_images_are_attacked_with_another_class(data):
    vectors = np.ones((10, 28, 28, 1), np.float32) * np.arange(10)[:, None, None, None] / 100
    images = np.zeros_like(data.test.images)
    noisy, attacked = reproduce.attack_half(
        images, data.test.labels, vectors + 0.001, np.random.default_rng(0)
    )
    assert attacked.sum() == len(images) // 2
    assert not noisy[~attacked].any()
    target = np.round((noisy[:, 0, 0, 0] - 0.001) * 100)
    assert (target != data.test.labels)[attacked].all()
    assert len(set(target[attacked])) == 10


def test_share_kept_agrees_with_a_count_by_hand(finished, data):
    *_, results = finished
    for measured in results["confidence"].values():
        first, second = measured["at"]
        assert first["threshold"] < second["threshold"]
        assert first["clean_kept"] > second["clean_kept"] > 0.5
        assert sum(measured["images"].values()) < len(data.test.images)  # clean and wrong: no group


def test_page_holds_figures_and_tables(finished):
    _, out, results = finished
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert f"{results['accuracy']:.2%}" in page and "$" not in page
    header, rows = report.table_under_noise(results)
    assert len(rows) == 9 and {len(row) for row in [*header, *rows]} == {7}


def test_same_seed_same_numbers(finished, data):
    *_, results = finished
    _, again = reproduce.run(data, CONFIG, seed=0, say=lambda line: None)
    again = json.loads(json.dumps(again, default=reproduce.plain))
    assert again | {"seconds": 0} == results | {"seconds": 0}
