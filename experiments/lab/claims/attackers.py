"""First post: attackers who know the pruned network, other kinds of noise, and the border."""

import functools
import operator

import numpy as np

from lab.claims.anew import left_of_gain
from lab.claims.claim import PENDING, claim, count_seeds, of_seeds, verdict
from lab.tables import percent

UNPRUNED, PRUNED = "unpruned", "all layers by mean activation"
CONTROLS = "random weights and inputs, the same inputs cut off, see lab/controls.py"


def known_verdict(noise, network, **pruned):
    """(ours, verdict): how much of the gain is left when the attacker knows the network."""
    replayed, anew = left_of_gain(noise, network, **pruned)
    ours = (
        f"{percent(replayed)} points gained under replayed noise, {percent(anew)} under new noise"
    )
    left = anew >= 0.5 * replayed
    return f"{ours}; {count_seeds(anew)}", verdict(left.all() and (anew > 0).all(), anew.mean() > 0)


KNOWN = "four universal vectors made anew for the pruned network, 50 steps at each limit"
NOT_SINGLE = "attacks on single images; other losses and steps"


@claim(
    "pruning can improve robustness to some noise: the dense network, attacker who knows it",
    "noise_on_pruned",
    attacker=KNOWN,
    control="the vectors of the unpruned network",
    caveat=NOT_SINGLE,
    figure="noise-on-pruned",
)
def dense_gain_remains(noise):
    """Holds if with 80 % removed by mean activation half of the gain or more is left in every seed
    when the noise is made anew; partly if any is left in the mean."""
    return known_verdict(noise, "ann", sparsity=0.8)


@claim(
    "the same of the convolutional network",
    "noise_on_pruned",
    attacker=KNOWN,
    control="the vectors of the unpruned network",
    caveat=NOT_SINGLE,
    figure="noise-on-pruned",
)
def convolutional_gain_remains(noise):
    """Holds if with 90 % of the first dense layer removed by mean activation half of the gain or
    more is left in every seed when the noise is made anew; partly if any is left in the mean."""
    return known_verdict(noise, "cnn", layer=1, sparsity=0.9)


HARD = (
    "the strongest of replayed, made from zero and made from the replayed one, trained on until "
    "twice the steps take less than half a point"
)


def gained(anew, name, vectors, kind):
    """(seeds,): points that a pruned network gains over the unpruned one; one of its form alone."""
    network, form = name
    whole = {"ann": [], "cnn": "whole"}[network]
    after, before = (anew.select("Attacked", network=network, form=f) for f in (form, whole))
    return np.array(
        [np.mean(a[vectors][kind]) - np.mean(b[vectors][kind]) for a, b in zip(after, before)]
    )


def remains(anew, names):
    """(ours, verdict): how much of what is gained under the replayed eight the strongest leave."""
    words, half, some = [], [], []
    for words_of, name in names.items():
        replayed, strongest = (gained(anew, name, "eight", k) for k in ("replayed", "strongest"))
        if replayed.size:
            words.append(f"{words_of} {percent(replayed)} replayed, {percent(strongest)} strongest")
            half.append(((strongest >= 0.5 * replayed) & (strongest > 0)).all())
            some.append(strongest.mean() > 0)
    if not words:
        return PENDING, ""
    return f"{'; '.join(words)}; {count_seeds(replayed)}", verdict(all(half), any(some))


TABLE = {
    "magnitude 90 %": ("ann", (("magnitude", 0.90),)),
    "mean activation 81 %": ("ann", (("mean_activation", 0.81),)),
    "both, 85 and 80 %": ("ann", (("magnitude", 0.85), ("mean_activation", 0.80))),
}
DECOUPLED = {
    "magnitude": ("cnn", "convolutions, magnitude"),
    "mean activation": ("cnn", "convolutions, mean_activation"),
}


@claim(
    "the same of the post's table: eight vectors, pruned by either score and by both",
    "noise_anew",
    attacker=HARD,
    control="the vectors of the unpruned network",
    caveat="attacks on single images",
    figure="noise-anew",
)
def table_gain_remains(anew):
    """Holds if by each of the three ways half of the gain or more is left under the strongest
    vectors in every seed; partly if any is left by one."""
    return remains(anew, TABLE)


@claim(
    "the same of convolutions that are written out and pruned, 40 % of each",
    "noise_anew",
    attacker=HARD,
    control="the vectors of the unpruned network",
    caveat="attacks on single images",
    figure="noise-anew",
)
def decoupled_gain_remains(anew):
    """Holds if by each score half of the gain or more is left under the strongest vectors; partly
    if any is left by one."""
    return remains(anew, DECOUPLED)


NO_CLASS = {
    "attacker": "one vector away from the right class; for each image the best of ten; limit 0.25",
    "control": "the unpruned network under its own",
    "caveat": "attacks on single images",
    "figure": "noise-anew",
}


@claim(
    "(ours) does the dense network gain where the attacker wants no class in particular?",
    "noise_anew",
    **NO_CLASS,
)
def any_wrong_class(anew):
    """Holds if 81 % removed by mean activation gain 5 points under both in every seed; partly if
    under one of them."""
    return gained_under_both(anew, TABLE["mean activation 81 %"])


@claim(
    "(ours) do decoupled convolutions gain where the attacker wants no class in particular?",
    "noise_anew",
    **NO_CLASS,
)
def decoupled_any_wrong_class(anew):
    """Holds if 40 % removed by mean activation gain 5 points under both in every seed; partly if
    under one of them."""
    return gained_under_both(anew, DECOUPLED["mean activation"])


