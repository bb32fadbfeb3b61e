"""Pruning the posts' convolutions, written out as sparse matrices, weight by weight.

    python experiments/prune_decoupled.py --data mnist --preset standard    40 minutes on two cores
    python experiments/prune_decoupled.py                                   drawn digits, a minute

From "Pruning, cost functions and adversarial noise": the experiment that "runs too slow to make
plots from".  Every application of a filter becomes a row of a matrix, its weights independent of
those of all other places, and the smallest go: all four layers together by magnitude, by mean
activation and at random, with the dense layers pruned and not; and each layer alone.  On the
whole test set, clean and under the noise of the unpruned network.

The time is that of the whole network with its dense layers pruned, for 1000 images; it is measured
in every run, after the accuracies, and needs the machine to itself.
Writes prune-decoupled.json, prune-decoupled-<score>.png, -layers-<score>.png, -time.png.
"""

import itertools
import sys
import time
from dataclasses import asdict

import kept
import noise_banks
import numpy as np
import study
from prune_ann import WORDS, scores_of
from published import CNN_NOISE, SCORED_IMAGES, name_noise
from study import markdown, percent
from tqdm import tqdm

import nnlite.sparse.prune as sparse_prune
from nnlite import plots, prune
from nnlite.sparse import SparseNetwork, unroll

RECIPE = 1  # to be raised when this file or nnlite changes its results
SCORES = ("magnitude", "mean_activation", "random")
SPARSITIES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99)
DENSE = (0.985, 0.9)  # pruned from the first and the second dense layer, by mean activation
SHOWN = ("0.0", "0.3", "0.5", "0.6", "0.8", "0.9")  # in the table
HEADS = ("dense layers whole", "dense layers pruned")
BATCH = 128


def with_pruned_dense(layers, scores, n_convolutions):
    """The layers with the first two dense ones pruned to DENSE."""
    chosen = scores["mean_activation"]
    masks = {
        i: prune.keep_mask(chosen[i], sparsity)
        for i, sparsity in enumerate(DENSE, start=n_convolutions)
    }
    return sparse_prune.apply(layers, masks)


def accuracies(convolutions, heads, image_sets, labels):
    """[(sets,), ...]: accuracy of the same convolutions under each of several heads."""
    right = np.zeros((len(heads), len(image_sets)))
    for k, images in enumerate(image_sets):
        for start in range(0, len(images), BATCH):
            features = convolutions.predict(images[start : start + BATCH], BATCH)
            for h, head in enumerate(heads):
                read = head.predict(features, BATCH).argmax(axis=1)
                right[h, k] += np.sum(read == labels[start : start + BATCH])
    return right / len(labels)


def seconds_per_1000(network, images):
    """The median of five times."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        network.predict(images[:1000])
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def run(data, preset, runs=kept.RUNS, say=print):
    model, about = study.network("cnn-lq", preset, 0, data, runs, say)
    bank = noise_banks.bank(model, about, data, runs, say=say)
    layers = unroll(model, (28, 28, 1))
    n = len(layers) - len(prune.dense_weights(model))  # so many are convolutions
    scores = scores_of(layers, data.train.images, 0, sparse_prune)
    sets = study.noisy_sets(data.test.images, bank, CNN_NOISE)
    pruned = with_pruned_dense(layers, scores, n)
    heads = dict(zip(HEADS, (SparseNetwork(layers[n:]), SparseNetwork(pruned[n:]))))
    made_by = noise_banks.measured_by(about, RECIPE, scored_images=SCORED_IMAGES, dense=DENSE)
    rows = kept.Rows(runs, f"{data.name}-prune-decoupled-{preset}", made_by)

    def convolutions(chosen, score, sparsity):
        masks = prune.keep_masks({i: scores[score][i] for i in chosen}, sparsity, allow_empty=True)
        return sparse_prune.apply(layers[:n], masks)

    def measure(chosen, score, sparsity, names):
        network = SparseNetwork(convolutions(chosen, score, sparsity), max_density=None)
        wanted = [heads[name] for name in names]
        found = accuracies(network, wanted, sets, data.test.labels)
        return {"accuracy": dict(zip(names, found)), "non_zeros": network.non_zeros}

    parts = {"all layers": range(n)} | {f"layer {i + 1}": [i] for i in range(n)}
    cases = [*itertools.product(["all layers"], SCORES), *itertools.product(parts, SCORES[:2])]
    found = {}
    for part, score in dict.fromkeys(cases):
        names = HEADS if part == "all layers" else HEADS[1:]
        key = f"{part}, {score}"
        found[key] = {}
        for s in tqdm(SPARSITIES, desc=key, unit="sparsity", disable=None):
            args = measure, parts[part], score, s, names
            # Nothing pruned is the same whatever the score.
            found[key][s] = rows.get(f"{key}, {s}" if s else f"unpruned, {names}", *args)
    seconds = {score: {} for score in SCORES}
    for score, s in tqdm([*itertools.product(SCORES, SPARSITIES)], desc="time", disable=None):
        network = SparseNetwork(convolutions(range(n), score, s) + pruned[n:], max_density=None)
        seconds[score][s] = seconds_per_1000(network, data.test.images)
    return {"config": asdict(noise_banks.CONFIG), "curves": found, "seconds": seconds}


def table(results):
    """All convolutions together: what some sparsities cost and bring."""
    header = ["pruned", "removed, %", "non-zeros, millions"]
    header += [f"{head}: {what}" for head in HEADS for what in ("no noise", "mean of the eight")]
    lines = []
    for score, s in itertools.product(SCORES, SHOWN):
        row = results["curves"][f"all layers, {score}"][s]
        cells = [WORDS[score], f"{100 * float(s):.0f}", f"{row['non_zeros'] / 1e6:.2f}"]
        for head in HEADS:
            clean, *noisy = row["accuracy"][head]
            cells += [percent(clean, 2), percent(np.mean(noisy))]
        lines.append([*cells, f"{1000 * results['seconds'][score][s]:.0f}"])
    return markdown([*header, "ms for 1000 images"], lines)


def draw(results, out):
    labels = [name_noise(pair) for pair in CNN_NOISE]

    def panel(key, head):
        curve = results["curves"][key]
        return [([float(s) for s in curve], [row["accuracy"][head] for row in curve.values()])]

    for score in SCORES:
        key = f"all layers, {score}"
        panels = {f"{WORDS[score]}, {head}": panel(key, head) for head in HEADS}
        figure = plots.accuracy_against_sparsity(panels, labels)
        plots.save_figure(figure, out / f"prune-decoupled-{score.replace('_', '-')}.png")
    for score in SCORES[:2]:
        keys = [key for key in results["curves"] if key.startswith("layer ")]
        panels = {
            key.replace("_", " "): panel(key, HEADS[1])
            for key in keys
            if key.endswith(f", {score}")
        }
        figure = plots.accuracy_against_sparsity(panels, labels)
        plots.save_figure(figure, out / f"prune-decoupled-layers-{score.replace('_', '-')}.png", 64)
    times = {
        WORDS[score]: {float(s): 1000 * seconds for s, seconds in curve.items()}
        for score, curve in results["seconds"].items()
    }
    plots.save_figure(plots.time_against_sparsity(times), out / "prune-decoupled-time.png")


if __name__ == "__main__":
    study.main("prune-decoupled", sys.modules[__name__])
