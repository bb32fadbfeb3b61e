"""What the outputs tell of images: figures of the second post."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lab.figures.look import FILLINGS, NETWORKS
from nnlite.plots.confidence import GROUPS, two_in_a_row


def success_against_ratio(panels):
    """What noise does to groups of images, from the lowest ratio before to the highest.

    panels   {title: {kind of noise: {"success": (seeds, groups), "ratio": the same}}}: how often it
             gets its way, and the median ratio after; the mean is drawn and the range shaded
    """
    figure = Figure(figsize=(6.5, 5.6), layout="constrained")
    grid = figure.subplots(2, len(panels), sharex=True, sharey="row", squeeze=False)
    for column, (title, kinds) in zip(grid.T, panels.items()):
        for axes, quantity in zip(column, ("success", "ratio")):
            for (kind, lines), style in zip(kinds.items(), ("C4o-", "C5s--", "C9^:")):
                seeds = np.array(lines[quantity]) * (100 if quantity == "success" else 1)
                at = np.arange(1, seeds.shape[1] + 1)
                axes.plot(at, seeds.mean(axis=0), style, ms=5, label=f"{kind} class")
                low, high = seeds.min(axis=0), seeds.max(axis=0)
                axes.fill_between(at, low, high, color=style[:2], alpha=0.2, lw=0)
            axes.grid(alpha=0.3)
        column[0].set(title=title, ylim=(-2, 102), xticks=at)
        column[1].set_yscale("log")
    figure.supxlabel("tenth of the images, from lowest ratio to highest", fontsize=10)
    grid[0, 0].set_ylabel("read as the noise wants, %")
    grid[1, 0].set_ylabel("median ratio after the noise")
    grid[0, 0].legend(fontsize=9, title="noise of the")
    return figure


def largest_outputs(panels, kind, published=()):
    """The largest output of clean, corrupted and ineffectively attacked images.

    panels      {title: {"grid": (G,), "curves": {group: (G,) fractions below}, "range": two ends}}
    kind        "curves", images below each value, or "histograms"
    published   the ends of the published range, drawn in every panel
    """
    figure, grid = two_in_a_row(len(panels), 1.9, "largest output", sharex=bool(published))
    draw, what = {
        "curves": (draw_below, "% of images below"),
        "histograms": (draw_histogram, "% of images"),
    }[kind]
    for axes, (title, panel) in zip(grid, panels.items()):
        for group, look in GROUPS.items():
            draw(axes, np.array(panel["grid"]), 100 * np.array(panel["curves"][group]), look)
        axes.axvspan(*panel["range"], color="#1f4e9c", alpha=0.1, lw=0, label="99 % of clean ones")
        for end in published:
            axes.axvline(end, color="black", lw=1)
        axes.set_title(title, fontsize=10)
    figure.supylabel(what, fontsize=10)
    if published:
        axes.lines[-1].set_label("{:g} and {:g}, published".format(*published))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def draw_below(axes, x, below, look):
    axes.plot(x, below, **look)


def draw_histogram(axes, x, below, look):
    """A bar for every fourth step of x."""
    bars = np.diff(below[::4]), x[::4]
    axes.stairs(*bars, color=look["color"], fill=True, alpha=0.25)
    axes.stairs(*bars, **look)


def score_dots(panels, scores):
    """AUROC of every score (S names), a mark for each network: whole ones left, pruned ones right.

    panels   {question: [{"network", "form", "auroc": (S,)}, ...]}
    """
    figure = Figure(figsize=(6.5, 1.1 + 2.5 * len(panels)), layout="constrained")
    grid = figure.subplots(len(panels), 2, sharey=True, squeeze=False)
    for line, (question, dots) in zip(grid, panels.items()):
        for dot in dots:
            look = NETWORKS[dot["network"]] | FILLINGS.get(dot["form"], {})
            below = 0.2 * (list(NETWORKS).index(dot["network"]) - 1.5)  # so that none is hidden
            places = np.arange(len(scores)) + below
            axes = line[int(dot["form"] != "whole")]
            axes.plot(100 * np.array(dot["auroc"]), places, ls="", ms=5, **look)
        for axes, form in zip(line, ("whole", "pruned")):
            axes.set_title(f"{question}: {form}", fontsize=10)
            axes.grid(alpha=0.3)
    for axes in grid[-1]:
        axes.set_xlabel("AUROC, %")
    axes.set_yticks(np.arange(len(scores)), scores, fontsize=9)
    axes.invert_yaxis()
    black = {"color": "black", "marker": "o"}
    looks = NETWORKS | {form: black | filling for form, filling in FILLINGS.items()}
    marks = [Line2D([], [], ls="", label=name, **look) for name, look in looks.items()]
    figure.legend(handles=marks, loc="outside lower center", ncols=3, fontsize=9)
    return figure
