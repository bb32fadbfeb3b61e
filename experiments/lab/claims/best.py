"""First post: the table of best performance, and which score is the best."""

import numpy as np

from lab.claims.claim import (
    NEAR,
    REPLAYED,
    claim,
    count_seeds,
    except_for,
    of_seeds,
    share_verdict,
    verdict,
)
from lab.claims.pruned import accuracies, gain, searched, sparsities
from lab.published import ANN_NOISE, ANN_TABLE
from lab.tables import WORDS, describe, name_noise, percent

CONTROL = "as many weights at random"
MAGNITUDE, ACTIVATION = (("magnitude", 0.90),), (("mean_activation", 0.81),)
BOTH = (("magnitude", 0.85), ("mean_activation", 0.80))


@claim(
    "the table of 32 accuracies under noise, 8 vectors in 4 lines",
    "prune_ann",
    attacker=REPLAYED,
    caveat="networks of other seeds: ours may differ for that alone",
)
def whole_table(ann):
    """Holds if all are within 5 points of the published, partly if at least half."""
    off = np.array([distances(ann, settings) for settings in ANN_TABLE])
    ours = f"{(off <= NEAR).sum()} within 5 points, {(off <= 2 * NEAR).sum()} within 10"
    return f"{ours}; {count_seeds(ann.seeds)}", share_verdict(off <= NEAR)


def distances(ann, settings):
    """(8,): how far from the published, mean of the seeds."""
    return np.abs(accuracies(ann, settings).mean(axis=0) - ANN_TABLE[settings])[1:]


def line_of_table(ann, settings):
    """(ours, verdict) of one line: those under noise, with the ones that are far off."""
    ours, published = accuracies(ann, settings).T, ANN_TABLE[settings]
    off = distances(ann, settings)
    missed = [
        f"{name_noise(ANN_NOISE[k])} {percent(ours[k + 1])} against {percent(published[k + 1])}"
        for k in np.flatnonzero(off > NEAR)
    ]
    near = f"{percent(ours[0], 2)} without noise; {(off <= NEAR).sum()} of 8 within 5 points"
    return f"{near}{except_for(missed)}; {count_seeds(ann.seeds)}", share_verdict(off <= NEAR)


@claim("unpruned: 98.65 %, and 20 to 96 % under the eight vectors", "prune_ann", attacker=REPLAYED)
def table_unpruned(ann):
    """Holds if all are within 5 points of the published, partly if at least half."""
    return line_of_table(ann, ())


@claim("absolute values 90 %: 98.18 %, and 24 to 97 %", "prune_ann", attacker=REPLAYED)
def table_magnitude(ann):
    """Holds if all are within 5 points of the published, partly if at least half."""
    return line_of_table(ann, MAGNITUDE)


@claim("activated values 81 %: 98.14 %, and 30 to 97 %", "prune_ann", attacker=REPLAYED)
def table_activation(ann):
    """Holds if all are within 5 points of the published, partly if at least half."""
    return line_of_table(ann, ACTIVATION)


@claim("absolute 85 % and activated 80 %: 98.01 %, and 29 to 97 %", "prune_ann", attacker=REPLAYED)
def table_combined(ann):
    """Holds if all are within 5 points of the published, partly if at least half."""
    return line_of_table(ann, BOTH)


@claim(
    "98.0 % is kept at 90 % by absolute, 81 % by activated, 85 and 80 % by both",
    "prune_ann",
    caveat="the post's were found by trial and error, on test images",
)
def sparsities_at_98(ann):
    """Holds if ours, searched on validation images, are within 5 points of the published, partly if
    at least half."""
    published = {"magnitude": 0.90, "mean_activation": 0.81, "combined": 0.85}
    ours = {c: sparsities(ann, c) for c in published}
    off = [abs(np.mean(ours[c]) - published[c]) for c in published]
    words = ", ".join(f"{WORDS[c]} {percent(ours[c])}" for c in published)
    return f"{words}; {count_seeds(ann.seeds)}", share_verdict(np.less_equal(off, NEAR))


