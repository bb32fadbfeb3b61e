"""A first network: it learns to read drawn digits, and then shows the ones it reads wrong.

python examples/first_network.py     a few seconds; writes results/first-network.png
"""

from pathlib import Path

import numpy as np

import nnlite as nn
from nnlite import plots

rng = np.random.default_rng(0)
digits = nn.data.load("strokes")  # or "mnist"
layers = [nn.Flatten(), nn.Dense(784, 200, rng=rng), nn.ReLU(), nn.Dense(200, 10, rng=rng)]
model = nn.Sequential(layers)
adam = nn.Adam(model.params, lr=1e-3)
for epoch in range(5):
    for x, labels in nn.minibatches(*digits.train, 50, rng):
        loss, doutputs = nn.softmax_cross_entropy(model.forward(x, train=True), labels)
        model.backward(doutputs, input_gradient=False)
        adam.step()
    print(f"epoch {epoch + 1}: {nn.accuracy(model, *digits.validation):.1%} right")

images, labels = digits.validation
wrong = np.flatnonzero(model.predict(images).argmax(axis=1) != labels)[:100]
Path("results").mkdir(exist_ok=True)
plots.save_figure(plots.digits(images[wrong]), "results/first-network.png")
print("read wrong, in rows of twenty: results/first-network.png")
