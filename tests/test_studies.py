"""The scripts about the posts, on a small scale: what they reuse equals what they skip."""

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
import confidence_curves
import confidence_images
import explore
import kept
import make_noise
import networks
import noise_banks
import noise_on_pruned
import output_range
import prune_ann
import prune_cnn_dense
import prune_decoupled
import prune_layers
import score_table
import study
import train
from published import ANN_NOISE

SMALL_ANN = {"hidden": (40, 30, 20), "steps": 200, "lr": 2e-3}
SMALL_CNN = {"convolutions": ((3, 4),), "hidden": (30, 20), "steps": 60, "lr": 2e-3}
SMALL = {
    name: replace(cfg, **SMALL_ANN if name.startswith("ann") else SMALL_CNN)
    for name, cfg in train.MODELS.items()
}
LQ = ("ann-lq", "cnn-lq")


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
    return noise_banks.bank(*ann, data, runs, say=silent)


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
    few = noise_banks.bank(*ann, data, runs, wanted=((3, 0.15), (7, 0.10)), say=silent)
    assert set(few) == {(3, 0.10), (3, 0.15), (7, 0.10)}
    for pair, noise in few.items():
        assert np.array_equal(noise, bank[pair])
    monkeypatch.setattr(noise_banks, "noise_chain", None)  # from here on none can be made
    assert set(noise_banks.bank(*ann, data, runs, say=silent)) == set(bank)
    with pytest.raises(TypeError, match="not callable"):
        noise_banks.bank(*ann, data, runs, masks="another network", say=silent)


def test_a_bank_that_was_stopped_goes_on(ann, bank, data, tmp_path, monkeypatch):
    chain = noise_banks.noise_chain

    def stopped(model, images, target, *args, **options):
        if target == 1:
            raise KeyboardInterrupt
        return chain(model, images, target, *args, **options)

    wanted = ((0, 0.10), (1, 0.10))
    monkeypatch.setattr(noise_banks, "noise_chain", stopped)
    with pytest.raises(KeyboardInterrupt):
        noise_banks.bank(*ann, data, tmp_path, wanted=wanted, say=silent)
    made = []
    monkeypatch.setattr(
        noise_banks, "noise_chain", lambda *args, **kw: made.append(args[2]) or chain(*args, **kw)
    )
    found = noise_banks.bank(*ann, data, tmp_path, wanted=wanted, say=silent)
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


# Outputs


class HandsThrough:
    """Its outputs are the images."""

    def predict(self, images):
        return images.reshape(len(images), -1)


def test_networks_come_whole_and_pruned_and_are_whole_again(data, runs):
    seen = {}
    for network in networks.every(data, "quick", runs, silent, names=LQ):
        removed = [p.sparsity for p in network.model.params if p.mask is not None]
        seen.setdefault(network.title, []).append((network.seed, removed))
    assert [seed for seed, _ in seen["ann-lq"]] == [0, 1, 2]
    assert all(removed == [] for _, removed in seen["ann-lq"] + seen["cnn-lq"])
    assert all(min(removed) >= 0.799 for _, removed in seen["ann-lq, pruned"])
    assert np.allclose(seen["cnn-lq, pruned"][0][1], [0.96, 0.95], atol=2e-3)
    assert all(p.mask is None for p in network.model.params)


def test_half_of_the_images_get_noise_of_another_class(data, bank):
    images, labels = data.test
    network = networks.Network("ann-lq", 0, HandsThrough(), bank)
    noisy, right, attacked = network.on_half_noisy(images, labels, 0.25)
    assert attacked.sum() == len(images) // 2
    assert np.array_equal(right, noisy.argmax(axis=1) == labels)
    noisy = noisy.reshape(images.shape)
    assert np.array_equal(noisy[~attacked], images[~attacked])
    for k in np.flatnonzero(attacked):
        others = [np.clip(images[k] + bank[c, 0.25], 0, 1) for c in range(10) if c != labels[k]]
        assert any(np.allclose(noisy[k], one) for one in others)


def test_the_images_of_lowest_and_highest_ratio():
    labels = np.array([1, 1, 1, 1, 2, 3])
    found = np.zeros((6, 10))
    rows = [(0.9, 0.1), (0.9, 0.8), (0.9, -0.5), (0.1, 0.9), (0.7, 0.6), (0.2, 0.5)]
    for k, (own, other) in enumerate(rows):
        found[k] = -1
        found[k, labels[k]], found[k, 5] = own, other
    places = confidence_images.extremes(found, labels)
    assert places == {"lowest": [1, 4], "highest": [2, 4]}  # no 3 is read right


