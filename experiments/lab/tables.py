"""Numbers and tables as text."""

import itertools
import re

import numpy as np

WORDS = {
    "magnitude": "magnitude",
    "mean_activation": "mean activation",
    "combined": "combined",
    "random": "at random",
}


def markdown(header, rows):
    """A table in Markdown; cells are texts.  What is rounded to -0.0 is written as 0.0."""
    lines = [header, ["---"] * len(header), *rows]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return re.sub(r"(?<![\d.])-(0\.0+)(?!\d)", r"\1", text)


def percent(values, digits=1, sign="-"):
    """One value as "98.5"; of several the mean and the range, "98.5 (98.4 to 98.6)".

    sign   "+" to write it before what is positive, too
    """
    values = 100 * np.atleast_1d(values)
    mean, low, high = (f"{v:{sign}.{digits}f}" for v in (values.mean(), values.min(), values.max()))
    return mean if len(values) == 1 else f"{mean} ({low} to {high})"


def name_noise(pair):
    """(3, 0.25) -> "class 3, limit 0.25"."""
    target, limit = pair
    return f"class {target}, limit {limit:.2f}"


def describe(settings):
    """(("magnitude", 0.85), ...) -> "magnitude 85 %, ..."."""
    parts = [f"{WORDS[score]} {sparsity:.0%}".replace("%", " %") for score, sparsity in settings]
    return ", ".join(parts) or "unpruned"


def largest_step(curve, spacing, up_to=0.8):
    """ "4.8 to 0.79": the most points that any vector gains in one step of a curve.

    curve   {sparsity: accuracies, the first without noise}, ascending
    Steps of another size than `spacing` do not count.
    """
    rises = {
        high: np.subtract(curve[high], curve[low])[1:].max()
        for low, high in itertools.pairwise(curve)
        if np.isclose(high - low, spacing) and high <= up_to
    }
    highest = max(rises, key=rises.get, default=None)
    return f"{100 * rises[highest]:.1f} to {highest}" if rises else "-"
