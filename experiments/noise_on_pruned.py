"""Noise made anew on the pruned network, beside the replayed noise of the unpruned one.

    python experiments/noise_on_pruned.py --data mnist --preset standard    80 minutes on two cores
    python experiments/noise_on_pruned.py                                   drawn digits, a minute

"Pruning, cost functions and adversarial noise" makes its vectors on the unpruned network and adds
the same ones after pruning: the attacker does not know what was pruned.  Here the attacker does.
The same classes, limits and steps; only the network is another one.

Writes noise-on-pruned.json and noise-on-pruned.png.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from lab import banks, forms, nets, pruning, script
from lab.attacked import under_noise
from lab.figures.pruning import replayed_and_anew
from lab.prepared import Made, scored
from lab.published import SCORED_IMAGES
from lab.tables import WORDS, describe, markdown, name_noise, percent

import nnlite
from nnlite import plots, prune


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed; ours where no other source is named."""

    ann: nets.Config
    cnn: nets.Config
    noise: banks.Config = banks.Config()
    scores: tuple = ("magnitude", "mean_activation")
    ann_sparsities: tuple = (0.5, 0.8, 0.9, 0.95)  # of all layers
    cnn_cases: tuple = ((1, 0.90), (1, 0.98), (2, 0.90))  # (dense layer, sparsity) [98 %: post]
    ann_vectors: tuple = ((3, 0.25), (2, 0.25), (5, 0.35), (8, 0.20))  # where the post gains most
    cnn_vectors: tuple = ((3, 0.25), (2, 0.25), (1, 0.35), (7, 0.30))
    scored_images: int = SCORED_IMAGES  # for mean activation [post]
    recipe: int = 1  # to be raised when the code changes results


STANDARD = Config(nets.preset("ann-lq", "standard"), nets.preset("cnn-lq", "standard"))
QUICK = replace(STANDARD, ann=nets.preset("ann-lq", "quick"), cnn=nets.preset("cnn-lq", "quick"))
PRESETS = {"quick": QUICK, "standard": STANDARD}
SEEDS = {"quick": (0,), "standard": (0, 1, 2)}


@dataclass(frozen=True)
class Attacked:
    """A network, pruned or not, under noise made on it before and after that.

    clean      accuracy without noise
    replayed   [{accuracy, success}, ...] under each vector of the unpruned network
    anew       the same under vectors made on the network as it is now
    """

    network: str  # "ann" or "cnn"
    seed: int
    score: str | None = None  # None: nothing is pruned
    sparsity: float = 0.0
    layer: int | None = None  # the dense layer that is pruned, from 1; None: all of them
    kept = True

    def compute(self, cfg, data, runs):
        name, net_cfg = f"{self.network}-lq", getattr(cfg, self.network)
        network, replayed, scores = scored(name, net_cfg, self.seed, cfg, data, runs)
        vectors = cfg.ann_vectors if self.network == "ann" else cfg.cnn_vectors
        masks, anew = self.masks(scores), replayed
        if masks:
            network = replace(network, model=pruning.pruned(network.model, masks))
            options = {"wanted": vectors, "pruned": digest(masks)}
            anew = banks.bank(network, data, runs, cfg.noise, **options)
        return {
            "clean": nnlite.accuracy(network.model, *data.test),
            "replayed": under_each(network.model, replayed, vectors, data.test),
            "anew": under_each(network.model, anew, vectors, data.test),
        }

    def masks(self, scores):
        """{"1.w": mask, ...} of the weights that are kept."""
        if self.score is None:
            return {}
        chosen = scores[self.score]
        if self.layer is not None:
            name = list(chosen)[self.layer - 1]
            chosen = {name: chosen[name]}
        return prune.keep_masks(chosen, self.sparsity)


def under_each(model, bank, vectors, part):
    return [under_noise(model, *part, target, bank[target, limit]) for target, limit in vectors]


def digest(masks):
    """A text that stands for the masks, for the name under which their noise is kept."""
    packed = b"".join(name.encode() + np.packbits(mask).tobytes() for name, mask in masks.items())
    return hashlib.sha256(packed).hexdigest()


def needs(cfg, seeds):
    dense = [Made("ann-lq", cfg.ann, seed, cfg.noise) for seed in seeds]
    seeds = forms.seeds_of("cnn-lq", seeds)
    return [*dense, *(Made("cnn-lq", cfg.cnn, seed, cfg.noise) for seed in seeds)]


def rows(cfg, seeds):
    for seed in seeds:
        yield Attacked("ann", seed)
        for score in cfg.scores:
            for sparsity in cfg.ann_sparsities:
                yield Attacked("ann", seed, score, sparsity)
    for seed in forms.seeds_of("cnn-lq", seeds):
        yield Attacked("cnn", seed)
        for score in cfg.scores:
            for layer, sparsity in cfg.cnn_cases:
                yield Attacked("cnn", seed, score, sparsity, layer)


# Tables and figures


KINDS = ("replayed", "anew")


def accuracies(row, kind):
    return [measured["accuracy"] for measured in row[kind]]


def table_of(results, network):
    """Accuracy under each vector, "replayed / anew"; means over the seeds, then their mean."""
    cases = {}
    for row in results.select(Attacked, network=network):
        cases.setdefault(describe_case(row), []).append(row)
    lines = []
    for words, seeds in cases.items():
        clean = percent(np.mean([row["clean"] for row in seeds]))
        means = [100 * np.mean([accuracies(row, kind) for row in seeds], axis=0) for kind in KINDS]
        pairs = np.transpose(means)  # (vectors, 2)
        cells = [f"{replayed:.1f} / {anew:.1f}" for replayed, anew in [*pairs, pairs.mean(axis=0)]]
        lines.append([words, clean, *cells])
    names = map(name_noise, results.config[f"{network}_vectors"])
    return markdown(["replayed / anew", "no noise", *names, "mean"], lines)


def describe_case(row):
    """ "unpruned", "magnitude 80 %" or "dense layer 1, magnitude 90 %"."""
    if row["score"] is None:
        return "unpruned"
    words = describe([(row["score"], row["sparsity"])])
    return words if row["layer"] is None else f"dense layer {row['layer']}, {words}"


def table(results):
    return "\n\n".join([table_of(results, "ann"), table_of(results, "cnn")])


def draw(results, out):
    """Means over the vectors: of the dense network against sparsity, for each seed."""
    panels = {}
    for score in results.config["scores"]:
        seeds = [dense_curve(results, seed, score) for seed in results.seeds]
        lines = {kind: [[row[kind] for row in curve] for curve in seeds] for kind in seeds[0][0]}
        panels[f"dense network, by {WORDS[score]}"] = lines
    cases = {}
    for row in results.select(Attacked, network="cnn"):
        cases.setdefault(describe_case(row), []).append(means(row))
    figure = replayed_and_anew((0, *results.config["ann_sparsities"]), panels, cases)
    plots.save_figure(figure, out / "noise-on-pruned.png", 256)


def dense_curve(results, seed, score):
    """Means of the unpruned network and of each sparsity."""
    unpruned = results.select(Attacked, network="ann", seed=seed, score=None)
    pruned = results.select(Attacked, network="ann", seed=seed, score=score)
    return [means(row) for row in [*unpruned, *pruned]]


def means(row):
    """Accuracy without noise, and over the vectors of either kind."""
    return {"no noise": row["clean"], **{kind: np.mean(accuracies(row, kind)) for kind in KINDS}}


if __name__ == "__main__":
    script.main("noise_on_pruned")
