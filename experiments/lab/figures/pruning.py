"""What pruning takes away, from an attacker too, and the time it saves."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from lab.published import ANN_TABLE
from nnlite.plots.sparsity import WANTED, WANTED_LINE, show_kept

KINDS = {  # neither is a class: grey, told apart by marker and line
    "no noise": {"label": "no noise", "color": "black", "ls": "-", "lw": 2, "marker": "D", "ms": 5},
    "replayed": {
        **{"label": "noise of the unpruned network, replayed", "color": "0.45", "ls": "-"},
        **{"marker": "o", "mfc": "white"},
    },
    "anew": {
        **{"label": "noise made anew on the pruned network", "color": "black", "ls": "--"},
        **{"marker": "s", "ms": 5, "lw": 1.2},
    },
}


def published_points(curve):
    """[(sparsity, accuracies)] that the post gives for one way of pruning the dense network."""
    points = [(0.0, ANN_TABLE[()])]
    for settings, accuracies in ANN_TABLE.items():
        if settings and curve == ("combined" if len(settings) > 1 else settings[0][0]):
            points.append((settings[0][1], accuracies))
    return points


def overlap(seeds, less):
    """Of the weights that magnitude or mean activation removes, how many both remove.

    seeds   [{sparsity: fraction}, ...];  less: how much less is removed by mean activation
    """
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    for fractions in seeds:
        axes.plot(*kept_and(percent_of(fractions)), color="black", lw=0.8)
    p = np.linspace(0.01, 0.99, 99)
    q = np.maximum(p - less, 0)
    axes.plot(100 * (1 - p), 100 * p * q / (p + q - p * q), color="0.45", ls="--")
    axes.text(30, 93, "the networks, one line each", fontsize=9)
    axes.text(33, 36, "two random choices", fontsize=9)
    axes.set(xlabel="weights kept by magnitude, %", ylabel="removed by both, % of those by either")
    show_kept(axes, 0.99)
    return figure


def replayed_and_anew(sparsities, panels, cases):
    """Accuracy under noise of the unpruned network and of the pruned one.

    panels   {title: {"no noise": lines, "replayed": lines, "anew": lines}}, each (seeds, S), the
             mean and the range against sparsity
    cases    {title: [{"no noise": accuracy, "replayed": ..., "anew": ...} of each network, ...]}
    """
    figure = Figure(figsize=(7, 7), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(3, 0.9 + 0.3 * len(cases)))
    grid = above.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (title, lines) in zip(grid, panels.items()):
        for k, (kind, style) in enumerate(KINDS.items()):
            seeds = 100 * np.asarray(lines[kind])
            kept, mean = 100 * (1 - np.array(sparsities)), seeds.mean(axis=0)
            span = [mean - seeds.min(axis=0), seeds.max(axis=0) - mean]
            axes.errorbar(kept * 1.03 ** (1 - k), mean, span, capsize=2, elinewidth=0.8, **style)
        axes.axhline(WANTED, **WANTED_LINE, label=f"{WANTED} %")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("weights kept, %")
        show_kept(axes, max(sparsities))
        axes.set_xlim(108, 0.92 * kept.min())
    grid[0].set_ylabel("accuracy, % of test images")
    draw_cases(below.subplots(), cases)
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9
    )
    return figure


def draw_cases(axes, cases):
    """A row of points for each case, from the top; below it those of single networks, small."""
    for row, networks in enumerate(cases.values()):
        each = {kind: [100 * found[kind] for found in networks] for kind in KINDS}
        mean = {kind: np.mean(values) for kind, values in each.items()}
        axes.plot([mean["replayed"], mean["anew"]], [row, row], color="0.7", lw=1)
        for kind, style in KINDS.items():
            axes.plot(mean[kind], row, **style)
            axes.plot(each[kind], [row + 0.25] * len(each[kind]), **style | {"ls": "", "ms": 2.5})
    axes.set_yticks(range(len(cases)), cases, fontsize=9)
    axes.invert_yaxis()
    axes.set(xlim=(0, 100), xlabel="accuracy, % of test images")
    axes.set_title("convolutional network: removed from one dense layer", fontsize=10)
    axes.grid(alpha=0.3)


def other_ways(cases):
    """{words: {sparsity: milliseconds}} of such a network, from the cases of bench/sparse.py."""
    whole = cases["cnn, dense layers pruned, batch 1000"]
    scipy = {0.0: whole["SciPy"]["median_ms"]}
    for sparsity in (0.5, 0.8):
        case = cases[f"cnn, decoupled, convolutions {100 * sparsity:.0f} % pruned, batch 1000"]
        scipy[sparsity] = case["SciPy"]["median_ms"]
    return {
        "SciPy, decoupled": scipy,
        "PyTorch, not decoupled": {0.0: whole["PyTorch dense"]["median_ms"]},
        "nnlite, not decoupled": {0.0: whole["nnlite"]["median_ms"]},
    }


def of_trainings(curves):
    """Accuracy against sparsity: the colour says how long was trained, the line what is removed.

    curves   {(steps, score): (sparsities, accuracies)}
    """
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    lengths = sorted({steps for steps, _ in curves})
    for (steps, score), (sparsities, accuracies) in curves.items():
        label = f"{steps:,} steps, {score.replace('_', ' ')}"
        style = {"color": f"C{lengths.index(steps)}", "ls": "--" if score == "magnitude" else "-"}
        kept = 100 * (1 - np.asarray(sparsities))
        axes.plot(kept, 100 * np.asarray(accuracies), marker="o", ms=3, label=label, **style)
    lowest = min(np.min(accuracies) for _, accuracies in curves.values())
    axes.set(xlabel="weights of the first dense layer kept, %", ylabel="accuracy, %")
    show_kept(axes, 0.99)
    axes.set_ylim(10 * np.floor(10 * lowest), 100.5)
    axes.legend(fontsize=8, loc="lower left")
    return figure


def percent_of(curve):
    return {sparsity: 100 * fraction for sparsity, fraction in curve.items()}


def kept_and(curve):
    """(weights kept in percent, values) of {sparsity: value}."""
    return [100 * (1 - sparsity) for sparsity in curve], list(curve.values())


def time_and_accuracy(milliseconds, accuracies, references):
    """How long 1000 images take as ever fewer convolution weights are kept, and what is read right.

    milliseconds, accuracies   {way of pruning: {sparsity: value}}
    references                 {words: {sparsity: milliseconds}}, one value alone as a level line
    """
    figure = Figure(figsize=(6.4, 6.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for (way, times), grey in zip(milliseconds.items(), ("0", "0.45", "0.7")):
        style = {"color": grey, "marker": "o", "ms": 3.5, "lw": 1.4, "label": way}
        above.plot(*kept_and(times), **style)
        below.plot(*kept_and(percent_of(accuracies[way])), **style)
    for (words, times), line in zip(references.items(), ("--", "-.", ":")):
        kept, values = kept_and(times)
        if len(values) == 1:
            above.axhline(*values, color="black", ls=line, lw=1)
            above.text(1.02, 1.04 * values[0], words, ha="right", va="bottom", fontsize=9)
        else:
            above.plot(kept, values, color="black", ls=line, lw=1, marker="o", ms=3.5)
            above.text(0.93 * kept[-1], values[-1], words, va="bottom", fontsize=9)
    show_kept(below, 0.99)
    below.set(xlabel="convolution weights kept, %", ylabel="accuracy without noise, %")
    above.set(yscale="log", ylabel="ms for 1000 images")
    above.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    above.yaxis.set_major_formatter("{x:g}")
    above.minorticks_off()
    above.grid(alpha=0.3)
    below.legend(title="nnlite, decoupled; pruned by", fontsize=9)
    return figure
