"""Pruning one layer of the posts' dense network at a time: accuracy clean and under noise.

    python experiments/prune_layers.py --data mnist --preset standard   20 minutes on two cores
    python experiments/prune_layers.py                                  drawn digits, one minute

From "Pruning, cost functions and adversarial noise": the plots abs_layer_pruning and
acti_layer_pruning, four panels each, and layers two and three together: the post says that each
alone can lose more than 95 %, and that accuracy falls off sooner when another is pruned too.

What lies below the pruned layer is computed once.  Noise as in prune_ann.py.
Writes prune-layers.json, prune-layers-<score>.png, prune-layers-2-and-3.png.
"""

import functools
from dataclasses import dataclass, replace

import numpy as np
from lab import banks, cut, nets, pruning, script
from lab.prepared import Made, with_noisy_tests
from lab.published import ANN_NOISE, SCORED_IMAGES
from lab.tables import WORDS, largest_step, markdown, percent

import nnlite
from nnlite import plots

HIGH = (0.92, 0.94, 0.96, 0.98, 0.99, 0.995)
FINE = (
    *np.arange(0, 0.9, 0.02).round(2).tolist(),
    *np.arange(0.9, 0.9951, 0.005).round(3).tolist(),
)
COARSE = tuple(s for s in FINE if s in HIGH or round(10 * s, 3).is_integer())


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed.  In brackets: the post, or us."""

    network: nets.Config
    noise: banks.Config = banks.Config()
    vectors: tuple = ANN_NOISE  # (target, limit) each [post]
    parts: tuple = ((1,), (2,), (3,), (4,), (2, 3))  # dense layers that are pruned together [post]
    scores: tuple = ("magnitude", "mean_activation")
    first_sparsities: tuple = FINE  # of the first seed's curves
    sparsities: tuple = COARSE  # of the other seeds'
    wanted_accuracy: float = 0.98  # on validation images [post, there on test images]
    scored_images: int = SCORED_IMAGES  # for mean activation [post]
    recipe: int = 1  # to be raised when the code changes results


STANDARD = Config(nets.preset("ann-lq", "standard"))
QUICK = replace(
    STANDARD,
    network=nets.preset("ann-lq", "quick"),
    parts=((1,), (2,), (3,)),  # this network has no more
    first_sparsities=COARSE,
)
PRESETS = {"quick": QUICK, "standard": STANDARD}
SEEDS = {"quick": (0,), "standard": (0, 1, 2)}


@dataclass(frozen=True)
class Curve:
    """The network with ever fewer weights in one layer, or in two.

    validation   accuracy on validation images at each sparsity
    accuracy     at each sparsity, on test images without noise, then under each vector
    """

    seed: int
    layers: tuple  # dense ones, from 1
    score: str
    sparsities: tuple
    kept = True

    def compute(self, cfg, data, runs):
        upper, scores, sets = prepared(cfg, self.seed, self.layers, data, runs)
        points = []
        for sparsity in self.sparsities:
            network = cut.pruned(upper, scores[self.score], self.layers, sparsity)
            points.append([nnlite.accuracy(network, *part) for part in sets])
        return {
            "validation": [validation for validation, *_ in points],
            "accuracy": [test for _, *test in points],
        }


@dataclass(frozen=True)
class Searched:
    """The highest sparsity that keeps the wanted accuracy on validation images.

    sparsity;  validation, accuracy   there, as in Curve
    """

    seed: int
    layers: tuple
    score: str
    kept = True

    def compute(self, cfg, data, runs):
        upper, scores, (validation, *_) = prepared(cfg, self.seed, self.layers, data, runs)
        unpruned = nnlite.accuracy(upper, *validation)
        wanted = pruning.wanted_accuracy(unpruned, cfg.wanted_accuracy)

        def is_enough(sparsity):
            network = cut.pruned(upper, scores[self.score], self.layers, sparsity)
            return nnlite.accuracy(network, *validation) >= wanted

        descending = np.arange(0.995, 0, -0.005).round(3).tolist()
        sparsity = next(filter(is_enough, descending), 0.0)
        curve = Curve(self.seed, self.layers, self.score, (sparsity,)).compute(cfg, data, runs)
        return {"sparsity": sparsity, **{name: values[0] for name, values in curve.items()}}


@functools.lru_cache(maxsize=1)
def prepared(cfg, seed, layers, data, runs):
    """(upper, scores, sets): the network from the first of these layers on, scores of all of it,
    and (features, labels) of the validation images, then of the test images, clean and noisy."""
    network, scores, image_sets = with_noisy_tests("ann-lq", cfg.network, seed, cfg, data, runs)
    lower, upper = cut.below(network.model, layers[0])
    sets = [data.validation, *((images, data.test.labels) for images in image_sets)]
    return upper, scores, [(lower.predict(images), labels) for images, labels in sets]


def needs(cfg, seeds):
    return [Made("ann-lq", cfg.network, seed, cfg.noise) for seed in seeds]


def rows(cfg, seeds):
    for seed in seeds:
        sparsities = cfg.first_sparsities if seed == seeds[0] else cfg.sparsities
        for layers in cfg.parts:
            for score in cfg.scores:
                yield Curve(seed, layers, score, sparsities)
                yield Searched(seed, layers, score)


# Tables and figures


def table(results):
    """What each layer can lose, and what its loss brings against the eight vectors."""
    lines = []
    for layers in results.config["parts"]:
        for score in results.config["scores"]:
            curves = results.select(Curve, layers=layers, score=score)
            searched = results.select(Searched, layers=layers, score=score)
            lines.append([name_layers(layers), WORDS[score], *cells(curves, searched)])
    header = ["pruned", "by", "removed, %", "no noise", "mean of the eight, gain in points"]
    return markdown([*header, "most in a step of 0.02 up to 0.8, seed 0"], lines)


def cells(curves, searched):
    """A line of the table, from the rows of all seeds."""
    unpruned = [np.mean(curve["accuracy"][0][1:]) for curve in curves]  # at sparsity 0
    gains = [np.mean(row["accuracy"][1:]) - before for row, before in zip(searched, unpruned)]
    return [
        percent([row["sparsity"] for row in searched]),
        percent([row["accuracy"][0] for row in searched]),
        percent(gains),
        largest_step(dict(zip(curves[0]["sparsities"], curves[0]["accuracy"])), 0.02),
    ]


def name_layers(layers):
    """(2, 3) -> "layers 2 and 3"."""
    return f"layer{'s' * (len(layers) > 1)} {' and '.join(map(str, layers))}"


def draw(results, out):
    parts, scores, vectors = (results.config[name] for name in ("parts", "scores", "vectors"))

    def panels(some):
        """{title: [(sparsities, accuracies) of each seed]} of (layers, score) pairs"""
        return {
            f"{name_layers(layers)} by {WORDS[score]}": [
                (curve["sparsities"], curve["accuracy"])
                for curve in results.select(Curve, layers=layers, score=score)
            ]
            for layers, score in some
        }

    for score in scores:
        alone = panels((layers, score) for layers in parts if len(layers) == 1)
        figure = plots.accuracy_against_sparsity(alone, vectors)
        plots.save_figure(figure, out / f"prune-layers-{score.replace('_', '-')}.png", 256)
    together = panels((layers, score) for layers in parts if len(layers) > 1 for score in scores)
    if together:
        figure = plots.accuracy_against_sparsity(together, vectors)
        plots.save_figure(figure, out / "prune-layers-2-and-3.png", 256)


if __name__ == "__main__":
    script.main("prune_layers")
