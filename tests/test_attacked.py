"""experiments/lab/attacked.py: which images are attacked, and what thresholds keep of them."""

import numpy as np
from lab import attacked
from lab.forms import Network

import nnlite
from nnlite.data import Split


def test_noisy_sets_begin_with_the_images_themselves(rng):
    images = rng.random((3, 2, 2, 1))
    bank = {(3, 0.25): rng.uniform(-0.25, 0.25, (2, 2, 1)), (5, 0.1): np.full((2, 2, 1), 0.1)}
    clean, first, second = attacked.noisy_sets(images, bank, ((5, 0.1), (3, 0.25)))
    assert np.array_equal(clean, images)
    assert np.allclose(first, np.minimum(images + 0.1, 1))
    assert np.allclose(second, np.clip(images + bank[3, 0.25], 0, 1))


def test_success_counts_only_images_of_other_classes():
    """Outputs are the images: those of class 0 and 1, then noise that lifts the output 1."""
    model = nnlite.Sequential([nnlite.Flatten()])
    test = Split(np.array([[0.9, 0.0], [0.9, 0.6], [0.1, 0.2]]), np.array([0, 0, 1]))
    under_noise = attacked.under_noise(model, *test, 1, np.array([0.0, 0.35]))
    assert under_noise == {"accuracy": 2 / 3, "success": 1 / 2}


def test_half_of_the_images_are_attacked_with_another_class():
    labels = np.arange(1001) % 10
    chosen, targets = attacked.choose_attacked(labels, np.random.default_rng(0))
    assert chosen.sum() == 500
    assert (targets != labels).all() and set(targets) == set(range(10))


def test_confidence_of_six_images_by_hand():
    """The "network" hands its input through, so that the outputs can be written down."""
    network = Network("ann-lq", "whole", 0, nnlite.Sequential([nnlite.Flatten()]), bank={})
    right = [[ratio, 1.0] for ratio in (2, 4, 6, 8, 10)]
    validation = np.array([*right, [1.0, 100]]), np.zeros(6, int)  # the last is wrong
    scores = network.ratio_of_right(*validation)
    assert np.array_equal(scores, [2, 4, 6, 8, 10])

    outputs = np.array([[3.0, 1], [5, 1], [1, 9], [1, 3], [7, 1], [9, -1]])
    is_attacked = np.array([False, False, False, True, True, True])
    is_right = np.array([True, True, False, False, True, True])
    known = network.ratio(outputs), is_right, is_attacked
    measured = attacked.separation(*known, scores)
    assert measured["half_noisy_accuracy"] == 4 / 6
    assert measured["images"] == {"clean": 2, "corrupted": 1, "ineffective": 2}
    assert measured["only_first_positive"] == {"clean": 0, "corrupted": 0, "ineffective": 1}
    assert measured["undefined"] == {"clean": 0, "corrupted": 0, "ineffective": 0}
    at_90 = {"clean_kept": 1, "corrupted_kept": 1, "ineffective_kept": 1}
    assert measured["at"][0] == {"keep": 0.9, "threshold": 2, **at_90}
    at_80 = {"clean_kept": 0.5, "corrupted_kept": 0, "ineffective_kept": 1}
    assert measured["at"][1] == {"keep": 0.8, "threshold": 4, **at_80}

    curves = attacked.survival_curves(*known, np.array([1, 4]))["curves"]
    assert np.array_equal(curves["clean"], [1, 0.5])
    assert np.array_equal(curves["corrupted"], [1, 0])
    assert np.array_equal(curves["ineffective"], [1, 1])
