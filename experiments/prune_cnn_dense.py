"""Pruning the dense layers of the posts' convolutional network, one at a time.

    python experiments/prune_cnn_dense.py --data mnist --preset standard    35 minutes on two cores
    python experiments/prune_cnn_dense.py                                   drawn digits, a minute

From "Pruning, cost functions and adversarial noise": the plots CNN_L1_pruning, CNN_L2_pruning,
CNN_L1__absvalue_pruning and CNN_L2__absvalue_pruning.  The first dense layer has 15,680 inputs and
97 % of all weights; the post sees no loss at 98 % removed.  Under class 1 noise it saw
accuracy fall when the first is pruned by mean activation, and rise when the second is.

The features that the convolutions make of each noisy test set are computed once.
Writes prune-cnn-dense.json and prune-cnn-dense-<1 or 2>-<score>.png.
"""

import functools
import itertools
from dataclasses import dataclass, replace

import numpy as np
from lab import banks, cut, nets, script
from lab.prepared import Made, scored
from lab.published import CNN_NOISE, CNN_UNPRUNED, CNN_WITHOUT_LOSS, SCORED_IMAGES, is_comparable
from lab.sparsity_curves import changes, curve, lossless
from lab.tables import WORDS, markdown, name_noise, percent

import nnlite
from nnlite import plots
from nnlite.noise import add_noise

FIRST = (
    *(0.3, 0.5, 0.6, 0.7, 0.8, 0.85),
    *np.arange(0.90, 0.995, 0.01).round(2).tolist(),
    *(0.992, 0.994, 0.996, 0.998),
)
SECOND = (
    *(0.3, 0.5, 0.6),
    *np.arange(0.70, 0.985, 0.02).round(2).tolist(),
    *(0.99, 0.994, 0.998),
)


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed.  In brackets: the post, or us."""

    network: nets.Config
    noise: banks.Config = banks.Config()
    vectors: tuple = CNN_NOISE  # (target, limit) each [post]
    scores: tuple = ("mean_activation", "magnitude")
    sparsities: tuple = (FIRST, SECOND)  # of the first and of the second dense layer [ours]
    scored_images: int = SCORED_IMAGES  # for mean activation [post]
    recipe: int = 1  # to be raised when the code changes results


STANDARD = Config(nets.preset("cnn-lq", "standard"))
PRESETS = {
    "quick": replace(STANDARD, network=nets.preset("cnn-lq", "quick")),
    "standard": STANDARD,
}
SEEDS = {"quick": (0,), "standard": (0, 1, 2)}


@dataclass(frozen=True)
class Unpruned:
    """accuracy: of the whole network, on one part of the data under one vector."""

    seed: int
    part: str  # "validation" or "test"
    noise: tuple  # (target, limit), or () for none
    kept = True

    def compute(self, cfg, data, runs):
        _, stages, labels = prepared(cfg, self.seed, self.part, self.noise, data, runs)
        upper, features = stages[-1]
        return {"accuracy": nnlite.accuracy(upper, features, labels)}


@dataclass(frozen=True)
class Curve:
    """accuracy: the same with ever fewer weights in one dense layer, at each sparsity."""

    seed: int
    part: str
    noise: tuple
    layer: int  # 1 or 2
    score: str
    sparsities: tuple
    kept = True

    def compute(self, cfg, data, runs):
        scores, stages, labels = prepared(cfg, self.seed, self.part, self.noise, data, runs)
        upper, features = stages[self.layer - 1]
        networks = (
            cut.pruned(upper, scores[self.score], (self.layer,), sparsity)
            for sparsity in self.sparsities
        )
        return {"accuracy": [nnlite.accuracy(network, features, labels) for network in networks]}


@functools.lru_cache(maxsize=1)
def prepared(cfg, seed, part, noise, data, runs):
    """(scores, stages, labels): scores of the whole network, and for each of the two dense layers
    the network from there on and the features (N, n_in) that reach it."""
    network, bank, scores = scored("cnn-lq", cfg.network, seed, cfg, data, runs)
    images, labels = getattr(data, part)
    if noise:
        images = add_noise(images, bank[noise])
    convolutions, dense = cut.below(network.model, 1)
    first, rest = cut.below(dense, 2)
    features = convolutions.predict(images)
    return scores, [(dense, features), (rest, first.predict(features))], labels


def needs(cfg, seeds):
    return [Made("cnn-lq", cfg.network, seed, cfg.noise) for seed in seeds]


def rows(cfg, seeds):
    sets = [("validation", ()), ("test", ()), *(("test", vector) for vector in cfg.vectors)]
    for seed, (part, noise) in itertools.product(seeds, sets):
        yield Unpruned(seed, part, noise)
        for layer, sparsities in enumerate(cfg.sparsities, start=1):
            for score in cfg.scores:
                yield Curve(seed, part, noise, layer, score, sparsities)


# Tables and figures


TEST_SETS = ("no noise", *map(name_noise, CNN_NOISE))


def unpruned_table(results):
    """Accuracy of the unpruned networks, published and here."""
    noises = [(), *results.config["vectors"]]
    sets = (results.select(Unpruned, part="test", noise=noise) for noise in noises)
    here = [percent([row["accuracy"] for row in rows]) for rows in sets]
    published = [percent(a, 0 if i else 1) for i, a in enumerate(CNN_UNPRUNED)]
    lines = [["published", *published]] if is_comparable(results) else []
    return markdown(["unpruned", *TEST_SETS], [*lines, ["here", *here]])


def pruned_table(results):
    """What each layer can lose without loss, and at the post's 98 %; changes in points."""
    lines = []
    for layer, score in itertools.product((1, 2), results.config["scores"]):
        chosen = [lossless(results, layer, score)]
        if layer in CNN_WITHOUT_LOSS:
            chosen.append([CNN_WITHOUT_LOSS[layer]])
        for sparsities in chosen:
            changed = changes(results, layer, score, sparsities)
            each = [*changed.T, changed[:, 1:].mean(axis=1)]
            cells = [percent(values, sign="+") for values in each]
            lines.append([f"dense {layer}, {WORDS[score]}", percent(sparsities, 0), *cells])
    return markdown(["pruned", "removed, %", *TEST_SETS, "mean of the eight"], lines)


def table(results):
    return "\n\n".join([unpruned_table(results), pruned_table(results)])


def draw(results, out):
    points = [(0.0, CNN_UNPRUNED)] if is_comparable(results) else []
    for layer, score in itertools.product((1, 2), results.config["scores"]):
        title = f"dense layer {layer} pruned by {WORDS[score]}"
        curves = [curve(results, seed, layer, score) for seed in results.seeds]
        figure = plots.accuracy_against_sparsity(
            {title: curves}, results.config["vectors"], {title: points}
        )
        plots.save_figure(
            figure, out / f"prune-cnn-dense-{layer}-{score.replace('_', '-')}.png", 256
        )


if __name__ == "__main__":
    script.main("prune_cnn_dense")
