"""How training went."""

from matplotlib.figure import Figure


def training_curves(histories, dashed=()):
    """Loss and validation error of several networks, along the steps of training.

    histories   {label: [{step, loss, validation_accuracy}, ...]}, one entry for each pass
    dashed      labels of those whose lines are dashed
    """
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, (label, history) in enumerate(histories.items()):
        steps = [epoch["step"] for epoch in history]
        style = {"color": f"C{k}", "ls": "--" if label in dashed else "-", "label": label}
        left.semilogy(steps, [epoch["loss"] for epoch in history], **style)
        error = [100 * (1 - epoch["validation_accuracy"]) for epoch in history]
        right.semilogy(steps, error, **style)
    left.set(xlabel="step", ylabel="training loss, each its own", title="Loss")
    right.set(xlabel="step", ylabel="wrong, %", title="Validation images")
    ticks = [0.5, 1, 2, 5, 10]
    right.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    right.set_yticks([], minor=True)
    for axes in (left, right):
        axes.grid(alpha=0.3)
    right.legend(fontsize=8)
    return figure
