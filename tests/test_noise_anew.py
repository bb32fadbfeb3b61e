"""experiments/noise_anew.py on a small scale, and the gradient of a network written out."""

import functools
from dataclasses import replace

import noise_anew
import numpy as np
import pytest
from lab import attackers, nets
from lab.unrolled import Unrolled
from noise_anew import Attacked
from small import NETS, NOISE

import nnlite
import nnlite.sparse.prune as sparse_prune
from nnlite import prune
from nnlite.sparse import unroll

CONFIG = replace(
    noise_anew.QUICK,
    ann=NETS["ann-lq"],
    cnn=NETS["cnn-lq"],
    noise=NOISE,
    ann_attack=attackers.Config(noise_steps=3),
    cnn_attack=attackers.Config(noise_steps=1),
)
ACTIVATION = (("mean_activation", 0.81),)


@pytest.fixture(scope="module")
def cnn(few_digits, runs):
    return nets.trained("cnn-lq", NETS["cnn-lq"], few_digits, 0, runs).model


def test_gradient_of_a_network_written_out(cnn, few_digits):
    images, labels = few_digits.test.images[:5], few_digits.test.labels[:5]
    model = Unrolled(unroll(cnn, (28, 28, 1)))
    assert model.predict(images) == pytest.approx(cnn.predict(images), abs=1e-5)
    for loss in (nnlite.quadratic, nnlite.softmax_cross_entropy):
        expected = cnn.input_gradient(images, labels, loss)
        found = model.input_gradient(images, labels, loss)
        assert np.allclose(found, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


def test_gradient_of_a_pruned_one_is_the_slope_of_its_loss(cnn, few_digits):
    layers = unroll(cnn, (28, 28, 1))
    masks = prune.keep_masks(sparse_prune.scores(layers, prune.magnitude), 0.5)
    model = Unrolled(sparse_prune.apply(layers, masks))
    images, labels = few_digits.test.images[:3], few_digits.test.labels[:3]
    direction = np.random.default_rng(0).standard_normal(images.shape).astype(np.float32)
    slope = np.sum(model.input_gradient(images, labels, nnlite.quadratic) * direction)
    losses = [
        nnlite.quadratic(model.predict(images + h * direction), labels)[0] for h in (1e-3, -1e-3)
    ]
    assert slope == pytest.approx((losses[0] - losses[1]) / 2e-3, rel=0.02)


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


@pytest.mark.parametrize("form", noise_anew.CNN_FORMS)
def test_what_each_form_prunes(form, cnn, few_digits, runs):
    row = Attacked("cnn", form, 0)
    _, _, scores = noise_anew.scored(*row.trained(CONFIG), CONFIG, few_digits, runs)
    masks = row.dense_masks(CONFIG, scores)
    model = row.written_out(cnn, CONFIG, few_digits)
    if form == "first dense layer":
        ((name, mask),) = masks.items()
        assert name == next(iter(scores["magnitude"])) and mask.mean() == pytest.approx(0.1, 0.01)
    else:
        assert masks == {}
    if form.startswith("convolutions"):
        pairs = zip(model.network.layers, unroll(cnn, (28, 28, 1)))
        kept = [new.non_zeros / old.non_zeros for new, old in pairs]
        assert kept == pytest.approx([0.6, 1, 1, 1], abs=1e-3)
    else:
        assert model is cnn


def test_a_row_of_written_out_convolutions(few_digits, runs):
    row = Attacked("cnn", "convolutions, magnitude", 0).compute(CONFIG, few_digits, runs)
    assert 0 <= row["best_of_ten"]["strongest"] <= row["clean"] <= 1
