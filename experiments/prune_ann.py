"""Pruning the posts' dense network, all layers alike: accuracy clean and under noise.

    python experiments/prune_ann.py --data mnist --preset standard      20 minutes on two cores
    python experiments/prune_ann.py                                     drawn digits, two minutes

From "Pruning, cost functions and adversarial noise": the plots abs_value_pruning,
acti_values_pruning and combined_pruning, and best_performance_table.  Smallest weights first, by
magnitude, by mean activation, or by either with seven points less of the latter (combined); at
random as the control.  The noise is that of the unpruned network, replayed, as in the post;
noise_on_pruned.py makes it anew.

Mean activations are those of 2000 training images (the post: of the test set).  The table at
"98.0 %" takes the highest sparsities that keep this accuracy on validation images.
Writes prune-ann.json, prune-ann-<score>.png, prune-ann-overlap.png.
"""

import functools
import sys
from dataclasses import asdict

import kept
import noise_banks
import numpy as np
import study
from published import ANN_NOISE, ANN_TABLE, COMBINED_LESS, SCORED_IMAGES, name_noise
from study import markdown, percent
from tqdm import tqdm

import nnlite
from nnlite import plots, prune
from nnlite.sparse import SparseNetwork

RECIPE = 1  # to be raised when this file or nnlite changes its results
CURVES = ("magnitude", "mean_activation", "combined", "random")
FINE = tuple(np.arange(0, 1, 0.01).round(2).tolist())  # seed 0
COARSE = (*FINE[::5], 0.99)  # the other seeds
WANTED_ACCURACY = 0.98  # on validation images [post, there on test images]


def scores_of(model, images, seed, pruning=prune):
    """{"magnitude": {"1.w": scores}, ...}; mean activations over random training images.

    pruning   the module that scores the model: nnlite.prune, or nnlite.sparse.prune for layers
    """
    rng = np.random.default_rng([seed, 1])
    chosen = rng.choice(len(images), min(SCORED_IMAGES, len(images)), replace=False)
    statistics = pruning.input_statistics(model, images[chosen])
    return {
        "magnitude": pruning.scores(model, prune.magnitude),
        "mean_activation": pruning.scores(model, prune.mean_activation, statistics),
        "random": pruning.scores(model, prune.random(rng)),
    }


def settings_at(curve, sparsity):
    """What a curve prunes at a point of its axis: ((score, sparsity), ...), without zeros."""
    settings = ((curve, sparsity),)
    if curve == "combined":
        less = round(sparsity - COMBINED_LESS, 3)
        settings = (("magnitude", sparsity), ("mean_activation", less))
    return tuple(setting for setting in settings if setting[1] > 0)


def masks_of(settings, scores):
    """Each of the settings removes its share of every layer, whatever the others do.

    Together they may empty a small layer, and a curve goes on there.
    """
    each = [prune.keep_masks(scores[score], s, allow_empty=True) for score, s in settings]
    return functools.reduce(lambda a, b: prune.combine(a, b, allow_empty=True), each or [{}])


def pruned_accuracies(model, masks, sets, labels):
    saved = prune.apply(model, masks)
    found = study.accuracies(SparseNetwork(model), sets, labels)  # faster from 65 % zeros on
    prune.undo(model, saved)
    return found


def overlap(masks, others):
    """Of the weights that either removes, the fraction that both remove."""
    both = sum(np.sum(~mask & ~others[name]) for name, mask in masks.items())
    either = sum(np.sum(~mask | ~others[name]) for name, mask in masks.items())
    return both / max(either, 1)


def wanted_accuracy(unpruned):
    """WANTED_ACCURACY; half a point less than unpruned of a network that never reaches it."""
    return WANTED_ACCURACY if unpruned > WANTED_ACCURACY else unpruned - 0.005


def highest_sparsity(model, scores, curve, validation):
    """The highest point of a curve that keeps wanted_accuracy on validation images."""
    unpruned = nnlite.accuracy(model, *validation)
    for sparsity in np.arange(0.99, 0, -0.005).round(3):
        masks = masks_of(settings_at(curve, float(sparsity)), scores)
        (accuracy,) = pruned_accuracies(model, masks, [validation.images], validation.labels)
        if accuracy >= wanted_accuracy(unpruned):
            return float(sparsity), accuracy
    return 0.0, unpruned


