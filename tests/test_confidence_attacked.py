"""experiments/confidence_attacked.py on a small scale: attackers aim at what their names say."""

from dataclasses import replace

import confidence_attacked
import numpy as np
import pytest
from confidence_attacked import TOGETHER, Attacked, Longer
from lab import confident, forms
from small import NETS, NOISE

from nnlite import check_loss
from nnlite.confidence import probability_ratio, top_two_ratio

CONFIG = replace(
    confidence_attacked.PRESETS["quick"],
    forms=forms.Config((("ann-lq", NETS["ann-lq"]),), NOISE),
    limits=(0.35,),
    images=60,
    noise_steps=3,
    steps=10,
)


@pytest.fixture(scope="module")
def network(few_digits, runs):
    return forms.network("ann-lq", "whole", 0, CONFIG.forms, few_digits, runs)


@pytest.fixture
def context(network, few_digits):
    return confidence_attacked.context_of(network, few_digits, CONFIG)


def test_each_attacker_comes_nearer_to_its_aim(network, context, few_digits):
    images, labels = few_digits.test.images[:60], few_digits.test.labels[:60]
    plain = network.model.predict(images)

    def versions(attacker):
        return attacker(network, images, labels, 0.35, context)

    second = confident.second_class(plain, labels)
    wanted = np.eye(10)[second]
    towards, _ = versions(confident.to_one_hot)
    assert np.sum((towards - wanted) ** 2) < 0.7 * np.sum((plain - wanted) ** 2)
    assert len(versions(confident.best_of_ten)) == 10
    assert len(versions(confident.scaled)) == len(CONFIG.scales)
    for outputs in versions(confident.highest_ratio):
        fooled = outputs.argmax(axis=1) != labels
        assert np.median(top_two_ratio(outputs[fooled])) > np.median(top_two_ratio(plain))


def test_after_softmax_the_ratio_of_probabilities_is_raised_too(network, context, few_digits):
    images, labels = few_digits.test.images[:60], few_digits.test.labels[:60]
    softmax = replace(network, after_softmax=True)
    versions = confident.highest_ratio(softmax, images, labels, 0.35, context)
    assert len(versions) == 4
    raw, of_probabilities = versions[0], versions[2]  # the second largest output is the target
    fooled = (raw.argmax(axis=1) != labels) & (of_probabilities.argmax(axis=1) != labels)
    assert fooled.any()
    of_both = probability_ratio(of_probabilities[fooled]) / probability_ratio(raw[fooled])
    assert np.median(of_both) > 1


def test_what_is_copied_is_of_the_class(network, context, few_digits):
    targets = np.arange(10)
    outputs = confident.outputs_of(network, targets, context)
    assert np.array_equal(outputs.argmax(axis=1), targets)


def test_a_class_that_is_never_read_right_is_asked_for_by_1_and_0(network, context):
    others = context.clean_labels != 3
    without = replace(
        context, clean=context.clean[others], clean_labels=context.clean_labels[others]
    )
    outputs = confident.outputs_of(network, np.array([3, 4]), without)
    assert np.array_equal(outputs[0], np.eye(10)[3]) and outputs[1].argmax() == 4
    assert not np.array_equal(outputs[1], np.eye(10)[4])


def test_the_ratio_as_a_loss(rng):
    outputs = rng.uniform(0.2, 1, size=(20, 5))
    assert check_loss(confident.ratio_loss, outputs, rng.integers(5, size=20)) < 1e-8


def test_the_surest_wrong_version_is_shown():
    labels = np.array([0, 0])
    versions = [np.array([[0.9, 0.1], [0.1, 0.6]]), np.array([[0.2, 0.8], [0.1, 0.3]])]
    best = confidence_attacked.surest_wrong(versions, labels, False)
    assert np.allclose(best["margin"], [0.6, 0.5]) and np.allclose(
        best["largest output"], [0.8, 0.6]
    )
    right = confidence_attacked.surest_wrong([np.array([[0.9, 0.1]])], labels[:1], False)
    assert right["margin"] == [-np.inf]


def test_together_they_are_as_strong_as_each(few_digits, runs, network):
    row = Attacked("ann-lq", "whole", 0, 0.35).compute(CONFIG, few_digits, runs)
    for attacker in confident.ATTACKERS:
        assert row["wrong"][attacker] <= row["wrong"][TOGETHER]
        for score, accepted in row["accepted"][attacker].items():
            assert accepted == sorted(accepted, reverse=True)
            assert np.all(np.array(accepted) <= row["accepted"][TOGETHER][score])
    assert (
        row["accepted"]["random class"]["ratio"] <= row["accepted"]["random class, scaled"]["ratio"]
    )


def test_twice_the_steps(few_digits, runs):
    with_steps = replace(CONFIG, steps=2 * CONFIG.steps, noise_steps=2 * CONFIG.noise_steps)
    found = Longer("ann-lq", "whole", 0, 0.35).compute(CONFIG, few_digits, runs)
    assert found == Attacked("ann-lq", "whole", 0, 0.35).compute(with_steps, few_digits, runs)
    rows = list(confidence_attacked.rows(CONFIG, [0]))
    assert [type(row) for row in rows if row.form == "whole"] == [Attacked, Longer]
