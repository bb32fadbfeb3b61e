"""Pruning weights that are no longer shared: nnlite.prune for the layers that `unroll` makes.

    layers = unroll(model, (28, 28, 1))
    statistics = input_statistics(layers, images)
    masks = nnlite.prune.keep_masks(scores(layers, mean_activation, statistics), 0.8)
    network = SparseNetwork(apply(layers, masks))

Of a CSR matrix only the stored weights are scored, in the order in which they are stored, and a
sparsity is a fraction of these.
"""

import reprlib
from dataclasses import replace

import numpy as np
import scipy.sparse

from nnlite.checks import (
    as_float,
    check_count,
    check_dict,
    check_list,
    check_mask,
)
from nnlite.prune import InputStatistics
from nnlite.sparse.layers import Linear, images_of_shape
from nnlite.sparse.product import check_indices, csr_matmul
from nnlite.weight_scores import check_score, check_scores, moments

REMEDY = "such as nnlite.sparse.unroll(model, input_shape) makes"


def input_statistics(layers, images, batch_size=500):
    """[InputStatistics, ...]: of the inputs of each Linear, in one pass over images (N, ...).

    Raises ValueError for no images, or integers, and for a layer whose matrix is not CSR.
    """
    check_csr(layers)
    images, batch_size = as_float(images, name="images"), check_count("batch_size", batch_size)
    n = len(images)
    if n == 0:
        raise ValueError("no images given; a mean needs at least one")
    images = images_of_shape(images, layers[0].matrix.shape[1:])
    sums = [np.zeros((3, layer.matrix.shape[1])) for layer in layers]
    for start in range(0, n, batch_size):
        x = images[start : start + batch_size].T  # (features, N), as `a @ x` takes it
        for layer, total in zip(layers, sums):
            for part, values in zip(total, moments(x)):
                part += values.sum(axis=1, dtype=np.float64)
            x = csr_matmul(layer.matrix, x) + layer.bias[:, None]
            x = np.maximum(x, 0) if layer.relu else x
    return [InputStatistics(n, *(total / n)) for total in sums]


def scores(layers, score, statistics=None):
    """{0: (nnz,), 1: ...}: the score of every stored weight of each layer.

    score        a function of nnlite.prune, such as mean_activation, of weights (nnz, 1) and of the
                 statistics of what each of them is multiplied with
    statistics   of input_statistics; magnitude and random do without
    Raises ValueError for a layer whose matrix is not CSR, and for a score that is no function or
    does not give a number for each weight.
    """
    check_csr(layers)
    check_score(score)
    found, statistics = {}, check_statistics(statistics, layers)
    for i, layer in enumerate(layers):
        a = layer.matrix
        inputs = None if statistics is None else of_each_weight(statistics[i], a.indices)
        found[i] = check_scores(score(a.data[:, None], inputs), i, (a.nnz, 1))[:, 0]
    return found


def of_each_weight(statistics, columns):
    """Statistics of the input that each stored weight is multiplied with."""
    arrays = statistics.mean, statistics.mean_abs, statistics.mean_square
    return InputStatistics(statistics.n, *(array[columns] for array in arrays))


def apply(layers, masks):
    """New layers without what the masks, {0: (nnz,), ...}, remove; the others stay.

    Raises ValueError for a mask that does not fit, and for a layer whose matrix is not CSR.
    """
    check_csr(layers)
    layers = list(layers)
    for i, mask in check_dict("masks", masks, "pass what nnlite.prune.keep_masks returns").items():
        if i not in range(len(layers)):
            raise ValueError(f"masks has {i!r}, which is not one of the {len(layers)} layers")
        a = layers[i].matrix
        keep = check_mask(mask, a.data.shape)
        starts = np.append(0, np.cumsum(keep))[a.indptr]
        kept = scipy.sparse.csr_array((a.data[keep], a.indices[keep], starts), shape=a.shape)
        layers[i] = replace(layers[i], matrix=kept)
    return layers


def check_csr(layers):
    """Raise ValueError unless these are Linear layers with a CSR matrix each."""
    if not isinstance(layers, (list, tuple)) or not layers:
        raise ValueError(f"layers is {reprlib.repr(layers)}; a list is needed {REMEDY}")
    for i, layer in enumerate(layers):
        if not isinstance(layer, Linear) or not layer.is_sparse:
            raise ValueError(
                f"layer {i} has no CSR matrix ({reprlib.repr(layer)}); layers are needed {REMEDY}"
            )
        check_indices(layer.matrix)


def check_statistics(statistics, layers):
    """Return `statistics` if it is None or fits the layers, else raise ValueError."""
    if statistics is not None:
        columns = [layer.matrix.shape[1] for layer in layers]
        remedy = "pass what input_statistics(layers, images) returns"
        found = check_list("statistics", statistics, remedy)
        if [len(s.mean) for s in found if isinstance(s, InputStatistics)] != columns:
            raise ValueError(f"the statistics do not fit layers of {columns} inputs; {remedy}")
    return statistics
