"""The scripts about the first post, on a small scale: what they reuse equals what they skip."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nnlite
from nnlite import prune
from nnlite.data import Dataset, Split, strokes

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
import kept
import make_noise
import noise_on_pruned
import prune_ann
import prune_cnn_dense
import prune_decoupled
import prune_layers
import study
import train
from published import ANN_NOISE

SMALL = {
    "ann-lq": replace(train.MODELS["ann-lq"], hidden=(40, 30, 20), steps=200, lr=2e-3),
    "cnn-lq": replace(
        train.MODELS["cnn-lq"], convolutions=((3, 4),), hidden=(30, 20), steps=60, lr=2e-3
    ),
}


def silent(line):
    pass


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    sizes = {"train": 1500, "validation": 200, "test": 200}
    return Dataset("strokes", **{k: Split(*strokes.make_digits(n, rng)) for k, n in sizes.items()})


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    monkeypatch.setattr(train, "preset", lambda name, preset: SMALL[name])


@pytest.fixture(scope="module")
def ann(data, runs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "preset", lambda name, preset: SMALL[name])
        return study.network("ann-lq", "quick", 0, data, runs, silent)


@pytest.fixture(scope="module")
def bank(ann, data, runs):
    return make_noise.bank(*ann, data, runs, say=silent)


# What is kept


def test_rows_are_computed_once_and_found_again(tmp_path):
    rows = kept.Rows(tmp_path, "rows", {"seed": 0})
    assert rows.get("a", lambda: {"x": np.float32(0.5)}) == {"x": 0.5}
    with pytest.raises(ZeroDivisionError):
        rows.get("b", divmod, 1, 0)  # stopped here
    again = kept.Rows(tmp_path, "rows", {"seed": 0})
    assert again.get("a", None) == {"x": 0.5}
    assert again.get("b", lambda: [np.arange(2)]) == [[0, 1]]
    with pytest.raises(TypeError, match="not callable"):
        kept.Rows(tmp_path, "rows", {"seed": 1}).get("a", None)  # made otherwise


def test_noise_of_a_class_is_the_same_whatever_else_is_wanted(ann, bank, data, runs, monkeypatch):
    few = make_noise.bank(*ann, data, runs, wanted=((3, 0.15), (7, 0.10)), say=silent)
    assert set(few) == {(3, 0.10), (3, 0.15), (7, 0.10)}
    for pair, noise in few.items():
        assert np.array_equal(noise, bank[pair])
    monkeypatch.setattr(make_noise, "noise_chain", None)  # from here on none can be made
    assert set(make_noise.bank(*ann, data, runs, say=silent)) == set(bank)
    with pytest.raises(TypeError, match="not callable"):
        make_noise.bank(*ann, data, runs, masks="another network", say=silent)


def test_a_bank_that_was_stopped_goes_on(ann, bank, data, tmp_path, monkeypatch):
    chain = make_noise.noise_chain

    def stopped(model, images, target, *args, **options):
        if target == 1:
            raise KeyboardInterrupt
        return chain(model, images, target, *args, **options)

    wanted = ((0, 0.10), (1, 0.10))
    monkeypatch.setattr(make_noise, "noise_chain", stopped)
    with pytest.raises(KeyboardInterrupt):
        make_noise.bank(*ann, data, tmp_path, wanted=wanted, say=silent)
    made = []
    monkeypatch.setattr(
        make_noise, "noise_chain", lambda *args, **kw: made.append(args[2]) or chain(*args, **kw)
    )
    found = make_noise.bank(*ann, data, tmp_path, wanted=wanted, say=silent)
    assert made == [1] and all(np.array_equal(found[pair], bank[pair]) for pair in wanted)


# Pruning


def test_settings_along_the_combined_curve():
    assert prune_ann.settings_at("magnitude", 0.3) == (("magnitude", 0.3),)
    assert prune_ann.settings_at("combined", 0.5) == (("magnitude", 0.5), ("mean_activation", 0.43))
    assert prune_ann.settings_at("combined", 0.05) == (("magnitude", 0.05),)
    assert prune_ann.settings_at("combined", 0) == prune_ann.settings_at("random", 0) == ()


def test_overlap_of_two_sets():
    a = {"w": np.array([False, False, True, True])}
    b = {"w": np.array([True, False, False, True])}
    assert prune_ann.overlap(a, b) == 1 / 3
    assert prune_ann.overlap(a, a) == 1
    assert prune_ann.overlap({"w": np.ones(4, bool)}, {"w": np.ones(4, bool)}) == 0


def directly(model, masks, data, noises):
    """Accuracy of the whole network, clean and under each noise."""
    saved = prune.apply(model, masks)
    sets = [data.test.images, *(np.clip(data.test.images + v, 0, 1) for v in noises)]
    found = [nnlite.accuracy(model, images, data.test.labels) for images in sets]
    prune.undo(model, saved)
    return found


def test_curves_of_the_dense_network(ann, bank, data, runs):
    model, _ = ann
    found = prune_ann.run_seed(0, data, "quick", runs, silent)
    noises = [bank[pair] for pair in ANN_NOISE]
    scores = prune_ann.scores_of(model, data.train.images, 0)
    assert found["published"][0] == directly(model, {}, data, noises)
    for curve, sparsity in (("magnitude", 0.5), ("mean_activation", 0.9), ("random", 0.3)):
        masks = prune.keep_masks(scores[curve], sparsity)
        row = found["curves"][curve][sparsity]
        assert row["accuracy"] == directly(model, masks, data, noises)
        assert row["removed"] == pytest.approx(sparsity, abs=1e-3)
    a = prune.keep_masks(scores["magnitude"], 0.6)
    b = prune.keep_masks(scores["mean_activation"], 0.53)
    row = found["curves"]["combined"][0.6]
    assert row["accuracy"] == directly(model, prune.combine(a, b), data, noises)
    assert 0.53 / 0.6 >= row["overlap"] > 0.53 * 0.6 / (0.53 + 0.6 - 0.53 * 0.6)
    assert max(prune_ann.COARSE) in found["curves"]["random"]


def test_no_sparsity_depends_on_the_test_images(ann, bank, data, runs, tmp_path):
    for path in runs.glob("*"):  # the same network and noise, but no measurements
        if path.suffix == ".npz" or path.with_suffix(".npz").exists():
            shutil.copy(path, tmp_path)
    others = replace(data, test=Split(1 - data.test.images, data.test.labels))
    for script in (prune_ann, prune_layers):
        found = script.run_seed(0, data, "quick", runs, silent)
        again = script.run_seed(0, others, "quick", tmp_path, silent)
        found, again = (one.get("searched", one) for one in (found, again))
        for key, row in found.items():
            first, second = (one.get("searched", one) for one in (row, again[key]))
            assert first["sparsity"] == second["sparsity"]
            assert first["accuracy"] != second["accuracy"]


def test_the_searched_sparsity_is_the_highest_that_validation_allows(ann, data):
    model, _ = ann
    scores = prune_ann.scores_of(model, data.train.images, 0)
    sparsity, accuracy = prune_ann.highest_sparsity(model, scores, "magnitude", data.validation)
    wanted = prune_ann.wanted_accuracy(nnlite.accuracy(model, *data.validation))
    assert 0 < sparsity < 0.99 and accuracy >= wanted
    for higher in np.arange(sparsity + 0.005, 0.99, 0.005):
        masks = prune.keep_masks(scores["magnitude"], higher)
        saved = prune.apply(model, masks)
        assert nnlite.accuracy(model, *data.validation) < wanted
        prune.undo(model, saved)


def test_the_post_asks_for_98_percent_where_that_can_be_had():
    assert prune_ann.wanted_accuracy(0.9848) == 0.98
    assert prune_ann.wanted_accuracy(0.95) == pytest.approx(0.945)


def test_layers_pruned_alone_equal_the_whole_network_pruned_there(ann, bank, data, runs):
    model, _ = ann
    found = prune_layers.run_seed(0, data, "quick", runs, silent)
    scores = prune_ann.scores_of(model, data.train.images, 0)
    parts = {"layer 1": ["1.w"], "layer 4": ["7.w"], "layers 2 and 3": ["3.w", "5.w"]}
    noises = [bank[pair] for pair in ANN_NOISE]
    for part, names in parts.items():
        for score in prune_layers.SCORES:
            chosen = {name: scores[score][name] for name in names}
            expected = directly(model, prune.keep_masks(chosen, 0.92), data, noises)
            row = found[f"{part}, {score}"]["curve"][0.92]
            assert row["accuracy"] == expected
    assert len(found) == 2 * 5


def test_dense_layers_of_a_cnn_pruned_alone(data, runs):
    model, _ = study.network("cnn-lq", "quick", 0, data, runs, silent)
    scores = prune_ann.scores_of(model, data.train.images, 0)
    found = prune_cnn_dense.measure_set(model, *data.test, scores)
    assert found["unpruned"] == nnlite.accuracy(model, *data.test)
    for layer, name, sparsity in ((1, "3.w", 0.96), (2, "5.w", 0.7)):
        for score in prune_cnn_dense.SCORES:
            masks = prune.keep_masks({name: scores[score][name]}, sparsity)
            (expected,) = directly(model, masks, data, [])
            assert found[f"layer {layer}, {score}"][sparsity] == expected
    assert all(p.mask is None for p in model.params)


# Noise made anew


def test_noise_made_anew_is_that_of_the_pruned_network(ann, bank, data, runs):
    model, about = ann
    masks = prune.keep_masks(prune.scores(model, prune.magnitude), 0.7)
    cases = {"unpruned": {}, "magnitude 70 %": masks}
    vectors = ((3, 0.20), (8, 0.20))
    options = vectors, data, runs, silent
    found = noise_on_pruned.run_cases(model, about, cases, *options)
    assert found["unpruned"]["replayed"] == found["unpruned"]["anew"]
    pruned = found["magnitude 70 %"]
    assert pruned["clean"] == directly(model, masks, data, [])[0]
    replayed, anew = (
        np.mean([row["success"] for row in pruned[kind].values()]) for kind in ("replayed", "anew")
    )
    assert anew > replayed
    assert all(p.mask is None for p in model.params)


# Steps


def test_the_largest_step_counts_steps_of_its_size_only():
    rows = {"0.0": [1, 0.1, 0.5], "0.01": [1, 0.2, 0.5], "0.02": [0, 0.2, 0.53], "0.5": [0, 1, 1]}
    curve = {s: {"accuracy": accuracies} for s, accuracies in rows.items()}
    assert study.largest_step(curve, 0.01) == "10.0 to 0.01"
    assert study.largest_step(curve, 0.05) == "-"


# Whole scripts: tables and figures come from the file alone


@pytest.mark.parametrize(
    "script",
    [make_noise, prune_ann, prune_layers, prune_cnn_dense, noise_on_pruned, prune_decoupled],
)
def test_a_script_runs_twice_and_shows_what_it_wrote(script, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(make_noise, "CONFIG", replace(make_noise.CONFIG, steps=1, batch_size=20))
    monkeypatch.setattr(make_noise, "NETWORKS", dict.fromkeys(SMALL, (0,)))
    monkeypatch.setattr(make_noise, "WAYS", (("plain", 0.1, (2,)), ("chain", 0.1, (1, 2))))
    study.report("name", script, data, "quick", "runs", silent)
    out = tmp_path / "results" / "strokes-quick"
    first = (out / "name.json").read_text()

    monkeypatch.setattr(train, "train", None)  # the second time there is nothing left to do
    monkeypatch.setattr(make_noise, "noise_chain", None)
    study.report("name", script, data, "quick", "runs", silent)
    assert (out / "name.json").read_text() == first
    figures = list(out.glob("*.png"))
    assert figures and all(path.stat().st_size < 150_000 for path in figures)
    lines = script.table(json.loads(first)).splitlines()
    assert len(lines) > 5
    for line in lines:
        assert line == "" or line.count("|") > 3
