"""First post: the dense layers of the convolutional network pruned, one at a time."""

import numpy as np

from lab.claims.claim import (
    NEAR,
    REPLAYED,
    claim,
    count_seeds,
    except_for,
    networks,
    of_seeds,
    share_verdict,
    signed,
    verdict,
)
from lab.claims.pruned import gain
from lab.published import CNN_NOISE, CNN_UNPRUNED
from lab.sparsity_curves import changes, curve, lossless
from lab.tables import WORDS, name_noise, percent

SCORES = ("mean_activation", "magnitude")
CLASS_1 = CNN_NOISE.index((1, 0.35))


def free_changes(study, layer, score):
    return changes(study, layer, score, lossless(study, layer, score))


def named(vectors):
    """ "class 4, limit 0.25, class 5, limit 0.25": the vectors that are so."""
    return ", ".join(name_noise(CNN_NOISE[k]) for k in np.flatnonzero(vectors)) or "none"


@claim("unpruned: eight accuracies of 14 to 55 %", "prune_cnn_dense", attacker=REPLAYED)
def cnn_unpruned(study):
    """Holds if all are within 5 points of the published in the mean of the seeds, partly if at
    least half."""
    unpruned = np.array([curve(study, seed, 1, SCORES[0])[1][0, 1:] for seed in study.seeds])
    published = np.array(CNN_UNPRUNED[1:])
    off = np.abs(unpruned.mean(axis=0) - published)
    missed = [
        f"{name_noise(CNN_NOISE[k])} {percent(unpruned[:, k])} against {percent(published[k], 0)}"
        for k in np.flatnonzero(off > NEAR)
    ]
    near = f"{(off <= NEAR).sum()} of 8 within 5 points{except_for(missed)}"
    return f"{near}; {count_seeds(unpruned)}", share_verdict(off <= NEAR)


@claim(
    "the first dense layer loses 98 % without any drop",
    "prune_cnn_dense",
    "longer",
    caveat="networks trained for longer still: l2 empties this layer with time",
    figure="prune-cnn-dense-1-mean-activation",
)
def first_layer_98(study, longer):
    """Holds if by one of the scores 98 % go for a tenth of a point on validation images, in every
    seed; partly if in some network, also of those of longer.py, for half a point on test images."""
    words, free, nearly = [], [], []
    for score in SCORES:
        most, lost = lossless(study, 1, score), -changes(study, 1, score, 0.98)[:, 0]
        free.append((most >= 0.98).all())
        nearly.append((lost <= 0.005).any())
        words.append(f"{WORDS[score]} {percent(lost)} points at 98 %, none to {percent(most, 0)} %")
    words[-1] += f", {count_seeds(study.seeds)}"
    for row in longer.select("FirstLayer"):
        k = longer.config["first_layer"].index(0.98)
        points = {score: row["unpruned"] - row["accuracy"][score][k] for score in SCORES}
        nearly += [lost <= 0.005 for lost in points.values()]
        losses = ", ".join(f"{WORDS[score]} {100 * points[score]:.1f}" for score in SCORES)
        words.append(f"one seed after {row['steps']:,} steps {losses} points at 98 %")
    return "; ".join(words), verdict(any(free), any(nearly))


@claim(
    "class 1: accuracy falls when layer 1 is pruned by activation and rises when layer 2 is",
    "prune_cnn_dense",
    attacker=REPLAYED,
    figure="prune-cnn-dense-2-mean-activation",
)
def class_1_opposite(study):
    """Holds if in every seed, without loss or at 90 % removed, it falls by more than a point with
    layer 1 and rises by more than a point with layer 2; partly if only one of the two."""
    words, moves = [], []
    for layer in (1, 2):
        found = free_changes(study, layer, SCORES[0]), changes(study, layer, SCORES[0], 0.9)
        moves.append([change[:, 1 + CLASS_1] for change in found])
        cells = " and ".join(percent(move, sign="+") for move in moves[-1])
        words.append(f"layer {layer} {cells}")
    ours = f"{'; '.join(words)} points, without loss and at 90 %; {count_seeds(study.seeds)}"
    falls = (np.min(moves[0], axis=0) < -0.01).all()
    rises = (np.max(moves[1], axis=0) > 0.01).all()
    return ours, verdict(falls and rises, falls or rises)


@claim(
    "pruning different layers helps against different vectors",
    "prune_cnn_dense",
    attacker=REPLAYED,
    figure="prune-cnn-dense-1-mean-activation",
)
def different_vectors(study):
    """Holds if by mean activation, without loss, in every seed each of the two layers has a vector
    against which it gains a point more than the other; partly if in half of these cases.  Named are
    the vectors for which it is so in the mean."""
    one, two = (free_changes(study, layer, SCORES[0])[:, 1:] for layer in (1, 2))
    more = (one - two, two - one)
    ours = "; ".join(f"layer {k}: {named(m.mean(axis=0) > 0.01)}" for k, m in enumerate(more, 1))
    better = [(m > 0.01).any(axis=1) for m in more]
    return f"{ours}; {count_seeds(one)}", share_verdict(better)


