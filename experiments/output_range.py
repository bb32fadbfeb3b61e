"""The range of the outputs: does noise betray itself by a largest output that is too large?

    python experiments/output_range.py --data mnist --preset standard      three minutes
    python experiments/output_range.py                                     drawn digits

From "Output analysis": the largest output of clean and of corrupted images (noise of a random other
class, limit 0.35), as curve and histogram, and how many lie outside the range of the clean ones;
for the dense and the convolutional network, whole and pruned.  The post's range is 0.5 to 1.1; ours
holds 99 % of the validation images that are read right.  For the networks with softmax, the
range of all their outputs before it.  Writes output-range.json and three figures.
"""

from dataclasses import dataclass

import numpy as np
from lab import forms, script
from lab.attacked import scores_of_groups
from lab.figures.confidence import largest_outputs
from lab.published import CLEAN_RANGE, CORRUPTED_OUTSIDE, STRONG, is_comparable
from lab.tables import markdown, percent

from nnlite import plots
from nnlite.confidence import fraction_below, largest_output


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed.  In brackets: the post, or us."""

    forms: forms.Config
    limit: float = STRONG  # of the noise, pixel units [post]
    ends: tuple = (0.005, 0.995)  # quantiles of clean validation images: the range [ours]
    published_range: tuple = CLEAN_RANGE  # [post]
    of_all_outputs: tuple = (0.0, 0.01, 0.99, 1.0)  # quantiles that are listed [ours]
    points: int = 201  # of a curve
    recipe: int = 1  # to be raised when the code changes results


PRESETS = {name: Config(cfg) for name, cfg in forms.PRESETS.items()}
SEEDS = {"quick": (0, 1, 2), "standard": (0, 1, 2)}


@dataclass(frozen=True)
class Range:
    """What the largest outputs of clean and of corrupted test images are.

    range               holds almost all clean validation images that are read right
    outside             fraction of each group of half-noisy images outside this range
    outside_published   and outside that of the post
    clean_extremes      lowest and highest, of all test images that are read right
    all_outputs         quantiles of all ten outputs of all test images
    grid, curves        fraction of each group below each value
    """

    network: str
    form: str
    seed: int
    with_curves: bool
    kept = True

    def compute(self, cfg, data, runs):
        network = forms.network(self.network, self.form, self.seed, cfg.forms, data, runs)
        if network is None:
            return None
        largest = largest_of_groups(network, data.test, cfg.limit)
        result = measured(network, largest, cfg, data)
        return result | curves(largest, cfg.points) if self.with_curves else result


def largest_of_groups(network, part, limit):
    """{group: the largest outputs of these images}, half of the images with noise."""
    outputs, right, attacked = network.on_half_noisy(*part, limit)
    return scores_of_groups(largest_output(outputs), right, attacked)


def measured(network, largest, cfg, data):
    """What a Range holds beside its curves."""
    ends = np.quantile(largest_of_right(network, data.validation), cfg.ends)
    clean, published = largest_of_right(network, data.test), cfg.published_range
    all_outputs = network.model.predict(data.test.images)
    return {
        "range": ends,
        "outside": {name: outside(values, ends) for name, values in largest.items()},
        "outside_published": {name: outside(v, published) for name, v in largest.items()},
        "clean_extremes": [clean.min(), clean.max()],
        "all_outputs": np.quantile(all_outputs, cfg.of_all_outputs),
    }


def curves(largest, points):
    grid = np.linspace(*wide(np.concatenate(list(largest.values()))), points)
    below = {name: fraction_below(values, grid).round(4) for name, values in largest.items()}
    return {"grid": grid.round(4), "curves": below}


def largest_of_right(network, part):
    """The largest outputs of the images that are read right."""
    outputs = network.model.predict(part.images)
    return largest_output(outputs[outputs.argmax(axis=1) == part.labels])


def outside(values, ends):
    """Fraction of the values outside the range."""
    return np.sum((values < ends[0]) | (values > ends[1])) / max(len(values), 1)


def wide(values):
    """A range that holds almost all."""
    low, high = np.quantile(values, [0.001, 0.999])
    return low - 0.05 * (high - low), high + 0.05 * (high - low)


def needs(cfg, seeds):
    return forms.needs(cfg.forms, seeds)


def rows(cfg, seeds):
    for name, form, seed in forms.members(cfg.forms, seeds):
        yield Range(name, form, seed, with_curves=seed == seeds[0])


# Table and figures


def table(results):
    low, high = CLEAN_RANGE
    published = ["0", f"{100 * CORRUPTED_OUTSIDE:.0f}", f"{low} to {high}"]
    lines = [["ann-lq: published", "", "", "", *published, ""]]
    lines = lines if is_comparable(results) else []
    for title, seeds in forms.by_title(results.select(Range)).items():
        low, high = np.mean([row["range"] for row in seeds], axis=0)
        line = [title, f"{low:.2f} to {high:.2f}"]
        for key in ("outside", "outside_published"):
            line += [
                percent([row[key][group] for row in seeds]) for group in ("clean", "corrupted")
            ]
        extremes = np.array([row["clean_extremes"] for row in seeds])
        line.append(f"{extremes[:, 0].min():.2f} to {extremes[:, 1].max():.2f}")
        quantiles = np.mean([row["all_outputs"] for row in seeds], axis=0)
        line.append("{1:.1f} to {2:.1f} ({0:.1f} to {3:.1f})".format(*quantiles))
        lines.append(line)
    header = ["largest output", "range of 99 % of clean validation images", "clean outside, %"]
    header += ["corrupted outside, %", "clean outside 0.5 to 1.1, %", "corrupted outside, %"]
    header += ["all clean", "98 % of all outputs (all)"]
    return markdown(header, lines)


def draw(results, out):
    with_curves = results.select(Range, with_curves=True)

    def draw_panels(loss, kind, name, published=()):
        drawn = forms.trained_with(loss, with_curves, results.config["forms"])
        figure = largest_outputs({forms.title(row): row for row in drawn}, kind, published)
        plots.save_figure(figure, out / f"output-range-{name}.png", 64)

    published = CLEAN_RANGE if is_comparable(results) else ()
    draw_panels("quadratic", "curves", "curves", published)
    draw_panels("quadratic", "histograms", "histograms", published)
    draw_panels("softmax_cross_entropy", "curves", "sce")


if __name__ == "__main__":
    script.main("output_range")
