"""Robust accuracy and its flags: each sign of a weak attack raises its own, and only that."""

import numpy as np
import pytest
from easy import easy_images

from nnlite import robustness
from nnlite.model import Sequential

GOOD = [
    {
        **{"limit": limit, "no noise": 0.98, "random signs": 0.97, "gaussian": 0.97},
        **{"one step": 0.6 - limit, "many steps": 0.5 - limit, "twice as many": 0.497 - limit},
        **{"square": 0.55 - limit, "worst": 0.49 - limit, "zero gradients": 0.0},
    }
    for limit in (0.1, 0.2, 0.49)
]


@pytest.mark.parametrize(
    "title, k, changes",
    [
        ("Zero gradients", 0, {"zero gradients": 0.02}),
        ("One step beats many", 1, {"one step": 0.2}),
        ("Squares beat gradients", 1, {"square": 0.2}),
        ("More steps still gain", 0, {"twice as many": 0.3}),
        ("Not all at a large limit", 2, {"limit": 0.6, "worst": 0.02}),
        ("A larger limit does less", 1, {"worst": 0.45}),
    ],
)
def test_each_sign_raises_its_flag(title, k, changes):
    rows = [dict(row) for row in GOOD]
    rows[k] |= changes
    (flag,) = robustness.flags(rows)
    assert flag.endswith(f"see docs/attacks.md, {title!r}")


def test_a_good_attack_raises_none():
    assert robustness.flags(GOOD) == []


class Stairs:
    """A layer that rounds: its true gradient is zero wherever it has one."""

    params = ()
    cache = None

    def forward(self, x, train=False):
        return np.round(4 * x) / 4

    def backward(self, dy):
        return np.zeros((len(dy), 6, 6, 1), np.float32) if dy.ndim != 4 else 0 * dy


def test_hidden_gradients_are_noticed(trained, rng):
    model, _ = trained
    images, labels = easy_images(60, rng)
    hidden = Sequential([Stairs(), *model.layers])
    rows = robustness.measure(hidden, images, labels, (0.4,), rng=rng, steps=3, queries=60)
    assert rows[0]["zero gradients"] == 1
    flags = "\n".join(robustness.flags(rows))
    assert "Zero gradients" in flags and "Squares beat gradients" in flags


def test_what_is_measured_is_in_order(trained, rng):
    model, _ = trained
    images, labels = easy_images(60, rng)
    rows = robustness.measure(model, images, labels, (0.1, 0.3), rng=rng, steps=5, queries=50)
    for row in rows:
        many = row["many steps"], row["twice as many"], row["square"], row["one step"]
        assert row["worst"] <= min(many) and row["no noise"] >= row["random signs"]
        assert row["zero gradients"] == 0
    assert rows[1]["worst"] < rows[0]["worst"]
