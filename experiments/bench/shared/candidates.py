"""Pruned networks, their outputs computed by nnlite, SciPy, NumPy and PyTorch.

Each candidate is a function of nothing that computes the outputs for the images of a case.
PyTorch is imported by the functions that use it: it need not be there for the others.
"""

import itertools
import os
import warnings

import numpy as np
import scipy.sparse

import nnlite
from nnlite.sparse import Convolution, Linear, SparseNetwork, decouple
from shared.timing import seconds_of

ANN = (784, 1500, 1000, 800, 10)
CONVOLUTIONS = ((1, 12, 7), (12, 15, 5), (15, 25, 3), (25, 20, 3))  # c_in, c_out, kernel
CNN = (15680, 1500, 500, 10)
PRUNED = (0.98, 0.9, 0.0)  # the dense layers of the CNN
IMAGE = (28, 28, 1)

CASES = {  # name: (network, zeros, batch)
    "ann, 90 % zeros, batch 1000": ("ann", 0.9, 1000),
    "ann, 95 % zeros, batch 1000": ("ann", 0.95, 1000),
    "ann, 80 % zeros, batch 1000": ("ann", 0.8, 1000),
    "ann, 90 % zeros, batch 16": ("ann", 0.9, 16),
    "ann, 90 % zeros, batch 1": ("ann", 0.9, 1),
    "ann, 95 % zeros, batch 16": ("ann", 0.95, 16),
    "ann, 95 % zeros, batch 1": ("ann", 0.95, 1),
    "decoupled convolutions, unpruned, batch 1000": ("convolutions", 0.0, 1000),
    "cnn, dense layers pruned, batch 1000": ("cnn", 0.0, 1000),
    "cnn, decoupled, convolutions 50 % pruned, batch 1000": ("cnn", 0.5, 1000),
    "cnn, decoupled, convolutions 80 % pruned, batch 1000": ("cnn", 0.8, 1000),
}
CANDIDATES = {
    "ann": ("nnlite", "NumPy dense", "SciPy", "PyTorch CSR", "PyTorch dense"),
    "convolutions": ("nnlite", "SciPy", "PyTorch CSR"),
    "cnn": ("nnlite", "SciPy", "PyTorch dense"),
}
SPLITS = (1000, 500, 250, 125)  # batches that PyTorch's dense network is given


def network(case):
    """[Linear, ...] with CSR matrices, and the Conv2Ds that the first of them were, unpruned."""
    kind, zeros, _ = CASES[case]
    rng = np.random.default_rng(0)

    def dense(n_in, n_out, sparsity, relu):
        w = rng.normal(0, 1 / np.sqrt(n_in * (1 - sparsity)), (n_out, n_in)).astype(np.float32)
        w[rng.random(w.shape) < sparsity] = 0
        return Linear(scipy.sparse.csr_array(w), rng.normal(size=n_out).astype(np.float32), relu)

    if kind == "ann":
        return [dense(n, m, zeros, m > 10) for n, m in itertools.pairwise(ANN)], []
    layers, convs, shape = [], [], IMAGE
    for c_in, c_out, kernel in CONVOLUTIONS:
        convs.append(nnlite.Conv2D(c_in, c_out, kernel, rng=rng, init="he"))
        a, bias = decouple(convs[-1], shape)
        a.data[rng.random(a.nnz) < zeros] = 0
        a.eliminate_zeros()
        layers.append(Linear(a, bias, True))
        shape = (28, 28, c_out)
    if kind == "cnn":
        sizes = zip(CNN, CNN[1:], PRUNED)
        layers += [dense(n, m, sparsity, m > 10) for n, m, sparsity in sizes]
    return layers, convs


def images(case):
    return np.random.default_rng(1).random((CASES[case][2], *IMAGE), dtype=np.float32)


