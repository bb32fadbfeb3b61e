"""experiments/make_noise.py on a small scale: each row says what the noise does."""

from dataclasses import replace

import make_noise
import numpy as np
import pytest
from lab import banks, nets
from make_noise import Clean, OwnNoise, Picture, Transfer, Way
from small import NETS, NOISE

import nnlite

CONFIG = make_noise.Config(
    networks=tuple((name, NETS[name]) for name in ("ann-lq", "cnn-lq")),
    noise=NOISE,
    ways=(("plain", 0.1, (2,)), ("chain", 0.03, (1, 2))),
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


def test_more_steps_of_a_way_have_more_success(few_digits, runs):
    way = Way(0, "adam", 0.03, "softmax_cross_entropy", 0.0, 1, 3)
    rows = [replace(way, steps=n).compute(CONFIG, few_digits, runs) for n in (1, 30)]
    for name in ("validation_success", "success"):
        assert rows[1][name] > rows[0][name]
    assert rows[1]["accuracy"] < rows[0]["accuracy"]


def test_each_way_is_what_its_name_says(ann, few_digits):
    def noise(**changes):
        way = Way(0, "plain", 0.1, "softmax_cross_entropy", 0.0, 3, 3)
        return replace(way, **changes).noise(ann.model, few_digits.train.images, CONFIG)

    plain = noise()
    assert 0 < np.abs(plain).max() <= 0.25
    for changes in ({"l2": 0.02}, {"loss": "quadratic"}, {"steps": 4}, {"step": "normalised"}):
        assert not np.array_equal(noise(**changes), plain)
    chain = noise(step="chain", step_size=NOISE.step_size, steps=NOISE.steps)
    other = noise(step="adam", step_size=NOISE.step_size, steps=4 * NOISE.steps)
    assert np.abs(chain).max() <= 0.25 and not np.array_equal(chain, other)


def test_a_chain_is_made_like_the_noise_of_the_study(ann, few_digits):
    way = Way(0, "chain", NOISE.step_size, "softmax_cross_entropy", 0.0, NOISE.steps, 3)
    noise = way.noise(ann.model, few_digits.train.images, CONFIG)
    expected = nnlite.noise.noise_chain(
        *(ann.model, few_digits.train.images, 3, NOISE.limits[:4]),
        **{"step": "adam", "step_size": NOISE.step_size, "steps": NOISE.steps},
        batch_size=NOISE.batch_size,
        rng=np.random.default_rng(3),
    )
    assert np.array_equal(noise, expected[3, 0.25])


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
        *(Clean("ann-lq", 0), Clean("ann-lq", 1), Clean("cnn-lq", 0))  # the last takes hours
    }
    own = [row for row in rows if isinstance(row, OwnNoise)]
    assert len(own) == 3 * len(NOISE.limits)
    shown = [(row.network, row.limit) for row in rows if isinstance(row, Picture)]
    assert shown == [("ann-lq", 0.15), ("ann-lq", 0.25), ("ann-lq", 0.35), ("cnn-lq", 0.35)]
    assert sum(isinstance(row, Transfer) for row in rows) == 4
    assert sum(isinstance(row, Way) for row in rows) == 3 * 2 * 2 * 2
    assert {row.seed for row in rows if isinstance(row, (Picture, Transfer, Way))} == {0}
