"""What the tables of the page say, in words: a sentence or two for each, from its numbers."""

import numpy as np

from lab.tables import WORDS

POINT = 0.01  # of accuracy
NAMES = {"-distance to one-hot": "the distance to the one-hot vector, with a minus"}
SURER = (
    "A number below one half means that the noise makes the network surer: it drives the largest "
    "output further above the others than it is for most clean images, and such a score takes that "
    "for certainty."
)


def of_pruning(results):
    """Of each score: does accuracy under noise rise before accuracy without noise falls?"""
    said = []
    for score in dict.fromkeys(row["score"] for row in results.pruning):
        rows = [row for row in results.pruning if row["score"] == score]
        clean, *noisy = rows[0]["accuracy"]
        near = [row["accuracy"][0] >= clean - POINT for row in rows]
        last = rows[([*near, False]).index(False) - 1]
        before, after = np.mean(noisy), np.mean(last["accuracy"][1:])
        said.append(
            f"By {WORDS[score]} {'yes' if after > before + POINT else 'no'}: with up to "
            f"{last['sparsity']:.0%} removed the curve stays within a point of the unpruned "
            f"{clean:.1%}, and there accuracy under noise, the mean of {len(noisy)} vectors, is "
            f"{after:.1%} instead of {before:.1%}."
        )
    return " ".join(said)


def of_confidence(results):
    """How many of the corrupted images pass the first threshold, unpruned and pruned."""
    said = []
    for sparsity in dict.fromkeys(row["sparsity"] for row in results.confidence):
        rows = [row for row in results.confidence if row["sparsity"] == sparsity]
        rows.sort(key=lambda row: row["limit"])
        which = f"With {sparsity:.0%} of the weights pruned it"
        if not sparsity:
            which = f"The threshold that keeps {rows[0]['at'][0]['keep']:.0%} of the clean images"
        kept = [
            f"{row['at'][0]['corrupted_kept']:.0%} of the images corrupted by noise within "
            f"{row['limit']:.2f}"
            for row in rows
        ]
        said.append(f"{which} keeps {' and '.join(kept)}.")
    return " ".join(said)


def of_gallery(results):
    """How many of the digits noise changes, at either end of the ratio."""
    lowest, highest = results.gallery["lowest"], results.gallery["highest"]
    said = [
        f"within {noisy['limit']:.2f}, {changed(lowest, k)} of {len(lowest)} digits of low ratio "
        f"and {changed(highest, k)} of {len(highest)} of high ratio"
        for k, noisy in enumerate(lowest[0]["noise"])
    ]
    return f"Noise of the second class changes what is read: {'; '.join(said)}."


def changed(digits, k):
    """How many are read as something else under their k-th noise."""
    return sum(digit["noise"][k]["read"] != digit["first"] for digit in digits)


def of_scores(results):
    """The best score for each question beside the ratio, and what is below one half."""
    said, surer = [], False
    for question, limit in dict.fromkeys((row["question"], row["limit"]) for row in results.scores):
        rows = [row for row in results.scores if row["question"] == question]
        found = {row["score"]: row["auroc"][0] for row in rows if row["limit"] == limit}
        best = max(found, key=found.get)
        what = f"clean images from those with noise within {limit:.2f}"
        if question == "right":
            what = "Right is told from wrong"
        numbers = f"{found[best]:.3f}; the ratio: {found['ratio']:.3f}"
        said.append(f"{what} best by {NAMES.get(best, best)} ({numbers})")
        surer |= question == "clean" and min(found.values()) < 0.5
    return ", ".join(said) + (f". {SURER}" if surer else ".")
