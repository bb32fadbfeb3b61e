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
        style = {"color": f"C{k}", "marker": "o", "ms": 4}
        axes.plot(limits, accuracies.mean(axis=1), label=network, **style)
        axes.fill_between(
            limits, accuracies.min(axis=1), accuracies.max(axis=1), color=f"C{k}", alpha=0.2, lw=0
        )
        axes.plot(limits, controls[network].mean(axis=1), color=f"C{k}", ls=":", lw=1.2)
    axes.plot([], [], color="black", ls=":", lw=1.2, label="random signs instead")
    axes.set(xlabel="limit, pixel units", ylabel="accuracy on test images", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    return figure