@claim(
    "activated values are more effective than absolute ones",
    "prune_cnn_dense",
    attacker=REPLAYED,
    figure="prune-cnn-dense-1-mean-activation",
)
def activation_more_effective(study):
    """Holds if in both layers they gain more in the mean of the vectors, without loss, in every
    seed; partly if in half of these cases."""
    words, more = [], []
    for layer in (1, 2):
        a, b = (free_changes(study, layer, score)[:, 1:].mean(axis=1) for score in SCORES)
        more.append(a > b)
        words.append(f"layer {layer} {percent(a, sign='+')} against {percent(b, sign='+')}")
    return f"{'; '.join(words)} points; {count_seeds(a)}", share_verdict(more)


@claim(
    "absolute values: some advantages in layer 1",
    "prune_cnn_dense",
    attacker=REPLAYED,
    figure="prune-cnn-dense-1-magnitude",
)
def magnitude_in_first(study):
    """Holds if without loss in every seed some vector gains a point, partly if only in some seed or
    at 90 % removed."""
    free, more = (
        f[:, 1:] for f in (free_changes(study, 1, "magnitude"), changes(study, 1, "magnitude", 0.9))
    )
    up = (free > 0.01).all(axis=0).sum()
    ours = f"{up} of 8 gain a point in every seed, mean {percent(free.mean(axis=1), sign='+')}"
    some = [(gains > 0.01).any(axis=1) for gains in (free, more)]
    return f"{ours} without loss; {count_seeds(free)}", verdict(some[0].all(), np.any(some))


@claim(
    "absolute values: no gain in layer 2 for these vectors",
    "prune_cnn_dense",
    attacker=REPLAYED,
    figure="prune-cnn-dense-2-magnitude",
)
def magnitude_in_second(study):
    """Holds if without loss no vector gains a point in any seed, partly if the mean over the
    vectors gains in none."""
    free = free_changes(study, 2, "magnitude")[:, 1:]
    means = free.mean(axis=1)
    up = [
        f"{name_noise(CNN_NOISE[k])} {percent(free[:, k], sign='+')}"
        for k in np.flatnonzero((free > 0.01).any(axis=0))
    ]
    ours = f"mean {percent(means, sign='+')} points; gains in some seed: {'; '.join(up) or 'none'}"
    return f"{ours}; {count_seeds(free)}", verdict((free <= 0.01).all(), (means <= 0).all())


@claim(
    "the gains are smaller than those of the dense network",
    "prune_cnn_dense",
    "prune_ann",
    attacker=REPLAYED,
    control="the same loss without noise",
    caveat="the two networks have other vectors; the noise of each is its own",
)
def smaller_gains(study, ann):
    """Holds if half a point of accuracy on test images buys less, by mean activation in the first
    dense layer, in every seed than 98.0 % on validation images do in any dense network; partly if
    in the mean."""
    dense, found = gain(ann, "mean_activation"), []
    for seed in study.seeds:
        _, accuracies = curve(study, seed, 1, SCORES[0])
        gains = accuracies - accuracies[0]
        found.append(gains[gains[:, 0] >= -0.005, 1:].mean(axis=1).max())
    ours = f"{of_seeds(found)}, against {of_seeds(dense)}"
    return f"points: {ours}", verdict(dense.min() > max(found), dense.mean() > np.mean(found))


@claim(
    "the baselines under noise start much higher than the dense network's",
    "make_noise",
    attacker="universal noise made on the network itself, ten classes",
    caveat="the post compares other vectors",
    figure="noise-limits",
)
def higher_baselines(noise):
    """Holds if at limits 0.25 and 0.35 the mean over the classes is, in every seed, 5 points higher
    than in any of the dense network; partly if it is higher."""
    words, by = [], []
    for limit in (0.25, 0.35):
        cnn, ann = (
            [np.mean(row["accuracy"]) for row in noise.select("OwnNoise", network=n, limit=limit)]
            for n in ("cnn-lq", "ann-lq")
        )
        by.append(min(cnn) - max(ann))
        words.append(f"{percent(cnn)} against {percent(ann)} at {limit}")
    ours = f"{', '.join(words)}; {networks({'cnn-lq': cnn, 'ann-lq': ann})}"
    return ours, verdict(min(by) > 0.05, min(by) > 0)


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
    images, costs more without noise; partly if at some limit.  In the mean of the seeds."""
    cells, less = [], []
    limits = sorted([curves.config["limit"], *curves.config["other_limits"]])
    for limit in limits:
        cnn, ann = (
            forms_change(curves, network, form, limit)
            for network, form in (("cnn-lq", "pruned less"), ("ann-lq", "pruned"))
        )
        (gain, cost), (dense_gain, dense_cost) = cnn.mean(axis=0), ann.mean(axis=0)
        less.append(gain < dense_gain and cost < dense_cost)
        cells.append(f"{signed([gain, dense_gain])} at {limit}")
    ours = f"points, convolutional at one ratio and dense: {'; '.join(cells)}; without noise "
    counted = networks({"cnn-lq": cnn, "ann-lq": ann})
    return f"{ours}{signed([cost, dense_cost])}; {counted}", verdict(all(less), any(less))


def forms_change(curves, network, form, limit):
    """(seeds, 2): what pruning changes of accuracy, half of the images noisy and none."""
    found = []
    for row in curves.select("Form", network=network, form=form, part="test", limit=limit):
        same = {key: row[key] for key in ("network", "seed", "part", "limit")}
        (whole,) = curves.select("Form", form="whole", **same)
        found.append([row[key] - whole[key] for key in ("half_noisy_accuracy", "clean_accuracy")])
    return np.array(found)
