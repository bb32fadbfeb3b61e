"""A layer of your own: its gradient is checked, and it trains like any other.

python examples/own_layer.py     a few seconds; writes results/own-layer.png
"""

from pathlib import Path

import numpy as np

import nnlite as nn
from nnlite import plots


class Softplus:
    """y = log(1 + exp(x)), a ReLU without the corner; its derivative is the sigmoid of x."""

    params, args = (), ()

    def forward(self, x, train=False):
        self.cache = x
        return np.logaddexp(0, x)

    def backward(self, dy):
        return dy / (1 + np.exp(-self.cache))


rng = np.random.default_rng(0)
print(nn.check_gradients(nn.Sequential([Softplus()]), rng.normal(size=(4, 3)), rng=rng))
digits = nn.data.load("strokes")  # or "mnist"
layers = [nn.Flatten(), nn.Dense(784, 100, rng=rng), Softplus(), nn.Dense(100, 10, rng=rng)]
model = nn.Sequential(layers)
adam = nn.Adam(model.params)
for x, labels in nn.minibatches(*digits.train, 50, rng):
    model.backward(nn.quadratic(model.forward(x), labels)[1], input_gradient=False)
    adam.step()
print(f"{nn.accuracy(model, *digits.validation):.1%} of the validation images right")
filters = model.params[0].value.T.reshape(-1, 28, 28)  # what each of the 100 looks for
Path("results").mkdir(exist_ok=True)
plots.save_figure(plots.digits(0.5 + 2 * filters), "results/own-layer.png")
