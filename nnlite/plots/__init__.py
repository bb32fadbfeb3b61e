"""The figures, each a function of numbers that returns a matplotlib Figure.

Nothing is computed here and nothing is drawn on screen: `save_figure` writes a PNG, and
the numbers come from a results file.
"""

import io

from PIL import Image  # which matplotlib needs itself

from nnlite.files import replace_when_done
from nnlite.plots.confidence import ratio_curves
from nnlite.plots.images import (
    digit_gallery,
    digits,
    matrix_of_a_filter,
    noise_grid,
    noise_vectors,
    show_image,
)
from nnlite.plots.noise import accuracy_against_limit
from nnlite.plots.sparsity import accuracy_against_sparsity
from nnlite.plots.training import training_curves

__all__ = [
    "accuracy_against_limit",
    "accuracy_against_sparsity",
    "digit_gallery",
    "digits",
    "matrix_of_a_filter",
    "noise_grid",
    "noise_vectors",
    "ratio_curves",
    "save_figure",
    "show_image",
    "training_curves",
]


def save_figure(figure, path, colors=None):
    """Write a PNG, complete or not at all; with so many colors, if given, for a smaller file."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=90)
    image = Image.open(drawn)
    image = image.convert("RGB").quantize(colors) if colors else image
    with replace_when_done(path) as file:
        image.save(file, format="png", optimize=True)
