"""Images with noise: whole sets, and sets of which a random half is attacked; what a score keeps.

The second post's groups of images: clean (no noise, read right), corrupted (noise, read wrong),
ineffective (noise, still right).
"""

import numpy as np

import nnlite
from nnlite.confidence import fraction_kept, threshold_at
from nnlite.noise import add_noise

GROUPS = ("clean", "corrupted", "ineffective")


def noisy_sets(images, bank, pairs):
    """The images themselves, then with the noise of each (target, limit) added."""
    return [images, *(add_noise(images, bank[pair]) for pair in pairs)]


def accuracies(model, image_sets, labels):
    """Accuracy on each set of images."""
    return [nnlite.accuracy(model, images, labels) for images in image_sets]


def under_noise(model, images, labels, target, noise):
    """accuracy, and success: the fraction of images of other classes that are read as `target`."""
    read = model.predict(add_noise(images, noise)).argmax(axis=1)
    return {
        "accuracy": np.mean(read == labels),
        "success": np.mean(read[labels != target] == target),
    }


def choose_attacked(labels, rng):
    """A random half of the images (boolean), and for every image a random other class."""
    attacked = rng.permutation(len(labels)) < len(labels) // 2
    return attacked, other_class(labels, rng)


def other_class(labels, rng):
    """A random class of the ten for each label (N,), but not that one."""
    return (labels + rng.integers(1, 10, len(labels))) % 10


def groups(right, attacked):
    """{"clean": (N,) boolean, "corrupted": ..., "ineffective": ...}"""
    return dict(zip(GROUPS, (~attacked & right, attacked & ~right, attacked & right)))


def scores_of_groups(scores, right, attacked):
    """{"clean": the scores of these images, "corrupted": ..., "ineffective": ...}"""
    return {name: scores[members] for name, members in groups(right, attacked).items()}


def separation(scores, right, attacked, validation_scores, keep=(0.9, 0.8)):
    """What thresholds that keep 90 and 80 % of clean validation images keep of each group.

    scores, right, attacked   (N,) of half-noisy images
    validation_scores         of clean validation images that are classified right
    """
    of_groups = scores_of_groups(scores, right, attacked)
    return {
        "half_noisy_accuracy": right.mean(),
        "at": [kept_at(threshold_at(validation_scores, k), k, of_groups) for k in keep],
        "images": {name: len(r) for name, r in of_groups.items()},
        "only_first_positive": {name: np.isinf(r).sum() for name, r in of_groups.items()},
        "undefined": {name: np.isnan(r).sum() for name, r in of_groups.items()},
    }


def kept_at(threshold, keep, of_groups):
    """keep, threshold, and the fraction of each group that it keeps: clean_kept, ..."""
    fractions = {f"{name}_kept": fraction_kept(r, threshold) for name, r in of_groups.items()}
    return {"keep": keep, "threshold": threshold, **fractions}


def survival_curves(scores, right, attacked, thresholds):
    """The fraction of each group that has at least each threshold (T,)."""
    of_groups = scores_of_groups(scores, right, attacked)
    curves = {name: fraction_kept(r, thresholds).round(4) for name, r in of_groups.items()}
    return {"thresholds": thresholds, "curves": curves}
