"""lab/pruning.py: what is pruned along the curves, and how far."""

import numpy as np
import pytest
from lab.pruning import masks_of, overlap, settings_at, wanted_accuracy


def test_settings_along_the_combined_curve():
    assert settings_at("magnitude", 0.3, 0.07) == (("magnitude", 0.3),)
    assert settings_at("combined", 0.5, 0.07) == (("magnitude", 0.5), ("mean_activation", 0.43))
    assert settings_at("combined", 0.05, 0.07) == (("magnitude", 0.05),)
    assert settings_at("combined", 0, 0.07) == settings_at("random", 0, 0.07) == ()


def test_masks_of_settings_remove_what_either_removes():
    scores = {
        "magnitude": {"w": np.array([1.0, 2, 3, 4])},
        "random": {"w": np.array([4.0, 1, 3, 2])},
    }
    masks = masks_of((("magnitude", 0.25), ("random", 0.5)), scores)
    assert masks["w"].tolist() == [False, False, True, False]
    assert not masks_of((("magnitude", 1.0),), scores)["w"].any()
    assert masks_of((), scores) == {}


def test_overlap_of_two_sets():
    a = {"w": np.array([False, False, True, True])}
    b = {"w": np.array([True, False, False, True])}
    assert overlap(a, b) == 1 / 3
    assert overlap(a, a) == 1
    assert overlap({"w": np.ones(4, bool)}, {"w": np.ones(4, bool)}) == 0


def test_the_post_asks_for_98_percent_where_that_can_be_had():
    assert wanted_accuracy(0.9848, 0.98) == 0.98
    assert wanted_accuracy(0.95, 0.98) == pytest.approx(0.945)
