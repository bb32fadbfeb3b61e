"""Pruning the dense layers of the posts' convolutional network, one at a time.

    python experiments/prune_cnn_dense.py --data mnist --preset standard    15 minutes on two cores
    python experiments/prune_cnn_dense.py                                   drawn digits, a minute

From "Pruning, cost functions and adversarial noise": the plots CNN_L1_pruning, CNN_L2_pruning,
CNN_L1__absvalue_pruning and CNN_L2__absvalue_pruning.  The first dense layer has 15,680 inputs and
97 % of all weights; the post sees no loss at 98 % removed.  Under class 1 noise it saw
accuracy fall when the first is pruned by mean activation, and rise when the second is.

The features that the convolutions make of each noisy test set are computed once.
Writes prune-cnn-dense.json and prune-cnn-dense-<1 or 2>-<score>.png.
"""

import itertools
import sys
from dataclasses import asdict

import kept
import noise_banks
import numpy as np
import prune_ann
import study
from prune_ann import WORDS, scores_of
from published import CNN_NOISE, CNN_UNPRUNED, CNN_WITHOUT_LOSS, SCORED_IMAGES, name_noise
from study import markdown, percent
from tqdm import tqdm

import nnlite
from nnlite import plots, prune
from nnlite.noise import add_noise
from nnlite.sparse import SparseNetwork

RECIPE = 1  # to be raised when this file or nnlite changes its results
SCORES = ("mean_activation", "magnitude")
SPARSITIES = {
    1: (*np.arange(0.90, 0.995, 0.01).round(2).tolist(), 0.992, 0.994, 0.996, 0.998),
    2: (*np.arange(0.70, 0.985, 0.02).round(2).tolist(), 0.99, 0.994, 0.998),
}
LOWER = {1: (0.3, 0.5, 0.6, 0.7, 0.8, 0.85), 2: (0.3, 0.5, 0.6)}  # for the table only
NO_LOSS = 0.001  # a tenth of a point


def measure_set(model, images, labels, scores, sparsities=SPARSITIES):
    """Accuracies on one set of images: {"unpruned": ..., "layer 1, magnitude": {sparsity: ...}}."""
    found, x, below = {}, images, 0
    for layer, name in enumerate(list(prune.dense_weights(model))[:2], start=1):
        i = int(name.split(".")[0])
        x = nnlite.Sequential(model.layers[below:i]).predict(x)  # the features, computed once
        below, rest = i, nnlite.Sequential(model.layers[i:])
        for score in SCORES:
            key, chosen = f"layer {layer}, {score}", {"0.w": scores[score][name]}
            found[key] = {}
            for sparsity in tqdm(sparsities[layer], desc=key, unit="sparsity", disable=None):
                saved = prune.apply(rest, prune.keep_masks(chosen, sparsity))
                found[key][sparsity] = nnlite.accuracy(SparseNetwork(rest), x, labels)
                prune.undo(rest, saved)
    return found | {"unpruned": nnlite.accuracy(rest, x, labels)}


def run(data, preset, runs=kept.RUNS, say=print):
    model, about = study.network("cnn-lq", preset, 0, data, runs, say)
    bank = noise_banks.bank(model, about, data, runs, say=say)
    scores = scores_of(model, data.train.images, 0)
    settings = {"scored_images": SCORED_IMAGES, "scores": prune_ann.RECIPE}
    made_by = noise_banks.measured_by(about, RECIPE, sparsities=SPARSITIES, lower=LOWER, **settings)
    rows = kept.Rows(runs, f"{data.name}-prune-cnn-dense-{preset}", made_by)

    noisy = {name_noise(k): add_noise(data.test.images, bank[k]) for k in CNN_NOISE}
    sets = {"validation": data.validation, "no noise": data.test}
    sets |= {name: (images, data.test.labels) for name, images in noisy.items()}
    found = {}
    for name, (images, labels) in sets.items():
        found[name] = rows.get(name, measure_set, model, images, labels, scores)
        args = measure_set, model, images, labels, scores, LOWER
        lower = rows.get(f"{name}, lower", *args)
        for key in lower.keys() - {"unpruned"}:
            found[name][key] = lower[key] | found[name][key]
    return {"config": asdict(noise_banks.CONFIG), "sets": found}


TEST_SETS = ("no noise", *(name_noise(pair) for pair in CNN_NOISE))


def unpruned_table(results):
    """Accuracy of the unpruned network, published and here."""
    here = [results["sets"][name]["unpruned"] for name in TEST_SETS]
    lines = [["published", *(percent(a, 0 if i else 1) for i, a in enumerate(CNN_UNPRUNED))]]
    return markdown(["unpruned", *TEST_SETS], [*lines, ["here", *map(percent, here)]])


def highest_lossless(results, key):
    """The highest sparsity that costs no more than NO_LOSS on validation images, if any does."""
    validation = results["sets"]["validation"]
    lossless = [s for s, a in validation[key].items() if a >= validation["unpruned"] - NO_LOSS]
    return max(lossless, key=float, default=None)


def pruned_table(results):
    """What each layer can lose without loss, and at the post's 98 %; changes in points."""
    lines = []
    for layer, score in itertools.product(SPARSITIES, SCORES):
        key = f"layer {layer}, {score}"
        chosen = {highest_lossless(results, key), str(CNN_WITHOUT_LOSS.get(layer))}
        for sparsity in sorted(chosen - {None, "None"}, key=float):
            sets = [results["sets"][name] for name in TEST_SETS]
            gains = [one[key][sparsity] - one["unpruned"] for one in sets]
            cells = [f"{100 * gain:+.1f}" for gain in [*gains, np.mean(gains[1:])]]
            lines.append([f"dense {layer}, {WORDS[score]}", percent(float(sparsity)), *cells])
    return markdown(["pruned", "removed, %", *TEST_SETS, "mean of the eight"], lines)


def table(results):
    return "\n\n".join([unpruned_table(results), pruned_table(results)])


def draw(results, out):
    for layer, sparsities in SPARSITIES.items():
        for score in SCORES:
            key = f"layer {layer}, {score}"
            rows = [[results["sets"][name][key][str(s)] for name in TEST_SETS] for s in sparsities]
            panel = {f"dense layer {layer}, {WORDS[score]}": [(sparsities, rows)]}
            figure = plots.accuracy_against_sparsity(panel, TEST_SETS[1:], start=sparsities[0])
            name = f"prune-cnn-dense-{layer}-{score.replace('_', '-')}.png"
            plots.save_figure(figure, out / name)


if __name__ == "__main__":
    study.main("prune-cnn-dense", sys.modules[__name__])
