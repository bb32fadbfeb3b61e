"""Pruning one layer of the posts' dense network at a time: accuracy clean and under noise.

    python experiments/prune_layers.py --data mnist --preset standard   20 minutes on two cores
    python experiments/prune_layers.py                                  drawn digits, one minute

From "Pruning, cost functions and adversarial noise": the plots abs_layer_pruning and
acti_layer_pruning, four panels each, and layers two and three together: the post says that each
alone can lose more than 95 %, and that accuracy falls off sooner when another is pruned too.

What lies below the pruned layer is computed once.  Noise as in prune_ann.py.
Writes prune-layers.json, prune-layers-<score>.png, prune-layers-2-and-3.png.
"""

import sys
from dataclasses import asdict

import kept
import noise_banks
import numpy as np
import prune_ann
import study
from prune_ann import WORDS, scores_of, wanted_accuracy
from published import ANN_NOISE, SCORED_IMAGES, name_noise
from study import markdown, percent
from tqdm import tqdm

import nnlite
from nnlite import plots, prune
from nnlite.sparse import SparseNetwork

RECIPE = 1  # to be raised when this file or nnlite changes its results
SCORES = ("magnitude", "mean_activation")
HIGH = (0.92, 0.94, 0.96, 0.98, 0.99, 0.995)
FINE = (  # seed 0
    *np.arange(0, 0.9, 0.02).round(2).tolist(),
    *np.arange(0.9, 0.9951, 0.005).round(3).tolist(),
)
COARSE = tuple(s for s in FINE if s in HIGH or round(10 * s, 3).is_integer())  # the other seeds


def parts(model):
    """{"layer 1": names of the weights, ..., "layers 2 and 3": ...}, and where each begins.

    A network of fewer than four dense layers (preset quick) has fewer parts.
    """
    names = list(prune.dense_weights(model))
    alone = {f"layer {i + 1}": [name] for i, name in enumerate(names)}
    return alone | ({"layers 2 and 3": names[1:3]} if len(names) > 3 else {})


def split(model, name):
    """(what lies below the layer of a weight such as "3.w", the rest), sharing their layers."""
    i = int(name.split(".")[0])
    return nnlite.Sequential(model.layers[:i]), nnlite.Sequential(model.layers[i:])


def shifted(scores, model, rest):
    """Scores of layers of `model`, named as in `rest`, which are its last layers."""
    below = len(model.layers) - len(rest.layers)
    return {f"{int(name.split('.')[0]) - below}.w": values for name, values in scores.items()}


def measure(rest, scores, sparsity, sets):
    """Accuracies of the pruned `rest` on validation features, then on those of each test set."""
    saved = prune.apply(rest, prune.keep_masks(scores, sparsity))
    network = SparseNetwork(rest)
    prune.undo(rest, saved)
    validation, *test = (nnlite.accuracy(network, *pair) for pair in sets)
    return {"validation_accuracy": validation, "accuracy": test}


def search(rest, scores, sets):
    """The highest sparsity that keeps wanted_accuracy on validation features, and its row."""
    wanted = wanted_accuracy(nnlite.accuracy(rest, *sets[0]))
    for sparsity in np.arange(0.995, 0, -0.005).round(3).tolist():
        if measure(rest, scores, sparsity, sets[:1])["validation_accuracy"] >= wanted:
            return {"sparsity": sparsity, **measure(rest, scores, sparsity, sets)}
    return {"sparsity": 0.0, **measure(rest, scores, 0.0, sets)}


def run_seed(seed, data, preset, runs, say):
    model, about = study.network("ann-lq", preset, seed, data, runs, say)
    bank = noise_banks.bank(model, about, data, runs, say=say)
    settings = {"scored_images": SCORED_IMAGES, "scores": prune_ann.RECIPE}
    made_by = noise_banks.measured_by(about, RECIPE, **settings)
    rows = kept.Rows(runs, f"{data.name}-prune-layers-{preset}-seed{seed}", made_by)
    scores = scores_of(model, data.train.images, seed)
    noisy = [
        (images, data.test.labels) for images in study.noisy_sets(data.test.images, bank, ANN_NOISE)
    ]
    fine = seed == 0 and preset == "standard"
    found = {}
    for part, names in parts(model).items():
        below, rest = split(model, names[0])
        sets = [(below.predict(images), labels) for images, labels in (data.validation, *noisy)]
        for score in SCORES:
            chosen = shifted({name: scores[score][name] for name in names}, model, rest)
            key, found_here = f"{part}, {score}", {}
            for s in tqdm(FINE if fine else COARSE, desc=key, unit="sparsity", disable=None):
                found_here[s] = rows.get(f"{key}, {s}", measure, rest, chosen, s, sets)
            searched = rows.get(f"{key}, searched", search, rest, chosen, sets)
            found[key] = {"curve": found_here, "searched": searched}
    return found


def run(data, preset, runs=kept.RUNS, say=print):
    seeds = study.ANN_SEEDS if preset == "standard" else (0,)
    found = {seed: run_seed(seed, data, preset, runs, say) for seed in seeds}
    return {"config": asdict(noise_banks.CONFIG), "seeds": found}


def table(results):
    """What each layer can lose, and what its loss brings against the eight vectors."""
    lines = []
    for key in results["seeds"]["0"]:
        curves = [one[key] for one in results["seeds"].values()]
        unpruned = [np.mean(one["curve"]["0.0"]["accuracy"][1:]) for one in curves]
        searched = [one["searched"] for one in curves]
        clean = [row["accuracy"][0] for row in searched]
        gain = [np.mean(row["accuracy"][1:]) - before for row, before in zip(searched, unpruned)]
        layer, score = key.split(", ")
        removed = percent([row["sparsity"] for row in searched])
        steps = study.largest_step(curves[0]["curve"], 0.02)
        lines.append([layer, WORDS[score], removed, percent(clean), percent(gain), steps])
    header = ["pruned", "by", "removed, %", "no noise", "mean of the eight, gain in points"]
    return markdown([*header, "most in a step of 0.02 up to 0.8, seed 0"], lines)


def draw(results, out):
    labels = [name_noise(pair) for pair in ANN_NOISE]
    keys = list(results["seeds"]["0"])

    def panel(key):
        curves = [one[key]["curve"] for one in results["seeds"].values()]
        return [
            ([float(s) for s in curve], [row["accuracy"] for row in curve.values()])
            for curve in curves
        ]

    for score in SCORES:
        alone = [key for key in keys if key.startswith("layer ") and key.endswith(f", {score}")]
        panels = {key.replace(f", {score}", f", {WORDS[score]}"): panel(key) for key in alone}
        figure = plots.accuracy_against_sparsity(panels, labels)
        plots.save_figure(figure, out / f"prune-layers-{score.replace('_', '-')}.png")
    together = {key.replace("_", " "): panel(key) for key in keys if key.startswith("layers ")}
    if together:
        figure = plots.accuracy_against_sparsity(together, labels)
        plots.save_figure(figure, out / "prune-layers-2-and-3.png")


if __name__ == "__main__":
    study.main("prune-layers", sys.modules[__name__])
