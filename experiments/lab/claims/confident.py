"""Second post: what trains and prunes the picture, and attackers who aim at the confidence."""

import numpy as np

from lab.claims.claim import HALF, PENDING, claim, count_seeds, of_seeds, verdict
from lab.claims.curves import kept, values
from lab.tables import percent

VARIED = "confidence-curves-varied"
TOGETHER = "all of them"
AIMING = "seven attackers, from the post's noise to single images made for the highest ratio"


@claim(
    "the pruning rate has a big influence, with small differences in accuracy",
    "confidence_curves",
    attacker=f"{HALF}, limit 0.35",
    caveat="attackers who aim at the ratio",
    figure=VARIED,
)
def pruning_rate_matters(curves):
    """Holds if between sparsities that cost less than a point the corrupted that are kept differ by
    10 points in every seed; partly if in the mean."""
    spreads = []
    for seed in curves.seeds:
        rows = curves.select("Sparsity", seed=seed)
        clean = values(rows, "clean_accuracy")
        spreads.append(np.ptp(kept(rows)[clean > clean[0] - 0.01]))
    ours = f"corrupted kept differ by {of_seeds(spreads)}"
    return ours, verdict(min(spreads) > 0.1, np.mean(spreads) > 0.1)


@claim(
    "training time has a big influence, with small differences in accuracy",
    "confidence_curves",
    attacker=f"{HALF}, limit 0.35",
    caveat="one seed; 880 to 23,760 steps",
    figure=VARIED,
)
def training_time_matters(curves):
    """Holds if between networks within a point of the best the corrupted that are kept differ by 10
    points; partly if between all lengths."""
    rows = curves.select("Length")
    clean, corrupted = values(rows, "clean_accuracy"), kept(rows)
    near, every = np.ptp(corrupted[clean > clean.max() - 0.01]), np.ptp(corrupted)
    each = ", ".join(f"{row['steps']:,} steps {percent(k)}" for row, k in zip(rows, corrupted))
    return f"kept: {each}; one seed", verdict(near > 0.1, every > 0.1)


def accepted(attacked, title, attacker, limit, rejected=0.10, kind="Attacked"):
    """(seeds,): accepted and wrong by the ratio, of all attacked images."""
    network, _, form = title.partition(", ")
    at = attacked.config["rejected"].index(rejected)
    rows = attacked.select(kind, network=network, form=form or "whole", limit=limit)
    return np.array([row["accepted"][attacker]["ratio"][at] for row in rows])


@claim(
    "attacks are less worthwhile if the most effective are likely to be detected",
    "confidence_attacked",
    attacker=AIMING,
    control="the post's noise",
    caveat="detectors of other kinds; the first images of the test set only",
    figure="confidence-attacked",
)
def confidence_under_attack(attacked):
    """Holds if at the strongest limit, where the threshold rejects a tenth of clean images, less
    than half of the attacked images are accepted and wrong whatever the attacker, in every
    linear-quadratic network and seed; partly if in some."""
    limit, words, few = max(attacked.config["limits"]), [], []
    for title in ("ann-lq", "ann-lq, pruned", "cnn-lq", "cnn-lq, pruned"):
        plain, worst = (accepted(attacked, title, a, limit) for a in ("random class", TOGETHER))
        if worst.size:
            few.append((worst < 0.5).all())
            n = count_seeds(worst)
            words.append(f"{title} {percent(plain)} to {percent(worst)}, {n}")
        else:
            words.append(f"{title} {PENDING}")
    ours = f"accepted and wrong, the post's noise and all attackers: {'; '.join(words)}"
    return ours, verdict(all(few), any(few))


@claim(
    "it may be easy to make noise whose outputs are in the range of clean images",
    "confidence_attacked",
    attacker="single images made for the highest ratio, largest output kept in the clean range",
    control="the post's noise",
    figure="confidence-attacked",
)
def noise_inside_the_range(attacked):
    """Holds if at the strongest limit this attacker, too, has more images accepted and wrong by the
    ratio than the post's noise, in every seed of the dense network; partly if in the mean."""
    limit = max(attacked.config["limits"])
    inside, plain = (
        accepted(attacked, "ann-lq", a, limit) for a in ("single, highest ratio", "random class")
    )
    ours = f"{of_seeds(inside)}, accepted and wrong against {percent(plain)}"
    return ours, verdict((inside > plain).all(), inside.mean() > plain.mean())


@claim(
    "(ours) did the attackers of the confidence try for long enough?",
    "confidence_attacked",
    attacker="all of them, with twice the steps",
    caveat="convolutional networks; more starting points",
)
def attackers_of_confidence_have_converged(attacked):
    """Holds if no dense network has half a point more accepted and wrong by the ratio, where the
    threshold rejects a tenth of clean images; partly if not in the mean."""
    limit, words, more = attacked.select("Longer")[0]["limit"], [], []
    for title in ("ann-lq", "ann-lq, pruned", "ann-sce", "ann-sce, pruned"):
        before, after = (
            accepted(attacked, title, TOGETHER, limit, kind=kind) for kind in ("Attacked", "Longer")
        )
        words.append(f"{title} {percent(after - before)}")
        more.append(after - before)
    ours = f"{', '.join(words)} points more, limit {limit:.2f}; {count_seeds(attacked.seeds)}"
    return ours, verdict(np.max(more) < 0.005, np.mean(more) < 0.005)
