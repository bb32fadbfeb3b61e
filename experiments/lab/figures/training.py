"""What training does to weights."""

from matplotlib.figure import Figure


def zero_weights(histories):
    """Fraction of each layer's weights that are exactly zero, along the steps of training.

    histories   {title: [{step, zero_weights: {layer: fraction}}, ...]}, one panel each
    """
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    panels = figure.subplots(1, len(histories), sharey=True, squeeze=False)[0]
    for axes, (title, history) in zip(panels, histories.items()):
        steps = [epoch["step"] for epoch in history]
        for k, name in enumerate(history[0]["zero_weights"]):
            zeros = [100 * epoch["zero_weights"][name] for epoch in history]
            axes.plot(steps, zeros, color=f"C{k}", label=f"layer {k + 1}")
        axes.set(xlabel="step", title=title)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    panels[0].set_ylabel("weights that are zero, %")
    return figure
