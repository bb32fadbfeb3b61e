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
    """Images (N, H, W) or (N, H, W, 1) in a grid without gaps, in the order given.

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


def digit_gallery(rows):
    """Digits in rows of three, each titled with its first and second class.

    rows   a dict for each: image (28, 28) of 0 to 255, first, second, outputs (the two largest)
    """
    n_rows = max(1, -(-len(rows) // 3))
    figure = Figure(figsize=(4.2, 4.9 / 3 * n_rows), layout="constrained")
    grid = figure.subplots(n_rows, 3).ravel()
    for axes in grid[len(rows) :]:
        axes.axis("off")
    for axes, row in zip(grid, rows):
        title = f"1st: {row['first']}  2nd: {row['second']}"
        show_image(axes, np.asarray(row["image"]) / 255, title)
        axes.set_xlabel("{:.2f} / {:.2f}".format(*row["outputs"]), fontsize=9, labelpad=2)
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
