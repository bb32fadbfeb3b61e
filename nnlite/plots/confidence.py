"""What the outputs tell."""

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
