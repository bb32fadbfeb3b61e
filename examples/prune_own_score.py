"""Pruning by a score of your own: accuracy while more and more weights are removed.

python examples/prune_own_score.py     a few seconds; writes results/prune-own-score.png
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import nnlite as nn


def share(w, statistics):
    """|w| * sd(x) as a share of what its output gets: no output loses everything."""
    moved = abs(w) * statistics.deviation[:, None]
    return moved / moved.sum(axis=0)


rng, digits = np.random.default_rng(0), nn.data.load("strokes")  # or "mnist"
layers = [nn.Flatten(), nn.Dense(784, 200, rng=rng), nn.ReLU(), nn.Dense(200, 10, rng=rng)]
model = nn.Sequential(layers)
adam = nn.Adam(model.params)
for x, labels in nn.minibatches(*digits.train, 25, rng):
    model.backward(nn.quadratic(model.forward(x), labels)[1], input_gradient=False)
    adam.step()
statistics = nn.prune.input_statistics(model, digits.train.images[:2000])
sparsities, figure = np.arange(0, 1, 0.05), Figure(figsize=(6, 4))
axes = figure.subplots(subplot_kw={"xlabel": "weights removed", "ylabel": "accuracy"})
for name, score in {"share": share, "magnitude": nn.prune.magnitude}.items():
    scores, right = nn.prune.scores(model, score, statistics), []
    for sparsity in sparsities:
        with nn.prune.applied(model, nn.prune.keep_masks(scores, sparsity)):
            right.append(nn.accuracy(model, *digits.test))
    axes.plot(sparsities, right, label=f"{name}: {right[16]:.3f} at 0.8")
axes.legend()
Path("results").mkdir(exist_ok=True)
nn.plots.save_figure(figure, "results/prune-own-score.png")
print("accuracy against what is removed: results/prune-own-score.png")
