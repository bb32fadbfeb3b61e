"""Are the drawn digits a fair stand-in for MNIST?

    python experiments/strokes_on_mnist.py          two minutes, prints two numbers

A network 784-500-300-10 that has seen drawn digits alone is tested on drawn digits and on
MNIST's test images.  Nothing was chosen on the latter.
"""

import argparse

import lab  # noqa: F401  Ctrl-C in one line
import numpy as np
from tqdm import tqdm

import nnlite

EPOCHS, BATCH_SIZE, LR = 15, 100, 1e-3

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--seed", type=int, default=0, help="of weights and batches")
rng = np.random.default_rng(parser.parse_args().seed)

drawn, mnist = nnlite.data.load("strokes"), nnlite.data.load("mnist")
model = nnlite.Sequential(
    [
        nnlite.Flatten(),
        nnlite.Dense(784, 500, init="he", rng=rng),
        nnlite.ReLU(),
        nnlite.Dense(500, 300, init="he", rng=rng),
        nnlite.ReLU(),
        nnlite.Dense(300, 10, init="he", rng=rng),
    ]
)
adam = nnlite.Adam(model.params, lr=LR)
n_steps = EPOCHS * len(drawn.train.images) // BATCH_SIZE
for _ in tqdm(range(EPOCHS), desc="training", unit="epoch", disable=None):
    for x, labels in nnlite.minibatches(*drawn.train, BATCH_SIZE, rng):
        adam.lr = LR * (1 + np.cos(np.pi * adam.t / n_steps)) / 2
        _, doutputs = nnlite.softmax_cross_entropy(model.forward(x, train=True), labels)
        model.backward(doutputs, input_gradient=False)
        adam.step()

print(f"trained on {len(drawn.train.images):,} drawn digits alone, right on")
print(f"  drawn digits, test   {nnlite.accuracy(model, *drawn.test):.1%}")
print(f"  MNIST, test          {nnlite.accuracy(model, *mnist.test):.1%}")
