"""Which images are easily attacked: those that the network was least sure of?

    python experiments/confidence_images.py --data mnist --preset standard      15 seconds
    python experiments/confidence_images.py                                     drawn digits

From "Output analysis": of nine classes the digit with the lowest and the one with the highest ratio
of the two largest outputs, and what noise of the second class does to them.  Then what the post
leaves to a later one: all images that are read right without noise, the noise of the second class
beside that of a random and of the least likely one, and the rank correlation of the ratio before
with what the noise does.  The dense linear-quadratic network, not pruned; three seeds, of which
the first one's images are shown.  Writes confidence-images.json and three figures.
"""

import sys

import numpy as np
import study
from networks import every, other_class
from published import STILL_RIGHT, STRONG, WEAK
from scipy.stats import spearmanr
from study import markdown, percent

from nnlite import plots
from nnlite.confidence import continuous_ratio, top_two_ratio

SHOWN = range(1, 10)  # classes
LIMITS = (WEAK, STRONG)
KINDS = ("second", "random", "least likely")
TENTHS = 10
LOW = 2.0  # ratio: the second output is at least half of the first
RESAMPLES = 300


def second_class(outputs):
    """(N,): the class of the second largest output."""
    others = outputs.copy()
    others[np.arange(len(outputs)), outputs.argmax(axis=1)] = -np.inf
    return others.argmax(axis=1)


def targets_of(outputs, labels, rng):
    """{kind: (N,)}: the class whose noise each image gets."""
    targets = second_class(outputs), other_class(labels, rng), outputs.argmin(axis=1)
    return dict(zip(KINDS, targets))


def attack(network, images, targets, limit):
    """Outputs (N, 10) under the noise of a class for each image."""
    return network.model.predict(network.with_noise(images, targets, limit))


def extremes(outputs, labels):
    """{"lowest": nine places, "highest": nine}: of the images of each class that are read right.

    By -second / first, which goes on where the ratio is infinite.
    """
    right, score = outputs.argmax(axis=1) == labels, continuous_ratio(outputs)
    of_class = [np.flatnonzero(right & (labels == k)) for k in SHOWN]
    of_class = [some for some in of_class if some.size]
    return {
        "lowest": [int(some[score[some].argmin()]) for some in of_class],
        "highest": [int(some[score[some].argmax()]) for some in of_class],
    }


def describe(network, images, labels, outputs, places):
    """Of each image: its pixels, first and second class, ratio, and the same under noise."""
    images, labels, outputs = images[places], labels[places], outputs[places]
    second = second_class(outputs)
    rows = [
        {
            "image": np.round(image[..., 0] * 255).astype(int),
            "first": label,
            "second": k,
            "outputs": [output[label], output[k]],
            "ratio": text_of(ratio),
        }
        for image, label, k, output, ratio in zip(
            images, labels, second, outputs, top_two_ratio(outputs)
        )
    ]
    for limit in LIMITS:
        after = attack(network, images, second, limit)
        for row, read, ratio in zip(rows, after.argmax(axis=1), top_two_ratio(after)):
            row[str(limit)] = {"read": read, "ratio": text_of(ratio)}
    return rows


def text_of(ratio):
    """JSON has no infinity."""
    return f"{ratio:.2f}" if np.isfinite(ratio) else str(ratio)


def similar_outputs(outputs, labels):
    """Of the images of low ratio that are read right: in how many is the third output, too, at
    least half of the first?"""
    third, _, first = np.sort(outputs, axis=1)[:, -3:].T
    low = (top_two_ratio(outputs) < LOW) & (outputs.argmax(axis=1) == labels)
    return {"low": low.sum(), "more_than_two": (low & (third >= first / 2)).sum()}


def susceptibility(network, images, labels, outputs, rng):
    """{kind: {limit: {...}}} for all images that are read right without noise.

    success   of each tenth, from the lowest ratio to the highest: read as the noise wants
    ratio     of each tenth: the median ratio after the noise
    rank      Spearman's correlation of the ratio before with the lead of the right class after,
              [value, low, high]
    """
    right = outputs.argmax(axis=1) == labels
    images, labels, outputs = images[right], labels[right], outputs[right]
    before = continuous_ratio(outputs)
    tenth = np.argsort(np.argsort(before)) * TENTHS // len(before)
    result = {}
    for kind, targets in targets_of(outputs, labels, rng).items():
        result[kind] = {}
        for limit in LIMITS:
            after = attack(network, images, targets, limit)
            success, ratio = after.argmax(axis=1) == targets, top_two_ratio(after)
            result[kind][str(limit)] = {
                "success": [success[tenth == k].mean() for k in range(TENTHS)],
                "ratio": [np.nanmedian(ratio[tenth == k]) for k in range(TENTHS)],
                "rank": rank_correlation(before, lead(after, labels), rng),
            }
    return result


