"""First post: the dense network pruned, all layers alike, under the noise of the unpruned one."""

import numpy as np

from lab.claims.claim import (
    REPLAYED,
    claim,
    count_seeds,
    except_for,
    of_seeds,
    share_verdict,
    verdict,
)
from lab.claims.pruned import changes, curve, sparsities
from lab.published import ANN_NOISE
from lab.tables import name_noise, percent

CONTROL = "as many weights at random"
FLAT = 0.01  # a change of no more than a point


# Where accuracy under noise goes


@claim(
    "by absolute values, accuracy under most vectors rises before it drops without noise",
    "prune_ann",
    attacker=REPLAYED,
    control=CONTROL,
    figure="prune-ann-magnitude",
)
def magnitude_helps_most_vectors(ann):
    """Holds if, at 98.0 % on validation images, more than half of the vectors gain more than a
    point in every seed; partly if they do in the mean."""
    change = changes(ann, "magnitude")
    in_all, in_mean = (change > FLAT).all(axis=0), change.mean(axis=0) > FLAT
    ours = f"{in_mean.sum()} of 8 vectors gain, {in_all.sum()} of them in every seed"
    return f"{ours}; {count_seeds(change)}", verdict(in_all.sum() > 4, in_mean.sum() > 4)


@claim(
    "by absolute values, under some vectors it stays flat or falls",
    "prune_ann",
    attacker=REPLAYED,
    figure="prune-ann-magnitude",
)
def magnitude_fails_for_some(ann):
    """Holds if some vector falls by more than a point in every seed, partly if in some seeds or
    if some only stay flat."""
    change = changes(ann, "magnitude")
    falls = (change < -FLAT).all(axis=0)
    some = (change < -FLAT).any(axis=0) & ~falls
    flat = (np.abs(change) <= FLAT).all(axis=0)
    kinds = {"falls in every seed": falls, "in some seed": some, "flat": flat}
    named = {what: "; ".join(with_changes(change, which)) for what, which in kinds.items()}
    ours = ", ".join(f"{what}: {vectors or 'none'}" for what, vectors in named.items())
    return f"{ours}; {count_seeds(change)}", verdict(falls.any(), some.any() or flat.any())


def with_changes(change, which):
    """["class 3, limit 0.25 by 2.0 (1.5 to 3.0)", ...] of the vectors that `which` marks."""
    return [f"{name_noise(ANN_NOISE[k])} by {percent(change[:, k])}" for k in np.flatnonzero(which)]


@claim(
    "by absolute values, under some vectors it rises and falls while it still rises for others",
    "prune_ann",
    attacker=REPLAYED,
    figure="prune-ann-magnitude",
)
def magnitude_rises_and_falls(ann):
    """Holds if in every seed the peaks of the vectors that gain lie 0.05 or more apart; partly if
    in some seed."""
    return peaks(ann, "magnitude")


@claim(
    "by activated values, under some vectors it falls while it still rises for others",
    "prune_ann",
    attacker=REPLAYED,
    figure="prune-ann-mean-activation",
)
def activation_rises_and_falls(ann):
    """Holds if in every seed the peaks of the vectors that gain lie 0.05 or more apart; partly if
    in some seed."""
    return peaks(ann, "mean_activation")


def peaks(ann, score):
    ends = []
    for seed in ann.seeds:
        grid, points = curve(ann, score, seed)
        noisy = points[:, 1:]
        at = grid[noisy.argmax(axis=0)][noisy.max(axis=0) > noisy[0] + FLAT]
        ends.append((at.min(), at.max()))
    first, last = np.transpose(ends)
    apart = last - first > 0.05 - 1e-9
    ours = f"peaks from {percent(first, 0)} to {percent(last, 0)} % removed"
    return f"{ours}, {count_seeds(first)}", verdict(apart.all(), apart.any())


@claim(
    "by activated values, it rises under all chosen vectors",
    "prune_ann",
    attacker=REPLAYED,
    control=CONTROL,
    figure="prune-ann-mean-activation",
)
def activation_helps_all_vectors(ann):
    """Holds if, at 98.0 % on validation images, every vector gains in every seed; partly if more
    than half of them do."""
    change = changes(ann, "mean_activation")
    up = (change > 0).all(axis=0)
    ours = f"{up.sum()} of 8 in every seed{except_for(with_changes(change, ~up))}"
    return f"{ours}; {count_seeds(change)}", verdict(up.all(), up.sum() > 4)


