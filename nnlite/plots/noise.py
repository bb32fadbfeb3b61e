"""What noise does, and what pruning does to that."""

import numpy as np
from matplotlib.figure import Figure


def accuracy_against_limit(limits, lines, controls):
    """Accuracy under noise of growing strength: mean over the seeds, and their range.

    limits     (L,) in pixel units
    lines      {network: (L, seeds)}, accuracies;  controls: the same under random noise
    """
    figure = Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    for k, (network, accuracies) in enumerate(lines.items()):
        style = {"color": f"C{k}", "marker": "o", "ms": 4}
        axes.plot(limits, accuracies.mean(axis=1), label=network, **style)
        axes.fill_between(
            limits, accuracies.min(axis=1), accuracies.max(axis=1), color=f"C{k}", alpha=0.2, lw=0
        )
        axes.plot(limits, controls[network].mean(axis=1), color=f"C{k}", ls=":", lw=1.2)
    axes.plot([], [], color="black", ls=":", lw=1.2, label="random signs instead")
    axes.set(xlabel="limit, pixel units", ylabel="accuracy on test images", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    return figure


def accuracy_against_sparsity(panels, noise_labels, start=0.0):
    """Accuracy clean and under each noise vector, one panel per way of pruning.

    panels        {title: [(sparsities (S,), accuracies (S, 1 + V)), ...]}, one pair for each
                  seed; accuracies in [0, 1]: clean, then under V vectors
    noise_labels  V names;  start: where the axis of sparsities begins
    Of several seeds the mean is drawn and the range shaded, where all were measured; the first
    one is drawn everywhere, as a thin line.
    """
    columns = min(len(panels), 2)
    n_rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.4 * columns + 1.8, 0.7 + 3.2 * n_rows), layout="constrained")
    grid = figure.subplots(n_rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (title, seeds) in zip(grid.flat, panels.items()):
        common = sorted(set.intersection(*(set(sparsities) for sparsities, _ in seeds)))
        at = [np.asarray(rows)[np.searchsorted(x, common)] for x, rows in seeds]
        mean, low, high = np.mean(at, axis=0), np.min(at, axis=0), np.max(at, axis=0)
        for k, label in enumerate(["none", *noise_labels]):
            color = f"C{k - 1}" if k else "black"
            style = {"color": color, "ls": ("-", "--")[k % 2 == 0 and k > 0]}
            axes.plot(common, mean[:, k], lw=1.6 if k else 2.5, label=label, **style)
            if len(seeds) > 1:
                axes.fill_between(common, low[:, k], high[:, k], color=color, alpha=0.13, lw=0)
                axes.plot(seeds[0][0], np.asarray(seeds[0][1])[:, k], color=color, lw=0.5)
        axes.set(title=title, xlim=(start, 1), ylim=(0, 1))
        axes.grid(alpha=0.3)
    for axes in grid[-1]:
        axes.set_xlabel("fraction of weights removed")
    figure.supylabel("accuracy on test images", fontsize=10)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside right", title="noise added")
    return figure
