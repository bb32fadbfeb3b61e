"""How the ratio of the two largest outputs separates clean from corrupted images.

    python experiments/confidence_curves.py --data mnist --preset standard      three minutes
    python experiments/confidence_curves.py                                     drawn digits

From "Output analysis".  Half of the test images get the noise of a random other class, made on
the network before it was pruned.  For eight networks: dense or convolutional, linear-quadratic or
softmax-cross-entropy, whole or pruned; at three limits; on training images; and for the dense
linear-quadratic network, against the sparsity and the length of training (which trains three more,
ten minutes once).
Thresholds come from validation images.  Writes confidence-curves.json and three figures.
"""

import sys
from dataclasses import replace

import noise_banks
import numpy as np
import study
import train
from networks import LIMITS, Network, every, separation, survival_curves
from prune_ann import scores_of
from published import CONFIDENCE, STRONG
from study import markdown, percent

import nnlite
from nnlite import plots, prune

SPARSITIES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95)  # of the dense network, by mean activation
LENGTHS = (1 / 9, 1 / 3, 1, 3)  # of training, in passes of the preset


def measure(network, part, limit, validation, with_curves):
    """The separation on half-noisy images of a part of the data, and accuracy without noise."""
    outputs, *known = network.on_half_noisy(*part, limit)
    ratio = network.ratio(outputs)
    row = {"clean_accuracy": nnlite.accuracy(network.model, *part)}
    row |= separation(ratio, *known, validation)
    if with_curves:
        thresholds = np.geomspace(1, 1e10 if network.after_softmax else 1e5, 161)
        row |= survival_curves(ratio, *known, thresholds)
    return row


def measure_network(network, data, limits, with_training=False):
    """{"removed": sparsity, "0.35": separation, ..., "training": the same of training images}

    Curves are kept of seed 0 and limit 0.35 only.
    """
    validation, row = network.ratio_of_right(*data.validation), {"removed": network.removed}
    for limit in limits:
        shown = limit == STRONG and network.seed == 0
        row[str(limit)] = measure(network, data.test, limit, validation, shown)
    if with_training:
        n = len(data.test.labels)
        seen = data.train.images[:n], data.train.labels[:n]
        row["training"] = measure(network, seen, STRONG, validation, False)
    return row


def measure_sparsities(data, preset, runs, say):
    """{sparsity: [row of a seed, ...]} of ann-lq."""
    found = {sparsity: [] for sparsity in SPARSITIES}
    for seed in study.ANN_SEEDS:
        model, about = study.network("ann-lq", preset, seed, data, runs, say)
        bank = noise_banks.bank(model, about, data, runs, say=say)
        scores = scores_of(model, data.train.images, seed)["mean_activation"]
        for sparsity, rows in found.items():
            saved = prune.apply(model, prune.keep_masks(scores, sparsity))
            network = Network("ann-lq", seed, model, bank, sparsity)
            rows.append(measure_network(network, data, [STRONG]))
            prune.undo(model, saved)
    return found


def measure_lengths(data, preset, runs, say):
    """{steps: [row]} of ann-lq, seed 0, trained for more or fewer steps."""
    found = {}
    for length in LENGTHS:
        cfg = train.preset("ann-lq", preset)
        cfg = replace(cfg, steps=round(cfg.steps * length))
        label = f"ann-lq-{preset}" if length == 1 else f"ann-lq-{preset}-{cfg.steps}-steps"
        model, about = train.trained(cfg, data, 0, label, runs, say)
        bank = noise_banks.bank(model, about, data, runs, say=say)
        network = Network("ann-lq", 0, model, bank)
        found[cfg.steps] = [measure_network(network, data, [STRONG])]
    return found


def run(data, preset, runs, say):
    found = {}
    for network in every(data, preset, runs, say):
        row = measure_network(network, data, LIMITS, with_training=True)
        found.setdefault(network.title, []).append(row)
    return {
        "networks": found,
        "sparsities": measure_sparsities(data, preset, runs, say),
        "lengths": measure_lengths(data, preset, runs, say),
    }


def cells(rows, key):
    """Of several seeds: accuracy clean, half noisy, and what the two thresholds keep."""
    parts = [row[key] for row in rows]
    line = [percent([part["clean_accuracy"] for part in parts], 2)]
    line.append(percent([part["half_noisy_accuracy"] for part in parts]))
    for i in range(2):
        at = [part["at"][i] for part in parts]
        line.append(f"{np.mean([a['threshold'] for a in at]):.4g}")
        line += [percent([a[f"{group}_kept"] for a in at]) for group in ("clean", "corrupted")]
    return line


HEADER = ["no noise, %", "half noisy, %", "threshold 90", "clean kept, %", "corrupted kept, %"]
HEADER += ["threshold 80", "clean kept, %", "corrupted kept, %"]


def table(results):
    of_networks, first = results["networks"], []
    for title, rows in of_networks.items():
        if title in CONFIDENCE:
            first.append([f"{title}: published", "", *CONFIDENCE[title]])
        removed = percent([row["removed"] for row in rows]) if "pruned" in title else ""
        first.append([title, removed, *cells(rows, str(STRONG))])
    blocks = [markdown([f"limit {STRONG}", "removed, %", *HEADER], first)]
    parts = {f"limit {limit}": str(limit) for limit in LIMITS if limit != STRONG}
    for name, key in (parts | {"training images": "training"}).items():
        lines = [[title, *cells(rows, key)] for title, rows in of_networks.items()]
        blocks.append(markdown([name, *HEADER], lines))
    for kind, name in (("sparsities", "ann-lq, removed"), ("lengths", "ann-lq, steps of training")):
        lines = []
        for value, rows in results[kind].items():
            text = f"{100 * float(value):.0f} %" if kind == "sparsities" else f"{int(value):,}"
            lines.append([text, *cells(rows, str(STRONG))])
        blocks.append(markdown([name, *HEADER], lines))
    return "\n\n".join(blocks)


def draw(results, out):
    def draw_panels(panels, name, what="outputs"):
        figure = plots.ratio_curves(panels, what)
        plots.save_figure(figure, out / f"confidence-curves-{name}.png", 64)

    for loss, what in (("lq", "outputs"), ("sce", "probabilities")):
        panels = {
            title: rows[0][str(STRONG)]
            for title, rows in results["networks"].items()
            if loss in title
        }
        draw_panels(panels, loss, what)
    steps = list(results["lengths"])
    panels = {
        f"{100 * float(key):.0f} % removed": results["sparsities"][key][0][str(STRONG)]
        for key in ("0.5", "0.95")
    }
    panels |= {
        f"{int(key):,} steps of training": results["lengths"][key][0][str(STRONG)]
        for key in (steps[0], steps[-1])
    }
    draw_panels(panels, "varied")


if __name__ == "__main__":
    study.main("confidence-curves", sys.modules[__name__])
