"""A pruned network run as a sparse one: the same outputs, in less time.

python examples/run_sparse.py     half a minute with compiling; writes results/run-sparse.png
"""

import timeit
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import nnlite as nn
from nnlite import plots, prune
from nnlite.sparse import SparseNetwork

rng = np.random.default_rng(0)
images = rng.random((1000, 784), dtype=np.float32)
model = nn.Sequential([nn.Dense(784, 1500, rng=rng), nn.ReLU(), nn.Dense(1500, 10, rng=rng)])
scores = prune.scores(model, prune.magnitude)
sparsities, milliseconds = [0.5, 0.7, 0.8, 0.9, 0.95], {"Sequential": [], "SparseNetwork": []}
for sparsity in sparsities:
    with prune.applied(model, prune.keep_masks(scores, sparsity)):
        network = SparseNetwork(model)
        assert np.allclose(network.predict(images), model.predict(images), atol=1e-4)
        for some in (model, network):
            seconds = timeit.repeat(lambda some=some: some.predict(images), number=1, repeat=5)
            milliseconds[type(some).__name__].append(1000 * min(seconds))
print(network)  # of the highest sparsity

figure = Figure(figsize=(6, 4))
axes = figure.subplots()
for name, line in milliseconds.items():
    axes.plot(sparsities, line, marker="o", label=name)
axes.set(xlabel="fraction of weights removed", ylabel="ms for 1000 images", ylim=(0, None))
axes.legend()
Path("results").mkdir(exist_ok=True)
plots.save_figure(figure, "results/run-sparse.png")
