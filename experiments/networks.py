"""The networks that the second post looks at, images of which half are attacked, and what a score
keeps of them.

    for network in every(data, preset, runs):
        outputs, right, attacked = network.on_half_noisy(*data.test, limit=0.35)
        kept = separation(network.ratio(outputs), right, attacked, ...)
"""

from dataclasses import dataclass

import noise_banks
import numpy as np
import study
from prune_ann import scores_of
from published import ANN_SPARSITY, CNN_SPARSITIES

import nnlite
from nnlite import prune
from nnlite.confidence import fraction_kept, probability_ratio, threshold_at, top_two_ratio
from nnlite.model import Sequential
from nnlite.noise import add_noise

LIMITS = (0.15, 0.25, 0.35)  # of the noise, pixel units; the posts' is 0.35 unless they say so
NAMES = ("ann-lq", "cnn-lq", "ann-sce", "cnn-sce")
GROUPS = ("clean", "corrupted", "ineffective")
ALLOWED = 0.01  # of accuracy on validation images that "pruned less" may cost


@dataclass(frozen=True)
class Network:
    """A trained network, pruned or not, with the noise that was made on it before pruning."""

    title: str  # such as "ann-lq" or "ann-lq, pruned"
    seed: int
    model: Sequential
    bank: dict  # {(target, limit): noise (28, 28, 1)}
    removed: float = 0.0  # fraction of the weights, of the layers that are pruned

    @property
    def after_softmax(self):
        """Whether it was trained with softmax, so that probabilities are its outputs."""
        return "sce" in self.title

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

    def with_noise(self, images, targets, limit):
        """Each image with the noise of its target class added."""
        vectors = np.stack([self.bank[k, limit] for k in range(10)])
        return add_noise(images, vectors[targets])


def every(data, preset, runs, say=print, names=None):
    """Yield every Network: whole, pruned as the posts do, and less where that costs too much.

    Three seeds of the dense networks, one of the convolutional.  The forms of a network share one
    model: use each before asking for the next.
    """
    for name in names or NAMES:
        for seed in study.ANN_SEEDS if name.startswith("ann") else (0,):
            model, about = study.network(name, preset, seed, data, runs, say)
            bank = noise_banks.bank(model, about, data, runs, say=say)
            yield Network(name, seed, model, bank)
            for form, masks in pruned_forms(name, model, data, seed).items():
                saved = prune.apply(model, masks)
                removed = float(prune.fraction_removed(masks))
                try:
                    yield Network(f"{name}, {form}", seed, model, bank, removed)
                finally:
                    prune.undo(model, saved)


def pruned_forms(name, model, data, seed):
    """{"pruned": masks, "pruned less": masks}, by mean activation.

    pruned        every layer of the dense network, the first two dense layers of the convolutional
                  one, to the posts' sparsities
    pruned less   only if that costs more than ALLOWED on validation images: these layers to the
                  highest sparsity, in steps of 0.05, that does not
    """
    scores = scores_of(model, data.train.images, seed)["mean_activation"]
    if name.startswith("ann"):
        sparsities = dict.fromkeys(scores, ANN_SPARSITY)
    else:
        sparsities = dict(zip(scores, CNN_SPARSITIES))
    scores = {layer: scores[layer] for layer in sparsities}
    masks = {layer: prune.keep_mask(scores[layer], s) for layer, s in sparsities.items()}
    wanted = nnlite.accuracy(model, *data.validation) - ALLOWED
    if accuracy_with(model, masks, data.validation) >= wanted:
        return {"pruned": masks}
    for percent in range(95, 0, -5):
        less = prune.keep_masks(scores, percent / 100)
        if accuracy_with(model, less, data.validation) >= wanted:
            return {"pruned": masks, "pruned less": less}
    return {"pruned": masks}


def accuracy_with(model, masks, part):
    saved = prune.apply(model, masks)
    accuracy = nnlite.accuracy(model, *part)
    prune.undo(model, saved)
    return accuracy


def choose_attacked(labels, rng):
    """A random half of the images (boolean), and for every image a random other class."""
    attacked = rng.permutation(len(labels)) < len(labels) // 2
    return attacked, other_class(labels, rng)


def other_class(labels, rng):
    return (labels + rng.integers(1, 10, len(labels))) % 10


def groups(right, attacked):
    """The posts' groups of images, as booleans (N,).

    clean         no noise, classified right
    corrupted     noise, classified wrong
    ineffective   noise, still right
    """
    return dict(zip(GROUPS, (~attacked & right, attacked & ~right, attacked & right)))


def separation(scores, right, attacked, validation_scores):
    """What thresholds that keep 90 and 80 % of clean validation images keep of each group.

    scores, right, attacked   (N,) of half-noisy images
    validation_scores         of clean validation images that are classified right
    """
    members = {name: scores[chosen] for name, chosen in groups(right, attacked).items()}
    at = []
    for keep in (0.9, 0.8):
        threshold = threshold_at(validation_scores, keep)
        kept = {f"{name}_kept": fraction_kept(r, threshold) for name, r in members.items()}
        at.append({"keep": keep, "threshold": threshold, **kept})
    return {
        "half_noisy_accuracy": right.mean(),
        "at": at,
        "images": {name: len(r) for name, r in members.items()},
        "only_first_positive": {name: np.isinf(r).sum() for name, r in members.items()},
        "undefined": {name: np.isnan(r).sum() for name, r in members.items()},
    }


def survival_curves(scores, right, attacked, thresholds):
    """The fraction of each group that has at least each threshold (T,)."""
    members = groups(right, attacked).items()
    curves = {name: fraction_kept(scores[chosen], thresholds) for name, chosen in members}
    return {
        "thresholds": thresholds,
        "curves": {name: curve.round(4) for name, curve in curves.items()},
    }
