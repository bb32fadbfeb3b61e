"""What attackers find."""

import numpy as np
from matplotlib.figure import Figure

WORDS = {
    "replayed": "vectors of the unpruned network",
    "anew": "vectors made anew",
    "single": "attacks on single images",
}


def gains(controls):
    """Points of accuracy that each control gains over the unpruned network.

    controls   {name: {"replayed": gains (seeds,), "anew": ..., "single": ...}}, fractions; a dot
               for each seed, the mean as a larger one
    """
    figure = Figure(figsize=(8, 0.42 * len(controls) + 1.4), layout="constrained")
    axes = figure.subplots()
    for k, (kind, label) in enumerate(WORDS.items()):
        for row, found in enumerate(controls.values()):
            points, y = 100 * np.asarray(found[kind]), row + 0.24 * (k - 1)
            axes.plot(points, np.full(len(points), y), ".", color=f"C{k}", alpha=0.5, ms=4)
            axes.plot(points.mean(), y, "os^"[k], color=f"C{k}", ms=6, label=None if row else label)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_yticks(range(len(controls)), controls, fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("points of accuracy more than the unpruned network")
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure
