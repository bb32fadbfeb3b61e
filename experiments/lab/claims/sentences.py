"""Ten sentences that a newspaper could print, their numbers those of docs/results.

Each names the rows that it rests on and what their verdicts must be: where one has changed, the
sentence has to be written anew.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lab.claims.anew import left_of_gain
from lab.claims.claim import FAILS, HOLDS, PARTLY
from lab.claims.curves import kept, rows_of
from lab.claims.pruned import accuracies, gain, searched
from lab.published import ANN_TABLE
from lab.sparsity_curves import changes


@dataclass(frozen=True)
class Sentence:
    write: Callable  # takes {script: its results}; returns a text
    verdicts: dict  # {row: its verdict}

    def checked(self, claims, results):
        """The text; ValueError where a verdict is another."""
        for name, wanted in self.verdicts.items():
            found = claims[name].decide(results)[1]
            if found != wanted:
                raise ValueError(
                    f"the sentence {self.write.__name__} rests on {name!r}, which was {wanted!r} "
                    f"and is {found!r}; write it anew in lab/claims/sentences.py"
                )
        return self.write(results)


def sentence(**verdicts):
    verdicts = {name.replace("_", "-"): verdict for name, verdict in verdicts.items()}
    return lambda write: Sentence(write, verdicts)


def percent(values):
    return f"{100 * np.mean(values):.0f}"


@sentence(activation_gains_most=HOLDS, no_retraining=HOLDS)
def cutting_helps(results):
    ann = results["prune_ann"]
    cut = searched(ann, "mean_activation")
    return (
        f"A network that reads handwritten digits can lose four fifths of its connections, those "
        f"that digits use least, and still read {percent(cut[:, 0])} percent; digits doctored in "
        f"eight ways it then reads right {percent(cut[:, 1:])} times in a hundred, where it was "
        f"{percent(accuracies(ann)[:, 1:])}."
    )


@sentence(single_images_pruned=PARTLY)
def single_pictures(results):
    single = results["single_images"]

    def right(form, limit):
        rows = single.select("Measured", network="ann-lq", form=form, limit=limit)
        return percent([row["worst"] for row in rows])

    return (
        f"Against a forger who alters each picture in its own way it helps only where the changes "
        f"are slight: of a hundred digits changed by up to a tenth of the way from black to white "
        f"{right('pruned', 0.1)} are read right instead of {right('whole', 0.1)}, by up to a fifth "
        f"{right('pruned', 0.2)} instead of {right('whole', 0.2)}; merely rounding every pixel to "
        f"black or white saves {right('black and white', 0.1)} and "
        f"{right('black and white', 0.2)}."
    )


@sentence(dense_gain_remains=HOLDS)
def knowing_helps_little(results):
    replayed, anew = left_of_gain(results["noise_on_pruned"], "ann", sparsity=0.8)
    return (
        f"Whoever tailors four disturbances, each for all images, to the pruned network takes back "
        f"only a little: against these four, {percent(np.mean(anew))} of "
        f"{percent(np.mean(replayed))} points of protection remain."
    )


@sentence(convolutional_gain_remains=PARTLY)
def not_convolutional(results):
    four = left_of_gain(results["noise_on_pruned"], "cnn", layer=1, sparsity=0.9)
    whole, pruned = (
        results["noise_anew"].select("Attacked", network="cnn", form=form)
        for form in ("whole", "first dense layer")
    )
    eight = [
        [np.mean(p["eight"][kind]) - np.mean(w["eight"][kind]) for w, p in zip(whole, pruned)]
        for kind in ("replayed", "strongest")
    ]
    left = " and ".join(f"{percent(np.mean(b))} of {percent(np.mean(a))}" for a, b in (four, eight))
    return (
        f"In convolutional networks, the kind that is used for pictures, with nine tenths of their "
        f"largest layer removed, a forger who knows it takes most of the protection back: against "
        f"four disturbances and against eight he leaves {left} points."
    )


@sentence(whole_table=FAILS, gain_by_activation=HOLDS, gain_by_magnitude=FAILS)
def numbers_come_back(results):
    ann = results["prune_ann"]
    off = [np.abs(accuracies(ann, s).mean(axis=0) - t)[1:] for s, t in ANN_TABLE.items()]
    near = sum((each <= 0.05).sum() for each in off)
    by_magnitude = np.mean(accuracies(ann, (("magnitude", 0.9),))[:, 1:] - accuracies(ann)[:, 1:])
    return (
        f"The direction of the original finding is confirmed, many of its numbers are not: {near} "
        f"of 32 came out within five points, and the simpler way of choosing connections brought "
        f"{percent(by_magnitude)} points where it had brought 14."
    )


@sentence(one_network_is_enough=FAILS)
def networks_differ(results):
    *_, both = ANN_TABLE
    spread = np.ptp(accuracies(results["prune_ann"], both)[:, 1:], axis=0).max()
    return (
        f"Three networks that differ in nothing but chance, cut alike, were up to "
        f"{percent(spread)} points apart under the same kind of disturbance, so that one network "
        f"proves little."
    )


@sentence(first_layer_for_robustness=HOLDS, more_than_the_border=PARTLY)
def first_layer(results):
    study, ann = results["prune_layers"], results["prune_ann"]
    before = study.select("Curve", layers=(1,), score="mean_activation")
    after = study.select("Searched", layers=(1,), score="mean_activation")
    more = [
        np.mean(b["accuracy"][1:]) - np.mean(a["accuracy"][0][1:]) for a, b in zip(before, after)
    ]
    border = results["is_it_the_border"]
    plain, layer, inputs = (
        np.mean([row["replayed"] for row in border.select("Attacked", control=control)])
        for control in (
            *("unpruned", "layer 1 by mean activation"),
            "unpruned, inputs that layer 1 loses at 0",
        )
    )
    return (
        f"The protection comes from the first layer, the one that looks at the pixels: cut alone "
        f"until 98 percent are still read right it brings {percent(more)} points, all layers "
        f"together bring {percent(gain(ann, 'mean_activation'))}; with four fifths of it cut it "
        f"brings {percent(layer - plain)}, and {percent(inputs - plain)} of these could be had "
        f"without pruning, by blackening the pixels that pruning cuts off."
    )


@sentence(first_layer_98=PARTLY)
def largest_layer(results):
    longer = results["longer"]
    at_98 = longer.config["first_layer"].index(0.98)
    lost, lost_later = (
        100 * (row["unpruned"] - row["accuracy"]["mean_activation"][at_98])
        for row in longer.select("FirstLayer")
    )
    others = -100 * changes(results["prune_cnn_dense"], 1, "mean_activation", 0.98)[:, 0]
    return (
        f"Whether 98 percent of the largest layer of a convolutional network can go depends on "
        f"how long it was trained: networks that are alike but for chance lost "
        f"{others.min():.0f} to {others.max():.0f} points by it; one of them, trained once more, "
        f"lost {lost:.0f}, and {lost_later:.1f} after twice as many steps."
    )


@sentence(
    ann_corrupted_kept=FAILS,
    pruning_helps_dense=HOLDS,
    softmax_overlaps_more=HOLDS,
    confidence_under_attack=FAILS,
)
def doubt_can_be_measured(results):
    curves = results["confidence_curves"]
    rows, pruned, softmax = (rows_of(curves, t) for t in ("ann-lq", "ann-lq, pruned", "ann-sce"))
    return (
        f"By how much its best guess beats the second tells when a network was fooled, but not "
        f"reliably: where a tenth of the honest images are turned away, {percent(kept(rows))} "
        f"percent of the misread ones still pass, {percent(kept(pruned))} after pruning, and "
        f"{percent(kept(softmax))} in a network trained in the usual way; and of the pictures of a "
        f"forger who wants to be believed, and may change every pixel by a third of the way from "
        f"black to white, nearly all."
    )


@sentence(speed_advantage=PARTLY)
def speed(results):
    cases = results["bench/sparse"]["cases"]
    few, most = (cases[f"ann, {share} % zeros, batch 1000"] for share in (80, 95))

    def speed_of(case, candidate):
        return case["NumPy dense"]["median_ms"] / case[candidate]["median_ms"]

    return (
        f"Without 80 to 95 percent of its connections a network runs {speed_of(few, 'nnlite'):.0f} "
        f"to {speed_of(most, 'nnlite'):.0f} times as fast with software made for that, and "
        f"{speed_of(few, 'SciPy'):.1f} to {speed_of(most, 'PyTorch CSR'):.1f} times with what is "
        f"in common use."
    )


SENTENCES = [value for value in list(vars().values()) if isinstance(value, Sentence)]
