"""How sure is the network?  Scores of its outputs, thresholds, and how well a score tells.

A score gives each image one number, higher where the network is surer:

    scores = top_two_ratio(model.predict(images))                   (N, n_out) -> (N,)
    threshold = threshold_at(scores of clean validation images, keep=0.9)
    rejected = ~(scores >= threshold)

The metrics at the end ask whether it is higher for one group of images than for another, such as
those that are read right and those that are read wrong.  docs/confidence.md explains all of them.
"""

import numpy as np

from nnlite.checks import as_array, check_number

# Scores.  Each takes raw outputs (N, n_out), n_out >= 2, and returns (N,).


def two_largest(outputs):
    """(largest, second largest), each (N,)."""
    outputs = as_outputs(outputs)
    second, first = np.partition(outputs, -2, axis=1)[:, -2:].T
    return first, second


def top_two_ratio(outputs):
    """Largest output divided by the second largest, the posts' 1-2 ratio.

    From 1 (undecided) upwards; inf where only the largest is positive; nan where none is, because
    a ratio of negative numbers orders the wrong way round.
    """
    first, second = two_largest(outputs)
    ratio = np.full(len(first), np.nan, dtype=first.dtype)
    ratio[first > 0] = np.inf
    with np.errstate(over="ignore", invalid="ignore"):  # inf, and inf / inf, say it themselves
        return np.divide(first, second, out=ratio, where=second > 0)


