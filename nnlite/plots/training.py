"""Training and time."""

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator


def training_curves(histories):
    """Loss and validation error of several networks, along the steps of training.

    histories   {label: [{step, loss, validation_accuracy}, ...]}, one entry for each pass
    """
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, (label, history) in enumerate(histories.items()):
        steps = [epoch["step"] for epoch in history]
        style = {"color": f"C{k}", "ls": "--" if "sce" in label else "-", "label": label}
        left.semilogy(steps, [epoch["loss"] for epoch in history], **style)
        error = [100 * (1 - epoch["validation_accuracy"]) for epoch in history]
        right.semilogy(steps, error, **style)
    left.set(xlabel="step", ylabel="training loss, each its own", title="Loss")
    right.set(xlabel="step", ylabel="wrong, %", title="Validation images")
    ticks = [0.5, 1, 2, 5, 10]
    right.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    right.set_yticks([], minor=True)
    for axes in (left, right):
        axes.grid(alpha=0.3)
    right.legend(fontsize=8)
    return figure


def zero_weights(histories):
    """Fraction of each layer's weights that are exactly zero, along the steps of training.

    histories   {title: [{step, zero_weights: {layer: fraction}}, ...]}, one panel each
    """
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    panels = figure.subplots(1, len(histories), sharey=True, squeeze=False)[0]
    for axes, (title, history) in zip(panels, histories.items()):
        steps = [epoch["step"] for epoch in history]
        for k, name in enumerate(history[0]["zero_weights"]):
            zeros = [100 * epoch["zero_weights"][name] for epoch in history]
            axes.plot(steps, zeros, color=f"C{k}", label=f"layer {k + 1}")
        axes.set(xlabel="step", title=title)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    panels[0].set_ylabel("weights that are zero, %")
    return figure


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


def time_against_sparsity(lines):
    """{label: {sparsity: milliseconds}}: how long 1000 images take."""
    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes = figure.subplots()
    for label, milliseconds in lines.items():
        axes.plot(*zip(*milliseconds.items()), marker="o", ms=4, label=label)
    axes.set(xlabel="fraction of convolution weights removed", ylabel="ms for 1000 images")
    axes.set(xlim=(0, 1), ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    return figure