@claim(
    "by activated values, accuracy without noise drops sooner",
    "prune_ann",
    caveat="98.0 % on validation images is where we say that it drops",
    figure="prune-ann-mean-activation",
)
def activation_drops_sooner(ann):
    """Holds if in every seed less can be removed by mean activation than by magnitude; partly if
    in at least half of them."""
    activation, magnitude = (sparsities(ann, c) for c in ("mean_activation", "magnitude"))
    ours = f"{of_seeds(activation)} removed against {percent(magnitude)}"
    return ours, share_verdict(np.less(activation, magnitude))


@claim(
    "small step-like gains under several vectors, activated values",
    "prune_ann",
    attacker=REPLAYED,
    caveat="one network: the others were pruned in steps of 0.05",
    figure="prune-ann-mean-activation",
)
def steps(ann):
    """Holds if, up to 80 % removed, three vectors or more gain 2 points or more within one
    hundredth of the weights; partly if one does."""
    grid, points = curve(ann, "mean_activation", ann.seeds[0])
    rises = np.diff(points[grid <= 0.8], axis=0)[:, 1:]
    most, where = rises.max(axis=0), grid[1:][rises.argmax(axis=0)]
    found = np.flatnonzero(most >= 0.02)
    ours = "; ".join(
        f"{name_noise(ANN_NOISE[k])}: {100 * most[k]:.1f} points to {where[k]}" for k in found
    )
    return f"{ours or 'none'}; one seed", verdict(len(found) >= 3, len(found) >= 1)


@claim(
    "there are weights that serve the noise only: robustness without losing accuracy",
    "prune_ann",
    attacker=REPLAYED,
    control=CONTROL,
    caveat="whether they are weights of border pixels: see the attackers",
    figure="prune-ann-mean-activation",
)
def weights_for_noise_only(ann):
    """Holds if, where accuracy without noise is within 0.1 points of that of the unpruned
    network, the mean of the vectors gains more than a point in every seed (read off test
    curves); partly if it does in the mean."""
    best = []
    for seed in ann.seeds:
        grid, points = curve(ann, "mean_activation", seed)
        free = points[:, 0] >= points[0, 0] - 0.001
        gains = np.where(free, points[:, 1:].mean(axis=1) - points[0, 1:].mean(), -1)
        best.append((gains.max(), grid[gains.argmax()]))
    gains, at = np.transpose(best)
    ours = f"{of_seeds(gains)}, points gained with {percent(at, 0)} % removed"
    return ours, verdict((gains > FLAT).all(), gains.mean() > FLAT)


# Both scores


@claim(
    "most of the weights removed by either score are removed by both",
    "prune_ann",
    control="two random choices would share less: a fifth at 40 %",
    figure="prune-ann-overlap",
)
def removed_by_both(ann):
    """Holds if more than half are, in every seed and at every sparsity from 10 % on; partly if
    from some sparsity on."""
    rows = [row for row in ann.select("Overlap") if row["sparsity"] >= 0.1]
    low = [row["sparsity"] for row in rows if row["overlap"] <= 0.5]
    high = [row["overlap"] for row in rows if row["sparsity"] >= 0.4]
    ours = f"{100 * min(high):.0f} to {100 * max(high):.0f} % from 40 % removed on"
    ours += f"; half or less up to {100 * max(low):.0f} %" if low else ""
    return f"{ours}; {count_seeds(ann.seeds)}", verdict(not low, max(low, default=0) < 0.9)


@claim(
    "combined pruning gives slightly better robustness for some vectors",
    "prune_ann",
    attacker=REPLAYED,
    control="mean activation alone, both at 98.0 % on validation images",
    figure="prune-ann-combined",
)
def combined_better_for_some(ann):
    """Holds if two vectors or more stand better than by mean activation alone, in the mean of the
    seeds; partly if one does."""
    more = (changes(ann, "combined") - changes(ann, "mean_activation")).mean(axis=0)
    better = np.flatnonzero(more > 0)
    each = ", ".join(f"{name_noise(ANN_NOISE[k])} by {100 * more[k]:.1f}" for k in better)
    ours = f"better: {each or 'none'}; worse: the others by up to {-100 * more.min():.1f}"
    return f"{ours}; {count_seeds(ann.seeds)}", verdict(len(better) >= 2, len(better) == 1)
