"""How sure is the network?  The ratio of its two largest outputs, and thresholds on it."""

import numpy as np

from nnlite.checks import check_number


def top_two_ratio(outputs):
    """Largest output divided by the second largest, the posts' 1-2 ratio.

    outputs (N, n_out), n_out >= 2 -> (N,).  From 1 (undecided) upwards; inf where only the
    largest is positive; nan where none is, because a ratio of negative numbers orders the
    wrong way round.
    """
    outputs = np.asarray(outputs)
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise ValueError(f"outputs have shape {outputs.shape}; (N, n_out >= 2) is expected")
    if outputs.dtype.kind != "f":
        outputs = outputs.astype(float)
    second, first = np.partition(outputs, -2, axis=1)[:, -2:].T
    ratio = np.full(len(outputs), np.nan, dtype=outputs.dtype)
    ratio[first > 0] = np.inf
    with np.errstate(over="ignore", invalid="ignore"):  # inf, and inf / inf, say it themselves
        return np.divide(first, second, out=ratio, where=second > 0)


def threshold_at(scores, keep):
    """The highest threshold at which at least the fraction `keep` of the scores is kept.

    A score is kept if score >= threshold; nan never is.  scores (N,), keep in (0, 1].
    Raises ValueError if more scores are nan than may be lost.
    """
    check_number("keep", keep, "(0, 1]")
    numbers, n = sorted_numbers(scores)
    if n == 0:
        raise ValueError("no scores given; a threshold needs at least one")
    fractions = np.arange(1, n + 1) / n
    n_kept = 1 + np.argmax(fractions >= keep)  # the smallest number that is enough
    if n_kept > len(numbers):
        raise ValueError(f"{n - len(numbers)} of {n} scores are nan; {keep:.2%} cannot be kept")
    return float(numbers[-n_kept])


def fraction_kept(scores, threshold):
    """Fraction of the scores that are >= threshold, in [0, 1]; nan if there is no score.

    Of an array of thresholds (T,) it makes the survival curve (T,).
    """
    numbers, n = sorted_numbers(scores)
    if n == 0:
        return np.full(np.shape(threshold), np.nan)
    return (len(numbers) - np.searchsorted(numbers, threshold)) / n


def sorted_numbers(scores):
    """The scores that are not nan, in ascending order, and how many scores there are."""
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 1:
        raise ValueError(f"scores have shape {scores.shape}; one per image, (N,), is expected")
    return np.sort(scores[~np.isnan(scores)]), len(scores)
