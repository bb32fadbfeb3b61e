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
    second, first = np.partition(outputs, -2, axis=1)[:, -2:].T
    ratio = np.full(len(outputs), np.nan, dtype=outputs.dtype)
    ratio[first > 0] = np.inf
    return np.divide(first, second, out=ratio, where=second > 0)


def threshold_at(scores, keep):
    """The highest threshold at which at least the fraction `keep` of the scores is kept.

    A score is kept if score >= threshold; nan never is.  scores (N,), keep in (0, 1].
    """
    scores = np.asarray(scores)
    check_number("keep", keep, np.nextafter(0, 1), 1 + 1e-12)
    if scores.size == 0:
        raise ValueError("no scores given; a threshold needs at least one")
    ordered = np.sort(np.where(np.isnan(scores), -np.inf, scores))[::-1]
    n_kept = int(np.ceil(round(keep * len(ordered), 9)))
    return float(ordered[n_kept - 1])


def fraction_kept(scores, threshold):
    """Fraction of the scores that are >= threshold, in [0, 1]; nan if there is no score.

    Of an array of thresholds (T,) it makes the survival curve (T,).
    """
    scores = np.asarray(scores)
    if scores.size == 0:
        return np.full(np.shape(threshold), np.nan)[()]
    ordered = np.sort(np.where(np.isnan(scores), -np.inf, scores))
    return (len(ordered) - np.searchsorted(ordered, threshold)) / len(ordered)
