"""As long as the author: what the posts ask, of networks that were trained many times as long.

    python experiments/longer.py --data mnist --preset standard     three hours on two cores
    python experiments/longer.py                                    drawn digits

The posts' dense network took 100,000 steps of 1e-5, ours takes 7,920 of up to 3e-4.  How long the
convolutional one took is not known; the longer the training, the more weights l2 brings to zero.
Does another training answer the posts' questions in another way?  Of the dense network: accuracy,
what pruning gains under noise, what the ratio tells.  Of the convolutional one, trained for
twice as many steps, in which its zeros become four times as many: whether its first dense layer
loses 98 % then.

Writes longer.json and longer.png.
"""

from dataclasses import dataclass, replace

import numpy as np
from lab import banks, nets, pruning, script
from lab.attacked import noisy_sets
from lab.figures.pruning import of_trainings
from lab.forms import Network
from lab.prepared import Made, Trained, scored
from lab.published import ANN_NOISE, ANN_SPARSITY, ANN_TABLE, SCORED_IMAGES
from lab.tables import describe, markdown, percent

from nnlite import plots, prune


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed.  In brackets: the post, or us."""

    anns: tuple  # nets.Config each, the shorter training first
    cnns: tuple
    noise: banks.Config = banks.Config()
    ann_settings: tuple = tuple(ANN_TABLE)  # what is pruned from every dense layer [post]
    ann_vectors: tuple = ANN_NOISE  # (target, limit) each [post]
    scores: tuple = ("magnitude", "mean_activation")
    first_layer: tuple = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.94, 0.96, 0.98, 0.99)  # removed from it
    ratio_limit: float = 0.35  # of the noise that the ratio is to tell [post]
    ann_sparsity: float = ANN_SPARSITY  # of the pruned network that it is asked of [post]
    scored_images: int = SCORED_IMAGES  # for mean activation [post]
    recipe: int = 1  # to be raised when the code changes results


def trainings(preset, times):
    """The preset's networks, and the same trained as the author did, or so many times as long."""
    ann, cnn = nets.preset("ann-lq", preset), nets.preset("cnn-lq", preset)
    author = nets.preset("ann-lq", "paper")
    longer = replace(ann, steps=author.steps, lr=author.lr, schedule=author.schedule)
    return (ann, longer), (cnn, replace(cnn, steps=times * cnn.steps))


QUICK_ANN, QUICK_CNN = nets.preset("ann-lq", "quick"), nets.preset("cnn-lq", "quick")
PRESETS = {
    "quick": Config(
        (QUICK_ANN, replace(QUICK_ANN, steps=3 * QUICK_ANN.steps)),
        (QUICK_CNN, replace(QUICK_CNN, steps=3 * QUICK_CNN.steps)),
        first_layer=(0.5, 0.8, 0.9, 0.98),
    ),
    "standard": Config(*trainings("standard", times=2)),
}
SEEDS = {"quick": (0,), "standard": (0,)}


@dataclass(frozen=True)
class Dense:
    """The dense network, trained for so many steps.

    zero        fraction of all weights that ended at zero
    clean       accuracy without noise, for each of cfg.ann_settings
    eight       accuracy under each of the post's vectors, made on the unpruned network: the same
    auroc       of the ratio, clean against noisy images, whole and pruned by mean activation
    kept        corrupted images that pass where 90 % of clean validation images do: the same
    """

    steps: int
    seed: int
    kept = True

    def compute(self, cfg, data, runs):
        trained, bank, scores = scored(*of_steps(self, "ann-lq", cfg.anns), cfg, data, runs)
        sets = noisy_sets(data.test.images, bank, cfg.ann_vectors)
        accuracies_of = [
            pruning.pruned_accuracies(
                trained.model, pruning.masks_of(settings, scores), sets, data.test.labels
            )
            for settings in cfg.ann_settings
        ]
        whole = Network("ann-lq", "whole", self.seed, trained.model, bank)
        masks = prune.keep_masks(scores["mean_activation"], cfg.ann_sparsity)
        pruned = whole.without(masks, "pruned")
        told = [network.told_apart(data, cfg.ratio_limit) for network in (whole, pruned)]
        return {
            "zero": zero_fraction(trained.model),
            "clean": [clean for clean, *_ in accuracies_of],
            "eight": [noisy for _, *noisy in accuracies_of],
            "auroc": [found["auroc"] for found in told],
            "kept": [found["kept"] for found in told],
        }


