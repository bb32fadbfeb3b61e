"""How well a score of the outputs answers two questions that are kept apart.

right   is this prediction right?  Of images without noise
clean   was this image left alone?  Of images of which a random half has noise within a limit
"""

import numpy as np

from nnlite.confidence import (
    SCORES,
    auroc,
    average_precision,
    fpr_at_tpr,
    probabilities,
    probability_ratio,
    risk_coverage_area,
)


def every_score(network, data, limits):
    """Yield a record of `records` for each question and score, on test images."""
    for question, limit, outputs, is_positive in questions(network, data.test, limits):
        samples = measured(all_scores(outputs, network.after_softmax), is_positive)
        yield from records(question, limit, samples)


def questions(network, part, limits):
    """Yield (question, limit of the noise, outputs (N, 10), the answers (N,)), see above."""
    outputs = network.model.predict(part.images)
    yield "right", 0.0, outputs, outputs.argmax(axis=1) == part.labels
    for limit in limits:
        outputs, _, attacked = network.on_half_noisy(*part, limit)
        yield "clean", limit, outputs, ~attacked


def all_scores(outputs, after_softmax):
    """{name: (N,)} of raw outputs (N, 10), nan as the lowest.

    Where the network was trained with softmax, the ratio and the scores that compare with 1 and 0
    are those of the probabilities, and the ratio before softmax is added.
    """
    scores = {name: score(outputs) for name, score in SCORES.items()}
    if after_softmax:
        scores["ratio before softmax"] = scores["ratio"]
        scores["ratio"] = probability_ratio(outputs)
        for name in ("-second / first", "-abs(largest - 1)", "-distance to one-hot"):
            scores[name] = SCORES[name](probabilities(outputs))
    return {name: np.where(np.isnan(values), -np.inf, values) for name, values in scores.items()}


def metrics(is_positive, scores):
    """Four numbers; positives are right, or clean.  nan where there is only one kind of images."""
    if is_positive.all() or not is_positive.any():
        return dict.fromkeys(("auroc", "aupr", "fpr95", "aurc"), np.nan)
    return {
        "auroc": auroc(is_positive, scores),
        "aupr": average_precision(~is_positive, -scores),
        "fpr95": fpr_at_tpr(is_positive, scores),
        "aurc": risk_coverage_area(~is_positive, scores),
    }


def measured(scores, is_positive, resamples=0, rng=None):
    """[{score: metrics}, ...]: first of all images, then of resampled ones.

    The same resampled images for all scores, so that differences have intervals too.
    """
    n = len(is_positive)
    images = [np.arange(n), *(rng.integers(0, n, n) for _ in range(resamples))]
    return [
        {name: metrics(is_positive[some], values[some]) for name, values in scores.items()}
        for some in images
    ]


def records(question, limit, samples):
    """A dict for each score: question, limit, score, and the metrics `with_interval`.

    samples   what `measured` returned
    """
    of_scores = []
    for score, of_all_images in samples[0].items():
        record = {"question": question, "limit": limit, "score": score}
        for metric in of_all_images:
            record[metric] = with_interval([sample[score][metric] for sample in samples])
        of_scores.append(record)
    return of_scores


def with_interval(values):
    """The first value, and the ends of the middle 95 % of the others if there are any."""
    value, *others = values
    others = [other for other in others if not np.isnan(other)]
    return [value, *np.quantile(others, [0.025, 0.975])] if others else [value]
