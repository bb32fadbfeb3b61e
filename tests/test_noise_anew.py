"""experiments/noise_anew.py on a small scale."""

import functools
from dataclasses import replace

import noise_anew
import numpy as np
import pytest
from lab import attackers, nets
from noise_anew import Attacked
from small import NETS, NOISE

from nnlite.sparse import SparseNetwork, unroll

CONFIG = replace(
    noise_anew.QUICK,
    ann=NETS["ann-lq"],
    cnn=NETS["cnn-lq"],
    noise=NOISE,
    ann_attack=attackers.Config(noise_steps=3),
    cnn_attack=attackers.Config(noise_steps=1),
)
ACTIVATION = (("mean_activation", 0.81),)


def test_the_strongest_is_no_weaker_on_validation_images(few_digits, runs):
    swapped = replace(few_digits, test=few_digits.validation)
    row = Attacked("ann", ACTIVATION, 0).compute(CONFIG, swapped, runs)
    for key in ("eight", "ten"):
        assert (np.array(row[key]["strongest"]) <= row[key]["replayed"]).all()
    assert row["untargeted"]["strongest"] <= row["untargeted"]["replayed"]
    assert row["best_of_ten"]["strongest"] <= min(row["ten"]["strongest"])
    assert min(row["last_steps"]) >= 0 and len(row["last_steps"]) == 1 + 10 + 1
    for took, steps in zip(row["last_steps"], row["steps"]):
        assert took < CONFIG.settled or steps == 3 * 2**CONFIG.doublings


def test_steps_are_doubled_until_they_take_little(few_digits, monkeypatch):
    """Accuracy 0.9 at first, 0.5 after as many steps again, 0.3, 0.29, then never less."""
    under, made = {1: 0.9, 2: 0.5, 4: 0.3, 8: 0.29, 16: 0.29, 32: 0.0}, []

    def trained(model, data, target, limit, noise, cfg, steps):
        made.append(steps)
        return noise + steps

    monkeypatch.setattr(attackers, "trained_noise", trained)
    monkeypatch.setattr(attackers, "accuracy_under", lambda model, part, noise: under[noise])
    cfg = attackers.Config(noise_steps=1)
    search = functools.partial(attackers.until_settled, None, few_digits, 3, 0.1, 1, cfg)
    assert search(settled=0.015, doublings=9) == (8, pytest.approx(0.01), 8) and made == [1, 2, 4]
    assert search(settled=0.001, doublings=9) == (8, 0.0, 16)
    assert search(settled=0.001, doublings=1) == (2, pytest.approx(0.4), 2)


@pytest.fixture(scope="module")
def cnn(few_digits, runs):
    return nets.trained("cnn-lq", NETS["cnn-lq"], few_digits, 0, runs).model


@pytest.mark.parametrize("form", noise_anew.CNN_FORMS)
def test_what_each_form_prunes(form, cnn, few_digits, runs):
    row = Attacked("cnn", form, 0)
    _, _, scores = noise_anew.scored(*row.trained(CONFIG), CONFIG, few_digits, runs)
    model = row.in_form(cnn, scores, CONFIG, few_digits)
    if form == "whole":
        assert model is cnn
        return
    whole = unroll(cnn, (28, 28, 1))
    if form == "first dense layer":
        expected, whole = [1, 0.1, 1, 1], SparseNetwork(cnn, (28, 28, 1)).layers
    else:
        expected = [0.6, 1, 1, 1]
    kept = [new.non_zeros / old.non_zeros for new, old in zip(model.layers, whole, strict=True)]
    assert kept == pytest.approx(expected, abs=2e-3)


def test_a_row_of_written_out_convolutions(few_digits, runs):
    row = Attacked("cnn", "convolutions, magnitude", 0).compute(CONFIG, few_digits, runs)
    assert 0 <= row["best_of_ten"]["strongest"] <= row["clean"] <= 1
