"""Ways of making noise."""

from matplotlib.figure import Figure


def success_against_steps(ways):
    """How often noise gets its way, against the steps it was trained for.

    ways   {(step, loss, l2): {steps: success}}; one panel for each loss
    """
    losses = list(dict.fromkeys(loss for _, loss, _ in ways))
    kinds = list(dict.fromkeys(step for step, _, _ in ways))
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels = figure.subplots(1, len(losses), sharey=True, squeeze=False)[0]
    for (step, loss, l2), success in ways.items():
        style = {"color": f"C{kinds.index(step)}", "ls": "--" if l2 else "-", "marker": "o"}
        label = f"{step} steps" + (f", l2 {l2:g}" if l2 else "")
        panels[losses.index(loss)].plot(*zip(*success.items()), ms=4, label=label, **style)
    for axes, loss in zip(panels, losses):
        axes.set(xscale="log", xlabel="steps of 250 images", title=loss.replace("_", " "))
        axes.set(ylim=(0, 1))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("other classes read as the target")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right", fontsize=8)
    return figure
