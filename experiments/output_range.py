"""The range of the outputs: does noise betray itself by a largest output that is too large?

    python experiments/output_range.py --data mnist --preset standard      a minute
    python experiments/output_range.py                                     drawn digits

From "Output analysis": the largest output of clean and of corrupted images (noise of a random other
class, limit 0.35), as curve and histogram, and how many lie outside the range of the clean ones;
for the dense and the convolutional network, whole and pruned.  The post's range is 0.5 to 1.1; ours
holds 99 % of the validation images that are read right.  For the networks with softmax, the
range of all their outputs before it.  Writes output-range.json and three figures.
"""

import sys

import numpy as np
import study
from networks import GROUPS, every, groups
from published import CLEAN_RANGE, CORRUPTED_OUTSIDE, STRONG
from study import markdown, percent

from nnlite import plots
from nnlite.confidence import fraction_below, largest_output

CLEAN, CORRUPTED = GROUPS[:2]


def measure(network, data):
    """What the largest outputs of clean and of corrupted test images are."""
    outputs, right, attacked = network.on_half_noisy(*data.test, STRONG)
    members = groups(right, attacked).items()
    largest = {name: largest_output(outputs[chosen]) for name, chosen in members}
    ends = np.quantile(of_right(network, data.validation), [0.005, 0.995])
    grid = np.linspace(*wide(np.concatenate(list(largest.values()))), 201)
    clean = of_right(network, data.test)
    row = {
        "range": ends,
        "outside": {name: outside(values, ends) for name, values in largest.items()},
        "outside_published": {name: outside(v, CLEAN_RANGE) for name, v in largest.items()},
        "clean_extremes": [clean.min(), clean.max()],
        "all_outputs": np.quantile(network.model.predict(data.test.images), [0, 0.01, 0.99, 1]),
    }
    if network.seed == 0:
        row["grid"] = grid.round(4)
        row["curves"] = {name: fraction_below(v, grid).round(4) for name, v in largest.items()}
    return row


def of_right(network, part):
    """The largest outputs of the images that are read right."""
    outputs = network.model.predict(part.images)
    return largest_output(outputs[outputs.argmax(axis=1) == part.labels])


def outside(values, ends):
    """The fraction of the values that are."""
    return np.sum((values < ends[0]) | (values > ends[1])) / max(len(values), 1)


def wide(values):
    """A range that holds almost all."""
    low, high = np.quantile(values, [0.001, 0.999])
    return low - 0.05 * (high - low), high + 0.05 * (high - low)


def run(data, preset, runs, say):
    found = {}
    for network in every(data, preset, runs, say):
        found.setdefault(network.title, []).append(measure(network, data))
    return {"networks": found}


def table(results):
    low, high = CLEAN_RANGE
    published = ["0", f"{100 * CORRUPTED_OUTSIDE:.0f}", f"{low} to {high}"]
    lines = [["ann-lq: published", "", "", "", *published, ""]]
    for title, rows in results["networks"].items():
        low, high = np.mean([row["range"] for row in rows], axis=0)
        line = [title, f"{low:.2f} to {high:.2f}"]
        line += [percent([row["outside"][group] for row in rows]) for group in (CLEAN, CORRUPTED)]
        for group in (CLEAN, CORRUPTED):
            line.append(percent([row["outside_published"][group] for row in rows]))
        extremes = np.array([row["clean_extremes"] for row in rows])
        line.append(f"{extremes[:, 0].min():.2f} to {extremes[:, 1].max():.2f}")
        all_of = np.mean([row["all_outputs"] for row in rows], axis=0)
        line.append("{1:.1f} to {2:.1f} ({0:.1f} to {3:.1f})".format(*all_of))
        lines.append(line)
    header = ["largest output", "range of 99 % of clean validation images", "clean outside, %"]
    header += ["corrupted outside, %", "clean outside 0.5 to 1.1, %", "corrupted outside, %"]
    header += ["all clean", "98 % of all outputs (all)"]
    return markdown(header, lines)


def draw(results, out):
    of_seed_0 = {title: rows[0] for title, rows in results["networks"].items()}
    for kind in ("curves", "histograms"):
        panels = {title: row for title, row in of_seed_0.items() if "lq" in title}
        figure = plots.output_range(panels, kind)
        plots.save_figure(figure, out / f"output-range-{kind}.png", 64)
    panels = {title: row for title, row in of_seed_0.items() if "sce" in title}
    plots.save_figure(plots.output_range(panels, "curves"), out / "output-range-sce.png", 64)


if __name__ == "__main__":
    study.main("output-range", sys.modules[__name__])
