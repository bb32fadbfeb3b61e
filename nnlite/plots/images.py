"""Digits and noise vectors as pictures."""

import numpy as np
from matplotlib.figure import Figure

from nnlite.checks import as_array, check_count


def show_image(axes, image, title="", **kwargs):
    """One (28, 28) array on axes without ticks; returns matplotlib's image."""
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=9, pad=3)
    return axes.imshow(image, **{"cmap": "gray", "vmin": 0, "vmax": 1, **kwargs})


def digits(images, columns=20):
    """Images (N, H, W) or (N, H, W, 1) in [0, 1] in a grid without gaps, in the order given.

    columns   images in a row; what is left of the last row is black
    """
    images = as_array(images, "images", 3)
    n, height, width = images.shape[:3]
    columns = max(1, min(check_count("columns", columns), n))
    rows = max(1, -(-n // columns))
    sheet = np.zeros((rows * columns, height, width))
    sheet[:n] = images.reshape(n, height, width)
    sheet = sheet.reshape(rows, columns, height, width).transpose(0, 2, 1, 3)
    figure = Figure(figsize=(8, 8 * rows * height / (columns * width)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.imshow(sheet.reshape(rows * height, columns * width), cmap="gray", vmin=0, vmax=1)
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

    rows     {label: (10, 28, 28)}, pixel units; all are shown in the same colours
    titles   {label: 10 texts}, shown above the vectors
    """
    figure = Figure(figsize=(7, 0.8 + 0.84 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), 10, squeeze=False)
    limit = max(np.abs(vectors).max() for vectors in rows.values())
    for line, (label, vectors) in zip(grid, rows.items()):
        for axes, vector, title in zip(line, vectors, titles[label]):
            shown = show_image(axes, vector, title, cmap="RdBu", vmin=-limit, vmax=limit)
        line[0].set_ylabel(label, fontsize=9, rotation=0, ha="right", va="center")
    for k, axes in enumerate(grid[-1]):
        axes.set_xlabel(f"for {k}", fontsize=9)
    bar = figure.colorbar(shown, ax=grid, location="bottom", aspect=50, ticks=[-limit, 0, limit])
    bar.set_label("added to a pixel, of 0 (black) to 1 (white)", fontsize=9)
    return figure


def digit_gallery(digits, columns=2):
    """Digits, and beside each the same digit under noise; below each the ratio of its outputs.

    digits   a dict for each: image (28, 28), first, second (its classes), outputs (the two
             largest), ratio (a text), noise: a dict for each limit: limit, image, read, outputs,
             ratio
    """
    n_rows = max(1, -(-len(digits) // columns))
    figure = Figure(figsize=(6.5, 1.62 * n_rows), layout="constrained")
    blocks = np.ravel(figure.subfigures(n_rows, columns, squeeze=False, wspace=0.04))
    for block, digit in zip(blocks, digits):
        shown = [(digit["image"], "{first}, then {second}".format(**digit), ratio_below(digit))]
        for noise in digit["noise"]:
            title = "{limit:g}: read as {read}".format(**noise)
            shown.append((noise["image"], title, ratio_below(noise)))
        for axes, (image, title, below) in zip(np.ravel(block.subplots(1, len(shown))), shown):
            show_image(axes, image, title)
            axes.title.set_fontsize(8)
            axes.set_xlabel(below, fontsize=8, labelpad=2)
    return figure


def ratio_below(shown):
    """Two lines, such as "0.52 / 0.49" and "ratio 1.08"."""
    outputs = "{:.2f} / {:.2f}".format(*shown["outputs"])
    return outputs + "\nratio " + shown["ratio"].replace("inf", "∞").replace("nan", "none")


def matrix_of_a_filter(matrix):
    """A decoupled convolution, (rows, columns), a colour for each value, white for none."""
    figure = Figure(figsize=(5, 6.5), layout="constrained")
    axes = figure.subplots()
    shown = np.where(matrix == 0, np.nan, matrix)
    limit = np.nanmax(np.abs(shown))
    axes.imshow(shown, cmap="RdBu", vmin=-limit, vmax=limit, interpolation="nearest")
    axes.set(xlabel="input neuron", ylabel="output neuron")
    return figure
