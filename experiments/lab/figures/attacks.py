"""What attackers find."""

import numpy as np
from matplotlib.figure import Figure


def gains(networks, words):
    """Points of accuracy that each network gains over the unpruned one.

    networks   {name: {attacker: gains (seeds,)}}, fractions; a dot for each seed, the mean as a
               larger one
    words      {attacker: what the legend calls it}
    """
    figure = Figure(figsize=(8, 0.14 * len(words) * len(networks) + 1.4), layout="constrained")
    axes = figure.subplots()
    for k, (attacker, label) in enumerate(words.items()):
        for row, found in enumerate(networks.values()):
            points = 100 * np.asarray(found[attacker])
            y = row + 0.8 * ((k + 0.5) / len(words) - 0.5)
            axes.plot(points, np.full(len(points), y), ".", color=f"C{k}", alpha=0.5, ms=4)
            look = {"marker": "os^Dv"[k], "ms": 6, "color": f"C{k}", "ls": "none"}
            axes.plot(points.mean(), y, label=None if row else label, **look)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_yticks(range(len(networks)), networks, fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("points of accuracy more than the unpruned network")
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def accuracy_under_attack(curves):
    """Accuracy in the worst case of all attacks against the limit.

    curves   {title: (limits (L,), accuracies (seeds, L))}; the mean is drawn, the range shaded.
             One colour for a network, dashes for its pruned form
    """
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    networks = list(dict.fromkeys(title.partition(",")[0] for title in curves))
    for title, (limits, seeds) in curves.items():
        network, _, form = title.partition(", ")
        style = {"pruned": "--", "black and white": ":", "trained within 0.2": "-."}
        look = {"color": f"C{networks.index(network)}", "ls": style.get(form, "-")}
        axes.plot(limits, 100 * seeds.mean(axis=0), marker="o", ms=3, label=title, **look)
        low, high = 100 * seeds.min(axis=0), 100 * seeds.max(axis=0)
        axes.fill_between(limits, low, high, color=look["color"], alpha=0.15)
    axes.set(xlabel="limit, pixel units", ylabel="accuracy, % of test images", ylim=(0, 100))
    axes.set_xlim(0, None)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure


def accepted_and_wrong(rejected, panels):
    """Of all attacked images, how many are accepted and wrong, by what is rejected of clean ones.

    panels   {title: {attacker: fractions (seeds, R)}}, means are drawn
    """
    columns = min(4, len(panels))
    n_rows = -(-len(panels) // columns)
    figure = Figure(figsize=(2.6 * columns + 2.4, 2.6 * n_rows), layout="constrained")
    grid = figure.subplots(n_rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (title, attackers) in zip(grid, panels.items()):
        for k, (attacker, found) in enumerate(attackers.items()):
            look = {"color": "black", "ls": "--"} if k == len(attackers) - 1 else {"color": f"C{k}"}
            points = 100 * np.array(rejected), 100 * found.mean(axis=0)
            axes.plot(*points, marker="o^sDv<>x"[k % 8], ms=4, label=attacker, **look)
        axes.set(title=title, ylim=(0, 103), xlim=(0, None))
        axes.grid(alpha=0.3)
    for axes in grid[len(panels) - columns : len(panels)]:  # the lowest in each column
        axes.tick_params(labelbottom=True)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    figure.supxlabel("% of clean images rejected", fontsize=10)
    figure.supylabel("% accepted and wrong", fontsize=10)
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside right", fontsize=8)
    return figure


def compared(panels):
    """Networks beside each other, a panel for each question.

    panels   {question: {network: fractions (seeds,)}}, a dot for each seed
    """
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    grid = figure.subplots(2, -(-len(panels) // 2), sharey=True).ravel()
    for axes, (question, networks) in zip(grid, panels.items()):
        for row, found in enumerate(networks.values()):
            points = 100 * np.asarray(found)
            axes.plot(points, np.full(len(points), row), "o^sD"[row % 4], color=f"C{row}", ms=5)
        axes.set_yticks(range(len(networks)), networks, fontsize=8)
        axes.set_title(question, fontsize=9)
        axes.set_ylim(len(networks) - 0.5, -0.5)
        axes.grid(axis="x", alpha=0.3)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    figure.supxlabel("%", fontsize=9)
    return figure
