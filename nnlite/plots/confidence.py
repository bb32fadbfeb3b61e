"""What the outputs tell."""

import numpy as np
from matplotlib.figure import Figure

GROUPS = {  # of images; each has a line of its own, too, for eyes that do not tell colours apart
    "clean": {"label": "clean, read right", "color": "#1f4e9c", "ls": "-"},
    "corrupted": {"label": "corrupted: noise, read wrong", "color": "#c8321e", "ls": "--"},
    "ineffective": {"label": "ineffective: noise, still right", "color": "#6b6b6b", "ls": ":"},
}
OPEN = {"marker": "s", "markerfacecolor": "white"}  # of published points


def ratio_curves(panels, what="outputs", title=""):
    """The fraction of images whose ratio reaches a threshold, two panels in a row.

    what    "outputs", or "probabilities", of which it is the ratio
    title   of the whole figure
    panels  {title: {"thresholds": (T,), "curves": {"clean": (T,), "corrupted": (T,),
                     "ineffective": (T,)}, "at": [{"keep", "threshold", "corrupted_kept"}, ...],
                     "images" and "only_first_positive": {group: how many},
                     "published" (may be missing): [(threshold, corrupted kept), ...]}}
    """
    xlabel, lines = f"ratio of the two largest {what}", {}
    figure, grid = two_in_a_row(len(panels), 2.2, xlabel, sharex=True, sharey=True)
    for axes, (name, panel) in zip(grid, panels.items()):
        for group, look in GROUPS.items():
            axes.plot(panel["thresholds"], 100 * np.array(panel["curves"][group]), **look)
        here = [(at["threshold"], at["corrupted_kept"]) for at in panel["at"]]
        kept = [point["keep"] for point in panel["at"]]
        words = mark_thresholds(axes, kept, here, panel.get("published", []))
        words += plateau(panel["images"], panel["only_first_positive"])
        corner = {"transform": axes.transAxes, "ha": "right", "va": "top", "fontsize": 8}
        axes.text(0.98, 0.97, "\n".join(words), color=GROUPS["corrupted"]["color"], **corner)
        axes.set(xscale="log", ylim=(0, 102), xlim=(1, panel["thresholds"][-1]))
        axes.set_title(name, fontsize=10)
        lines |= {line.get_label(): line for line in axes.get_legend_handles_labels()[0]}
    figure.suptitle(title, fontsize=11)
    figure.supylabel("% of images with at least this ratio", fontsize=10)
    figure.legend(handles=lines.values(), loc="outside lower center", ncols=2, fontsize=9)
    return figure


def two_in_a_row(n, height, xlabel, **shared):
    """A figure and the axes of its n panels, each so many inches high."""
    n_rows = (n + 1) // 2
    figure = Figure(figsize=(6.5, 1.3 + height * n_rows), layout="constrained")
    grid = figure.subplots(n_rows, 2, squeeze=False, **shared).ravel()
    for axes in grid[:n]:
        axes.tick_params(labelbottom=True)
        axes.grid(alpha=0.3)
    for axes in grid[max(0, n - 2) : n]:  # the last of each column
        axes.set_xlabel(xlabel)
    for axes in grid[n:]:
        axes.axis("off")
    return figure, grid[:n]


def mark_thresholds(axes, kept, here, published):
    """The corrupted images that thresholds keep, as points; returns them in words, too.

    kept              fractions of the clean images that the thresholds keep
    here, published   [(threshold, fraction kept), ...]
    """
    label = " and ".join(f"{100 * keep:g} %" for keep in kept) + " of the clean kept"
    for k, (x, _) in enumerate(here):
        axes.axvline(x, color="black", lw=0.8, ls="-.", label=None if k else label)
    words, look = [], {"color": GROUPS["corrupted"]["color"], "ls": "", "ms": 6}
    for points, style, source in ((here, {"marker": "o"}, ""), (published, OPEN, "published: ")):
        for x, fraction in points:
            words.append(f"{source}{round(100 * fraction, 1):g} % above {number(x)}")
        if points:
            x, y = np.transpose(points)
            axes.plot(x, 100 * y, label=f"{source}corrupted images kept", **look, **style)
    return words


def number(x):
    return f"{x:.1f}" if x < 100 else f"{x:,.0f}"


def plateau(images, infinite):
    """Words for the images that no threshold rejects, because their ratio is infinite."""
    clean, corrupted = (
        100 * infinite[group] / max(images[group], 1) for group in ("clean", "corrupted")
    )
    if max(clean, corrupted) < 1:
        return []
    return [f"infinite: {clean:.0f} % of clean,", f"{corrupted:.0f} % of corrupted"]
