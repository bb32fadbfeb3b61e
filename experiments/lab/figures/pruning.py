"""What pruning takes away, from an attacker too, and the time it saves."""

import numpy as np
from matplotlib.figure import Figure

from lab.published import ANN_TABLE


def published_points(curve):
    """[(sparsity, accuracies)] that the post gives for one way of pruning the dense network."""
    points = [(0.0, ANN_TABLE[()])]
    for settings, accuracies in ANN_TABLE.items():
        if settings and curve == ("combined" if len(settings) > 1 else settings[0][0]):
            points.append((settings[0][1], accuracies))
    return points


def overlap(seeds, less):
    """Fraction of the weights that magnitude or mean activation removes which both remove.

    seeds   [{sparsity: fraction}, ...];  less: how much less is removed by mean activation
    """
    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes = figure.subplots()
    for k, fractions in enumerate(seeds):
        axes.plot(*zip(*fractions.items()), color="C0", lw=1.5 if k == 0 else 0.7)
    p = np.linspace(0, 0.99, 100)
    q = np.maximum(p - less, 0)
    axes.plot(p, p * q / np.maximum(p + q - p * q, 1e-9), color="C7", ls="--")
    axes.lines[0].set_label("the network")
    axes.lines[-1].set_label("two random choices")
    axes.set(xlabel="fraction removed by magnitude", ylabel="removed by both / by either")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    return figure


def replayed_and_anew(sparsities, panels):
    """Accuracy under noise of the unpruned network and of the pruned one, against sparsity.

    panels   {title: {"no noise": lines, "replayed": lines, "anew": lines}}, each (seeds, S);
             the mean is drawn and the range shaded
    """
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    kinds = {
        "no noise": ("no noise", "black", "-"),
        "replayed": ("noise of the unpruned network, replayed", "C0", "-"),
        "anew": ("noise made anew on the pruned network", "C3", "--"),
    }
    for axes, (title, lines) in zip(grid, panels.items()):
        for kind, (label, color, style) in kinds.items():
            seeds = np.asarray(lines[kind])
            axes.plot(
                sparsities, seeds.mean(axis=0), color=color, ls=style, marker="o", label=label
            )
            axes.fill_between(
                sparsities, seeds.min(axis=0), seeds.max(axis=0), color=color, alpha=0.2
            )
        axes.set(title=title, xlabel="fraction of weights removed", xlim=(0, 1), ylim=(0, 1))
        axes.grid(alpha=0.3)
    grid[0].set_ylabel("accuracy on test images")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def time_against_sparsity(lines):
    """How long 1000 images take.

    lines   {label: {sparsity: milliseconds}}
    """
    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes = figure.subplots()
    for label, milliseconds in lines.items():
        axes.plot(*zip(*milliseconds.items()), marker="o", ms=4, label=label)
    axes.set(xlabel="fraction of convolution weights removed", ylabel="ms for 1000 images")
    axes.set(xlim=(0, 1), ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    return figure