def nnlite_predict(case):
    """The function, and the SparseNetwork that it asks."""
    kind, zeros, _ = CASES[case]
    layers, convs = network(case)
    if kind == "cnn" and not zeros:  # still shared weights: the engine may keep the convolutions
        shapes = [IMAGE, *((28, 28, conv.c_out) for conv in convs)]
        layers[:4] = [Convolution(conv, shape, True) for conv, shape in zip(convs, shapes)]
    sparse = SparseNetwork(layers)
    x = images(case)
    return lambda: sparse.predict(x), sparse


def scipy_predict(case):
    layers, _ = network(case)
    x = images(case).reshape(CASES[case][2], -1).T.copy()

    def predict():
        y = x
        for layer in layers:
            y = layer.matrix @ y
            y += layer.bias[:, None]
            if layer.relu:
                np.maximum(y, 0, out=y)
        return y.T

    return predict


def numpy_predict(case):
    layers, _ = network(case)
    layers = [(layer.matrix.toarray().T.copy(), layer.bias, layer.relu) for layer in layers]
    x = images(case).reshape(CASES[case][2], -1)

    def predict():
        y = x
        for w, bias, relu in layers:
            y = y @ w
            y += bias
            if relu:
                np.maximum(y, 0, out=y)
        return y

    return predict


def torch_csr_predict(case):
    import torch

    layers, _ = network(case)
    parts = []
    for layer in layers:
        a = layer.matrix
        arrays = (torch.from_numpy(array) for array in (a.indptr, a.indices, a.data))
        with warnings.catch_warnings():  # "Sparse CSR tensor support is in beta state"
            warnings.simplefilter("ignore")
            csr = torch.sparse_csr_tensor(*arrays, a.shape, check_invariants=False)
        parts.append((csr, layer))
    biases = [torch.from_numpy(layer.bias)[:, None] for layer in layers]
    x = torch.from_numpy(images(case).reshape(CASES[case][2], -1).T.copy())

    def predict():
        y = x
        for (a, layer), bias in zip(parts, biases):
            y = (a @ y).add_(bias)
            if layer.relu:
                y = y.relu_()
        return y.T.numpy()

    return predict


def torch_dense_predict(case, split):
    """The dense network; for the cnn the convolutions themselves, unpruned."""
    import torch
    from torch import nn

    class Flatten(nn.Module):
        """In the order row, column, channel, in which channels-last images lie: no copy."""

        def forward(self, x):
            return x.permute(0, 2, 3, 1).flatten(1)

    layers, convs = network(case)
    modules = []
    for conv in convs:
        module = nn.Conv2d(conv.c_in, conv.c_out, conv.kernel, padding="same")
        module.weight.data = torch.from_numpy(conv.w.value.transpose(3, 2, 0, 1).copy())
        module.bias.data = torch.from_numpy(conv.b.value)
        modules += [module, nn.ReLU()]
    modules.append(Flatten())
    for layer in layers[len(convs) :]:
        module = nn.Linear(*layer.matrix.shape[::-1])
        module.weight.data = torch.from_numpy(layer.matrix.toarray())
        module.bias.data = torch.from_numpy(layer.bias)
        modules += [module, nn.ReLU()] if layer.relu else [module]
    model = nn.Sequential(*modules).to(memory_format=torch.channels_last)
    x = torch.from_numpy(images(case)).permute(0, 3, 1, 2)
    x = x.to(memory_format=torch.channels_last)
    return lambda: torch.cat([model(part) for part in x.split(split)]).numpy()


def predict_of(case, candidate):
    """The function of a candidate other than nnlite."""
    if not candidate.startswith("PyTorch"):
        return {"SciPy": scipy_predict, "NumPy dense": numpy_predict}[candidate](case)
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_flush_denormal(True)
    inference = torch.inference_mode()
    if candidate == "PyTorch CSR":
        return inference(torch_csr_predict(case))
    splits = [split for split in SPLITS if split <= CASES[case][2]] or [CASES[case][2]]
    predicts = [inference(torch_dense_predict(case, split)) for split in splits]
    return min(predicts, key=lambda predict: min(seconds_of(predict, 4)))
