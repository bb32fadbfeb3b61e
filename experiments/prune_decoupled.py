"""Pruning the posts' convolutions, written out as sparse matrices, weight by weight.

    python experiments/prune_decoupled.py --data mnist --preset standard    45 minutes on two cores
    python experiments/prune_decoupled.py                                   drawn digits, a minute

From "Pruning, cost functions and adversarial noise": the experiment that "runs too slow to make
plots from".  Every application of a filter becomes a row of a matrix, its weights independent of
those of all other places, and the smallest go: all four layers together by magnitude, by mean
activation and at random, with the dense layers pruned and not; and each layer alone.  On the
whole test set, clean and under the noise of the unpruned network.

The time is that of the whole network with its dense layers pruned, for 1000 images; it is measured
in every run, after the accuracies, and needs the machine to itself.  Beside it stand the times of
others, if bench-sparse.json of bench/sparse.py is in the same folder.
Writes prune-decoupled.json, prune-decoupled-<score>.png, -layers-<score>.png, -time.png.
"""

import functools
import itertools
import json
from dataclasses import dataclass, replace

import numpy as np
from lab import banks, nets, pruning, script
from lab.attacked import noisy_sets
from lab.figures.pruning import other_ways, time_and_accuracy
from lab.prepared import Made
from lab.published import CNN_NOISE, SCORED_IMAGES
from lab.tables import WORDS, markdown, percent
from lab.timing import median_seconds

