"""What the outputs tell of images: figures of the second post."""

import numpy as np
from matplotlib.figure import Figure

from nnlite.plots.confidence import CLEAN, CORRUPTED, INEFFECTIVE


def success_against_ratio(panels):
    """What noise does to groups of images, from the lowest ratio before to the highest.

    panels   {title: {kind of noise: {"success": (seeds, groups), "ratio": the same}}}: how often it
             gets its way, and the median ratio after; the mean is drawn and the range shaded
    """
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    grid = figure.subplots(2, len(panels), sharex=True, sharey="row", squeeze=False)
    for column, (title, kinds) in zip(grid.T, panels.items()):
        for axes, quantity in zip(column, ("success", "ratio")):
            for k, (kind, lines) in enumerate(kinds.items()):
                seeds = np.asarray(lines[quantity])
                at = np.arange(1, seeds.shape[1] + 1)
                axes.plot(at, seeds.mean(axis=0), f"C{k}o-", ms=4, label=f"{kind} class")
                low, high = seeds.min(axis=0), seeds.max(axis=0)
                axes.fill_between(at, low, high, color=f"C{k}", alpha=0.2, lw=0)
            axes.grid(alpha=0.3)
        column[0].set(title=title, ylim=(-0.02, 1.02), xticks=at)
        column[1].set(xlabel="tenth of the images, from lowest ratio to highest", yscale="log")
    grid[0, 0].set_ylabel("read as the noise wants")
    grid[1, 0].set_ylabel("median ratio after the noise")
    grid[0, 0].legend(fontsize=9, title="noise of the")
    return figure


def largest_outputs(panels, kind):
    """The largest output of clean, corrupted and ineffectively attacked images.

    panels   {title: {"grid": (G,), "curves": {group: (G,) fractions below}, "range": two ends}}
    kind     "curves", fractions below, or "histograms"
    """
    n_rows = (len(panels) + 1) // 2
    figure = Figure(figsize=(9, 0.6 + 2.7 * n_rows), layout="constrained")
    colors = {"clean": CLEAN, "corrupted": CORRUPTED, "ineffective": INEFFECTIVE}
    grid = figure.subplots(n_rows, 2, squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.axis("off")
    for axes, (title, panel) in zip(grid, panels.items()):
        x = np.asarray(panel["grid"])
        for name, color in colors.items():
            below = np.asarray(panel["curves"][name])
            if kind == "curves":
                axes.plot(x, below, color=color, lw=1.8, label=name)
            else:
                axes.stairs(np.diff(below[::4]), x[::4], color=color, fill=True, alpha=0.35)
                axes.stairs(np.diff(below[::4]), x[::4], color=color, lw=1.5, label=name)
        axes.axvspan(*panel["range"], color=CLEAN, alpha=0.08, lw=0, label="99 % of clean ones")
        axes.set(title=title, xlabel="largest output")
        axes.grid(alpha=0.3)
    what = "fraction of images below" if kind == "curves" else "fraction of images"
    figure.supylabel(what, fontsize=10)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def score_dots(panels, scores):
    """AUROC of every score (S names), a dot for each network.

    panels   {question: [{"network", "form", "title", "auroc": (S,)}, ...]}; a colour for each
             network, a filling for each form
    """
    figure = Figure(figsize=(10.5, 4.6), layout="constrained")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    fillings = {"pruned": "white", "pruned less": "0.8"}
    for axes, (question, dots) in zip(grid, panels.items()):
        networks = list(dict.fromkeys(dot["network"] for dot in dots))
        for dot in dots:
            k = networks.index(dot["network"])
            style = {"color": f"C{k}", "marker": "osv^"[k % 4], "ls": "", "ms": 7}
            style["markerfacecolor"] = fillings.get(dot["form"], f"C{k}")
            axes.plot(dot["auroc"], np.arange(len(scores)), label=dot["title"], **style)
        axes.set_yticks(np.arange(len(scores)), scores)
        axes.set(title=question, xlabel="AUROC")
        axes.grid(alpha=0.3)
    grid[0].invert_yaxis()
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