def beside_published(ann, settings):
    """(ours, verdict) of a gain, mean over the vectors, at the post's sparsities."""
    gains = (accuracies(ann, settings) - accuracies(ann))[:, 1:].mean(axis=1)
    published = np.mean(ANN_TABLE[settings][1:]) - np.mean(ANN_TABLE[()][1:])
    near = abs(gains.mean() - published) <= NEAR
    return of_seeds(gains), verdict(near, gains.mean() >= published / 2)


@claim(
    "absolute values 90 %: +13.6 points in the mean of the eight vectors",
    "prune_ann",
    attacker=REPLAYED,
)
def gain_by_magnitude(ann):
    """Holds if ours is within 5 points, partly if it is half as large or more."""
    return beside_published(ann, MAGNITUDE)


@claim(
    "activated values 81 %: +19.0 points",
    "prune_ann",
    attacker=REPLAYED,
)
def gain_by_activation(ann):
    """Holds if ours is within 5 points, partly if it is half as large or more."""
    return beside_published(ann, ACTIVATION)


@claim("absolute 85 % and activated 80 %: +18.5 points", "prune_ann", attacker=REPLAYED)
def gain_by_both(ann):
    """Holds if ours is within 5 points, partly if it is half as large or more."""
    return beside_published(ann, BOTH)


@claim(
    "activated values improve robustness most",
    "prune_ann",
    attacker=REPLAYED,
    control=CONTROL,
    figure="prune-ann-mean-activation",
)
def activation_gains_most(ann):
    """Holds if in every seed they gain more than each other way, all at 98.0 % on validation
    images; partly if in the mean."""
    gains = {c: gain(ann, c) for c in ("mean_activation", "combined", "magnitude", "random")}
    ours = ", ".join(f"{WORDS[c]} {percent(g)}" for c, g in gains.items())
    activated, *others = gains.values()
    best = [(activated > other).all() for other in others]
    mean = [activated.mean() > other.mean() for other in others]
    return f"{ours} points; {count_seeds(ann.seeds)}", verdict(all(best), all(mean))


@claim(
    "combined pruning has some increases and some decreases",
    "prune_ann",
    attacker=REPLAYED,
    caveat="the post does not say against what; here against mean activation at its sparsity",
)
def combined_ups_and_downs(ann):
    """Holds if in every seed some vectors stand better and some worse than by mean activation;
    partly if in at least half of them."""
    change = (accuracies(ann, BOTH) - accuracies(ann, ACTIVATION))[:, 1:]
    both = (change > 0).any(axis=1) & (change < 0).any(axis=1)
    ups = [f"{(c > 0).sum()} up, {(c < 0).sum()} down" for c in change]
    return f"{', '.join(ups)}; {count_seeds(ann.seeds)}", share_verdict(both)


@claim(
    "pruning improves robustness without retraining",
    "prune_ann",
    attacker=REPLAYED,
    control=CONTROL,
    caveat="half a point is lost; without a loss see weights-for-noise-only",
)
def no_retraining(ann):
    """Holds if, never retrained and at 98.0 % on validation images, every seed keeps 97.5 % on
    test images and gains; partly if at least half of them do.  No weight was trained after
    pruning."""
    clean, gains = searched(ann, "mean_activation")[:, 0], gain(ann, "mean_activation")
    ours = f"{percent(clean, 2)} without noise, {of_seeds(gains)}, gained under it"
    return ours, share_verdict((clean >= 0.975) & (gains > 0))


@claim("(ours) one network of each kind is shown: is one enough?", "prune_ann", attacker=REPLAYED)
def one_network_is_enough(ann):
    """Holds if accuracy under no vector differs by more than 5 points between seeds."""
    found = {describe(settings): accuracies(ann, settings) for settings in ANN_TABLE}
    found |= {f"{WORDS[c]}, searched": searched(ann, c) for c in ("mean_activation", "combined")}
    spreads = {
        (words, pair): np.ptp(each[:, k])
        for words, each in found.items()
        for k, pair in enumerate(ANN_NOISE, start=1)
    }
    words, pair = max(spreads, key=spreads.get)
    most = spreads[words, pair]
    ours = f"up to {100 * most:.1f} points between seeds ({name_noise(pair)}, {words})"
    return f"{ours}; {count_seeds(ann.seeds)}", verdict(most <= NEAR)
