"""The author's later figures: FGSM and PGD on single images of the same networks."""

import numpy as np

from lab.claims.claim import NEAR, PENDING, claim, count_seeds, share_verdict, verdict
from lab.published import LATER, LATER_LIMITS
from lab.tables import percent

ATTACKS = ("one step", "many steps")
ATTACKER = "FGSM; PGD of 40 steps; the worst of three losses"
OPEN = "the later figures take cross-entropy and 100 steps; the first images of the test set only"


def fooled(single, title, attack, limit):
    """(seeds,): fraction of the images that are read wrong."""
    network, _, form = title.partition(", ")
    rows = single.select("Measured", network=network, form=form or "whole", limit=limit)
    return np.array([1 - row[attack] for row in rows])


def beside_published(single, title):
    """(ours, verdict) of one network: every limit of the later figures that was measured."""
    pairs = []
    for attack, published in zip(ATTACKS, LATER[title]):
        each = (fooled(single, title, attack, limit) for limit in LATER_LIMITS)
        pairs += [(ours, theirs) for ours, theirs in zip(each, published) if ours.size]
    if not pairs:
        return f"{PENDING}: {title}", ""
    near = np.array([abs(ours.mean() - theirs) <= NEAR for ours, theirs in pairs])
    cells = ", ".join(f"{percent(ours)} for {percent(theirs)}" for ours, theirs in pairs)
    text = f"{near.sum()} of {len(pairs)} within 5 points: {cells}; {count_seeds(pairs[0][0])}"
    return text, share_verdict(near)


def later(says):
    return claim(says, "single_images", attacker=ATTACKER, caveat=OPEN, figure="single-images")


@later("dense softmax-cross-entropy network fooled: FGSM 86.3, PGD 94.9 % at 0.1")
def later_ann_sce(single):
    """Holds if all are within 5 points of the published, partly if at least half."""
    return beside_published(single, "ann-sce")


@later("dense linear-quadratic network: FGSM 52.6, PGD 61.2 % at 0.1")
def later_ann_lq(single):
    """Holds if all are within 5 points of the published, partly if at least half."""
    return beside_published(single, "ann-lq")


@later("dense linear-quadratic network, pruned: FGSM 23.8, PGD 24.9 % at 0.1")
def later_ann_lq_pruned(single):
    """Holds if all are within 5 points of the published, partly if at least half."""
    return beside_published(single, "ann-lq, pruned")


@later("convolutional softmax-cross-entropy network: FGSM 40.6, PGD 59.7 % at 0.1")
def later_cnn_sce(single):
    """Holds if all are within 5 points of the published, partly if at least half."""
    return beside_published(single, "cnn-sce")


@later("convolutional linear-quadratic network: FGSM 25.9, PGD 58.7 % at 0.1")
def later_cnn_lq(single):
    """Holds if all are within 5 points of the published, partly if at least half."""
    return beside_published(single, "cnn-lq")


@later(
    "linear-quadratic networks are fooled less than softmax-cross-entropy ones, pruned even less"
)
def later_order(single):
    """Holds if PGD fools them in this order at every limit up to 0.2, dense and convolutional,
    pruned the dense one only, in the mean of the seeds; partly if at least half of the time."""
    pairs = (("ann-lq", "ann-sce"), ("ann-lq, pruned", "ann-lq"), ("cnn-lq", "cnn-sce"))
    cells, fewer, missing = [], [], []
    for first, second in pairs:
        words, so_far = f"{first} below {second}", len(fewer)
        for limit in LATER_LIMITS[:4]:
            a, b = (fooled(single, title, "many steps", limit) for title in (first, second))
            if a.size and b.size:
                fewer.append(b.mean() - a.mean())
                counted = f"{words} ({count_seeds(a)} and {count_seeds(b)})"
        cells += [counted] if len(fewer) > so_far else []
        missing += [words] if len(fewer) == so_far else []
    if not fewer:
        return PENDING, ""
    less = np.greater(fewer, 0)
    ours = f"{sum(less)} of {len(less)} comparisons: {', '.join(cells)}"
    ours += f"; the closest by {percent(min(fewer, key=abs))} points"
    if missing:
        return f"{ours}; {PENDING}: {', '.join(missing)}", verdict(False, np.mean(less) >= 0.5)
    return ours, share_verdict(less)
