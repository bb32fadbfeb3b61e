"""A network cut below one of its dense layers: what lies below is computed once, and only what
begins there is pruned.

    lower, upper = cut.below(model, 2)                  # the second dense layer
    features = lower.predict(images)
    network = cut.pruned(upper, scores, (2,), 0.9)      # scores of the whole model
    accuracy = nnlite.accuracy(network, features, labels)
"""

import nnlite
from nnlite import prune
from nnlite.sparse import SparseNetwork


def below(model, number):
    """(lower, upper), which share the model's layers; `upper` begins with a dense one.

    number   of that dense layer, from 1
    """
    places = [i for i, layer in enumerate(model.layers) if prune.is_dense(layer)]
    i = places[number - 1]
    return nnlite.Sequential(model.layers[:i]), nnlite.Sequential(model.layers[i:])


def pruned(upper, scores, numbers, sparsity):
    """The upper part, for inference, without some weights of its first dense layers.

    scores    {"1.w": scores, ...} of all dense layers of the whole model
    numbers   of the dense layers that are pruned: successive ones, the first that of the cut
    """
    every = list(scores.values())
    chosen = dict(zip(prune.dense_weights(upper), (every[number - 1] for number in numbers)))
    with prune.applied(upper, prune.keep_masks(chosen, sparsity)):
        return SparseNetwork(upper)
