"""What noise does."""

from matplotlib.figure import Figure


def accuracy_against_limit(limits, lines, controls):
    """Accuracy under noise of growing strength: mean over the seeds, and their range.

    limits     (L,) in pixel units
    lines      {network: (L, seeds)}, accuracies;  controls: the same under random noise
    """
    figure = Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    for k, (network, accuracies) in enumerate(lines.items()):
        look = {"color": f"C{k}", "marker": "ovs^Dp"[k % 6], "ms": 5}
        axes.plot(limits, 100 * accuracies.mean(axis=1), label=network, **look)
        low, high = 100 * accuracies.min(axis=1), 100 * accuracies.max(axis=1)
        axes.fill_between(limits, low, high, color=look["color"], alpha=0.2, lw=0)
        axes.plot(limits, 100 * controls[network].mean(axis=1), ls=":", lw=1.2, **look)
    axes.plot([], [], color="black", ls=":", lw=1.2, label="random signs instead")
    axes.set(xlabel="limit, pixel units", ylabel="accuracy, % of test images", ylim=(0, 102))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    return figure
