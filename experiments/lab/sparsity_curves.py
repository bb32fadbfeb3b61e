"""What curves of accuracy over sparsity say, for tables and for the ledger: where a loss begins,
and what prune_cnn_dense.py found, as arrays."""

import numpy as np

NO_LOSS = 0.001  # of accuracy: a tenth of a point


def without_loss(sparsities, accuracies):
    """The last sparsity of a curve before accuracy is more than NO_LOSS below the unpruned, which
    comes first."""
    enough = np.asarray(accuracies) >= accuracies[0] - NO_LOSS
    return sparsities[(enough.argmin() or len(enough)) - 1]


def curve(results, seed, layer, score, part="test"):
    """(sparsities, (points, 9)): accuracy without noise and under each vector, from the unpruned
    network on; (points, 1) of validation images."""
    unpruned = [row["accuracy"] for row in results.select("Unpruned", seed=seed, part=part)]
    rows = results.select("Curve", seed=seed, layer=layer, score=score, part=part)
    pruned = np.transpose([row["accuracy"] for row in rows])
    return np.array([0.0, *rows[0]["sparsities"]]), np.array([unpruned, *pruned])


def lossless(results, layer, score):
    """(seeds,): the highest sparsity without loss on validation images."""
    found = []
    for seed in results.seeds:
        sparsities, accuracies = curve(results, seed, layer, score, "validation")
        found.append(without_loss(sparsities, accuracies[:, 0]))
    return np.array(found)


def changes(results, layer, score, sparsities):
    """(seeds, 9): of accuracy over the unpruned networks, without noise and under each vector.

    sparsities   that of each seed, or one of all; among those that were measured
    """
    found = []
    for seed, sparsity in zip(results.seeds, np.broadcast_to(sparsities, len(results.seeds))):
        grid, accuracies = curve(results, seed, layer, score)
        found.append(accuracies[grid.tolist().index(sparsity)] - accuracies[0])
    return np.array(found)