def continuous_ratio(outputs):
    """-second / first: orders as the ratio does, and goes on where that is infinite.

    From -1 (undecided) through 0 (the ratio becomes infinite) upwards, because the second largest
    output may be negative; -inf where no output is positive.
    """
    first, second = two_largest(outputs)
    score = np.full(len(first), -np.inf, dtype=first.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.divide(-second, first, out=score, where=first > 0)


def probability_ratio(outputs):
    """The ratio of the two largest probabilities after softmax, in [1, inf].

    p1 / p2 = exp(f1 - f2): it orders exactly as the margin does.
    """
    with np.errstate(over="ignore"):
        return np.exp(margin(outputs).astype(float))


def largest_output(outputs):
    """The largest output of each image, before any softmax."""
    return two_largest(outputs)[0]


def margin(outputs):
    """Largest output minus the second largest, >= 0."""
    first, second = two_largest(outputs)
    return first - second


def max_probability(outputs):
    """The largest probability after softmax, in [1 / n_out, 1] (Hendrycks and Gimpel, 2017)."""
    return probabilities(outputs).max(axis=1)


def negative_entropy(outputs):
    """sum(p log p) of the probabilities after softmax, in [-log(n_out), 0]."""
    log_p = log_probabilities(outputs)
    return np.sum(np.exp(log_p) * log_p, axis=1)


def negative_energy(outputs):
    """log(sum(exp(outputs))), minus the energy of Liu et al. (2020) at temperature 1."""
    # Of every output log p = f - log(sum(exp(f))); of the largest it loses no digits.
    return largest_output(outputs) - log_probabilities(outputs).max(axis=1)


def negative_distance(outputs):
    """Minus the squared distance to the one-hot vector of the predicted class, <= 0."""
    difference = as_outputs(outputs).astype(float)  # a copy
    difference[np.arange(len(difference)), difference.argmax(axis=1)] -= 1
    return -np.square(difference).sum(axis=1)


def negative_offset(outputs):
    """-|largest output - 1|, <= 0: a quadratic cost asks for 1."""
    return -np.abs(largest_output(outputs) - 1)


SCORES = {
    "ratio": top_two_ratio,
    "-second / first": continuous_ratio,
    "margin": margin,
    "largest output": largest_output,
    "-abs(largest - 1)": negative_offset,
    "-distance to one-hot": negative_distance,
    "largest probability": max_probability,
    "-entropy": negative_entropy,
    "-energy": negative_energy,
}


def probabilities(outputs):
    """Softmax (N, n_out), in double precision: near 1, float32 lacks the digits."""
    return np.exp(log_probabilities(outputs))


def log_probabilities(outputs):
    """Logarithm of the softmax (N, n_out), in double precision."""
    f = as_outputs(outputs).astype(float)
    f -= f.max(axis=1, keepdims=True)  # p is the same, and exp cannot overflow
    return f - np.log(np.exp(f).sum(axis=1, keepdims=True))


def as_outputs(outputs):
    """Outputs as floats (N, n_out >= 2), else ValueError."""
    outputs = as_array(outputs, "outputs")
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise ValueError(f"outputs have shape {outputs.shape}; (N, n_out >= 2) is expected")
    return outputs if outputs.dtype.kind == "f" else outputs.astype(float)


# Thresholds


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
    threshold = as_array(threshold, "threshold", 0)
    if n == 0:
        return np.full(threshold.shape, np.nan)
    return (len(numbers) - np.searchsorted(numbers, threshold)) / n


def fraction_below(scores, threshold):
    """Fraction of the scores that are not kept: below the threshold, or nan.

    Of an array of thresholds (T,) it makes the cumulative curve (T,).
    """
    return 1 - fraction_kept(scores, threshold)


def sorted_numbers(scores):
    """The scores that are not nan, in ascending order, and how many scores there are."""
    scores = as_array(scores, "scores").astype(float)
    if scores.ndim != 1:
        raise ValueError(f"scores have shape {scores.shape}; one per image, (N,), is expected")
    return np.sort(scores[~np.isnan(scores)]), len(scores)


# Metrics, by scikit-learn's definitions.  Scores may be infinite here; nan counts as -inf.


def counts_above(is_positive, scores):
    """How many positives and how many negatives have at least the highest score, the second
    highest, ...: two arrays, of as many counts as there are different scores.

    is_positive (N,) of booleans, scores (N,).  Raises ValueError if they do not fit.
    """
    is_positive = as_array(is_positive, "is_positive")
    scores = as_array(scores, "scores").astype(float)
    if is_positive.dtype != bool:
        raise ValueError(f"is_positive has dtype {is_positive.dtype}; booleans are needed")
    if len(scores) == 0:
        raise ValueError("no scores given; a metric needs at least one")
    if is_positive.ndim != 1 or is_positive.shape != scores.shape:
        raise ValueError(f"is_positive {is_positive.shape} and scores {scores.shape} must be (N,)")
    scores = np.where(np.isnan(scores), -np.inf, scores)
    order = np.argsort(scores)[::-1]
    last = np.append(scores[order][1:] != scores[order][:-1], True)  # of equal scores
    positives = np.cumsum(is_positive[order])[last]
    return positives, np.flatnonzero(last) + 1 - positives


def rates_above(is_positive, scores):
    """The points of the ROC curve, beginning at (0, 0): true and false positive rates."""
    positives, negatives = counts_above(is_positive, scores)
    if positives[-1] == 0 or negatives[-1] == 0:
        raise ValueError("is_positive must be true for some images and false for others")
    return np.append(0, positives / positives[-1]), np.append(0, negatives / negatives[-1])


def auroc(is_positive, scores):
    """Area under the ROC curve: how often a positive has a higher score than a negative.

    In [0, 1]; 0.5 says nothing; ties count half.
    """
    true, false = rates_above(is_positive, scores)
    return float(np.trapezoid(true, false))


def average_precision(is_positive, scores):
    """Area under the precision-recall curve, AUPR, as a sum of steps.

    To find the images of low scores, average_precision(~is_positive, -scores); put -inf in the
    place of nan before, because -nan is nan.
    """
    rates_above(is_positive, scores)  # are there both?
    positives, negatives = counts_above(is_positive, scores)
    recall = np.diff(positives, prepend=0) / positives[-1]
    return float(np.sum(recall * positives / (positives + negatives)))


def fpr_at_tpr(is_positive, scores, tpr=0.95):
    """Fraction of the negatives above the highest threshold that keeps `tpr` of the positives."""
    check_number("tpr", tpr, "(0, 1]")
    true, false = rates_above(is_positive, scores)
    return float(false[np.argmax(true >= tpr)])


def errors_among(wrong, scores, n_accepted):
    """How many of the n_accepted surest images are wrong; of equal scores, their share."""
    errors, right = counts_above(wrong, scores)
    n_accepted = as_array(n_accepted, "n_accepted", 0)
    return np.interp(n_accepted, np.append(0, errors + right), np.append(0, errors))


def risk_coverage_area(wrong, scores):
    """The error rate among the k surest images, averaged over k = 1 ... N (AURC: Geifman, 2018).

    Lower is better; a score that says nothing has the error rate of all images.
    """
    n_accepted = np.arange(1, len(as_array(scores, "scores")) + 1)
    return float(np.mean(errors_among(wrong, scores, n_accepted) / n_accepted))


def accepted_and_wrong(wrong, scores, reject):
    """Fraction of all images that are wrong and still accepted when the fraction `reject`, in
    [0, 1], with the lowest scores is rejected."""
    check_number("reject", reject, "[0, 1]")
    n = len(as_array(scores, "scores"))
    return float(errors_among(wrong, scores, round(n * (1 - reject))) / n)
