"""First post: the dense layers of the convolutional network pruned, one at a time."""

import numpy as np

from lab.claims.claim import (
    NEAR,
    REPLAYED,
    claim,
    of_seeds,
    share_verdict,
    signed,
    verdict,
)
from lab.published import CNN_NOISE, CNN_UNPRUNED
from lab.tables import name_noise, percent

NO_LOSS = 0.001  # a tenth of a point on validation images
SCORES = ("mean_activation", "magnitude")
CLASS_1 = CNN_NOISE.index((1, 0.35))
ONE = "one seed"


def unpruned(study, part="test"):
    """(9,) or (1,): without noise, then under each vector."""
    return np.array([row["accuracy"] for row in study.select("Unpruned", part=part)])


def curve(study, layer, score, part="test"):
    """(sparsities, (9 or 1, points))"""
    rows = study.select("Curve", part=part, layer=layer, score=score)
    return np.array(rows[0]["sparsities"]), np.array([row["accuracy"] for row in rows])


def lossless(study, layer, score):
    """The highest sparsity that costs no more than NO_LOSS on validation images."""
    grid, (points,) = curve(study, layer, score, "validation")
    return grid[points >= unpruned(study, "validation") - NO_LOSS].max(initial=0)


def changes(study, layer, score, sparsity):
    """(9,): of accuracy without noise, then under each vector."""
    grid, points = curve(study, layer, score)
    k = np.flatnonzero(grid == sparsity)
    return points[:, k[0]] - unpruned(study) if len(k) else np.zeros(len(points))


def free_changes(study, layer, score):
    return changes(study, layer, score, lossless(study, layer, score))


@claim("unpruned: eight accuracies of 14 to 55 %", "prune_cnn_dense", attacker=REPLAYED)
def cnn_unpruned(study):
    """Holds if all are within 5 points of the published, partly if at least half."""
    ours, published = unpruned(study)[1:], np.array(CNN_UNPRUNED[1:])
    off = np.abs(ours - published)
    missed = [
        f"{name_noise(CNN_NOISE[k])} {percent(ours[k])} against {percent(published[k], 0)}"
        for k in np.flatnonzero(off > NEAR)
    ]
    return f"{(off <= NEAR).sum()} of 8 within 5 points; not {'; '.join(missed)}; {ONE}", (
        share_verdict(off <= NEAR)
    )


@claim(
    "the first dense layer loses 98 % without any drop",
    "prune_cnn_dense",
    "longer",
    caveat="networks trained for longer still: l2 empties this layer with time",
    figure="prune-cnn-dense-1-mean-activation",
)
def first_layer_98(study, longer):
    """Holds if by either score 98 % go for a tenth of a point on validation images; partly if for
    half a point on test images, also of a network that was trained for longer."""
    words, free, nearly = [], [], []
    for score in SCORES:
        most, lost = lossless(study, 1, score), -changes(study, 1, score, 0.98)[0]
        free.append(most >= 0.98)
        nearly.append(lost <= 0.005)
        words.append(
            f"{score.replace('_', ' ')} {100 * lost:.1f} points at 98 %, none to {100 * most:.0f} %"
        )
    for row in longer.select("FirstLayer"):
        k = longer.config["first_layer"].index(0.98)
        points = {score: row["unpruned"] - row["accuracy"][score][k] for score in SCORES}
        nearly += [lost <= 0.005 for lost in points.values()]
        named = [f"{score.replace('_', ' ')} {100 * points[score]:.1f}" for score in SCORES]
        words.append(f"after {row['steps']:,} steps {', '.join(named)} points at 98 %")
    return f"{'; '.join(words)}; {ONE}", verdict(any(free), any(nearly))


@claim(
    "class 1: accuracy falls when layer 1 is pruned by activation and rises when layer 2 is",
    "prune_cnn_dense",
    attacker=REPLAYED,
    figure="prune-cnn-dense-2-mean-activation",
)
def class_1_opposite(study):
    """Holds if, without loss or at 90 % removed, it falls by more than a point with layer 1 and
    rises by more than a point with layer 2; partly if only one of the two."""
    words, moves = [], []
    for layer in (1, 2):
        found = [free_changes(study, layer, SCORES[0]), changes(study, layer, SCORES[0], 0.9)]
        moves.append([change[1 + CLASS_1] for change in found])
        words.append(f"layer {layer} {signed(moves[-1])}")
    ours = f"{'; '.join(words)} points, without loss and at 90 %; {ONE}"
    falls, rises = min(moves[0]) < -0.01, max(moves[1]) > 0.01
    return ours, verdict(falls and rises, falls or rises)


@claim(
    "pruning different layers helps against different vectors",
    "prune_cnn_dense",
    attacker=REPLAYED,
    figure="prune-cnn-dense-1-mean-activation",
)
def different_vectors(study):
    """Holds if by mean activation, without loss, each of the two layers has a vector against which
    it gains a point more than the other."""
    one, two = (free_changes(study, layer, SCORES[0])[1:] for layer in (1, 2))
    better = [
        [name_noise(CNN_NOISE[k]) for k in np.flatnonzero(d > 0.01)] for d in (one - two, two - one)
    ]
    ours = f"layer 1: {', '.join(better[0]) or 'none'}; layer 2: {', '.join(better[1]) or 'none'}"
    return f"{ours}; {ONE}", share_verdict([len(b) > 0 for b in better])