@dataclass(frozen=True)
class FirstLayer:
    """The convolutional network, trained for so many steps, and its first dense layer pruned.

    zero        fraction of that layer's weights at zero, after each pass
    unpruned    accuracy on test images;  accuracy  {score: at each of cfg.first_layer}
    """

    steps: int
    seed: int
    kept = True

    def compute(self, cfg, data, runs):
        name, network, seed = of_steps(self, "cnn-lq", cfg.cnns)
        trained = nets.trained(name, network, data, seed, runs)
        scores = pruning.scores_of(trained.model, data.train.images, seed, cfg.scored_images)
        layer = next(iter(scores["magnitude"]))
        return {
            "zero": [after["zero_weights"][layer] for after in trained.history],
            "unpruned": trained.test_accuracy,
            "accuracy": {
                score: [
                    pruning.pruned_accuracy(
                        trained.model,
                        {layer: prune.keep_mask(scores[score][layer], sparsity)},
                        data.test,
                    )
                    for sparsity in cfg.first_layer
                ]
                for score in cfg.scores
            },
        }


def of_steps(row, name, configs):
    """(name, nets.Config, seed) of the network that a row is about."""
    return name, next(cfg for cfg in configs if cfg.steps == row.steps), row.seed


def zero_fraction(model):
    weights = prune.dense_weights(model).values()
    return sum(np.sum(p.value == 0) for p in weights) / sum(p.value.size for p in weights)


def needs(cfg, seeds):
    dense = [Made("ann-lq", net, seeds[0], cfg.noise) for net in cfg.anns]
    return [*dense, *(Trained("cnn-lq", net, seeds[0]) for net in cfg.cnns)]


def rows(cfg, seeds):
    """The first seed only: it takes hours to train."""
    yield from (Dense(net.steps, seeds[0]) for net in cfg.anns)
    yield from (FirstLayer(net.steps, seeds[0]) for net in cfg.cnns)


# Tables and figure


def dense_table(results):
    """A row for each training and each setting; the ratio beside the unpruned network."""
    lines = []
    for row in results.select(Dense):
        for k, settings in enumerate(results.config["ann_settings"]):
            eight = np.mean(row["eight"][k])
            gain = 100 * (eight - np.mean(row["eight"][0]))
            ratio = [f"{100 * row[name][i]:.1f}" for name in ("auroc", "kept") for i in range(2)]
            lines.append(
                [
                    f"{row['steps']:,} steps, {describe(settings)}",
                    *(percent(row["clean"][k]), percent(eight), f"{gain:+.1f}" if k else ""),
                    *(["", "", "", ""] if k else ratio),
                    percent(row["zero"]) if k == 0 else "",
                ]
            )
    ratio = [f"{name}{form}" for name in ("AUROC", "kept") for form in ("", ", pruned")]
    return markdown(["dense", "no noise", "eight vectors", "gain", *ratio, "at zero"], lines)


def first_layer_table(results):
    """Points that pruning the first dense layer costs."""
    lines = []
    for row in results.select(FirstLayer):
        for score, found in row["accuracy"].items():
            lost = [f"{100 * (row['unpruned'] - accuracy):.1f}" for accuracy in found]
            lines.append([f"{row['steps']:,} steps, {score.replace('_', ' ')}", *lost])
    header = [f"{100 * s:.0f} %" for s in results.config["first_layer"]]
    return markdown(["first dense layer: points lost", *header], lines)


def zeros_table(results):
    """How many weights of that layer are at zero, along the training."""
    parts, lines = (0.25, 0.5, 0.75, 0.9, 1.0), []
    for row in results.select(FirstLayer):
        passes = [max(1, round(part * len(row["zero"]))) for part in parts]
        lines.append([f"{row['steps']:,} steps", *(percent(row["zero"][k - 1]) for k in passes)])
    return markdown(["at zero after", *(f"{100 * part:.0f} %" for part in parts)], lines)


def table(results):
    tables = {dense_table: Dense, first_layer_table: FirstLayer, zeros_table: FirstLayer}
    return "\n\n".join(each(results) for each, kind in tables.items() if results.select(kind))


def draw(results, out):
    """Accuracy of the convolutional network as its first dense layer is pruned, by training; once
    all trainings are there."""
    curves = {
        (row["steps"], score): ([0, *results.config["first_layer"]], [row["unpruned"], *found])
        for row in results.select(FirstLayer)
        for score, found in row["accuracy"].items()
    }
    if {steps for steps, _ in curves} == {net["steps"] for net in results.config["cnns"]}:
        plots.save_figure(of_trainings(curves), out / "longer.png")


if __name__ == "__main__":
    script.main("longer")
