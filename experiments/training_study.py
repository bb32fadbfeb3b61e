"""What the posts say of training: networks, costs, L2, dropout, outputs.

    python experiments/training_study.py --data mnist --preset standard   100 minutes on two cores
    python experiments/training_study.py                                  drawn digits, four

From "Pruning, cost functions and adversarial noise".  It says that linear-quadratic networks are
slightly more accurate than softmax-cross-entropy ones, that it took a dropout rate of 0.7, that
without L2 weights blow up or vanish, and that a ReLU on the outputs changes little.

Forty of the minutes are those of the posts' 100,000 steps, which quick is without.
Writes training-study.json, training-curves.png, zero-weights.png.
"""

from dataclasses import dataclass, replace

import numpy as np
from lab import nets, script
from lab.figures.training import zero_weights
from lab.tables import markdown

from nnlite import plots


@dataclass(frozen=True)
class Variant:
    """A network in one of the ways it is trained."""

    model: str  # such as "ann-lq"
    name: str  # such as "drop-0.3"; that of a preset for the network of nets.preset
    network: nets.Config
    every_seed: bool = False  # else the first one only


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed."""

    variants: tuple  # of Variant
    recipe: int = 1  # to be raised when the code changes results


def variants(preset):
    """What the posts speak of, with the networks of a preset."""
    ann_lq, ann_sce = nets.preset("ann-lq", preset), nets.preset("ann-sce", preset)
    return (
        Variant("ann-lq", preset, ann_lq, every_seed=True),
        Variant("ann-sce", preset, ann_sce, every_seed=True),
        Variant("cnn-lq", preset, nets.preset("cnn-lq", preset), every_seed=True),
        Variant("cnn-sce", preset, nets.preset("cnn-sce", preset)),
        Variant("ann-lq", "l2-1e-4", replace(ann_lq, l2=1e-4), every_seed=True),
        Variant("ann-sce", "l2-1e-3", replace(ann_sce, l2=1e-3), every_seed=True),
        Variant("ann-lq", "drop-0.3", replace(ann_lq, drop_prob=0.3)),
        Variant("ann-lq", "drop-0.7", replace(ann_lq, drop_prob=0.7)),
        Variant("ann-lq", "l2-0", replace(ann_lq, l2=0.0)),
        Variant("ann-lq", "output-relu", replace(ann_lq, output_relu=True)),
    )


PAPER = Variant("ann-lq", "paper", nets.preset("ann-lq", "paper"))
PRESETS = {"quick": Config(variants("quick")), "standard": Config((*variants("standard"), PAPER))}
SEEDS = {"quick": (0,), "standard": (0, 1, 2)}


@dataclass(frozen=True)
class Training:
    """One trained network.

    test_accuracy, validation_accuracy, seconds, history   as in nets.Trained
    weights                                                see `weights_of`
    """

    variant: Variant
    seed: int
    kept = True

    def compute(self, cfg, data, runs):
        model, net_cfg = self.variant.model, self.variant.network
        network = nets.trained(model, net_cfg, data, self.seed, runs)
        return {
            "test_accuracy": network.test_accuracy,
            "validation_accuracy": network.validation_accuracy,
            "seconds": network.seconds,
            "history": network.history,
            "weights": weights_of(network.model),
        }


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


def needs(cfg, seeds):
    """Nothing: no two rows need the same network."""
    return []


def rows(cfg, seeds):
    for variant in cfg.variants:
        for seed in seeds if variant.every_seed else seeds[:1]:
            yield Training(variant, seed)


# Table and figures


def title(variant):
    """Such as "ann-lq-drop-0.3"."""
    return f"{variant['model']}-{variant['name']}"


def table(results):
    """A line for each variant."""
    lines = []
    for variant in results.config["variants"]:
        rows = results.select(Training, variant=variant)
        test = [100 * row["test_accuracy"] for row in rows]
        validation = [100 * row["validation_accuracy"] for row in rows]
        zero = 100 * np.mean([zero_fraction(row) for row in rows])
        minutes = min(row["seconds"] for row in rows) / 60
        spread = f"{min(test):.2f} to {max(test):.2f}" if len(rows) > 1 else ""
        means = [f"{np.mean(test):.2f}", spread, f"{np.mean(validation):.2f}", f"{zero:.1f} %"]
        lines.append([title(variant), str(len(rows)), *means, f"{minutes:.1f}"])
    header = ["network", "seeds", "test accuracy", "range", "validation", "weights at zero"]
    return markdown([*header, "minutes, the fewest"], lines)


def zero_fraction(row):
    """Fraction of all weights of a network that ended at zero."""
    sizes = {name: layer["size"] for name, layer in row["weights"].items()}
    last = row["history"][-1]["zero_weights"]
    return sum(last[name] * size for name, size in sizes.items()) / sum(sizes.values())


def draw(results, out):
    """The networks of the preset, first seed; of the dense ones the weights at zero."""
    shown = [
        row
        for row in results.select(Training, seed=results.seeds[0])
        if row["variant"]["name"] == results.preset
    ]
    curves, dashed, dense = {}, [], {}
    for row in shown:
        label, network = title(row["variant"]), row["variant"]["network"]
        curves[label] = row["history"]
        if network["loss"] == "softmax_cross_entropy":
            dashed.append(label)
        if not network["convolutions"]:
            dense[label] = row["history"]
    plots.save_figure(plots.training_curves(curves, dashed), out / "training-curves.png")
    plots.save_figure(zero_weights(dense), out / "zero-weights.png")


if __name__ == "__main__":
    script.main("training_study")