def test_the_lead_of_the_right_class():
    found = np.array([[1.0, 0.2, 0.5], [0.1, 0.3, 0.9]])
    assert np.allclose(confidence_images.lead(found, np.array([0, 1])), [0.5, -0.6])


def test_noise_of_the_second_class_is_that_vector(ann, bank, data):
    model, _ = ann
    network = networks.Network("ann-lq", 0, model, bank)
    targets = np.arange(len(data.test.labels)) % 10
    found = confidence_images.attack(network, data.test.images, targets, 0.15)
    for k in (0, 7, 123):
        image = np.clip(data.test.images[k] + bank[targets[k], 0.15], 0, 1)
        assert np.allclose(found[k], model.predict(image[None])[0], atol=1e-5)


def test_pruned_less_where_the_posts_sparsity_costs_too_much(ann, data, monkeypatch):
    model, _ = ann
    monkeypatch.setattr(networks, "ANN_SPARSITY", 0.99)
    forms = networks.pruned_forms("ann-lq", model, data, 0)
    assert prune.fraction_removed(forms["pruned"]) == pytest.approx(0.99, abs=1e-3)
    less = round(prune.fraction_removed(forms["pruned less"]), 2)
    whole = nnlite.accuracy(model, *data.validation)
    scores = prune_ann.scores_of(model, data.train.images, 0)["mean_activation"]

    def cost(sparsity):
        masks = prune.keep_masks(scores, sparsity)
        return whole - networks.accuracy_with(model, masks, data.validation)

    assert cost(less) <= 0.01 < cost(less + 0.05)
    monkeypatch.setattr(networks, "ANN_SPARSITY", 0.05)
    assert list(networks.pruned_forms("ann-lq", model, data, 0)) == ["pruned"]


def test_a_network_is_whole_again_whatever_happens(data, runs):
    every = networks.every(data, "quick", runs, silent, names=["ann-lq"])
    network = next(one for one in every if one.removed)
    assert any(p.mask is not None for p in network.model.params)
    every.close()
    assert all(p.mask is None for p in network.model.params)


def test_the_second_class_is_another_one_even_of_equal_outputs():
    outputs = np.array([[0.5, 0.1, 0.5], [0.1, 0.2, 0.9], [1.0, 1.0, 1.0]])
    assert np.array_equal(confidence_images.second_class(outputs), [2, 1, 1])


def test_images_of_low_ratio_and_their_third_output():
    outputs = np.array([[1, 0.9, 0.2], [1, 0.9, 0.6], [1, 0.4, 0.1], [0.9, 1, 0.8]])
    found = confidence_images.similar_outputs(outputs, np.zeros(4, int))  # the last is wrong
    assert (found["low"], found["more_than_two"]) == (2, 1)


def test_a_rank_correlation_of_known_order(rng):
    x = np.arange(200.0)
    found = confidence_images.rank_correlation(x, -(x**3), rng)
    assert found == pytest.approx([-1, -1, -1])
    value, low, high = confidence_images.rank_correlation(x, rng.normal(size=200), rng)
    assert low < value < high and high - low > 0.1


def test_susceptibility_of_images_in_order_of_their_ratio(rng):
    """Outputs 0.5, a second from 0.01 to 0.49, and others; noise lifts one of them."""
    n = 100
    images = np.full((n, 10, 1, 1), 0.005)
    images[:, 0, 0, 0], images[:, 1, 0, 0] = 0.5, np.linspace(0.01, 0.49, n)
    images[:, 9, 0, 0] = 0
    pairs = [(k, limit) for k in range(10) for limit in (0.15, 0.35)]
    bank = {(k, limit): limit * np.eye(10)[k].reshape(10, 1, 1) for k, limit in pairs}
    network = networks.Network("ann-lq", 0, HandsThrough(), bank)
    labels, outputs = np.zeros(n, int), images.reshape(n, 10)
    found = confidence_images.susceptibility(network, images, labels, outputs, rng)
    weak = found["second"]["0.15"]
    expected = (images[::-1, 1, 0, 0] + 0.15 > 0.5).reshape(10, 10).mean(axis=1)
    assert np.allclose(weak["success"], expected)
    assert weak["rank"][0] == pytest.approx(1)
    assert np.allclose(found["least likely"]["0.35"]["success"], 0)


def test_metrics_of_images_of_one_kind_only_are_nan(rng):
    values = score_table.all_scores(np.eye(10), after_softmax=False)
    rows = score_table.measure(values, np.ones(10, bool), rng, 3)
    assert np.isnan(rows["scores"]["ratio"]["auroc"]).all()


def test_scores_are_measured_with_intervals(rng):
    found = rng.normal(size=(300, 10))
    is_right = rng.random(300) < 0.9
    found[is_right, 0] += 2
    values = score_table.all_scores(found, after_softmax=False)
    rows = score_table.measure(values, is_right, rng, resamples=30)
    for row in rows["scores"].values():
        for value, low, high in row.values():
            assert low <= value <= high
    value, low, high = rows["advantage"]["margin"]
    difference = rows["scores"]["ratio"]["auroc"][0] - rows["scores"]["margin"]["auroc"][0]
    assert value == pytest.approx(difference) and low <= value <= high


def test_scores_after_softmax_are_those_of_the_probabilities(rng):
    found = rng.normal(size=(50, 10))
    values = score_table.all_scores(found, after_softmax=True)
    p = np.sort(np.exp(found) / np.exp(found).sum(axis=1, keepdims=True))
    assert np.allclose(values["ratio"], p[:, -1] / p[:, -2])
    assert np.allclose(values["-abs(largest - 1)"], p[:, -1] - 1)
    assert np.allclose(values["largest probability"], p[:, -1])
    assert np.allclose(values["margin"], np.sort(found)[:, -1] - np.sort(found)[:, -2])
    assert not np.allclose(values["ratio before softmax"], values["ratio"])


def test_outside_a_range():
    assert output_range.outside(np.array([0.4, 0.5, 1.1, 1.2]), (0.5, 1.1)) == 0.5


def test_the_explorer_shows_what_the_network_says(ann, bank, data):
    """Without a window: a figure with a canvas that draws into memory."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    model, _ = ann
    scores = prune_ann.scores_of(model, data.train.images, 0)["mean_activation"]
    figure = Figure(figsize=(8, 6))
    FigureCanvasAgg(figure)
    network = networks.Network("ann-lq", 0, model, bank)
    explorer = explore.Explorer(figure, network, scores, data.test)
    assert np.array_equal(explorer.update(), model.predict(data.test.images[:1])[0])

    explorer.sliders["image"].set_val(5)
    explorer.sliders["noise asks for"].set_val(3)
    explorer.sliders["limit"].set_val(0.25)
    image = np.clip(data.test.images[5] + bank[3, 0.25], 0, 1)
    outputs_now = explorer.update()
    assert np.allclose(outputs_now, model.predict(image[None])[0], atol=1e-6)
    assert np.allclose([bar.get_height() for bar in explorer.bars], outputs_now)
    assert f"a {data.test.labels[5]}, read as" in explorer.picture.axes.get_title()

    explorer.sliders["pruned"].set_val(0.9)
    masks = prune.keep_masks(scores, 0.9)
    saved = prune.apply(model, masks)
    expected = model.predict(image[None])[0]
    prune.undo(model, saved)
    assert np.allclose(explorer.update(), expected, atol=1e-6)
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
    [
        *(make_noise, prune_ann, prune_layers, prune_cnn_dense, noise_on_pruned, prune_decoupled),
        *(confidence_curves, confidence_images, output_range, score_table),
    ],
)
def test_a_script_runs_twice_and_shows_what_it_wrote(script, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(noise_banks, "CONFIG", replace(noise_banks.CONFIG, steps=1, batch_size=20))
    monkeypatch.setattr(make_noise, "NETWORKS", dict.fromkeys(LQ, (0,)))
    monkeypatch.setattr(make_noise, "WAYS", (("plain", 0.1, (2,)), ("chain", 0.1, (1, 2))))
    monkeypatch.setattr(study, "ANN_SEEDS", (0,))
    monkeypatch.setattr(networks, "NAMES", ("ann-lq", "cnn-sce"))
    study.report("name", script, data, "quick", "runs", silent)
    out = tmp_path / "results" / "strokes-quick"
    first = (out / "name.json").read_text()

    monkeypatch.setattr(train, "train", None)  # the second time there is nothing left to do
    monkeypatch.setattr(noise_banks, "noise_chain", None)
    study.report("name", script, data, "quick", "runs", silent)
    again = (out / "name.json").read_text()
    assert without_times(again) == without_times(first)
    figures = list(out.glob("*.png"))
    assert figures and all(path.stat().st_size < 150_000 for path in figures)
    lines = script.table(json.loads(first)).splitlines()
    assert len(lines) > 5
    for line in lines:
        assert line == "" or line.count("|") > 3


def without_times(text):
    return {k: v for k, v in json.loads(text).items() if k not in ("seconds", "cost")}
