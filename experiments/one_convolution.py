"""One convolution, written out as a sparse matrix and pruned, of a network that is whole otherwise.

    python experiments/one_convolution.py --data mnist --preset standard    two hours on two cores
    python experiments/one_convolution.py                                   drawn digits

prune_decoupled.py prunes the convolutions one at a time on a network whose dense layers were pruned
before, and which lost much of its accuracy by that.  Here the dense layers are whole, and in the
preset standard the network is the longest trained of longer.py.  How much pruning does each
convolution tolerate on its own?  What the first one gains is asked again with noise that was made
anew, and beside a control: the pixels that pruning disconnects, set to zero in front of the whole
network.

Writes one-convolution.json and one-convolution.png.
"""

import functools
from dataclasses import dataclass, replace

import numpy as np
from lab import attackers, banks, nets, pruning, script
from lab.attacked import accuracies, noisy_sets
from lab.attackers import accuracy_under, stronger_noise
from lab.controls import behind
from lab.prepared import Made
from lab.published import CNN_NOISE, SCORED_IMAGES
from lab.tables import WORDS, markdown, percent

import nnlite
import nnlite.sparse.prune as sparse_prune
from nnlite import plots, prune
from nnlite.sparse import SparseNetwork, unroll


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed.  In brackets: the post, or us."""

    network: nets.Config  # cnn-lq
    noise: banks.Config = banks.Config()
    vectors: tuple = CNN_NOISE  # (target, limit) each [post]
    scores: tuple = ("magnitude", "mean_activation")  # [post]
    sparsities: tuple = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)  # removed from one convolution [ours]
    attacked_sparsities: tuple = (0.5, 0.8)  # removed from the first one, which is attacked [ours]
    attack: attackers.Config = attackers.Config(noise_steps=50)  # [ours]
    scored_images: int = SCORED_IMAGES  # for mean activation [post]
    recipe: int = 1  # to be raised when the code changes results


CNN = nets.preset("cnn-lq", "standard")
PRESETS = {
    "quick": Config(
        nets.preset("cnn-lq", "quick"),
        sparsities=(0.5, 0.9),
        attacked_sparsities=(0.5,),
        attack=attackers.Config(noise_steps=20),
    ),
    "standard": Config(replace(CNN, steps=2 * CNN.steps)),  # the longest of longer.py
}
SEEDS = {"quick": (0,), "standard": (0,)}
FORMS = ("pruned", "pixels at 0")


@dataclass(frozen=True)
class Alone:
    """One convolution pruned.

    accuracy    at each of cfg.sparsities, (1 + V) each: without noise, then under each vector
    """

    seed: int
    layer: int  # from 1
    score: str
    kept = True

    def compute(self, cfg, data, runs):
        _, bank, whole, layers, scores = written_out(cfg, self.seed, data, runs)
        sets, found = noisy_sets(data.test.images, bank, cfg.vectors), []
        for sparsity in cfg.sparsities:
            mask = prune.keep_mask(scores[self.score][self.layer - 1], sparsity)
            pruned = without(whole, layers, self.layer - 1, mask)
            found.append(accuracies(pruned, sets, data.test.labels))
        return {"accuracy": found}


@dataclass(frozen=True)
class Attacked:
    """The first convolution pruned by mean activation, and as a control the whole network without
    the pixels that this disconnects.

    pixels      that still reach the network
    clean       accuracy without noise
    replayed    under each vector, made for the whole network
    anew        under each, made for the network as it is, or replayed if that is the stronger one
                on validation images
    """

    seed: int
    form: str  # one of FORMS
    sparsity: float  # 0: the whole network, in either form
    kept = True

    def compute(self, cfg, data, runs):
        network, bank, whole, layers, scores = written_out(cfg, self.seed, data, runs)
        mask = prune.keep_mask(scores["mean_activation"][0], self.sparsity)
        model = without(whole, layers, 0, mask)
        read = model.layers[0].matrix.indices
        pixels = np.bincount(read, minlength=np.prod(data.image_shape)) > 0
        if self.form == "pixels at 0":
            model = behind(pixels, network.model, data.image_shape)
        vectors = [(target, limit, bank[target, limit]) for target, limit in cfg.vectors]
        anew = [stronger_noise(model, data, *vector, cfg.attack) for vector in vectors]
        return {
            "pixels": pixels.sum(),
            "clean": nnlite.accuracy(model, *data.test),
            "replayed": [accuracy_under(model, data.test, noise) for _, _, noise in vectors],
            "anew": [accuracy_under(model, data.test, noise) for noise in anew],
        }


@functools.lru_cache(maxsize=1)
def written_out(cfg, seed, data, runs):
    """(network, its noise, it as a SparseNetwork, its layers as matrices, the scores of these)"""
    network = nets.trained("cnn-lq", cfg.network, data, seed, runs)
    bank = banks.bank(network, data, runs, cfg.noise)
    whole = SparseNetwork(network.model, data.image_shape)
    layers = unroll(network.model, data.image_shape)
    scores = pruning.scores_of(
        *(layers, data.train.images, seed, cfg.scored_images), pruning=sparse_prune
    )
    return network, bank, whole, layers, scores


def without(whole, layers, number, mask):
    """The whole network, one layer of it a matrix without the weights that the mask removes."""
    pruned = sparse_prune.apply(layers, {number: mask})[number]
    return SparseNetwork([*whole.layers[:number], pruned, *whole.layers[number + 1 :]])


def needs(cfg, seeds):
    return [Made("cnn-lq", cfg.network, seeds[0], cfg.noise)]


def rows(cfg, seeds):
    """The first seed only: the network takes an hour to train."""
    for layer in range(1, len(cfg.network.convolutions) + 1):
        for score in cfg.scores:
            yield Alone(seeds[0], layer, score)
    yield Attacked(seeds[0], "pruned", 0.0)
    for sparsity in cfg.attacked_sparsities:
        for form in FORMS:
            yield Attacked(seeds[0], form, sparsity)


# Tables and figure


def curves(results):
    """(sparsities, {(layer, score): (S, 1 + V)}): at 0 the whole network, if it is there yet."""
    unpruned = results.select(Attacked, form="pruned", sparsity=0.0)
    whole = [(row["clean"], *row["replayed"]) for row in unpruned]
    found = {
        (row["layer"], row["score"]): [*whole, *row["accuracy"]] for row in results.select(Alone)
    }
    return [*([0.0] if whole else []), *results.config["sparsities"]], found


def alone_table(results):
    """Without noise / mean under the vectors."""
    sparsities, found = curves(results)
    lines = [
        [f"convolution {layer}, {WORDS[score]}"]
        + [f"{percent(clean)} / {percent(np.mean(noisy))}" for clean, *noisy in points]
        for (layer, score), points in found.items()
    ]
    header = [f"{100 * sparsity:.0f} %" for sparsity in sparsities]
    return markdown(["one convolution, written out", *header], lines)


def attacked_table(results):
    """The first convolution without weights, or the whole network without pixels."""
    lines = []
    for row in results.select(Attacked):
        name = f"{100 * row['sparsity']:.0f} % removed" if row["sparsity"] else "whole"
        if row["form"] != "pruned":
            name = "whole, without the pixels that this cuts off"
        means = (np.mean(row[kind]) for kind in ("replayed", "anew"))
        lines.append([name, str(row["pixels"]), percent(row["clean"]), *map(percent, means)])
    header = ["first convolution", "pixels left", "no noise", "eight vectors, replayed"]
    return markdown([*header, "made anew"], lines)


def table(results):
    tables = {alone_table: Alone, attacked_table: Attacked}
    return "\n\n".join(each(results) for each, kind in tables.items() if results.select(kind))


def draw(results, out):
    """A panel for each convolution, pruned by mean activation, under each of the vectors."""
    sparsities, found = curves(results)
    panels = {
        f"convolution {layer}": [(sparsities, points)]
        for (layer, score), points in found.items()
        if score == "mean_activation"
    }
    if panels:
        title = "one convolution pruned by mean activation, the network whole otherwise"
        figure = plots.accuracy_against_sparsity(panels, results.config["vectors"], title=title)
        plots.save_figure(figure, out / "one-convolution.png", 256)


if __name__ == "__main__":
    script.main("one_convolution")
