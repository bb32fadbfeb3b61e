"""The networks that the second post looks at: whole, pruned as the posts do, and pruned less.

    network = forms.network("ann-lq", "pruned", 0, cfg, data, runs)
    outputs, right, attacked = network.on_half_noisy(*data.test, limit=0.35)

All have the noise that was made on the whole network.  Rows of the scripts name such a network by
the fields network, form and seed.
"""

import functools
from dataclasses import dataclass, replace

import numpy as np

import nnlite
from lab import banks, nets, prepared, pruning
from lab.attacked import choose_attacked, separation
from lab.published import ANN_SPARSITY, CNN_SPARSITIES, SCORED_IMAGES
from nnlite import prune
from nnlite.confidence import auroc, probability_ratio, top_two_ratio
from nnlite.model import Sequential
from nnlite.noise import add_noise
from nnlite.sparse import SparseNetwork

FORMS = ("whole", "pruned", "pruned less")
AT_MOST = {
    "cnn-lq": 3,
    "cnn-sce": 1,
}  # seeds: a network with convolutions and its noise take an hour


@dataclass(frozen=True)
class Config:
    """Which networks, and how they are pruned.  In brackets: the post, its notebooks, or us."""

    networks: tuple  # (name, nets.Config) each
    noise: banks.Config
    ann_sparsity: float = ANN_SPARSITY  # of every layer of the dense networks [post]
    cnn_sparsities: tuple = CNN_SPARSITIES  # of the first dense layers of the others [notebook]
    allowed: float = 0.01  # of accuracy on validation images that "pruned less" may cost [ours]
    scored_images: int = SCORED_IMAGES  # for mean activation [post]


NAMES = ("ann-lq", "cnn-lq", "ann-sce", "cnn-sce")
PRESETS = {
    preset: Config(tuple((name, nets.preset(name, preset)) for name in NAMES), banks.Config())
    for preset in ("quick", "standard")
}


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network, pruned or not, with the noise that was made on it before pruning."""

    name: str  # such as "ann-lq"
    form: str  # one of FORMS
    seed: int
    model: Sequential | SparseNetwork  # the latter if it is pruned
    bank: dict  # {(target, limit): noise (28, 28, 1)}
    after_softmax: bool = False  # see nets.Config
    removed: float = 0.0  # fraction of the weights, of the layers that are pruned

    def ratio(self, outputs):
        """The ratio of the two largest outputs, or probabilities: (N, 10) -> (N,)."""
        return probability_ratio(outputs) if self.after_softmax else top_two_ratio(outputs)

    def ratio_of_right(self, images, labels):
        """The ratio of the images that are classified right."""
        outputs = self.model.predict(images)
        return self.ratio(outputs[outputs.argmax(axis=1) == labels])

    def on_half_noisy(self, images, labels, limit):
        """Outputs (N, 10), right (N,), attacked (N,), when a random half of the images gets the
        noise of a random other class."""
        attacked, targets = choose_attacked(labels, np.random.default_rng(self.seed))
        noisy = images.copy()
        noisy[attacked] = self.with_noise(images[attacked], targets[attacked], limit)
        outputs = self.model.predict(noisy)
        return outputs, outputs.argmax(axis=1) == labels, attacked

    def told_apart(self, data, limit):
        """What the ratio can tell of the test images, half of them noisy: its AUROC, clean against
        noisy images, and the corrupted images kept where 90 % of clean validation images are."""
        outputs, right, attacked = self.on_half_noisy(*data.test, limit)
        ratio, of_right = self.ratio(outputs), self.ratio_of_right(*data.validation)
        at_90 = separation(ratio, right, attacked, of_right)["at"][0]
        return {"auroc": auroc(~attacked, ratio), "kept": at_90["corrupted_kept"]}

    def with_noise(self, images, targets, limit):
        """Each image with the noise of its target class added."""
        vectors = np.stack([self.bank[k, limit] for k in range(10)])
        return add_noise(images, vectors[targets])

    def without(self, masks, form):
        """The same network without the weights that the masks remove."""
        model = pruning.pruned(self.model, masks)
        return replace(self, form=form, model=model, removed=prune.fraction_removed(masks))


def seeds_of(name, seeds):
    """All seeds for the dense networks, the first few for the convolutional ones."""
    return seeds[: AT_MOST.get(name)]


def members(cfg, seeds):
    """[(name, form, seed), ...]: every network that there may be."""
    return [
        (name, form, seed)
        for name, _ in cfg.networks
        for seed in seeds_of(name, seeds)
        for form in FORMS
    ]


def needs(cfg, seeds):
    """The rows that make all networks and their noise."""
    return [
        prepared.Made(name, net_cfg, seed, cfg.noise)
        for name, net_cfg in cfg.networks
        for seed in seeds_of(name, seeds)
    ]


@functools.lru_cache(maxsize=2)  # the whole network and one that was made from it
def network(name, form, seed, cfg, data, runs):
    """The Network; None for "pruned less" where "pruned" costs no more than cfg.allowed."""
    net_cfg = dict(cfg.networks)[name]
    if form == "whole":
        trained = nets.trained(name, net_cfg, data, seed, runs)
        bank = banks.bank(trained, data, runs, cfg.noise)
        return Network(name, form, seed, trained.model, bank, net_cfg.after_softmax)
    whole = network(name, "whole", seed, cfg, data, runs)
    scores = pruning.scores_of(whole.model, data.train.images, seed, cfg.scored_images)
    masks = posts_masks(scores["mean_activation"], net_cfg, cfg)
    if form == "pruned less":
        options = data.validation, cfg.allowed
        masks = milder_masks(scores["mean_activation"], whole.model, masks, *options)
    return None if masks is None else whole.without(masks, form)


def posts_masks(scores, net_cfg, cfg):
    """{"1.w": mask, ...}: all layers of a dense network, the first dense ones of another."""
    if net_cfg.convolutions:
        sparsities = dict(zip(scores, cfg.cnn_sparsities))
    else:
        sparsities = dict.fromkeys(scores, cfg.ann_sparsity)
    return {layer: prune.keep_mask(scores[layer], s) for layer, s in sparsities.items()}


def milder_masks(scores, model, masks, validation, allowed):
    """The layers of `masks` at the highest sparsity that costs no more accuracy than `allowed`.

    In steps of 0.05.  None if `masks` cost no more already, or if every sparsity costs more.
    """
    wanted = nnlite.accuracy(model, *validation) - allowed
    if pruning.pruned_accuracy(model, masks, validation) >= wanted:
        return None
    scores = {layer: scores[layer] for layer in masks}
    for percent in range(95, 0, -5):
        milder = prune.keep_masks(scores, percent / 100)
        if pruning.pruned_accuracy(model, milder, validation) >= wanted:
            return milder
    return None


# For tables and figures


def title(row):
    """ "ann-lq", or "ann-lq, pruned", of a row of results."""
    return row["network"] if row["form"] == "whole" else f"{row['network']}, {row['form']}"


def by_title(rows):
    """{"ann-lq": [the row of each seed], "ann-lq, pruned": ...}, as they come."""
    titled = {}
    for row in rows:
        titled.setdefault(title(row), []).append(row)
    return titled


def trained_with(loss, rows, config):
    """The rows of the networks that were trained with this loss.

    config   the Config, as a file of results holds it
    """
    losses = {name: net_cfg["loss"] for name, net_cfg in config["networks"]}
    return [row for row in rows if losses[row["network"]] == loss]
