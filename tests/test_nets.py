"""lab/nets.py: what is trained is found again, and trouble is told early."""

import shutil
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest
from lab import cache, nets

import nnlite

CONFIG = nets.Config("quadratic", 1e-3, (40,), steps=195, lr=5e-3, batch_size=50)


@pytest.mark.parametrize("name", nets.MODELS)
def test_the_posts_networks(name):
    cfg = nets.preset(name, "standard")
    model = nets.build(cfg, np.random.default_rng(0))
    assert cfg.loss == ("quadratic" if "lq" in name else "softmax_cross_entropy")
    assert cfg.after_softmax == ("sce" in name)
    weights = [p.value.shape for p in model.params if p.value.ndim == 2]
    if "ann" in name:
        assert weights == [(784, 1500), (1500, 1000), (1000, 800), (800, 10)]
    else:
        assert weights == [(15680, 1500), (1500, 500), (500, 10)]
        filters = [p.value.shape for p in model.params if p.value.ndim == 4]
        assert filters == [(7, 7, 1, 12), (5, 5, 12, 15), (3, 3, 15, 25), (3, 3, 25, 20)]
    paper = nets.preset(name, "paper")
    assert (paper.steps, paper.batch_size, paper.l2) == (100_000, 250, cfg.l2)


def test_a_network_for_other_images():
    cfg = replace(CONFIG, convolutions=((3, 4),))
    model = nets.build(cfg, np.random.default_rng(0), image_shape=(8, 6, 3), n_classes=5)
    assert model.predict(np.zeros((2, 8, 6, 3), np.float32)).shape == (2, 5)


def test_dropout_and_output_relu_are_where_they_should_be():
    cfg = replace(CONFIG, hidden=(5, 4), drop_prob=0.3, output_relu=True)
    names = [type(layer).__name__ for layer in nets.build(cfg, np.random.default_rng(0)).layers]
    hidden = ["Dense", "ReLU", "Dropout"]
    assert names == ["Flatten", *hidden, *hidden, "Dense", "ReLU"]


def test_learning_rates():
    def rates(schedule):
        cfg = replace(CONFIG, lr=1.0, steps=100, schedule=schedule)
        return [nets.learning_rate(cfg, step) for step in (0, 25, 50, 75, 100)]

    half = np.sqrt(0.5) / 2
    cosine = [1, 0.5 + half, 0.5, 0.5 - half, 0]
    assert np.allclose(rates("cosine"), cosine)
    warm = np.array([1, 26, 51, 76, 101]) / 440
    assert np.allclose(rates("warm-up, cosine"), warm * cosine)
    assert rates("constant") == [1, 1, 1, 1, 1]
    assert rates("late drop") == [1, 1, 0.05, 0.05, 0.05]
    with pytest.raises(ValueError, match="schedule is 'sine'"):
        rates("sine")


def test_a_trained_network_is_found_again(few_digits, tmp_path, caplog, monkeypatch):
    caplog.set_level("INFO", "lab")
    network = nets.trained("small", CONFIG, few_digits, 0, tmp_path)
    assert "strokes-small-seed0" in caplog.text and "195 steps, about" in caplog.text
    assert network.test_accuracy == nnlite.accuracy(network.model, *few_digits.test) > 0.6
    assert [epoch["step"] for epoch in network.history][-2:] == [180, 195]
    assert network.history[-1]["loss"] < network.history[0]["loss"]
    last = network.history[-1]["validation_accuracy"]
    assert network.validation_accuracy == last
    assert last == nnlite.accuracy(network.model, *few_digits.validation)
    assert {path.suffix for path in tmp_path.iterdir()} == {".npz", ".json", ".lock"}

    monkeypatch.setattr(nets, "fit", None)  # from here on nothing can be trained
    again = nets.trained("small", CONFIG, few_digits, 0, tmp_path)
    assert again.made_by == network.made_by and again.history == network.history
    for p, q in zip(network.model.params, again.model.params):
        assert np.array_equal(p.value, q.value)
    others = few_digits.test._replace(labels=few_digits.test.labels[::-1])
    for cfg, data, seed in (  # made otherwise
        (CONFIG, few_digits, 1),
        (replace(CONFIG, l2=1e-4), few_digits, 0),
        (CONFIG, replace(few_digits, test=others), 0),  # other data of the same name
    ):
        with pytest.raises(TypeError, match="not callable"):
            nets.trained("small", cfg, data, seed, tmp_path)


def test_the_seed_decides_everything(few_digits, tmp_path):
    cfg = replace(CONFIG, steps=10, drop_prob=0.3)
    models = [
        nets.trained("small", cfg, few_digits, seed, tmp_path / folder).model
        for seed, folder in ((0, "a"), (0, "b"), (1, "a"))
    ]
    first, same, other = (model.params[0].value for model in models)
    assert np.array_equal(first, same) and not np.array_equal(first, other)


def test_a_run_that_diverges_stops_and_keeps_the_last_good_checkpoint(few_digits, tmp_path):
    good = replace(CONFIG, steps=60, schedule="constant")
    nets.fit(good, few_digits, 0, tmp_path / "c.npz")
    saved = (tmp_path / "c.npz").read_bytes()
    bad = replace(good, steps=120, lr=1e20)
    message = r"step 6\d: the loss is .* of layer \d, .* learning rate below 1e\+20"
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=message):
        nets.fit(bad, few_digits, 0, tmp_path / "c.npz")
    assert (tmp_path / "c.npz").read_bytes() == saved


def test_a_folder_that_cannot_be_written_to_is_told_at_once(few_digits, tmp_path):
    (tmp_path / "runs").write_text("a file, not a folder")
    with pytest.raises(OSError, match="runs"):
        nets.trained("small", CONFIG, few_digits, 0, tmp_path / "runs")


def test_a_full_disk_is_told_at_once(few_digits, tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")(1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    for _ in range(2):  # the second time too
        with pytest.raises(OSError, match=r"0 MB are free in .* this run needs 1 MB"):
            nets.trained("small", CONFIG, few_digits, 0, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".lock"}


WANTED = """
import logging, sys, time
from pathlib import Path
import numpy as np
sys.path.insert(0, {experiments!r})
from lab import nets
from nnlite.data import Dataset, Split

logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
fit, runs = nets.fit, Path(sys.argv[1])

def fit_when_told(*args):
    while not (runs / "go on").exists():
        time.sleep(0.01)
    return fit(*args)

nets.fit = fit_when_told
rng = np.random.default_rng(0)
split = Split(rng.random((200, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, 200))
data = Dataset("noise", split, split, split)
cfg = nets.Config("quadratic", 1e-3, (20,), steps=10, batch_size=50)
network = nets.trained("wanted", cfg, data, int(sys.argv[2]), runs)
print([float(np.abs(p.value).sum()) for p in network.model.params])
"""


def test_two_processes_that_want_a_network_train_it_once(tmp_path):
    code = WANTED.format(experiments=str(cache.ROOT / "experiments"))

    def start(seed):
        command = [sys.executable, "-u", "-c", code, tmp_path, str(seed)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    with start(0) as first:
        assert "10 steps, about" in first.stdout.readline()
        with start(0) as second, start(1) as other:
            said = second.stdout.readline()
            assert "wanted-seed0" in said and "another process is making it; waiting" in said
            assert "10 steps, about" in other.stdout.readline()  # another network is not waited for
            (tmp_path / "go on").touch()
            weights = [process.stdout.read() for process in (first, second, other)]
    assert weights[0].startswith("[") and weights[0] == weights[1] != weights[2]
    assert len(list(tmp_path.glob("*.npz"))) == 2
