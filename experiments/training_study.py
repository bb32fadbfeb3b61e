"""What the posts say of training, on MNIST: networks, costs, L2, dropout, outputs.

    python experiments/training_study.py              about an hour on two cores
    python experiments/training_study.py --paper      and half an hour

From "Pruning, cost functions and adversarial noise".  It says that linear-quadratic networks are
slightly more accurate than softmax-cross-entropy ones, that it took a dropout rate of 0.7, that
without L2 weights blow up or vanish, and that a ReLU on the outputs changes little.

Trains what is not in runs/ yet, and writes docs/results/training.json and, from it alone, the
table and two figures.  --table draws them again and trains nothing.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import train

import nnlite
from nnlite import plots
from nnlite.files import replace_when_done

OUT = Path("docs/results")
ANN_LQ, ANN_SCE = train.preset("ann-lq", "standard"), train.preset("ann-sce", "standard")
NETWORKS = {  # label: Config, seeds
    "ann-lq-standard": (ANN_LQ, (0, 1, 2)),
    "ann-sce-standard": (ANN_SCE, (0, 1, 2)),
    "cnn-lq-standard": (train.preset("cnn-lq", "standard"), (0,)),
    "cnn-sce-standard": (train.preset("cnn-sce", "standard"), (0,)),
    "ann-lq-l2-1e-4": (replace(ANN_LQ, l2=1e-4), (0, 1, 2)),
    "ann-sce-l2-1e-3": (replace(ANN_SCE, l2=1e-3), (0, 1, 2)),
    "ann-lq-drop-0.3": (replace(ANN_LQ, drop_prob=0.3), (0,)),
    "ann-lq-drop-0.7": (replace(ANN_LQ, drop_prob=0.7), (0,)),
    "ann-lq-l2-0": (replace(ANN_LQ, l2=0.0), (0,)),
    "ann-lq-output-relu": (replace(ANN_LQ, output_relu=True), (0,)),
}
PAPER = {"ann-lq-paper": (train.preset("ann-lq", "paper"), (0,))}


def weights_of(model):
    """Where the weights of each layer ended: spread, largest, and the share near and at zero."""
    return {
        name: {
            "size": p.value.size,
            "sd": float(p.value.std()),
            "largest": float(np.abs(p.value).max()),
            "below_1e-3": float(np.mean(np.abs(p.value) < 1e-3)),
            "zero": p.sparsity,
        }
        for name, p in model.named_params.items()
        if p.value.ndim > 1
    }


def collect(networks, data, runs=train.RUNS):
    """[{label, seed, test_accuracy, ..., history, weights}, ...], training what is missing."""
    found = []
    for label, (cfg, seeds) in networks.items():
        for seed in seeds:
            model, results = train.trained(cfg, data, seed, label, runs)
            found.append({**results, "weights": weights_of(model)})
    return found


def table(results):
    """Lines of Markdown, one for each kind of network."""
    lines = [
        "| network | seeds | test accuracy | range | validation | weights at zero | minutes |",
        "|---|---|---|---|---|---|---|",
    ]
    for label in dict.fromkeys(run["label"] for run in results):
        runs = [run for run in results if run["label"] == label]
        test, validation = (
            [100 * run[f"{part}_accuracy"] for run in runs] for part in ("test", "validation")
        )
        zero = 100 * np.mean([zero_fraction(run, run["history"][-1]) for run in runs])
        minutes = np.median([run["seconds"] for run in runs]) / 60
        spread = f"{min(test):.2f} to {max(test):.2f}" if len(runs) > 1 else ""
        lines.append(
            f"| {label} | {len(runs)} | {np.mean(test):.2f} | {spread} | "
            f"{np.mean(validation):.2f} | {zero:.1f} % | {minutes:.1f} |"
        )
    return "\n".join(lines)


def zero_fraction(run, epoch):
    """Of all weights of a network, after one pass."""
    sizes = {name: layer["size"] for name, layer in run["weights"].items()}
    zeros = sum(epoch["zero_weights"][name] * size for name, size in sizes.items())
    return zeros / sum(sizes.values())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--paper", action="store_true", help="the posts' 100,000 steps too")
    parser.add_argument("--table", action="store_true", help="from the file, nothing is trained")
    args = parser.parse_args()
    path = OUT / "training.json"
    if not args.table:
        try:
            results = collect(NETWORKS | (PAPER if args.paper else {}), nnlite.data.load("mnist"))
        except (OSError, ValueError, FloatingPointError) as error:
            sys.exit(f"{parser.prog}: {error}")
        OUT.mkdir(parents=True, exist_ok=True)
        with replace_when_done(path) as file:
            file.write(json.dumps(results).encode())
    results = json.loads(path.read_text())
    print(table(results))
    first = {run["label"]: run["history"] for run in results if run["seed"] == 0}
    shown = {label: first[label] for label in list(NETWORKS)[:4]}
    plots.save_figure(plots.training_curves(shown), OUT / "training-curves.png")
    zeros = {label: first[label] for label in ("ann-lq-standard", "ann-sce-standard")}
    plots.save_figure(plots.zero_weights(zeros), OUT / "zero-weights.png")


if __name__ == "__main__":
    main()
