"""Noise made anew on the pruned network, beside the replayed noise of the unpruned one.

    python experiments/noise_on_pruned.py --data mnist --preset standard    20 minutes on two cores
    python experiments/noise_on_pruned.py                                   drawn digits, a minute

"Pruning, cost functions and adversarial noise" makes its vectors on the unpruned network and adds
the same ones after pruning: the attacker does not know what was pruned.  Here the attacker does.
The same classes, limits and steps; only the network is another one.

Writes noise-on-pruned.json and noise-on-pruned.png.
"""

import hashlib
import sys
from dataclasses import asdict

import kept
import noise_banks
import numpy as np
import study
from prune_ann import WORDS, describe, masks_of, scores_of
from published import name_noise
from study import markdown, percent, under_noise

import nnlite
from nnlite import plots, prune

RECIPE = 1  # to be raised when this file or nnlite changes its results
SCORES = ("magnitude", "mean_activation")
ANN_SPARSITIES = (0.5, 0.8, 0.9, 0.95)
CNN_CASES = ((1, 0.90), (1, 0.98), (2, 0.90))  # dense layer and sparsity [98 %: post]
ANN_VECTORS = ((3, 0.25), (2, 0.25), (5, 0.35), (8, 0.20))  # where the post gains most
CNN_VECTORS = ((3, 0.25), (2, 0.25), (1, 0.35), (7, 0.30))


def digest(masks):
    """A text that stands for the masks, for the name under which their noise is kept."""
    packed = b"".join(name.encode() + np.packbits(mask).tobytes() for name, mask in masks.items())
    return hashlib.sha256(packed).hexdigest()


def measure(model, masks, about, data, vectors, replayed, runs, say):
    """Of the pruned network: accuracy without noise, under replayed noise, under its own."""
    saved = prune.apply(model, masks)
    own = replayed
    if masks:
        own = noise_banks.bank(
            model, about, data, runs, wanted=vectors, masks=digest(masks), say=say
        )
    images, labels = data.test
    row = {"clean": nnlite.accuracy(model, images, labels), "replayed": {}, "anew": {}}
    for target, limit in vectors:
        for kind, bank in (("replayed", replayed), ("anew", own)):
            found = under_noise(model, images, labels, target, bank[target, limit])
            row[kind][name_noise((target, limit))] = found
    prune.undo(model, saved)
    return row


def run_ann(seed, data, preset, runs, say):
    model, about = study.network("ann-lq", preset, seed, data, runs, say)
    scores = scores_of(model, data.train.images, seed)
    cases = [((score, s),) for score in SCORES for s in ANN_SPARSITIES]
    masks = {describe(settings): masks_of(settings, scores) for settings in [(), *cases]}
    return run_cases(model, about, masks, ANN_VECTORS, data, runs, say)


def run_cnn(data, preset, runs, say):
    model, about = study.network("cnn-lq", preset, 0, data, runs, say)
    scores = scores_of(model, data.train.images, 0)
    names = list(prune.dense_weights(model))
    masks = {"unpruned": {}}
    for score in SCORES:
        for layer, sparsity in CNN_CASES:
            chosen = {names[layer - 1]: scores[score][names[layer - 1]]}
            words = f"dense layer {layer}, {describe(((score, sparsity),))}"
            masks[words] = prune.keep_masks(chosen, sparsity)
    return run_cases(model, about, masks, CNN_VECTORS, data, runs, say)


def run_cases(model, about, cases, vectors, data, runs, say):
    """{"magnitude 80 %": row, ...} for masks under these names."""
    replayed = noise_banks.bank(model, about, data, runs, say=say)
    made_by = noise_banks.measured_by(about, RECIPE, vectors=vectors)
    rows = kept.Rows(runs, f"{data.name}-{about['label']}-seed{about['seed']}-on-pruned", made_by)

    def row(masks):
        return measure(model, masks, about, data, vectors, replayed, runs, say)

    return {words: rows.get(digest(masks), row, masks) for words, masks in cases.items()}


def run(data, preset, runs=kept.RUNS, say=print):
    seeds = study.ANN_SEEDS if preset == "standard" else (0,)
    return {
        "config": asdict(noise_banks.CONFIG),
        "ann": {seed: run_ann(seed, data, preset, runs, say) for seed in seeds},
        "cnn": {0: run_cnn(data, preset, runs, say)},
    }


def table_of(seeds, vectors):
    """Accuracy under each vector, "replayed / anew"; means over the seeds, then their mean."""
    names, lines = [name_noise(pair) for pair in vectors], []
    for words in next(iter(seeds.values())):
        rows = [cases[words] for cases in seeds.values()]
        means = {
            kind: [100 * np.mean([row[kind][name]["accuracy"] for row in rows]) for name in names]
            for kind in ("replayed", "anew")
        }
        pairs = list(zip(means["replayed"], means["anew"]))
        pairs.append(tuple(np.mean(pairs, axis=0)))
        cells = [f"{replayed:.1f} / {anew:.1f}" for replayed, anew in pairs]
        lines.append([words, percent(np.mean([row["clean"] for row in rows])), *cells])
    return markdown(["replayed / anew", "no noise", *names, "mean"], lines)


def table(results):
    ann, cnn = table_of(results["ann"], ANN_VECTORS), table_of(results["cnn"], CNN_VECTORS)
    return "\n\n".join([ann, cnn])


def draw(results, out):
    """The dense network: mean over the vectors, against sparsity, for each seed."""
    panels = {}
    for score in SCORES:
        words = ["unpruned", *(describe(((score, s),)) for s in ANN_SPARSITIES)]
        lines = {"no noise": [], "replayed": [], "anew": []}
        for cases in results["ann"].values():
            rows = [cases[one] for one in words]
            lines["no noise"].append([row["clean"] for row in rows])
            for kind in ("replayed", "anew"):
                each = [[one["accuracy"] for one in row[kind].values()] for row in rows]
                lines[kind].append(np.mean(each, axis=1))
        panels[WORDS[score]] = lines
    figure = plots.replayed_and_anew((0, *ANN_SPARSITIES), panels)
    plots.save_figure(figure, out / "noise-on-pruned.png")


if __name__ == "__main__":
    study.main("noise-on-pruned", sys.modules[__name__])
