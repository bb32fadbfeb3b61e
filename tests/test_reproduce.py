"""The main job, end to end on a small scale."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import reproduce
from lab import banks, cache, nets, page
from small import NETS, NOISE

import nnlite
from nnlite.data import Split

QUICK = reproduce.PRESETS["quick"]
CONFIG = replace(
    QUICK,
    network=replace(NETS["ann-lq"], hidden=(64,), steps=320, batch_size=50),
    noise=replace(NOISE, steps=15),
    sparsities=(0.0, 0.5, 0.8, 0.81, 0.9, 0.99),
)


@pytest.fixture(scope="module")
def finished(few_digits, tmp_path_factory):
    out, runs = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("runs")
    model, results = reproduce.run(few_digits, CONFIG, 0, runs)
    reproduce.write_results(model, results, out)
    return model, out, page.Results(**json.loads((out / "results.json").read_text()))


def test_network_learns_noise_fools_it_and_pruning_costs_accuracy(finished):
    _, _, results = finished
    assert results.accuracy > 0.7
    assert np.mean(results.noise["accuracy"]) < results.accuracy - 0.2
    for score in ("magnitude", "mean_activation"):
        rows = [row for row in results.pruning if row["score"] == score]
        assert rows[0]["accuracy"][0] == results.accuracy > rows[-1]["accuracy"][0]


def test_model_is_left_unpruned_and_saved(finished, few_digits):
    model, out, results = finished
    assert all(p.mask is None for p in model.params)
    saved = nnlite.load(out / "model.npz")
    assert nnlite.accuracy(saved, *few_digits.test) == results.accuracy


def test_noise_stays_within_its_limit(finished):
    *_, results = finished
    assert np.abs(results.noise["vectors"]).max() == pytest.approx(0.35)


def test_no_choice_depends_on_the_test_images(finished, few_digits, tmp_path):
    """Other test images: the same weights, noise and thresholds."""
    model, _, results = finished
    others = Split(1 - few_digits.train.images[:300], few_digits.train.labels[:300])
    data = replace(few_digits, test=others)
    again, other_results = reproduce.run(data, CONFIG, 0, tmp_path)
    assert all(np.array_equal(p.value, q.value) for p, q in zip(model.params, again.params))
    assert np.array_equal(other_results.noise["vectors"], results.noise["vectors"])
    for measured, before in zip(other_results.confidence, results.confidence, strict=True):
        for at, expected in zip(measured["at"], before["at"], strict=True):
            assert at["threshold"] == expected["threshold"]
            assert at["clean_kept"] != expected["clean_kept"]


def test_page_holds_figures_and_tables(finished):
    _, out, results = finished
    text = (out / "report.html").read_text()
    assert text.count("data:image/png;base64,") == 6
    assert f"{results.accuracy:.2%}" in text and "$" not in text
    for link in ("play.html", "/exercises", "/examples", "/docs/index.md"):
        assert f'{link}">' in text
    assert "explore.py" in text


@pytest.mark.parametrize("data, n_columns", [("strokes", 4), ("mnist", 7)])
def test_published_numbers_stand_beside_those_of_mnist_only(finished, data, n_columns):
    results = replace(finished[2], data=data)
    header, rows = page.table_under_noise(results)
    assert len(rows) == 9 and {len(row) for row in [*header, *rows]} == {n_columns}
    header, rows = page.table_of_confidence(results)
    assert {len(row) for row in [*header, *rows]} == {3 + (data == "mnist")}
    assert ("published" in header[0]) == (data == "mnist")


def test_the_page_to_play_with_is_small_and_has_the_settings_of_the_config(finished):
    _, out, results = finished
    text = (out / "play.html").read_text()
    assert len(text) < 3_000_000 and "{{" not in text and 'href="report.html"' in text
    assert [s["sparsity"] for s in results.play["settings"]] == [*CONFIG.sparsities] * 2
    assert {len(s["accuracy"]) for s in results.play["settings"]} == {1 + 10 * 6}


def test_same_seed_same_numbers_and_what_is_kept_is_found(
    finished, few_digits, tmp_path, monkeypatch
):
    *_, results = finished
    for _ in range(2):
        _, again = reproduce.run(few_digits, CONFIG, 0, tmp_path)
        again = page.Results(**cache.plain(again))
        assert replace(again, seconds=0) == replace(results, seconds=0)
        monkeypatch.setattr(nets, "fit", None)  # the second time, nothing is trained
        monkeypatch.setattr(banks, "noise_chain", None)


def test_the_whole_study_says_how_long_it_takes_and_how_long_with_fewer_networks(capsys):
    hours = {}
    for seeds in (None, range(1), range(2)):
        reproduce.announce("standard", seeds, Path("runs"))
        first, *minutes, _, _ = capsys.readouterr().out.split("\n")[:-1]
        hours[seeds] = float(first.split()[2])
        named = [int(line.split()[-2]) for line in minutes]
        assert len(named) == 2 + len(reproduce.STUDY)
        assert hours[seeds] == pytest.approx(sum(named) / 60, abs=0.0501)  # one decimal
    assert 2 * hours[range(1)] < hours[None] and hours[range(2)] > hours[range(1)]
    reproduce.announce("quick", None, Path("runs"))
    assert capsys.readouterr().out == ""


def test_fewer_networks_are_for_the_whole_study(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["reproduce.py", "--seeds", "1", "--runs", str(tmp_path)])
    with pytest.raises(SystemExit, match="--seeds takes --preset standard"):
        reproduce.main()
    assert not list(tmp_path.iterdir())
