"""Pruning the posts' dense network, all layers alike: accuracy clean and under noise.

    python experiments/prune_ann.py --data mnist --preset standard      30 minutes on two cores
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

from dataclasses import dataclass, replace

import numpy as np
from lab import banks, nets, pruning, script
from lab.figures.pruning import overlap, published_points
from lab.prepared import Made, with_noisy_tests
from lab.published import ANN_NOISE, ANN_TABLE, COMBINED_LESS, SCORED_IMAGES, is_comparable
from lab.tables import WORDS, describe, largest_step, markdown, name_noise, percent

from nnlite import plots, prune

FINE = tuple(np.arange(0, 1, 0.01).round(2).tolist())
COARSE = (*FINE[::5], 0.99)


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed.  In brackets: the post, or us."""

    network: nets.Config
    noise: banks.Config = banks.Config()
    vectors: tuple = ANN_NOISE  # (target, limit) each [post]
    curves: tuple = ("magnitude", "mean_activation", "combined", "random")
    first_sparsities: tuple = FINE  # of the first seed's curves
    sparsities: tuple = COARSE  # of the other seeds'
    combined_less: float = COMBINED_LESS  # removed by mean activation than by magnitude [post]
    published: tuple = tuple(ANN_TABLE)  # settings of the post's table
    wanted_accuracy: float = 0.98  # on validation images [post, there on test images]
    scored_images: int = SCORED_IMAGES  # for mean activation [post]
    recipe: int = 1  # to be raised when the code changes results


STANDARD = Config(nets.preset("ann-lq", "standard"))
QUICK = replace(STANDARD, network=nets.preset("ann-lq", "quick"), first_sparsities=COARSE)
PRESETS = {"quick": QUICK, "standard": STANDARD}
SEEDS = {"quick": (0,), "standard": (0, 1, 2)}


@dataclass(frozen=True)
class Pruned:
    """The network without some weights.

    removed    fraction of all weights
    accuracy   without noise, then under each vector
    """

    seed: int
    settings: tuple  # ((score, sparsity), ...)
    kept = True

    def compute(self, cfg, data, runs):
        network, scores, image_sets = prepared(cfg, self.seed, data, runs)
        masks = pruning.masks_of(self.settings, scores)
        found = pruning.pruned_accuracies(network.model, masks, image_sets, data.test.labels)
        return {"removed": prune.fraction_removed(masks), "accuracy": found}


@dataclass(frozen=True)
class Overlap:
    """overlap: fraction of what either score of the combined curve removes that both remove."""

    seed: int
    sparsity: float  # by magnitude
    kept = True

    def compute(self, cfg, data, runs):
        _, scores, _ = prepared(cfg, self.seed, data, runs)
        less = max(0.0, self.sparsity - cfg.combined_less)
        masks, others = (
            prune.keep_masks(scores[score], sparsity, allow_empty=True)
            for score, sparsity in (("magnitude", self.sparsity), ("mean_activation", less))
        )
        return {"overlap": pruning.overlap(masks, others)}


@dataclass(frozen=True)
class Searched:
    """The highest sparsity of a curve that keeps the wanted accuracy on validation images.

    sparsity, validation_accuracy;  removed, accuracy   as in Pruned
    """

    seed: int
    curve: str
    kept = True

    def compute(self, cfg, data, runs):
        network, scores, _ = prepared(cfg, self.seed, data, runs)
        options = data.validation, cfg.wanted_accuracy, cfg.combined_less
        sparsity, validation = pruning.highest_sparsity(network.model, scores, self.curve, *options)
        settings = pruning.settings_at(self.curve, sparsity, cfg.combined_less)
        row = Pruned(self.seed, settings).compute(cfg, data, runs)
        return {"sparsity": sparsity, "validation_accuracy": validation, **row}


def prepared(cfg, seed, data, runs):
    """(network, scores, test images without and with noise)"""
    return with_noisy_tests("ann-lq", cfg.network, seed, cfg, data, runs)


def needs(cfg, seeds):
    return [Made("ann-lq", cfg.network, seed, cfg.noise) for seed in seeds]


