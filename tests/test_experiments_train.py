"""experiments/train.py: what is trained is found again, and trouble is told early."""

import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nnlite
from nnlite.data import Dataset, Split, strokes

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
import train
import training_study

CONFIG = train.Config("quadratic", 1e-3, (40,), steps=90, lr=3e-3, batch_size=50)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    sizes = {"train": 2000, "validation": 300, "test": 300}
    return Dataset("strokes", **{k: Split(*strokes.make_digits(n, rng)) for k, n in sizes.items()})


@pytest.fixture
def silent():
    return lambda text: None


@pytest.mark.parametrize("name", train.MODELS)
def test_the_posts_networks(name):
    cfg = train.preset(name, "standard")
    model = train.build(cfg, np.random.default_rng(0))
    assert cfg.loss == ("quadratic" if "lq" in name else "softmax_cross_entropy")
    weights = [p.value.shape for p in model.params if p.value.ndim == 2]
    if "ann" in name:
        assert weights == [(784, 1500), (1500, 1000), (1000, 800), (800, 10)]
    else:
        assert weights == [(15680, 1500), (1500, 500), (500, 10)]
        filters = [p.value.shape for p in model.params if p.value.ndim == 4]
        assert filters == [(7, 7, 1, 12), (5, 5, 12, 15), (3, 3, 15, 25), (3, 3, 25, 20)]
    paper = train.preset(name, "paper")
    assert (paper.steps, paper.batch_size, paper.l2) == (100_000, 250, cfg.l2)


def test_dropout_and_output_relu_are_where_they_should_be():
    cfg = replace(CONFIG, hidden=(5, 4), drop_prob=0.3, output_relu=True)
    names = [type(layer).__name__ for layer in train.build(cfg, np.random.default_rng(0)).layers]
    hidden = ["Dense", "ReLU", "Dropout"]
    assert names == ["Flatten", *hidden, *hidden, "Dense", "ReLU"]


def test_learning_rates():
    def rates(schedule):
        cfg = replace(CONFIG, lr=1.0, steps=100, schedule=schedule)
        return [train.learning_rate(cfg, step) for step in (0, 25, 50, 75, 100)]

    half = np.sqrt(0.5) / 2
    assert np.allclose(rates("cosine"), [1, 0.5 + half, 0.5, 0.5 - half, 0])
    assert rates("constant") == [1, 1, 1, 1, 1]
    assert rates("late drop") == [1, 1, 0.05, 0.05, 0.05]


def test_a_trained_network_is_found_again(data, tmp_path, silent, monkeypatch):
    model, results = train.trained(CONFIG, data, 0, "small", tmp_path, silent)
    assert results["test_accuracy"] == nnlite.accuracy(model, *data.test) > 0.6
    assert [epoch["step"] for epoch in results["history"]] == [40, 80, 90]
    assert results["history"][-1]["loss"] < results["history"][0]["loss"]
    assert {path.suffix for path in tmp_path.iterdir()} == {".npz", ".json"}

    monkeypatch.setattr(train, "train", None)  # from here on nothing can be trained
    again, loaded = train.trained(CONFIG, data, 0, "small", tmp_path, silent)
    assert loaded == results
    for p, q in zip(model.params, again.params):
        assert np.array_equal(p.value, q.value)
    for cfg, seed in ((CONFIG, 1), (replace(CONFIG, l2=1e-4), 0)):  # made otherwise
        with pytest.raises(TypeError, match="not callable"):
            train.trained(cfg, data, seed, "small", tmp_path, silent)


def test_a_run_that_diverges_stops_and_keeps_the_last_good_checkpoint(data, tmp_path, silent):
    good = replace(CONFIG, steps=80, schedule="constant")
    train.train(good, data, 0, tmp_path / "c.npz")
    saved = (tmp_path / "c.npz").read_bytes()
    bad = replace(good, steps=160, lr=1e20)
    message = r"step 8\d: the loss is .* of layer \d, .* learning rate below 1e\+20"
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=message):
        train.train(bad, data, 0, tmp_path / "c.npz")
    assert (tmp_path / "c.npz").read_bytes() == saved


def test_a_folder_that_cannot_be_written_to_is_told_at_once(data, tmp_path, silent):
    (tmp_path / "runs").write_text("a file, not a folder")
    with pytest.raises(OSError, match="runs"):
        train.trained(CONFIG, data, 0, "small", tmp_path / "runs", silent)


def test_a_full_disk_is_told_at_once(data, tmp_path, silent, monkeypatch):
    usage = namedtuple("usage", "free")(1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    for _ in range(2):  # the second time too
        with pytest.raises(OSError, match=r"0 MB are free in .* this run needs 1 MB"):
            train.trained(CONFIG, data, 0, "small", tmp_path, silent)
    assert not list(tmp_path.iterdir())


def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(tmp_path):
    command = [sys.executable, train.__file__, "--model", "cnn-lq", "--runs", tmp_path]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        while not list(tmp_path.glob("*.checkpoint.npz")):
            time.sleep(0.02)
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        said = run.stderr.read().decode()
    (checkpoint,) = tmp_path.glob("*.checkpoint.npz")
    assert run.returncode == 1 and "Traceback" not in said
    assert f"The same command continues from {checkpoint}" in said


def test_the_study_makes_a_table_of_its_results(data, tmp_path):
    results = training_study.collect({"small": (CONFIG, (0, 1))}, data, tmp_path)
    row = training_study.table(results).splitlines()[2].split("|")
    accuracies = [100 * run["test_accuracy"] for run in results]
    assert row[1].strip() == "small" and row[2].strip() == "2"
    assert float(row[3]) == pytest.approx(np.mean(accuracies), abs=0.006)
    assert row[4].strip() == f"{min(accuracies):.2f} to {max(accuracies):.2f}"
    layer = results[0]["weights"]["1.w"]
    assert layer["size"] == 784 * 40 and 0 <= layer["zero"] <= layer["below_1e-3"] <= 1
