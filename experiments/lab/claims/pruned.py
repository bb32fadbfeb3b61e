"""What prune_ann.py found of the dense network, as arrays."""

import numpy as np


def accuracies(ann, settings=()):
    """(seeds, 9): without noise, then under each vector."""
    return np.array([row["accuracy"] for row in ann.select("Pruned", settings=settings)])


def searched(ann, curve):
    """The same at the highest sparsity that keeps 98.0 % on validation images."""
    return np.array([row["accuracy"] for row in ann.select("Searched", curve=curve)])


def sparsities(ann, curve):
    return [row["sparsity"] for row in ann.select("Searched", curve=curve)]


def changes(ann, curve):
    """(seeds, 8): of accuracy under each vector, at that sparsity."""
    return (searched(ann, curve) - accuracies(ann))[:, 1:]


def gain(ann, curve):
    """(seeds,): the same, mean over the vectors."""
    return changes(ann, curve).mean(axis=1)


def curve(ann, score, seed):
    """(sparsities, (points, 9)) of one seed, pruned by one score."""
    grid = ann.config["first_sparsities" if seed == ann.seeds[0] else "sparsities"]
    settings = [((score, s),) if s else () for s in grid]
    each = (ann.select("Pruned", seed=seed, settings=chosen) for chosen in settings)
    return np.array(grid), np.array([row["accuracy"] for (row,) in each])