def rows(cfg, seeds):
    for seed in seeds:
        for sparsity in sparsities_of(cfg, seed, seeds):
            for curve in cfg.curves:
                yield Pruned(seed, pruning.settings_at(curve, sparsity, cfg.combined_less))
            yield Overlap(seed, sparsity)
        for settings in cfg.published:
            yield Pruned(seed, settings)
        for curve in cfg.curves:
            yield Searched(seed, curve)


def sparsities_of(cfg, seed, seeds):
    return cfg.first_sparsities if seed == seeds[0] else cfg.sparsities


# Tables and figures


HEADER = ["pruned", "", "no noise", *map(name_noise, ANN_NOISE)]


def accuracy_of(results, settings):
    """(seeds, 9): accuracy of each seed with these settings."""
    return [row["accuracy"] for row in results.select(Pruned, settings=settings)]


def curve_of(results, curve, seed):
    """{sparsity: accuracies}"""
    first = seed == results.seeds[0]
    points = {}
    for sparsity in results.config["first_sparsities" if first else "sparsities"]:
        settings = pruning.settings_at(curve, sparsity, results.config["combined_less"])
        (row,) = results.select(Pruned, seed=seed, settings=settings)
        points[sparsity] = row["accuracy"]
    return points


def published_table(results):
    """The post's best_performance_table, at its sparsities."""
    lines = []
    for settings, published in ANN_TABLE.items():
        here = zip(*accuracy_of(results, settings))
        of_post = [describe(settings), "published", *(percent(a) for a in published)]
        lines += [of_post] if is_comparable(results) else []
        lines.append(["" if is_comparable(results) else of_post[0], "here", *map(percent, here)])
    return markdown(HEADER, lines)


def searched_table(results):
    """The same at the highest sparsities that keep the wanted accuracy on validation images."""
    lines = []
    for curve in results.config["curves"]:
        searched = results.select(Searched, curve=curve)
        removed = percent([row["sparsity"] for row in searched])
        here = zip(*(row["accuracy"] for row in searched))
        lines.append([WORDS[curve], removed, *(percent(a) for a in here)])
    return markdown(["pruned", "removed", *HEADER[2:]], lines)


def gains_table(results):
    """Mean over the eight vectors, unpruned and at the searched sparsities."""
    before = [np.mean(accuracy[1:]) for accuracy in accuracy_of(results, ())]
    lines = []
    for curve in results.config["curves"]:
        searched = results.select(Searched, curve=curve)
        after = [np.mean(row["accuracy"][1:]) for row in searched]
        gains = [b - a for a, b in zip(before, after)]
        step = largest_step(curve_of(results, curve, results.seeds[0]), 0.01)
        lines.append([WORDS[curve], percent(before), percent(after), percent(gains), step])
    header = ["pruned", "mean of the eight, unpruned", "pruned", "gain, points"]
    return markdown([*header, "most in a step of 0.01 up to 0.8, seed 0"], lines)


def table(results):
    return "\n\n".join([published_table(results), searched_table(results), gains_table(results)])


TITLES = {
    "combined": "combined: kept by magnitude; by mean activation 7 points more",
    "random": "pruned at random",
}


def draw(results, out):
    for curve in results.config["curves"]:
        curves = [curve_of(results, curve, seed) for seed in results.seeds]
        lines = [(list(points), list(points.values())) for points in curves]
        title = TITLES.get(curve, f"pruned by {WORDS[curve]}")
        points = {title: published_points(curve)} if is_comparable(results) else None
        figure = plots.accuracy_against_sparsity({title: lines}, results.config["vectors"], points)
        plots.save_figure(figure, out / f"prune-ann-{curve.replace('_', '-')}.png", 256)
    overlaps = [
        {row["sparsity"]: row["overlap"] for row in results.select(Overlap, seed=seed)}
        for seed in results.seeds
    ]
    figure = overlap(overlaps, results.config["combined_less"])
    plots.save_figure(figure, out / "prune-ann-overlap.png", 256)


if __name__ == "__main__":
    script.main("prune_ann")
