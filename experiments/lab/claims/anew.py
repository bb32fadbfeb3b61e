"""What noise_on_pruned.py found, as arrays."""

import numpy as np


def left_of_gain(noise, network, **pruned):
    """(gain replayed, gain anew), each (seeds,): of a network under the four vectors."""
    before = noise.select("Attacked", network=network, score=None)
    after = noise.select("Attacked", network=network, score="mean_activation", **pruned)
    return [
        np.array([mean_under(b, kind) - mean_under(a, kind) for a, b in zip(before, after)])
        for kind in ("replayed", "anew")
    ]


def mean_under(row, kind):
    return np.mean([each["accuracy"] for each in row[kind]])