import nnlite.sparse.prune as sparse_prune
from nnlite import plots, prune
from nnlite.sparse import SparseNetwork, unroll


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed.  In brackets: the post, or us."""

    network: nets.Config
    noise: banks.Config = banks.Config()
    vectors: tuple = CNN_NOISE  # (target, limit) each [post]
    scores: tuple = ("magnitude", "mean_activation", "random")
    scores_alone: tuple = ("magnitude", "mean_activation")  # where one layer is pruned
    sparsities: tuple = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99)
    dense: tuple = (0.985, 0.9)  # pruned from the first two dense layers, by mean activation
    batch: int = 128  # images that go through the convolutions together
    scored_images: int = SCORED_IMAGES  # for mean activation [post]
    recipe: int = 1  # to be raised when the code changes results


STANDARD = Config(nets.preset("cnn-lq", "standard"))
PRESETS = {
    "quick": replace(STANDARD, network=nets.preset("cnn-lq", "quick")),
    "standard": STANDARD,
}
SEEDS = {"quick": (0,), "standard": (0,)}


@dataclass(frozen=True)
class Pruned:
    """The network with its convolutions written out, and pruned or not.

    accuracy    {"whole": (1 + V,), "pruned": (1 + V,)}, the keys saying what the dense layers are:
                on test images without noise, then under each vector
    non_zeros   of the convolutions
    """

    seed: int
    score: str | None = None  # None: nothing is pruned
    sparsity: float = 0.0
    layer: int | None = None  # the convolution that is pruned, from 1; None: all of them
    kept = True

    def compute(self, cfg, data, runs):
        convolutions, dense, scores, image_sets = prepared(cfg, self.seed, data, runs)
        chosen = list(dense) if self.layer is None else ["pruned"]  # the whole ones take long
        if self.score is not None:
            convolutions = pruned(convolutions, scores[self.score], self.sparsity, self.layer)
        network = SparseNetwork(convolutions, max_density=None)
        heads = {name: SparseNetwork(dense[name]) for name in chosen}
        return {
            "accuracy": accuracies(network, heads, image_sets, data.test.labels, cfg.batch),
            "non_zeros": network.non_zeros,
        }


@dataclass(frozen=True)
class Timed:
    """seconds: for 1000 images, with all convolutions and the dense layers pruned."""

    seed: int
    score: str
    sparsity: float
    kept = False

    def compute(self, cfg, data, runs):
        convolutions, dense, scores, _ = prepared(cfg, self.seed, data, runs)
        convolutions = pruned(convolutions, scores[self.score], self.sparsity)
        network = SparseNetwork([*convolutions, *dense["pruned"]], max_density=None)
        images = data.test.images[:1000]
        return {"seconds": median_seconds(lambda: network.predict(images), 5)}


@functools.lru_cache(maxsize=1)
def prepared(cfg, seed, data, runs):
    """(convolutions, dense, scores, image_sets) of the network with all weights independent.

    convolutions   a list of Linear
    dense          {"whole": another, of the layers that follow, "pruned": ...}
    scores         {score: {0: (nnz,), ...}} of all layers
    image_sets     test images without noise, then with each vector
    """
    network = nets.trained("cnn-lq", cfg.network, data, seed, runs)
    bank = banks.bank(network, data, runs, cfg.noise)
    layers = unroll(network.model, data.image_shape)
    scores = pruning.scores_of(
        *(layers, data.train.images, seed, cfg.scored_images), pruning=sparse_prune
    )
    n = len(cfg.network.convolutions)
    masks = {
        i: prune.keep_mask(scores["mean_activation"][i], sparsity)
        for i, sparsity in enumerate(cfg.dense, start=n)
    }
    dense = {"whole": layers[n:], "pruned": sparse_prune.apply(layers, masks)[n:]}
    return layers[:n], dense, scores, noisy_sets(data.test.images, bank, cfg.vectors)


def pruned(convolutions, scores, sparsity, layer=None):
    """The convolutions without the lowest scores of each, or of one; they may lose everything."""
    chosen = range(len(convolutions)) if layer is None else [layer - 1]
    masks = prune.keep_masks({i: scores[i] for i in chosen}, sparsity, allow_empty=True)
    return sparse_prune.apply(convolutions, masks)


def accuracies(convolutions, heads, image_sets, labels, batch):
    """{head: accuracy on each set}: the convolutions are computed once for all heads."""
    right = {name: np.zeros(len(image_sets)) for name in heads}
    for k, images in enumerate(image_sets):
        for start in range(0, len(images), batch):
            some = slice(start, start + batch)
            features = convolutions.predict(images[some], batch)
            for name, head in heads.items():
                read = head.predict(features, batch).argmax(axis=1)
                right[name][k] += np.sum(read == labels[some])
    return {name: n_right / len(labels) for name, n_right in right.items()}


def needs(cfg, seeds):
    return [Made("cnn-lq", cfg.network, seeds[0], cfg.noise)]


def rows(cfg, seeds):
    """The first network only: it takes minutes to train."""
    seed, layers = seeds[0], range(1, len(cfg.network.convolutions) + 1)
    yield Pruned(seed)
    together = itertools.product([None], cfg.scores)
    for layer, score in [*together, *itertools.product(layers, cfg.scores_alone)]:
        for sparsity in cfg.sparsities:
            yield Pruned(seed, score, sparsity, layer)
    for score in cfg.scores:
        for sparsity in (0.0, *cfg.sparsities):
            yield Timed(seed, score, sparsity)


# Tables and figures


SHOWN = (0.0, 0.3, 0.5, 0.6, 0.8, 0.9)  # in the table
HEADS = {"whole": "dense layers whole", "pruned": "dense layers pruned"}


def curve_of(results, score, layer):
    """{sparsity: row}, from the unpruned network on."""
    unpruned = results.select(Pruned, score=None)
    others = results.select(Pruned, score=score, layer=layer)
    return {row["sparsity"]: row for row in [*unpruned, *others]}


def milliseconds_of(results, score):
    """{sparsity: milliseconds for 1000 images}"""
    return {row["sparsity"]: 1000 * row["seconds"] for row in results.select(Timed, score=score)}


def table(results):
    """All convolutions together: what some sparsities cost and bring."""
    header = ["pruned", "removed, %", "non-zeros, millions"]
    for words in HEADS.values():
        header += [f"{words}: no noise", f"{words}: mean of the eight"]
    lines = []
    for score in results.config["scores"]:
        curve, milliseconds = curve_of(results, score, None), milliseconds_of(results, score)
        for sparsity in SHOWN:
            row = curve[sparsity]
            cells = [f"{100 * sparsity:.0f}", f"{row['non_zeros'] / 1e6:.2f}"]
            for head in HEADS:
                clean, *noisy = row["accuracy"][head]
                cells += [percent(clean, 2), percent(np.mean(noisy))]
            lines.append([WORDS[score], *cells, f"{milliseconds[sparsity]:.0f}"])
    return markdown([*header, "ms for 1000 images"], lines)


def draw(results, out):
    together = {(None, head): words for head, words in HEADS.items()}
    n_layers = len(results.config["network"]["convolutions"])
    alone = {(k, "pruned"): f"layer {k}" for k in range(1, n_layers + 1)}
    for score in results.config["scores"]:
        figure = draw_curves(results, score, together, f"all convolutions pruned by {WORDS[score]}")
        plots.save_figure(figure, out / f"prune-decoupled-{score.replace('_', '-')}.png", 256)
    for score in results.config["scores_alone"]:
        title = f"one convolution pruned by {WORDS[score]}\n{base(results)}"
        figure = draw_curves(results, score, alone, title)
        plots.save_figure(
            figure, out / f"prune-decoupled-layers-{score.replace('_', '-')}.png", 256
        )
    plots.save_figure(draw_time(results, out), out / "prune-decoupled-time.png", 256)


def draw_curves(results, score, chosen, title):
    """A panel for each (layer, head) of `chosen`, {(layer, head): its title}."""
    panels = {}
    for (layer, head), words in chosen.items():
        curve = curve_of(results, score, layer)
        panels[words] = [(list(curve), [row["accuracy"][head] for row in curve.values()])]
    return plots.accuracy_against_sparsity(panels, results.config["vectors"], title=title)


def base(results):
    """What the curves of single layers begin with."""
    (row,) = results.select(Pruned, score=None)
    dense = " and ".join(f"{100 * sparsity:g}" for sparsity in results.config["dense"])
    right = percent(row["accuracy"]["pruned"][0])
    return f"base: {dense} % of the dense layers pruned by mean activation, {right} % right"


def draw_time(results, out):
    """Other ways through such a network are from bench/sparse.py, if its file is in `out`."""
    milliseconds, accuracies, bench = {}, {}, out / "bench-sparse.json"
    for score in results.config["scores"]:
        curve = curve_of(results, score, None)
        milliseconds[WORDS[score]] = milliseconds_of(results, score)
        accuracies[WORDS[score]] = {s: row["accuracy"]["pruned"][0] for s, row in curve.items()}
    references = other_ways(json.loads(bench.read_text())["cases"]) if bench.exists() else {}
    return time_and_accuracy(milliseconds, accuracies, references)


if __name__ == "__main__":
    script.main("prune_decoupled")
