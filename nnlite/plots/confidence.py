"""What the outputs tell."""

import numpy as np
from matplotlib.figure import Figure

CLEAN, CORRUPTED, INEFFECTIVE = "#1f4e9c", "#c8321e", "#7a7a7a"


def ratio_curves(panels, what="outputs"):
    """The fraction of images whose ratio reaches a threshold, two panels in a row.

    what    "outputs", or "probabilities", of which it is the ratio
    panels  {title: {"thresholds": (T,), "curves": {"clean": (T,), "corrupted": (T,),
                     "ineffective": (T,)}, "at": [{"keep", "threshold", "corrupted_kept"}, ...]}}
    """
    n_rows = (len(panels) + 1) // 2
    figure = Figure(figsize=(9, 0.6 + 3 * n_rows), layout="constrained")
    grid = figure.subplots(n_rows, 2, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    lines = {
        "clean": ("clean, classified right", CLEAN, "-"),
        "corrupted": ("corrupted: noise, classified wrong", CORRUPTED, "-"),
        "ineffective": ("ineffective: noise, still right", INEFFECTIVE, "--"),
    }
    for axes, (title, panel) in zip(grid.flat, panels.items()):
        for key, (label, color, style) in lines.items():
            axes.plot(
                panel["thresholds"], panel["curves"][key], color=color, ls=style, lw=2, label=label
            )
        for at in panel["at"]:
            x, y = at["threshold"], at["corrupted_kept"]
            threshold = axes.axvline(x, color="black", lw=0.8, ls=":")
            axes.plot(x, y, "o", color=CORRUPTED, ms=5)
            offset = {"xytext": (5, 3), "textcoords": "offset points", "fontsize": 9}
            offset["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8}
            axes.annotate(f"{y:.0%}", (x, y), color=CORRUPTED, **offset)
        axes.set(title=title, xscale="log", ylim=(0, 1.02), xlim=(1, panel["thresholds"][-1]))
        axes.grid(alpha=0.3)
    for axes in grid[-1]:
        axes.set_xlabel(f"ratio of the two largest {what}")
    figure.supylabel("fraction of images with at least this ratio", fontsize=10)
    handles, _ = grid[0, 0].get_legend_handles_labels()
    threshold.set_label("90 % and 80 % of the clean kept")
    figure.legend(handles=[*handles, threshold], loc="outside lower center", ncols=2)
    return figure


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


def output_range(panels, kind):
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


def score_dots(panels):
    """AUROC of every score, a dot for each network.

    panels   {question: {network: {score: AUROC}}}; networks such as "ann-lq" or "ann-lq, pruned"
    """
    figure = Figure(figsize=(10.5, 4.6), layout="constrained")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    kinds = list(dict.fromkeys(network.split(",")[0] for network in panels[next(iter(panels))]))
    fills = {"": None, "pruned": "white", "pruned less": "0.8"}
    for axes, (question, networks) in zip(grid, panels.items()):
        for network, scores in networks.items():
            kind, _, form = network.partition(", ")
            k = kinds.index(kind)
            style = {"color": f"C{k}", "marker": "osv^"[k % 4], "ls": "", "ms": 7}
            style["markerfacecolor"] = fills[form] or f"C{k}"
            axes.plot(list(scores.values()), np.arange(len(scores)), label=network, **style)
        axes.set_yticks(np.arange(len(scores)), list(scores))
        axes.set(title=question, xlabel="AUROC")
        axes.grid(alpha=0.3)
    grid[0].invert_yaxis()
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
