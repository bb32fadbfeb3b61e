"""What a layer costs, as a figure."""

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator


def cost_curves(curves, thresholds):
    """What one layer costs, sparse and dense, as density, batch or size grow.

    curves       {"density", "convolution", "batch" or "size": {value: {candidate: milliseconds}}}
    thresholds   {"density" or "convolution": density up to which a layer is taken as sparse}
    """
    figure = Figure(figsize=(8, 6.4), layout="constrained")
    density = "fraction of weights that are not zero"
    titles = {
        "density": ("1024 inputs and outputs, 1024 images", density),
        "convolution": ("3 x 3 convolution, 15 to 25 channels, 256 images", density),
        "batch": ("1024 inputs and outputs, 10 % not zero", "images"),
        "size": ("1024 images, 10 % not zero", "inputs and outputs"),
    }
    styles = {"sparse": "C3-", "dense": "C0-", "NumPy dense": "C0--", "SciPy": "C7--"}
    grid = figure.subplots(2, 2).ravel()
    for axes, (kind, (title, label)) in zip(grid, titles.items()):
        values = [float(value) for value in curves[kind]]
        for name in next(iter(curves[kind].values())):
            cost = [row[name] for row in curves[kind].values()]
            axes.loglog(values, cost, styles[name], label=name)
        if kind in thresholds:
            axes.axvline(thresholds[kind], color="0.6", ls=":", label="sparse up to here")
        axes.set_title(title, fontsize=9)
        axes.set_xlabel(label)
        axes.set_ylabel("milliseconds")
        some = values[:: 1 + len(values) // 7]
        axes.set_xticks(some, [f"{value:g}" for value in some])
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure
