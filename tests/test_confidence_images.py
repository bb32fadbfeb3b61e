"""experiments/confidence_images.py and lab/gallery.py: outputs that can be written down."""

import confidence_images
import numpy as np
import pytest
from confidence_images import Config, Gallery, Similar, Susceptibility
from lab import forms, gallery
from small import NETS, NOISE

import nnlite

CONFIG = Config(forms.Config((("ann-lq", NETS["ann-lq"]),), NOISE), resamples=20)


def test_the_second_class_is_another_one_even_of_equal_outputs():
    outputs = np.array([[0.5, 0.1, 0.5], [0.1, 0.2, 0.9], [1.0, 1.0, 1.0]])
    assert np.array_equal(gallery.second_class(outputs), [2, 1, 1])


def test_the_images_of_lowest_and_highest_ratio():
    labels = np.array([1, 1, 1, 1, 2, 3])
    outputs = np.full((6, 10), -1.0)
    rows = [(0.9, 0.1), (0.9, 0.8), (0.9, -0.5), (0.1, 0.9), (0.7, 0.6), (0.2, 0.5)]
    for k, (own, other) in enumerate(rows):
        outputs[k, labels[k]], outputs[k, 5] = own, other
    places = gallery.extremes(outputs, labels, range(1, 10))
    assert places == {"lowest": [1, 4], "highest": [2, 4]}  # no 3 is read right


def test_a_digit_of_the_gallery_is_what_the_network_says(few_digits, runs):
    network = forms.network("ann-lq", "whole", 0, CONFIG.forms, few_digits, runs)
    model, bank = network.model, network.bank
    ends = Gallery(0).compute(CONFIG, few_digits, runs)
    assert [digit["first"] for digit in ends["lowest"]] == list(range(1, 10))
    for digit in (ends["lowest"][0], ends["highest"][-1]):
        shown = gallery.from_text(digit["image"])
        (place,) = np.flatnonzero(
            np.isclose(few_digits.test.images[..., 0], shown, atol=0.002).all(axis=(1, 2))
        )
        image = few_digits.test.images[place]
        outputs = model.predict(image[None])[0]
        assert digit["first"] == few_digits.test.labels[place] == outputs.argmax()
        assert np.allclose(digit["outputs"], np.sort(outputs)[:-3:-1], atol=1e-5)
        for noise, limit in zip(digit["noise"], CONFIG.limits):
            noisy = np.clip(image + bank[digit["second"], limit], 0, 1)
            assert np.allclose(gallery.from_text(noise["image"]), noisy[..., 0], atol=0.002)
            after = np.sort(model.predict(noisy[None])[0])
            assert (noise["limit"], noise["read"]) == (limit, model.predict(noisy[None]).argmax())
            assert np.allclose(noise["outputs"], after[:-3:-1], atol=1e-5)
            if after[-2] > 0:
                assert float(noise["ratio"]) == pytest.approx(after[-1] / after[-2], abs=0.02)
            else:
                assert noise["ratio"] == "inf"


def test_a_ratio_as_text():
    assert [gallery.text_of(ratio) for ratio in (13.254, np.inf, np.nan)] == ["13.25", "inf", "nan"]


def test_images_of_low_ratio_and_their_third_output():
    outputs = np.array([[1, 0.9, 0.2], [1, 0.9, 0.6], [1, 0.4, 0.1]])
    assert confidence_images.similar_outputs(outputs, 2.0) == {"two": 2, "three": 1}


def test_only_images_that_are_read_right_are_counted(few_digits, runs):
    model = forms.network("ann-lq", "whole", 0, CONFIG.forms, few_digits, runs).model
    outputs = np.sort(model.predict(few_digits.test.images), axis=1)
    right = model.predict(few_digits.test.images).argmax(axis=1) == few_digits.test.labels
    low = right & (outputs[:, -1] < 2 * outputs[:, -2])
    counted = Similar(0).compute(CONFIG, few_digits, runs)
    assert 0 < counted["two"] == low.sum() < len(right)


def test_the_lead_of_the_right_class():
    outputs = np.array([[1.0, 0.2, 0.5], [0.1, 0.3, 0.9]])
    assert np.allclose(confidence_images.lead_of_label(outputs, np.array([0, 1])), [0.5, -0.6])


def test_a_rank_correlation_of_known_order(rng):
    x = np.arange(200.0)
    assert confidence_images.rank_correlation(x, -(x**3), 300, rng) == pytest.approx([-1, -1, -1])
    value, low, high = confidence_images.rank_correlation(x, rng.normal(size=200), 300, rng)
    assert low < value < high and high - low > 0.1


def test_susceptibility_of_images_in_order_of_their_ratio(rng):
    """Outputs 0.5, a second from 0.01 to 0.49, and others; noise lifts one of them."""
    n = 100
    images = np.full((n, 10, 1, 1), 0.005)
    images[:, 0, 0, 0], images[:, 1, 0, 0] = 0.5, np.linspace(0.01, 0.49, n)
    images[:, 9, 0, 0] = 0
    pairs = [(k, limit) for k in range(10) for limit in CONFIG.limits]
    bank = {(k, limit): limit * np.eye(10)[k].reshape(10, 1, 1) for k, limit in pairs}
    model = nnlite.Sequential([nnlite.Flatten()])  # hands its input through
    network = forms.Network("ann-lq", "whole", 0, model, bank)
    attacks = confidence_images.susceptibility(network, images, np.zeros(n, int), CONFIG, rng)
    found = {(attack["target"], attack["limit"]): attack for attack in attacks}
    weak = found["second", 0.15]
    expected = (images[::-1, 1, 0, 0] + 0.15 > 0.5).reshape(10, 10).mean(axis=1)
    assert np.allclose(weak["success"], expected)
    assert weak["rank"][0] == pytest.approx(1)
    assert np.allclose(found["least likely", 0.35]["success"], 0)


def test_the_same_seed_has_the_same_random_targets(few_digits, runs):
    first, again = (Susceptibility(0).compute(CONFIG, few_digits, runs) for _ in range(2))
    np.testing.assert_equal(first, again)
    assert len(first["attacks"]) == 3 * 2
