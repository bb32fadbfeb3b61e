"""The figures, each a function of numbers that returns a matplotlib Figure.

Nothing is computed here and nothing is drawn on screen: `save_figure` writes a PNG, and
the numbers come from a results file.
"""

import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image  # which matplotlib needs itself

from nnlite.files import replace_when_done

CLEAN, CORRUPTED, INEFFECTIVE = "#1f4e9c", "#c8321e", "#7a7a7a"


def save_figure(figure, path, colors=None):
    """Write a PNG, complete or not at all; with so many colors, if given, for a smaller file."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=90)
    image = Image.open(drawn)
    image = image.convert("RGB").quantize(colors) if colors else image
    with replace_when_done(path) as file:
        image.save(file, format="png", optimize=True)


def show_image(axes, image, title="", **kwargs):
    """One (28, 28) array on axes without ticks; returns matplotlib's image."""
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=9, pad=3)
    return axes.imshow(image, **{"cmap": "gray", "vmin": 0, "vmax": 1, **kwargs})


def digits(images, columns=20):
    """Images (N, 28, 28) in a grid without gaps, in the order given."""
    rows = len(images) // columns
    sheet = np.reshape(images[: rows * columns], (rows, columns, 28, 28))
    sheet = sheet.transpose(0, 2, 1, 3).reshape(rows * 28, columns * 28)
    figure = Figure(figsize=(8, 8 * rows / columns))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=1)
    return figure


def noise_vectors(vectors, success, examples, limit):
    """The noise of each target class, and below it an image with that noise added.

    vectors   (K, 28, 28), the k-th asking for class k, within +-limit (pixel units)
    success   (K,) fractions of the images of other classes that are read as class k
    examples  K dicts: image (28, 28) with the noise added, label, predicted
    """
    figure = Figure(figsize=(9, 2.1), layout="constrained")
    grid = figure.subplots(2, len(vectors))
    for k, (vector, example) in enumerate(zip(vectors, examples)):
        shown = show_image(
            grid[0, k], vector, f"asks for {k}", cmap="RdBu", vmin=-limit, vmax=limit
        )
        grid[0, k].set_xlabel(f"gets {success[k]:.0%}", fontsize=9, labelpad=2)
        title = f"{example['label']} read as {example['predicted']}"
        show_image(grid[1, k], example["image"], title)
    bar = figure.colorbar(shown, ax=grid[0].tolist(), fraction=0.03, ticks=[-limit, 0, limit])
    bar.set_label("pixel units", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    return figure


def noise_grid(rows, titles):
    """Noise vectors, a row of ten for each network or limit, one for each class it asks for.

    rows     {label: (10, 28, 28)}, pixel units; each row is shown within its own range
    titles   {label: 10 texts}, shown above the vectors
    """
    figure = Figure(figsize=(9, 0.15 + 1.03 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), 10, squeeze=False)
    for line, (label, vectors) in zip(grid, rows.items()):
        limit = np.abs(vectors).max()
        for axes, vector, title in zip(line, vectors, titles[label]):
            show_image(axes, vector, title, cmap="RdBu", vmin=-limit, vmax=limit)
        line[0].set_ylabel(label, fontsize=9, rotation=0, ha="right", va="center")
    for k, axes in enumerate(grid[-1]):
        axes.set_xlabel(f"class {k}", fontsize=9)
    return figure


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


def digit_gallery(rows):
    """Nine digits, three by three, each titled with its first and second class.

    rows   up to nine dicts: image (28, 28) of 0 to 255, first, second, outputs (the two largest)
    """
    figure = Figure(figsize=(4.2, 4.9), layout="constrained")
    grid = figure.subplots(3, 3).ravel()
    for axes in grid[len(rows) :]:
        axes.axis("off")
    for axes, row in zip(grid, rows):
        title = f"1st: {row['first']}  2nd: {row['second']}"
        show_image(axes, np.asarray(row["image"]) / 255, title)
        axes.set_xlabel("{:.2f} / {:.2f}".format(*row["outputs"]), fontsize=9, labelpad=2)
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


def matrix_of_a_filter(matrix):
    """A decoupled convolution, (rows, columns), a colour for each value, white for none."""
    figure = Figure(figsize=(5, 6.5), layout="constrained")
    axes = figure.subplots()
    shown = np.where(matrix == 0, np.nan, matrix)
    limit = np.nanmax(np.abs(shown))
    axes.imshow(shown, cmap="RdBu", vmin=-limit, vmax=limit, interpolation="nearest")
    axes.set(xlabel="input neuron", ylabel="output neuron")
    return figure
