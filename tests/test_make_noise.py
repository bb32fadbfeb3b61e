"""experiments/make_noise.py on a small scale: each row says what the noise does."""

import make_noise
import numpy as np
import pytest
from lab import banks, nets
from make_noise import Clean, OwnNoise, Picture, Transfer
from small import NETS, NOISE

import nnlite

CONFIG = make_noise.Config(
    networks=tuple((name, NETS[name]) for name in ("ann-lq", "cnn-lq")),
    noise=NOISE,
)


@pytest.fixture(scope="module")
def ann(few_digits, runs):
    return nets.trained("ann-lq", NETS["ann-lq"], few_digits, 0, runs)


@pytest.fixture(scope="module")
def cnn(few_digits, runs):
    return nets.trained("cnn-lq", NETS["cnn-lq"], few_digits, 0, runs)


@pytest.fixture(scope="module")
def bank(ann, few_digits, runs):
    return banks.bank(ann, few_digits, runs, NOISE)


def directly(model, part, target, noise):
    """(accuracy, success)"""
    read = model.predict(np.clip(part.images + noise, 0, 1)).argmax(axis=1)
    others = part.labels != target
    return np.mean(read == part.labels), np.mean(read[others] == target)


def test_a_network_under_its_own_noise(ann, bank, few_digits, runs):
    test = few_digits.test
    row = OwnNoise("ann-lq", 0, 0.25).compute(CONFIG, few_digits, runs)
    expected = [directly(ann.model, test, k, bank[k, 0.25]) for k in range(10)]
    assert list(zip(row["accuracy"], row["success"])) == expected
    clean = Clean("ann-lq", 0).compute(CONFIG, few_digits, runs)["accuracy"]
    assert clean == nnlite.accuracy(ann.model, *test)
    assert clean > row["random"] > np.mean(row["accuracy"])


def test_random_signs_are_at_the_limit():
    noise = make_noise.random_signs(0.2, (28, 28, 1), 0)
    assert noise.shape == (28, 28, 1) and set(np.unique(noise)) == {
        -np.float32(0.2),
        np.float32(0.2),
    }
    assert abs((noise > 0).mean() - 0.5) < 0.1
    assert not np.array_equal(noise, make_noise.random_signs(0.2, (28, 28, 1), 1))


def test_noise_of_one_network_on_another(cnn, bank, few_digits, runs):
    row = Transfer("ann-lq", "cnn-lq", 0, 0.25).compute(CONFIG, few_digits, runs)
    each = [directly(cnn.model, few_digits.test, k, bank[k, 0.25]) for k in range(10)]
    assert (row["accuracy"], row["success"]) == pytest.approx(tuple(np.mean(each, axis=0)))


def test_pictures_are_kept_to_a_hundredth(bank, few_digits, runs):
    text = Picture("ann-lq", 0, 0.35).compute(CONFIG, few_digits, runs)["vectors"]
    vectors = make_noise.from_text(text)
    assert vectors.shape == (10, 28, 28)
    for k, vector in enumerate(vectors):
        assert np.abs(vector - bank[k, 0.35][..., 0]).max() <= 0.005 + 1e-6


def test_the_rows_are_those_of_all_tables_and_pictures():
    rows = list(make_noise.rows(CONFIG, (0, 1)))
    assert len(rows) == len(set(rows))
    assert {row for row in rows if isinstance(row, Clean)} == {
        Clean(network, seed) for network in ("ann-lq", "cnn-lq") for seed in (0, 1)
    }
    own = [row for row in rows if isinstance(row, OwnNoise)]
    assert len(own) == 4 * len(NOISE.limits)
    shown = [(row.network, row.limit) for row in rows if isinstance(row, Picture)]
    assert shown == [("ann-lq", 0.15), ("ann-lq", 0.25), ("ann-lq", 0.35), ("cnn-lq", 0.35)]
    assert sum(isinstance(row, Transfer) for row in rows) == 4
    assert {row.seed for row in rows if isinstance(row, (Picture, Transfer))} == {0}
