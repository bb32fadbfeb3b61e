"""First post: the layers of the dense network pruned one at a time."""

import numpy as np

from lab.claims.claim import REPLAYED, claim, count_seeds, share_verdict, verdict
from lab.sparsity_curves import without_loss
from lab.tables import WORDS, percent

FIGURES = {"magnitude": "prune-layers-magnitude", "mean_activation": "prune-layers-mean-activation"}
SCORES = tuple(FIGURES)
HIDDEN = ((1,), (2,), (3,))


def gains(study, layers, score):
    """(seeds,): mean over the vectors, at 98.0 % on validation images."""
    before = [row["accuracy"][0] for row in study.select("Curve", layers=layers, score=score)]
    after = [row["accuracy"] for row in study.select("Searched", layers=layers, score=score)]
    return np.mean(np.array(after)[:, 1:] - np.array(before)[:, 1:], axis=1)


def removed(study, layers, score):
    """(seeds,): what can go at 98.0 % on validation images."""
    rows = study.select("Searched", layers=layers, score=score)
    return np.array([row["sparsity"] for row in rows])


def lossless(study, layers, score):
    """(seeds,): the highest sparsity without loss on validation images."""
    rows = study.select("Curve", layers=layers, score=score)
    return np.array([without_loss(row["sparsities"], row["validation"]) for row in rows])


def cost(study, layers, score, sparsity):
    """(seeds,): accuracy that it costs on test images, without noise."""
    rows = study.select("Curve", layers=layers, score=score)
    at = [(row, row["sparsities"].index(sparsity)) for row in rows]
    return np.array([row["accuracy"][0][0] - row["accuracy"][k][0] for row, k in at])


@claim(
    "the first layer has the biggest influence on robustness",
    "prune_layers",
    attacker=REPLAYED,
    control="each other layer alone",
    caveat="whether it is its border pixels: see the attackers",
    figure=FIGURES["mean_activation"],
)
def first_layer_for_robustness(study):
    """Holds if in every seed, by either score and at 98.0 % on validation images, pruning it brings
    more than pruning any other layer; partly if by one score."""
    words, first = [], []
    for score in SCORES:
        each = [gains(study, layers, score) for layers in (*HIDDEN, (4,))]
        first.append(all((each[0] > other).all() for other in each[1:]))
        words.append(f"{WORDS[score]} {', '.join(percent(g) for g in each)}")
    ours = f"points, layers 1 to 4: {'; '.join(words)}; {count_seeds(study.seeds)}"
    return ours, verdict(all(first), any(first))


@claim(
    "and on accuracy without noise",
    "prune_layers",
    control="layers 2 and 3; the outputs, layer 4, have 0.2 % of the weights",
    figure=FIGURES["mean_activation"],
)
def first_layer_for_accuracy(study):
    """Holds if in every seed and by either score it can lose less than layers 2 and 3 at 98.0 % on
    validation images; partly if by one score."""
    words, least = [], []
    for score in SCORES:
        each = [removed(study, layers, score) for layers in HIDDEN]
        least.append(all((each[0] < other).all() for other in each[1:]))
        words.append(f"{WORDS[score]} {', '.join(percent(r) for r in each)}")
    ours = f"% removed, layers 1 to 3: {'; '.join(words)}; {count_seeds(study.seeds)}"
    return ours, verdict(all(least), any(least))


@claim(
    "the step-like gains come from the first layer",
    "prune_layers",
    attacker=REPLAYED,
    caveat="one network: the others were pruned in coarser steps",
    figure=FIGURES["mean_activation"],
)
def steps_from_first_layer(study):
    """Holds if, up to 80 % removed by mean activation, a vector gains 2 points within two
    hundredths in layer 1 alone; partly if in another layer too."""
    most = {}
    for layers in (*HIDDEN, (4,)):
        row = study.select("Curve", layers=layers, score="mean_activation")[0]
        grid, points = np.array(row["sparsities"]), np.array(row["accuracy"])
        most[layers[0]] = np.diff(points[grid <= 0.8 + 1e-9], axis=0)[:, 1:].max()
    stepped = [layer for layer, rise in most.items() if rise >= 0.02]
    ours = ", ".join(f"layer {layer} {100 * rise:.1f}" for layer, rise in most.items())
    return f"most points within 0.02: {ours}; one seed", verdict(stepped == [1], 1 in stepped)