def run_seed(seed, data, preset, runs, say):
    """Curves, and tables at the published and at the searched sparsities, of one network."""
    model, about = study.network("ann-lq", preset, seed, data, runs, say)
    bank = noise_banks.bank(model, about, data, runs, say=say)
    made_by = noise_banks.measured_by(about, RECIPE, scored_images=SCORED_IMAGES)
    rows = kept.Rows(runs, f"{data.name}-prune-ann-{preset}-seed{seed}", made_by)
    scores = scores_of(model, data.train.images, seed)
    sets = study.noisy_sets(data.test.images, bank, ANN_NOISE)

    def measure(settings):
        masks = masks_of(settings, scores)
        return {
            "removed": prune.fraction_removed(masks) if masks else 0.0,
            "accuracy": pruned_accuracies(model, masks, sets, data.test.labels),
        }

    sparsities = FINE if seed == 0 and preset == "standard" else COARSE
    curves = {curve: {} for curve in CURVES}
    for sparsity in tqdm(sparsities, desc=f"seed {seed}", unit="sparsity", disable=None):
        for curve in CURVES:
            settings = settings_at(curve, sparsity)
            row = rows.get(f"{settings}", measure, settings)
            curves[curve][sparsity] = row
        pair = [
            prune.keep_masks(scores[score], max(0.0, s), allow_empty=True)
            for score, s in (("magnitude", sparsity), ("mean_activation", sparsity - COMBINED_LESS))
        ]
        curves["combined"][sparsity]["overlap"] = overlap(*pair)
    published = [rows.get(f"{s}", measure, s)["accuracy"] for s in ANN_TABLE]
    searched = {}
    for curve in CURVES:
        sparsity, validation = rows.get(
            f"search, {curve}", highest_sparsity, model, scores, curve, data.validation
        )
        settings = settings_at(curve, sparsity)
        row = rows.get(f"{settings}", measure, settings)
        searched[curve] = {"sparsity": sparsity, "validation_accuracy": validation, **row}
    return {"curves": curves, "published": published, "searched": searched}


def run(data, preset, runs=kept.RUNS, say=print):
    seeds = study.ANN_SEEDS if preset == "standard" else (0,)
    found = {seed: run_seed(seed, data, preset, runs, say) for seed in seeds}
    return {"config": asdict(noise_banks.CONFIG), "seeds": found}


WORDS = {
    "magnitude": "magnitude",
    "mean_activation": "mean activation",
    "combined": "combined",
    "random": "at random",
}


def describe(settings):
    """(("magnitude", 0.85), ...) -> "magnitude 85 %, ..."."""
    parts = [f"{WORDS[score]} {sparsity:.0%}".replace("%", " %") for score, sparsity in settings]
    return ", ".join(parts) or "unpruned"


HEADER = ["pruned", "", "no noise", *(name_noise(pair) for pair in ANN_NOISE)]


def published_table(results):
    """The post's best_performance_table, at its sparsities."""
    lines = []
    for i, (settings, accuracies) in enumerate(ANN_TABLE.items()):
        here = zip(*(one["published"][i] for one in results["seeds"].values()))
        lines.append([describe(settings), "published", *(percent(a) for a in accuracies)])
        lines.append(["", "here", *(percent(a) for a in here)])
    return markdown(HEADER, lines)


def searched_table(results):
    """The same at the highest sparsities that keep WANTED_ACCURACY on validation images."""
    lines = []
    for curve in CURVES:
        seeds = [one["searched"][curve] for one in results["seeds"].values()]
        removed = percent([seed["sparsity"] for seed in seeds])
        here = zip(*(seed["accuracy"] for seed in seeds))
        lines.append([WORDS[curve], removed, *(percent(a) for a in here)])
    return markdown(["pruned", "removed", *HEADER[2:]], lines)


def gains_table(results):
    """Mean over the eight vectors, unpruned and at the searched sparsities."""
    lines = []
    for curve in CURVES:
        seeds = [(one["published"][0], one["searched"][curve]) for one in results["seeds"].values()]
        before = [np.mean(unpruned[1:]) for unpruned, _ in seeds]
        after = [np.mean(searched["accuracy"][1:]) for _, searched in seeds]
        gains = [b - a for a, b in zip(before, after)]
        steps = study.largest_step(results["seeds"]["0"]["curves"][curve], 0.01)
        lines.append([WORDS[curve], percent(before), percent(after), percent(gains), steps])
    header = ["pruned", "mean of the eight, unpruned", "pruned", "gain, points"]
    return markdown([*header, "most in a step of 0.01 up to 0.8, seed 0"], lines)


def table(results):
    return "\n\n".join([published_table(results), searched_table(results), gains_table(results)])


def curve_of(one, curve):
    """(sparsities, accuracies) of one seed."""
    points = {float(s): row["accuracy"] for s, row in one["curves"][curve].items()}
    return list(points), list(points.values())


def draw(results, out):
    labels = [name_noise(pair) for pair in ANN_NOISE]
    for curve in CURVES:
        panel = {
            f"pruned: {WORDS[curve]}": [curve_of(one, curve) for one in results["seeds"].values()]
        }
        figure = plots.accuracy_against_sparsity(panel, labels)
        plots.save_figure(figure, out / f"prune-ann-{curve.replace('_', '-')}.png")
    overlaps = [
        {float(s): row["overlap"] for s, row in one["curves"]["combined"].items()}
        for one in results["seeds"].values()
    ]
    plots.save_figure(plots.overlap(overlaps, COMBINED_LESS), out / "prune-ann-overlap.png")


if __name__ == "__main__":
    study.main("prune-ann", sys.modules[__name__])
