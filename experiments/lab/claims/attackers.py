"""First post: attackers who know the pruned network, other kinds of noise, and the border."""

import numpy as np

from lab.claims.claim import claim, count_seeds, of_seeds, verdict
from lab.tables import percent

UNPRUNED, PRUNED = "unpruned", "all layers by mean activation"
CONTROLS = "random weights and inputs, the same inputs cut off, see lab/controls.py"


def left_of_gain(noise, network, **pruned):
    """(gain replayed, gain anew), each (seeds,): of a network under the four vectors."""
    before = noise.select("Attacked", network=network, score=None)
    after = noise.select("Attacked", network=network, score="mean_activation", **pruned)
    return [
        np.array([mean_under(b, kind) - mean_under(a, kind) for a, b in zip(before, after)])
        for kind in ("replayed", "anew")
    ]


def mean_under(row, kind):
    return np.mean([each["accuracy"] for each in row[kind]])


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
)
def convolutional_gain_remains(noise):
    """Holds if with 90 % of the first dense layer removed by mean activation half of the gain or
    more is left when the noise is made anew; partly if any is left."""
    return known_verdict(noise, "cnn", layer=1, sparsity=0.9)


def gains(border, control, kind):
    """{name: (seeds,)}: accuracy of a control minus that of the unpruned network."""
    after, before = (border.select("Attacked", control=c) for c in (control, UNPRUNED))
    return np.array([np.mean(a[kind]) - np.mean(b[kind]) for a, b in zip(after, before)])


@claim(
    "pruning is agnostic to the type of noise, so it should generalise to other types",
    "is_it_the_border",
    attacker="replayed and new universal noise, PGD on single images, random signs",
    control=CONTROLS,
    caveat="noise that is not bounded pixel by pixel",
    figure="is-it-the-border",
)
def other_kinds_of_noise(border):
    """Holds if 80 % removed by mean activation gain a point under each kind of noise in every seed;
    partly if under some kind."""
    found = {k: gains(border, PRUNED, k) for k in ("replayed", "anew", "single", "signs")}
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
    words, more = [], []
    for network in ("ann-lq", "cnn-lq"):
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
    return "; ".join(words), verdict(all(more), any(more))


@claim(
    "what works for one type of noise is not going to work for others",
    "is_it_the_border",
    attacker="replayed and new universal noise, PGD on single images, random signs",
    caveat="types are four here",
    figure="is-it-the-border",
)
def types_differ(border):
    """Holds if the gain by mean activation differs by more than 10 points between kinds of noise in
    the mean, partly if by more than 5."""
    found = {k: gains(border, PRUNED, k).mean() for k in ("replayed", "anew", "single", "signs")}
    spread = max(found.values()) - min(found.values())
    low, high = (pick(found, key=found.get) for pick in (min, max))
    ours = f"{100 * spread:.1f} points between {low} and {high}; {count_seeds(border.seeds)}"
    return ours, verdict(spread > 0.1, spread > 0.05)


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
    pruned = gains(border, "layer 1 by mean activation", "replayed")
    inputs = gains(border, "unpruned, inputs that layer 1 loses at 0", "replayed")
    ours = f"{percent(inputs)} points by the inputs, {of_seeds(pruned)}, by pruning layer 1"
    return ours, verdict((inputs < pruned / 2).all(), inputs.mean() < pruned.mean())
