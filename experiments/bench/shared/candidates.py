"""Pruned networks, their outputs computed by nnlite, SciPy, NumPy, PyTorch, ONNX Runtime, OpenVINO.

Each candidate is a function of nothing that computes the outputs for the images of a case.
Libraries are imported by the functions that use them: they need not be there for the others.
"""

import warnings

import numpy as np

from shared import engines
from shared.networks import (
    IMAGE,
    PRUNED,
    convolutions_and_dense,
    nnlite_model,
    pruned_weights,
    random_images,
    random_weights,
)
from shared.timing import seconds_of

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
    "cnn, dense layers pruned, batch 15": ("cnn", 0.0, 15),
    "cnn, dense layers pruned, batch 8": ("cnn", 0.0, 8),
    "cnn, dense layers pruned, batch 2": ("cnn", 0.0, 2),
    "cnn, dense layers pruned, batch 1": ("cnn", 0.0, 1),
    "cnn, unpruned, batch 1": ("unpruned cnn", 0.0, 1),
    "cnn, decoupled, convolutions 50 % pruned, batch 1000": ("cnn", 0.5, 1000),
    "cnn, decoupled, convolutions 80 % pruned, batch 1000": ("cnn", 0.8, 1000),
}
DENSE = {  # zeros are multiplied like other numbers, and convolutions are convolutions
    "PyTorch dense": engines.pytorch,
    "ONNX Runtime": engines.onnx_runtime,
    "OpenVINO": engines.openvino,
}
CANDIDATES = {
    "ann": ("nnlite", "NumPy dense", "SciPy", "PyTorch CSR", *DENSE),
    "convolutions": ("nnlite", "SciPy", "PyTorch CSR"),
    "cnn": ("nnlite", "SciPy", *DENSE),
    "unpruned cnn": ("nnlite", *DENSE),
}
SPLITS = (1000, 500, 250, 125)  # batches that the dense networks are given; the best is taken


def weights(case):
    """[(w, b), ...] of a case; convolutions are not pruned."""
    kind, zeros, _ = CASES[case]
    if kind == "ann":
        return pruned_weights("ann", (zeros,) * 4)
    if kind == "convolutions":
        return convolutions_and_dense(random_weights("cnn"))[0]
    return random_weights("cnn") if kind == "unpruned cnn" else pruned_weights("cnn", PRUNED)


def linears(case):
    """The same as CSR matrices, with zeros among the independent weights of the convolutions."""
    from nnlite.sparse import unroll

    kind, zeros, _ = CASES[case]
    layers, rng = unroll(nnlite_model(weights(case)), IMAGE), np.random.default_rng(4)
    if kind == "cnn":
        for a in (layer.matrix for layer in layers[: -len(PRUNED)]):
            a.data[rng.random(a.nnz) < zeros] = 0
            a.eliminate_zeros()
    return layers


def images(case):
    return random_images(CASES[case][2])


def nnlite_predict(case):
    """The function, and the SparseNetwork that it asks."""
    from nnlite.sparse import SparseNetwork

    kind, zeros, _ = CASES[case]
    if kind == "convolutions" or (kind == "cnn" and zeros):
        network = SparseNetwork(linears(case))
    else:  # weights of convolutions are shared: the engine may keep them so
        network = SparseNetwork(nnlite_model(weights(case)), IMAGE)
    x = images(case)
    return lambda: network.predict(x), network


def scipy_predict(case):
    layers = linears(case)
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
    layers = weights(case)
    x = images(case).reshape(CASES[case][2], -1)

    def predict():
        y = x
        for i, (w, b) in enumerate(layers):
            y = y @ w
            y += b
            if i < len(layers) - 1:
                np.maximum(y, 0, out=y)
        return y

    return predict


def torch_csr_predict(case):
    torch = engines.torch_with_threads()  # before nnlite, which `linears` imports
    layers, parts = linears(case), []
    for layer in layers:
        a = layer.matrix
        arrays = (torch.from_numpy(array) for array in (a.indptr, a.indices, a.data))
        with warnings.catch_warnings():  # "Sparse CSR tensor support is in beta state"
            warnings.simplefilter("ignore")
            csr = torch.sparse_csr_tensor(*arrays, a.shape, check_invariants=False)
        parts.append((csr, torch.from_numpy(layer.bias)[:, None], layer.relu))
    x = torch.from_numpy(images(case).reshape(CASES[case][2], -1).T.copy())

    @torch.inference_mode()
    def predict():
        y = x
        for a, bias, relu in parts:
            y = (a @ y).add_(bias)
            if relu:
                y = y.relu_()
        return y.T.numpy()

    return predict


def dense_predict(case, engine):
    """The function of the split into batches with which it is quickest."""
    w, x = weights(case), images(case)
    splits = [split for split in SPLITS if split <= len(x)] or [len(x)]
    predicts = (engine(w, np.split(x, len(x) // split)) for split in splits)
    return min(predicts, key=lambda predict: min(seconds_of(predict, 4)))


def same_network(case, candidate):
    """Whether the candidate computes the network of the case.

    The dense ones have the convolutions as they were before their weights became independent.
    """
    kind, zeros, _ = CASES[case]
    return candidate not in DENSE or kind == "ann" or not zeros


def predict_of(case, candidate):
    """The function of a candidate other than nnlite."""
    if candidate in DENSE:
        return dense_predict(case, DENSE[candidate])
    others = {
        "SciPy": scipy_predict,
        "NumPy dense": numpy_predict,
        "PyTorch CSR": torch_csr_predict,
    }
    return others[candidate](case)
