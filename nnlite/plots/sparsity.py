"""What pruning does to accuracy, with noise and without."""

import itertools

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.optimize import isotonic_regression

from nnlite.plots.style import class_look, limit_style

TICKS = (100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1)  # of weights kept, percent
MARKED = (50, 20, 10, 5, 2, 1)  # where a curve has its markers
NO_NOISE = (None, None)
WANTED = 98  # accuracy without noise at which the ways of pruning are compared, percent
WANTED_LINE = {"color": "0.3", "lw": 1, "ls": ":"}


def accuracy_against_sparsity(panels, vectors, published=None, title=""):
    """Accuracy clean and under each noise vector as ever fewer weights are kept.

    panels     {title: [(sparsities (S,), accuracies (S, 1 + V)), ...]}, one pair for each network;
               sparsities ascending from 0, below 1; accuracies in [0, 1], clean, then under V
               vectors
    vectors    (target, limit) of each: the look of its line
    published  {title of a panel: [(sparsity, accuracies (1 + V,)), ...]}, hollow markers
    Of several networks the mean is drawn and the range shaded, where all were measured; if the
    first one was measured at more sparsities, it is drawn there too, as a thin line.
    """
    highest = max(sparsities[-1] for networks in panels.values() for sparsities, _ in networks)
    if highest >= 1:
        raise ValueError(f"sparsity {highest} keeps no weight: a logarithmic axis cannot show it")
    columns, published = (1 if len(panels) < 3 else 2), published or {}
    shown = list(itertools.product(panels.items(), parts_of(len(panels), len(vectors))))
    figure, grid = grid_of(len(shown), columns)
    figure.suptitle(title, fontsize=10)
    for axes, ((name, networks), part) in zip(grid.flat, shown):
        curves = {0: NO_NOISE} | {1 + k: vectors[k] for k in part}
        draw_networks(axes, networks, curves)
        draw_published(axes, published.get(name, []), curves)
        axes.axhline(WANTED, **WANTED_LINE, zorder=1)
        show_kept(axes, highest)
        axes.set_title(name if part.start == 0 else "", fontsize=10)
        if columns == 1:
            name_at_the_start(axes, 100 * np.mean([rows[0] for _, rows in networks], 0), curves)
    for axes in grid[-1]:
        axes.set_xlabel("weights kept, %")
    figure.supylabel("accuracy, % of test images", fontsize=10)
    pairs = [NO_NOISE, *vectors] if columns > 1 else []  # those that are not named at their start
    key = [Line2D([], [], label=label(pair), **look(pair)) for pair in pairs]
    key += explained(panels, published)
    figure.legend(handles=key, loc="outside lower center", ncols=3, fontsize=9)
    return figure


def parts_of(n_panels, n_vectors):
    """Ranges of the vectors that share axes: the bands of four can be told apart, of eight not."""
    half = n_vectors // 2
    if n_panels > 1 or n_vectors <= 4:
        return [range(n_vectors)]
    return [range(half), range(half, n_vectors)]


def grid_of(n, columns):
    """(figure, grid of axes) of n panels with common scales."""
    n_rows = -(-n // columns)
    size = (6.4, 0.9 + 3.3 * n_rows) if columns == 1 else (7.2, 1.6 + 3 * n_rows)
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(n_rows, columns, sharex=True, sharey=True, squeeze=False)


def look(pair):
    """Keywords of the line of one noise vector, (target, limit); or NO_NOISE."""
    target, limit = pair
    if target is None:
        return {"lw": 2.2, **class_look(None)}
    return {"lw": 1.4, "ms": 4.5, "ls": limit_style(limit), **class_look(target)}


def label(pair):
    """ "class 3, limit 0.25" """
    target, limit = pair
    return "no noise" if target is None else f"class {target}, limit {limit:.2f}"


def in_common(networks):
    """The sparsities at which all networks were measured."""
    return sorted(set.intersection(*(set(sparsities) for sparsities, _ in networks)))


def first_is_finer(networks):
    return len(networks[0][0]) > len(in_common(networks))


def draw_networks(axes, networks, curves):
    """Mean, range and, in finer steps, the first network of each curve."""
    common = in_common(networks)
    at = [100 * np.asarray(rows)[np.searchsorted(x, common)] for x, rows in networks]
    mean, low, high = np.mean(at, axis=0), np.min(at, axis=0), np.max(at, axis=0)
    kept = 100 * (1 - np.array(common))
    marked = sorted({int(np.argmin(abs(np.log(kept / k)))) for k in MARKED if k > 0.9 * kept[-1]})
    for k, pair in curves.items():
        style = look(pair)
        axes.plot(kept, mean[:, k], markevery=marked, **style)
        if len(networks) > 1:
            axes.fill_between(kept, low[:, k], high[:, k], color=style["color"], alpha=0.15, lw=0)
        if first_is_finer(networks):
            sparsities, rows = networks[0]
            first = 100 * np.asarray(rows)[:, k]
            axes.plot(100 * (1 - np.array(sparsities)), first, color=style["color"], lw=0.5)


def draw_published(axes, points, curves):
    """Hollow markers of each curve; stars without noise."""
    for sparsity, accuracies in points:
        for k, pair in curves.items():
            hollow = {**look(pair), "mfc": "white", "ls": "", "ms": 7, "zorder": 3}
            hollow["marker"] = hollow["marker"] or "*"
            axes.plot(100 * (1 - sparsity), 100 * accuracies[k], clip_on=False, **hollow)


def show_kept(axes, highest):
    """Axes of percent, from all weights down to what the highest sparsity keeps."""
    least = 100 * (1 - highest)
    axes.set(xscale="log", xlim=(100, least), ylim=(0, 100))
    ticks = [tick for tick in TICKS if tick >= 0.99 * least]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.grid(alpha=0.3)


def name_at_the_start(axes, heights, curves):
    """A sample of each line and its name, left of the axes; the scale of accuracy goes right."""
    axes.yaxis.tick_right()
    across = axes.get_yaxis_transform()  # x in widths of the axes, y in data
    heights = heights[list(curves)]
    for height, place, pair in zip(heights, spread(heights, 6, 100), curves.values()):
        outside = {"transform": across, "clip_on": False}
        axes.plot([0, -0.03], [height, place], color="0.6", lw=0.6, **outside)
        sample = [-0.04, -0.08, -0.12], [place] * 3
        axes.plot(*sample, **{**look(pair), "markevery": [1]}, **outside)
        axes.text(-0.13, place, label(pair), transform=across, ha="right", va="center", fontsize=9)


def spread(heights, apart, top):
    """Places nearest to the heights, in their order, so far apart and not above the top."""
    order, steps = np.argsort(heights), apart * np.arange(len(heights))
    places = isotonic_regression(heights[order] - steps).x + steps
    return np.minimum(places, top - steps[::-1])[np.argsort(order)]


def explained(panels, published):
    """What is not named where it is drawn."""
    several = max(len(networks) for networks in panels.values()) > 1
    key = [Line2D([], [], **WANTED_LINE, label=f"{WANTED} %")]
    if several:
        key.append(Patch(color="black", alpha=0.15, lw=0, label="range of the networks"))
    if any(first_is_finer(networks) for networks in panels.values()):
        key.append(Line2D([], [], color="black", lw=0.5, label="first network, finer steps"))
    if published:
        hollow = {"marker": "o", "ms": 7, "mfc": "white", "ls": ""}
        key.append(Line2D([], [], color="black", **hollow, label="published"))
    return key
