"""Fooling a network: one picture of noise that makes almost any digit a 3 to it.

python examples/fool.py     a few seconds; writes results/fool.png
"""

from pathlib import Path

import numpy as np

import nnlite as nn
from nnlite import plots
from nnlite.noise import add_noise, universal_noise

rng = np.random.default_rng(0)
digits = nn.data.load("strokes")  # or "mnist"
layers = [nn.Flatten(), nn.Dense(784, 200, rng=rng), nn.ReLU(), nn.Dense(200, 10, rng=rng)]
model = nn.Sequential(layers)
adam = nn.Adam(model.params)
for _ in range(2):
    for x, labels in nn.minibatches(*digits.train, 50, rng):
        _, doutputs = nn.softmax_cross_entropy(model.forward(x, train=True), labels)
        model.backward(doutputs, input_gradient=False)
        adam.step()

images, labels = digits.test
noise = universal_noise(model, digits.train.images, target=3, limit=0.25, rng=rng)
signs = rng.choice([-0.25, 0.25], images.shape[1:])
for name, added in {"no noise": 0 * noise, "random signs": signs, "noise for a 3": noise}.items():
    noisy = add_noise(images, added)
    read = model.predict(noisy).argmax(axis=1)
    print(f"{name:14} {np.mean(read == labels):.1%} right, {np.mean(read == 3):.1%} read as a 3")

tenth = np.array([np.flatnonzero(labels == k)[0] for k in range(10)])
shown = np.concatenate([images[tenth], noisy[tenth]])
Path("results").mkdir(exist_ok=True)
plots.save_figure(plots.digits(shown, columns=10), "results/fool.png")