@claim(
    "activated values are more effective than absolute ones",
    "prune_cnn_dense",
    attacker=REPLAYED,
    figure="prune-cnn-dense-1-mean-activation",
)
def activation_more_effective(study):
    """Holds if in both layers they gain more in the mean of the vectors, without loss; partly if in
    one."""
    words, more = [], []
    for layer in (1, 2):
        a, b = (free_changes(study, layer, score)[1:].mean() for score in SCORES)
        more.append(a > b)
        words.append(f"layer {layer} {signed([a, b])}")
    return f"{'; '.join(words)} points; {ONE}", share_verdict(more)


@claim(
    "absolute values: some advantages in layer 1",
    "prune_cnn_dense",
    attacker=REPLAYED,
    figure="prune-cnn-dense-1-magnitude",
)
def magnitude_in_first(study):
    """Holds if without loss some vector gains a point, partly if only at 90 % removed."""
    free, more = (
        f[1:] for f in (free_changes(study, 1, "magnitude"), changes(study, 1, "magnitude", 0.9))
    )
    ours = f"{(free > 0.01).sum()} of 8 gain a point, mean {signed([free.mean()])} without loss"
    return f"{ours}; {ONE}", verdict((free > 0.01).any(), (more > 0.01).any())


@claim(
    "absolute values: no gain in layer 2 for these vectors",
    "prune_cnn_dense",
    attacker=REPLAYED,
    figure="prune-cnn-dense-2-magnitude",
)
def magnitude_in_second(study):
    """Holds if without loss no vector gains a point, partly if the mean does not gain."""
    free = free_changes(study, 2, "magnitude")[1:]
    up = [f"{name_noise(CNN_NOISE[k])} {signed([free[k]])}" for k in np.flatnonzero(free > 0.01)]
    ours = f"mean {signed([free.mean()])} points; gains: {', '.join(up) or 'none'}"
    return f"{ours}; {ONE}", verdict((free <= 0.01).all(), free.mean() <= 0)


@claim(
    "the gains are smaller than those of the dense network",
    "prune_cnn_dense",
    "prune_ann",
    attacker=REPLAYED,
    control="the same loss without noise",
    caveat="the two networks have other vectors; the noise of each is its own",
)
def smaller_gains(study, ann):
    """Holds if what half a point of accuracy on test images buys, by mean activation, is less in
    every seed of the dense network (98.0 % on validation images); partly if in the mean."""
    before = np.array([row["accuracy"] for row in ann.select("Pruned", settings=())])
    after = np.array([row["accuracy"] for row in ann.select("Searched", curve="mean_activation")])
    dense = (after - before)[:, 1:].mean(axis=1)
    _, points = curve(study, 1, SCORES[0])
    enough = points[0] >= unpruned(study)[0] - 0.005
    found = (points[1:, enough] - unpruned(study)[1:, None]).mean(axis=0).max()
    ours = f"{100 * found:.1f} points, {ONE}, against {of_seeds(dense)}"
    return ours, verdict((dense > found).all(), dense.mean() > found)


@claim(
    "the baselines under noise start much higher than the dense network's",
    "make_noise",
    attacker="universal noise made on the network itself, ten classes",
    caveat="the post compares other vectors",
    figure="noise-limits",
)
def higher_baselines(noise):
    """Holds if at limits 0.25 and 0.35 the mean over the classes is 5 points higher than in any
    seed of the dense network; partly if it is higher."""
    words, by = [], []
    for limit in (0.25, 0.35):
        cnn, ann = (
            [np.mean(row["accuracy"]) for row in noise.select("OwnNoise", network=n, limit=limit)]
            for n in ("cnn-lq", "ann-lq")
        )
        by.append(cnn[0] - max(ann))
        words.append(f"{percent(cnn)} against {percent(ann)} at {limit}")
    return f"{', '.join(words)}; {ONE}", verdict(min(by) > 0.05, min(by) > 0)


@claim(
    "pruning all dense layers by one ratio does not work as well as in the dense network",
    "confidence_curves",
    attacker="universal noise of a random other class on half of the images, three limits",
    control="the dense network at 80 %",
    caveat="whether unequal ratios do better; the output layer is whole",
)
def one_ratio_for_all(curves):
    """Holds if at every limit half-noisy accuracy gains less than in the dense network, though one
    ratio for the first two dense layers, the highest that costs less than a point on validation
    images, costs more without noise; partly if at some limit."""
    cells, less = [], []
    limits = sorted([curves.config["limit"], *curves.config["other_limits"]])
    for limit in limits:
        gains, costs = [], []
        for network, form in (("cnn-lq", "pruned less"), ("ann-lq", "pruned")):
            whole, pruned = (
                curves.select("Form", network=network, form=f, part="test", limit=limit)
                for f in ("whole", form)
            )
            for what, found in (("half_noisy_accuracy", gains), ("clean_accuracy", costs)):
                found.append(np.mean([p[what] - w[what] for p, w in zip(pruned, whole)]))
        less.append(gains[0] < gains[1] and costs[0] < costs[1])
        cells.append(f"{signed(gains)} at {limit}")
    ours = f"points, convolutional at one ratio and dense: {'; '.join(cells)}; "
    return f"{ours}without noise {signed(costs)}; one and three seeds", verdict(
        all(less), any(less)
    )
