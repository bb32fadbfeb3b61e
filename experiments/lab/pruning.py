"""How the posts prune: scores of all weights, settings of what goes, and masks.

Settings are ((score, sparsity), ...): each removes its share of every layer, whatever the others
do.  () removes nothing.
"""

import functools

import numpy as np

import nnlite
from lab.attacked import accuracies
from nnlite import prune
from nnlite.sparse import SparseNetwork


def scores_of(model, images, seed, n_images, pruning=prune):
    """{"magnitude": {"1.w": scores}, ...}; mean activations over n_images random ones.

    pruning   the module that scores the model: nnlite.prune, or nnlite.sparse.prune for layers
    """
    rng = np.random.default_rng([seed, 1])
    return every_score(model, statistics_of(model, images, n_images, rng, pruning), rng, pruning)


def statistics_of(model, images, n_images, rng, pruning=prune):
    """Statistics of the layers' inputs over n_images random images."""
    chosen = rng.choice(len(images), min(n_images, len(images)), replace=False)
    return pruning.input_statistics(model, images[chosen])


def every_score(model, statistics, rng, pruning=prune):
    return {
        "magnitude": pruning.scores(model, prune.magnitude),
        "mean_activation": pruning.scores(model, prune.mean_activation, statistics),
        "random": pruning.scores(model, prune.random(rng)),
    }


def settings_at(curve, sparsity, combined_less):
    """What a curve prunes at a point of its axis, without zeros.

    combined_less   the curve "combined" takes so much less by mean activation
    """
    settings = ((curve, sparsity),)
    if curve == "combined":
        settings = (
            ("magnitude", sparsity),
            ("mean_activation", round(sparsity - combined_less, 3)),
        )
    return tuple(setting for setting in settings if setting[1] > 0)


def masks_of(settings, scores):
    """{"1.w": mask, ...} of all settings together.

    Together they may empty a small layer, and a curve goes on there.
    """
    each = [prune.keep_masks(scores[score], s, allow_empty=True) for score, s in settings]
    return functools.reduce(lambda a, b: prune.combine(a, b, allow_empty=True), each or [{}])


def pruned(model, masks):
    """The model without the weights that the masks remove: faster, also for those who attack it.

    Of images (28, 28, 1), as all data sets here have.
    """
    with prune.applied(model, masks):
        return SparseNetwork(model, (28, 28, 1))


def pruned_accuracies(model, masks, image_sets, labels):
    """Accuracy of the pruned model on each set of images."""
    return accuracies(pruned(model, masks), image_sets, labels)


def pruned_accuracy(model, masks, part):
    """Accuracy of the pruned model on one part of the data."""
    return nnlite.accuracy(pruned(model, masks), *part)


def overlap(masks, others):
    """Fraction of the weights that either removes which both remove."""
    both = sum(np.sum(~mask & ~others[name]) for name, mask in masks.items())
    either = sum(np.sum(~mask | ~others[name]) for name, mask in masks.items())
    return both / max(either, 1)


def wanted_accuracy(unpruned, wanted):
    """`wanted`; half a point less than unpruned for a network that never reaches it."""
    return wanted if unpruned > wanted else unpruned - 0.005


def highest_sparsity(model, scores, curve, validation, wanted, combined_less):
    """(sparsity, accuracy): the highest point of a curve that keeps wanted_accuracy.

    It is looked for on validation images, in steps of 0.005.
    """
    unpruned = nnlite.accuracy(model, *validation)
    for sparsity in np.arange(0.99, 0, -0.005).round(3).tolist():
        masks = masks_of(settings_at(curve, sparsity, combined_less), scores)
        (accuracy,) = pruned_accuracies(model, masks, [validation.images], validation.labels)
        if accuracy >= wanted_accuracy(unpruned, wanted):
            return sparsity, accuracy
    return 0.0, unpruned