@claim(
    "absolute values help more in layer 2 than in layer 3",
    "prune_layers",
    attacker=REPLAYED,
    figure=FIGURES["magnitude"],
)
def magnitude_in_layer_2(study):
    """Holds if in every seed layer 2 gains, and more than layer 3; partly if it is only ahead."""
    return ahead(study, "magnitude", (2,), (3,))


@claim(
    "activated values help more in layer 3 than in layer 2",
    "prune_layers",
    attacker=REPLAYED,
    figure=FIGURES["mean_activation"],
)
def activation_in_layer_3(study):
    """Holds if in every seed layer 3 gains, and more than layer 2; partly if it is only ahead."""
    return ahead(study, "mean_activation", (3,), (2,))


def ahead(study, score, one, other):
    a, b = (gains(study, layers, score) for layers in (one, other))
    ours = f"layer {one[0]} {percent(a)}, layer {other[0]} {percent(b)} points"
    more = np.mean(a) > np.mean(b)
    return f"{ours}; {count_seeds(a)}", verdict((a > b).all() and (a > 0).all(), more)


@claim(
    "layers 2 and 3 can each lose more than 95 % without losing accuracy",
    "prune_layers",
    control="at 98.0 %, half a point of loss",
    caveat="a loss below a tenth of a point of 5,000 validation images",
    figure=FIGURES["magnitude"],
)
def layers_without_loss(study):
    """Holds if both can, by either score and in every seed, for no more than a tenth of a point on
    validation images; partly if one can by one of the scores, or if more than 95 % go at 98.0 %."""
    words, free, nearly = [], [], []
    for score in SCORES:
        for layers in ((2,), (3,)):
            without, with_some = lossless(study, layers, score), removed(study, layers, score)
            free.append((without > 0.95).all())
            nearly.append((with_some > 0.95).all())
            words.append(
                f"{WORDS[score]}, layer {layers[0]} {percent(without)} ({percent(with_some)})"
            )
    ours = f"{'; '.join(words)}; in brackets at 98.0 %; {count_seeds(study.seeds)}"
    return ours, verdict(all(free), any(free) or all(nearly))


@claim(
    "layers are not independent: accuracy falls off much sooner when another is pruned",
    "prune_layers",
    "prune_ann",
    control="the sum of what the layers cost alone",
    caveat="other pairs than layers 2 and 3",
    figure="prune-layers-2-and-3",
)
def layers_depend_on_each_other(study, ann):
    """Holds if layers 2 and 3 together, and all four, cost twice what they cost alone, added up, in
    every seed (96 % by magnitude); partly if one of the two."""
    score, sparsity = "magnitude", 0.96
    alone = {k: cost(study, (k,), score, sparsity) for k in (1, 2, 3, 4)}
    pair, of_pair = cost(study, (2, 3), score, sparsity), alone[2] + alone[3]
    rows = {row["seed"]: row for row in ann.select("Pruned", settings=((score, sparsity),))}
    whole = {row["seed"]: row["accuracy"][0] for row in ann.select("Pruned", settings=())}
    every = np.array([whole[seed] - row["accuracy"][0] for seed, row in rows.items()])
    of_every = sum(alone.values())[: len(every)]
    ours = (
        f"96 % by magnitude: all four {percent(every)} points lost against {percent(of_every)} "
        f"added up ({count_seeds(every)}); layers 2 and 3 {percent(pair)} against "
        f"{percent(of_pair)} ({count_seeds(pair)})"
    )
    return ours, share_verdict([(every > 2 * of_every).all(), (pair > 2 * of_pair).all()])
