"""Is it the cost, or the l2 beside it?  The posts' two kinds of network differ in both."""

import numpy as np

from lab.claims.claim import claim, count_seeds, share_verdict
from lab.tables import percent

BESIDE = "each cost with each l2, 1e-3 and 1e-4"
OPEN = "the convolutional network"
POSTS = 1e-3, 1e-4  # l2 of their linear-quadratic and of their softmax-cross-entropy networks


def ahead(costs, value, l2, other):
    """(seeds,): value(row) with the quadratic cost and `l2`, less that with cross-entropy and
    `other`."""
    lq, sce = (
        np.array([value(row) for row in costs.select("Compared", cost=cost, l2=factor)])
        for cost, factor in (("ann-lq", l2), ("ann-sce", other))
    )
    return lq - sce


def decided(costs, questions):
    """(ours, verdict): by how many points the quadratic cost is ahead, question by question."""
    words, is_so = [], []
    for name, value in questions.items():
        found = {l2: ahead(costs, value, l2, l2) for l2 in costs.config["l2"]}
        each = ", ".join(f"l2 {l2:g} {100 * points.mean():+.1f}" for l2, points in found.items())
        both = 100 * ahead(costs, value, *POSTS).mean()
        words.append(f"{name}: {each}, the posts' pair {both:+.1f}")
        is_so += [(points > 0).all() for points in found.values()]
    return f"{'; '.join(words)} points; {count_seeds(costs.seeds)}", share_verdict(is_so)


@claim(
    "(ours) do linear-quadratic networks stand more noise at the same l2, too?",
    "cost_or_l2",
    attacker="universal noise of its own, limits 0.15 to 0.35; PGD on single images within 0.1",
    control=BESIDE,
    caveat=OPEN,
    figure="cost-or-l2",
)
def more_robust_at_equal_l2(costs):
    """Holds if they do at either l2, under both, in every seed; partly if in half of the cases."""
    questions = {
        "own noise": lambda row: np.mean(row["own"]),
        "single images": lambda row: row["single"],
    }
    return decided(costs, questions)


@claim(
    "(ours) does their ratio tell more at the same l2, too?",
    "cost_or_l2",
    attacker="universal noise of a random other class on half of the images, limit 0.25",
    control=BESIDE,
    caveat=f"{OPEN}; attackers who aim at the ratio",
    figure="cost-or-l2",
)
def ratio_at_equal_l2(costs):
    """Holds if its AUROC is higher and fewer corrupted images pass, at either l2 in every seed;
    partly if in half of the cases."""
    questions = {
        "AUROC": lambda row: row["auroc"],
        "corrupted turned away": lambda row: 1 - row["kept"],
    }
    return decided(costs, questions)


@claim(
    "(ours) do they lose less when they are pruned, at the same l2?",
    "cost_or_l2",
    attacker="none",
    control=BESIDE,
    caveat=OPEN,
    figure="cost-or-l2",
)
def pruned_at_equal_l2(costs):
    """Holds if with 80 % removed by mean activation they are more accurate at either l2 in every
    seed; partly if at one."""
    ours, verdict = decided(costs, {"pruned": lambda row: row["pruned"][0]})
    each = (
        f"{cost}, l2 {l2:g} {percent([row['pruned'][0] for row in rows])}"
        for cost in ("ann-lq", "ann-sce")
        for l2 in costs.config["l2"]
        if (rows := costs.select("Compared", cost=cost, l2=l2))
    )
    return f"{', '.join(each)}; {ours}", verdict