def lead(outputs, labels):
    """The output of the right class minus the largest other."""
    others, rows = outputs.copy(), np.arange(len(labels))
    others[rows, labels] = -np.inf
    return outputs[rows, labels] - others.max(axis=1)


def rank_correlation(x, y, rng):
    """Spearman's, with the middle 95 % of resampled images."""
    resampled = []
    for _ in range(RESAMPLES):
        some = rng.integers(0, len(x), len(x))
        resampled.append(spearmanr(x[some], y[some]).statistic)
    return [spearmanr(x, y).statistic, *np.quantile(resampled, [0.025, 0.975])]


def run(data, preset, runs, say):
    images, labels = data.test
    results = {"similar": [], "susceptibility": []}
    for network in every(data, preset, runs, say, names=["ann-lq"]):
        if network.removed:
            continue
        outputs, rng = network.model.predict(images), np.random.default_rng(network.seed)
        if network.seed == 0:
            results["gallery"] = {
                kind: describe(network, images, labels, outputs, places)
                for kind, places in extremes(outputs, labels).items()
            }
        results["similar"].append(similar_outputs(outputs, labels))
        results["susceptibility"].append(susceptibility(network, images, labels, outputs, rng))
    return results


def table(results):
    tables = table_of_images, table_of_still_right, table_of_all, table_of_similar
    return "\n\n".join(one(results) for one in tables)


def table_of_images(results):
    lines = []
    for kind, rows in results["gallery"].items():
        for row in rows:
            first, second = row["outputs"]
            line = [kind, str(row["first"]), str(row["second"]), f"{first:.2f}", f"{second:.2f}"]
            line.append(row["ratio"])
            for limit in map(str, LIMITS):
                line += [str(row[limit]["read"]), row[limit]["ratio"]]
            lines.append(line)
    header = ["image of ratio", "1st", "2nd", "1st output", "2nd output", "ratio"]
    header += [f"{what}, limit {limit}" for limit in LIMITS for what in ("read as", "ratio")]
    return markdown(header, lines)


def table_of_still_right(results):
    lines = []
    for kind, rows in results["gallery"].items():
        line = [kind]
        for limit, published in zip(map(str, LIMITS), STILL_RIGHT[kind]):
            here = sum(row[limit]["read"] == row["first"] for row in rows)
            line += [f"{published} of 9", f"{here} of {len(rows)}"]
        lines.append(line)
    header = [f"limit {limit}: {who}" for limit in LIMITS for who in ("published", "here")]
    return markdown(["still read right, ratio", *header], lines)


def table_of_all(results):
    lines = []
    for kind in KINDS:
        for limit in map(str, LIMITS):
            seeds = [one[kind][limit] for one in results["susceptibility"]]
            success = np.array([one["success"] for one in seeds])
            line = [f"{kind} class, limit {limit}", percent(success.mean(axis=1))]
            line += [percent(success[:, 0]), percent(success[:, -1])]
            line += [", ".join("{:.2f} ({:.2f} to {:.2f})".format(*one["rank"]) for one in seeds)]
            lines.append(line)
    header = ["noise of the", "success, %", "tenth of lowest ratio, %", "tenth of highest ratio, %"]
    return markdown([*header, "rank correlation, each seed"], lines)


def table_of_similar(results):
    lines = [
        [str(seed), str(one["low"]), str(one["more_than_two"])]
        for seed, one in enumerate(results["similar"])
    ]
    header = ["seed", f"read right, ratio below {LOW:g}", "of these, third at least half of first"]
    return markdown(header, lines)


def draw(results, out):
    for kind, rows in results["gallery"].items():
        plots.save_figure(plots.digit_gallery(rows), out / f"confidence-images-{kind}.png", 64)
    seeds = results["susceptibility"]
    panels = {
        f"noise limit {limit:.2f}": {
            kind: {
                quantity: [one[kind][str(limit)][quantity] for one in seeds]
                for quantity in ("success", "ratio")
            }
            for kind in KINDS
        }
        for limit in LIMITS
    }
    figure = plots.success_against_ratio(panels)
    plots.save_figure(figure, out / "confidence-images-all.png", 64)


if __name__ == "__main__":
    study.main("confidence-images", sys.modules[__name__])
