"""experiments/noise_ways.py on a small scale: a way of making noise is what its name says."""

from dataclasses import replace

import noise_ways
import numpy as np
import pytest
from lab import nets
from noise_ways import Way
from small import NETS, NOISE

import nnlite

CONFIG = noise_ways.Config(
    NETS["ann-lq"], noise=NOISE, ways=(("plain", 0.1, (2,)), ("chain", 0.03, (1, 2)))
)


@pytest.fixture(scope="module")
def ann(few_digits, runs):
    return nets.trained("ann-lq", NETS["ann-lq"], few_digits, 0, runs)


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


def test_every_way_is_tried_for_every_class():
    rows = list(noise_ways.rows(CONFIG, (0, 1)))
    assert len(rows) == len(set(rows)) == 2 * (3 * 2 * 2 * 2)
