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


def success_against_steps(ways):
    """How often noise gets its way, against the steps it was trained for.

    ways   {(step, loss, l2): {steps: success}}; one panel for each loss
    """
    losses = list(dict.fromkeys(loss for _, loss, _ in ways))
    kinds = list(dict.fromkeys(step for step, _, _ in ways))
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels = figure.subplots(1, len(losses), sharey=True, squeeze=False)[0]
    for (step, loss, l2), success in ways.items():
        style = {"color": f"C{kinds.index(step)}", "ls": "--" if l2 else "-", "marker": "o"}
        label = f"{step} steps" + (f", l2 {l2:g}" if l2 else "")
        panels[losses.index(loss)].plot(*zip(*success.items()), ms=4, label=label, **style)
    for axes, loss in zip(panels, losses):
        axes.set(xscale="log", xlabel="steps of 250 images", title=loss.replace("_", " "))
        axes.set(ylim=(0, 1))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("other classes read as the target")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right", fontsize=8)
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


def overlap(seeds, less):
    """Of the weights that magnitude or mean activation removes, the part that both remove.

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