def gained_under_both(anew, name):
    """(ours, verdict): points gained under the vector that wants any other class, and under the
    best of ten."""
    found = {key: gained(anew, name, key, "strongest") for key in ("untargeted", "best_of_ten")}
    if not found["untargeted"].size:
        return PENDING, ""
    words = "away {} points, best of ten {}".format(*map(percent, found.values()))
    enough = [(points >= 0.05).all() for points in found.values()]
    return f"{words}; {count_seeds(found['untargeted'])}", verdict(all(enough), any(enough))


@claim(
    "(ours) did these attackers try for long enough?",
    "noise_anew",
    attacker=HARD,
    caveat="validation images; other kinds of steps",
)
def attackers_have_converged(anew):
    """Holds if under no vector of any network the last half of the steps took more than half a
    point; partly if not in the mean of a network's vectors."""
    took = [np.array(row["last_steps"]) for row in anew.select("Attacked")]
    means, most = np.array([each.mean() for each in took]), max(each.max() for each in took)
    ours = (
        f"{100 * means.mean():.2f} points in the mean, at most {100 * means.max():.2f} in that "
        f"of a network, {100 * most:.1f} under one vector"
    )
    return f"{ours}; {len(took)} networks", verdict(most <= 0.005, means.max() <= 0.005)


KINDS = "replayed and new universal noise, PGD on single images (0.1, 0.2), random signs (0.35)"


def gains(border, control, kind):
    """(seeds, vectors or limits), under random signs (seeds,): accuracy of a control minus that of
    the unpruned network."""
    after, before = (
        np.array([row[kind] for row in border.select("Attacked", control=c)])
        for c in (control, UNPRUNED)
    )
    return after - before


def gains_by_kind(border):
    """[{kind of noise: (seeds,)}, ...], what pruning by mean activation gains, for each limit of
    the attacks on single images."""
    universal = {k: gains(border, PRUNED, k).mean(axis=1) for k in ("replayed", "anew")}
    signs, single = gains(border, PRUNED, "signs"), gains(border, PRUNED, "single").T
    return [
        {**universal, f"single within {limit}": each, "signs": signs}
        for limit, each in zip(border.config["single_limits"], single)
    ]


@claim(
    "pruning is agnostic to the type of noise, so it should generalise to other types",
    "is_it_the_border",
    attacker=KINDS,
    control=CONTROLS,
    caveat="noise that is not bounded pixel by pixel",
    figure="is-it-the-border",
)
def other_kinds_of_noise(border):
    """Holds if 80 % removed by mean activation gain a point under each kind of noise in every seed;
    partly if under some kind."""
    found = functools.reduce(operator.or_, gains_by_kind(border))
    words = ", ".join(f"{kind} {percent(each)}" for kind, each in found.items())
    in_all = [(each > 0.01).all() for each in found.values()]
    return f"{words} points; {count_seeds(border.seeds)}", verdict(all(in_all), any(in_all))


@claim(
    "robust to other kinds of noise, too: attacks on single images",
    "single_images",
    attacker="FGSM, PGD with three losses and squares without gradients, the worst for each image",
    control="black and white inputs; a network trained on attacked images",
    caveat="the first images of the test set only; l2 and other norms",
    figure="single-images",
)
def single_images_pruned(single):
    """Holds if at every limit up to 0.2 the pruned dense and the pruned convolutional network stand
    more than the whole in every seed; partly if at some limit."""
    words, more, missing = [], [], []
    for network in ("ann-lq", "cnn-lq"):
        if not single.select("Measured", network=network, form="pruned"):
            missing.append(f"{PENDING}: {network}")
        limits = [limit for limit in single.config["limits"] if limit <= 0.2]
        for limit in limits:
            whole, pruned = (
                [
                    r["worst"]
                    for r in single.select("Measured", network=network, form=f, limit=limit)
                ]
                for f in ("whole", "pruned")
            )
            if whole:
                more.append(np.greater(pruned, whole).all())
                n = count_seeds(whole)
                words.append(f"{network}, {limit}: {percent(whole)} to {percent(pruned)}, {n}")
    return "; ".join([*words, *missing]), verdict(all(more) and not missing, any(more))


@claim(
    "what works for one type of noise is not going to work for others",
    "is_it_the_border",
    attacker=KINDS,
    caveat="types are four here",
    figure="is-it-the-border",
)
def types_differ(border):
    """Holds if the gain by mean activation differs by more than 10 points between kinds of noise in
    the mean, at each limit of the attacks on single images; partly if by more than 5."""
    words, spreads = [], []
    for found in gains_by_kind(border):
        means = {kind: each.mean() for kind, each in found.items()}
        low, high = (pick(means, key=means.get) for pick in (min, max))
        spreads.append(means[high] - means[low])
        words.append(f"{100 * spreads[-1]:.1f} points between {low} and {high}")
    ours = f"{'; '.join(words)}; {count_seeds(border.seeds)}"
    return ours, verdict(min(spreads) > 0.1, min(spreads) > 0.05)


@claim(
    "(ours) is it weights that serve the noise, or only the border of the images?",
    "is_it_the_border",
    attacker="replayed universal noise",
    control="the unpruned network without the inputs that pruning layer 1 disconnects",
    caveat="other images than MNIST's, whose border is black",
    figure="is-it-the-border",
)
def more_than_the_border(border):
    """Holds if those inputs alone bring less than half of what pruning layer 1 does in every seed;
    partly if they bring less."""
    pruned, inputs = (
        gains(border, control, "replayed").mean(axis=1)
        for control in ("layer 1 by mean activation", "unpruned, inputs that layer 1 loses at 0")
    )
    ours = f"{percent(inputs)} points by the inputs, {of_seeds(pruned)}, by pruning layer 1"
    return ours, verdict((inputs < pruned / 2).all(), inputs.mean() < pruned.mean())
