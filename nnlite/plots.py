"""The figures, each a function of numbers that returns a matplotlib Figure.

Nothing is computed here and nothing is drawn on screen: `save_figure` writes a PNG, and
the numbers come from a results file.
"""

import numpy as np
from matplotlib.figure import Figure

from nnlite.files import replace_when_done

CLEAN, CORRUPTED, INEFFECTIVE = "#1f4e9c", "#c8321e", "#7a7a7a"


def save_figure(figure, path):
    """Write a PNG, complete or not at all."""
    with replace_when_done(path) as file:
        figure.savefig(file, format="png", dpi=90, pil_kwargs={"optimize": True})


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


def accuracy_against_sparsity(sparsities, panels, noise_labels):
    """One panel per pruning score: accuracy clean and under each noise vector.

    sparsities    (S,) fractions of the weights removed
    panels        {title: (S, 1 + V)}, accuracies in [0, 1]: clean, then under V vectors
    noise_labels  V names
    """
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (title, accuracies) in zip(grid, panels.items()):
        clean, *noisy = np.transpose(accuracies)
        axes.plot(sparsities, clean, color="black", lw=2.5, label="none")
        for k, (under_noise, label) in enumerate(zip(noisy, noise_labels)):
            axes.plot(sparsities, under_noise, color=f"C{k}", ls=("-", "--")[k % 2], label=label)
        axes.set(title=title, xlabel="fraction of weights removed", xlim=(0, 1), ylim=(0, 1))
        axes.grid(alpha=0.3)
    grid[0].set_ylabel("accuracy on test images")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside right", title="noise added")
    return figure


def ratio_curves(panels):
    """The fraction of images whose ratio reaches a threshold, two panels in a row.

    panels  {title: {"thresholds": (T,), "curves": {"clean": (T,), "corrupted": (T,),
                     "ineffective": (T,)}, "at": [{"keep", "threshold", "corrupted_kept"}, ...]}}
    """
    n_rows = (len(panels) + 1) // 2
    figure = Figure(figsize=(9, 0.6 + 3 * n_rows), layout="constrained")
    grid = figure.subplots(n_rows, 2, sharex=True, sharey=True, squeeze=False)
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
        axes.set_xlabel("ratio of the largest to the second largest output")
    figure.supylabel("fraction of images with at least this ratio", fontsize=10)
    threshold.set_label("90 % and 80 % of the clean kept")
    handles, _ = axes.get_legend_handles_labels()
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
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
