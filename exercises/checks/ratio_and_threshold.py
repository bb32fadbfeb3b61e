"""Exercise 11, against nnlite.confidence."""

import numpy as np

import nnlite
from checks import training
from checks.compare import Check
from nnlite.confidence import fraction_below, threshold_at, top_two_ratio


def ratio_cases(rng):
    plain = np.array([[0.02, 0.97, 0.05], [0.48, 0.52, -0.01]])
    equal, signs = np.array([[0.9, 0.9, 0.1]]), np.array([[0.9, 0.0, -0.1], [-0.1, -0.2, -0.3]])
    return [
        (plain,),
        (np.array([[0.9, 0.1, -0.95]]),),
        (equal,),
        (signs,),
        (rng.normal(size=(20, 4)),),
    ]


def top_two(outputs):
    second, first = np.sort(outputs, axis=1)[:, -2:].T
    return first, second


def plain_ratio(outputs):
    first, second = top_two(outputs)
    return first / second


def nan_as_inf(outputs):
    first, second = top_two(outputs)
    return np.where(second > 0, first / second, np.inf)


def inf_as_nan(outputs):
    first, second = top_two(outputs)
    return np.where(second > 0, first / second, np.nan)


def of_different_values(outputs):
    below = np.where(outputs < outputs.max(axis=1, keepdims=True), outputs, -np.inf)
    return outputs.max(axis=1) / below.max(axis=1)


def of_smallest(outputs):
    ordered = np.sort(outputs, axis=1)
    return ordered[:, 0] / ordered[:, 1]


RATIO_MISTAKES = (
    (plain_ratio, "Where the second is not above 0 there is no ratio: inf, or nan if none is."),
    (nan_as_inf, "Where no output is positive the ratio is nan, not inf: no class at all."),
    (inf_as_nan, "Where only the largest is positive the ratio is inf: as sure as can be."),
    (lambda outputs: 1 / top_two_ratio(outputs), "Upside down: the largest over the second."),
    (of_different_values, "Two equal largest outputs make a ratio of 1: they are the two largest."),
    (of_smallest, "These are the two smallest: np.sort ascends, the largest are at the end."),
    (lambda outputs: top_two_ratio(np.abs(outputs)), "Signs are lost: -0.9 is not a large output."),
    (lambda outputs: top_two_ratio(outputs.T), "Sorted along the images: axis 1 has the outputs."),
)


def threshold_cases(rng):
    scores = np.array([30, 8, 50, 2, 12.0])
    with_nan = np.array([3, np.nan, 1, 5, 2, np.inf, np.nan])
    ties = np.array([1.0, 2, 2, 2, 3, 3])
    return [(scores, 0.8), (scores, 0.5), (scores, 1.0), (ties, 0.8), (with_nan, 0.5)]


def highest(scores, n):
    """The n-th highest score; nan counts as the lowest."""
    return np.sort(np.where(np.isnan(scores), -np.inf, scores))[::-1][n - 1]


THRESHOLD_MISTAKES = (
    (
        lambda scores, keep: np.quantile(scores, 1 - keep),
        "A quantile lies between scores, and keeps fewer or more. The threshold is a score.",
    ),
    (
        lambda scores, keep: np.quantile(scores, keep),
        "That keeps the lower part. The highest scores are kept.",
    ),
    (
        lambda scores, keep: highest(
            scores, min(int(np.ceil(keep * len(scores))) + 1, len(scores))
        ),
        "One too many is kept: of 5 scores and keep=0.8, the threshold is the fourth highest.",
    ),
    (
        lambda scores, keep: highest(scores, int(np.ceil(keep * len(scores))) - 1),
        "One too few is kept: of 5 scores and keep=0.8, the threshold is the fourth highest.",
    ),
    (
        lambda scores, keep: highest(scores, int(keep * len(scores))),
        "Too few are kept: at least 0.5 of 5 is 3. Round up.",
    ),
    (
        lambda scores, keep: np.sort(scores)[::-1][int(np.ceil(keep * len(scores))) - 1],
        "nan was counted among the highest, where np.sort puts it. It is never kept.",
    ),
    (
        lambda scores, keep: highest(scores, int(np.ceil(keep * np.sum(~np.isnan(scores))))),
        "The part is of all scores, nan included.",
    ),
    (
        lambda scores, keep: highest(
            np.unique(scores), int(np.ceil(keep * len(np.unique(scores))))
        ),
        "Equal scores are counted once. Each is the score of an image.",
    ),
    (
        lambda scores, keep: np.sort(scores)[int(np.ceil(keep * len(scores))) - 1],
        "That keeps the lower part. The highest scores are kept.",
    ),
)
CHECKS = (
    Check(top_two_ratio, ("ratio",), ratio_cases, RATIO_MISTAKES),
    Check(threshold_at, ("threshold",), threshold_cases, THRESHOLD_MISTAKES),
)


def in_use(exercise):
    """What a threshold that keeps nine tenths rejects of the digits that are read wrong."""
    model, _, _ = training.trained(training.dense_layers(), loss=nnlite.quadratic)
    _, (images, labels) = training.digits()
    outputs = model.predict(images)
    ratio, right = exercise.top_two_ratio(outputs), outputs.argmax(axis=1) == labels
    threshold = exercise.threshold_at(ratio, 0.9)
    return (
        f"A threshold of {threshold:.2f} rejects a tenth of new digits: of those read wrong "
        f"{fraction_below(ratio[~right], threshold):.0%}, of those read right "
        f"{fraction_below(ratio[right], threshold):.0%}."
    )
