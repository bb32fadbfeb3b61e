"""A network that was pruned in PyTorch, computed by SparseNetwork: outputs and times of both.

The times are for 256 images, the best of ten, each on the threads that it takes by itself.
"""

import time

import numpy as np
import torch
from agreement import digits
from pytorch import from_torch
from torch.nn.utils import prune

from nnlite.sparse import SparseNetwork


def pruned(sparsity):
    """784-1500-1000-800-10 without the smallest weights."""
    torch.manual_seed(0)
    sizes = (784, 1500), (1500, 1000), (1000, 800), (800, 10)
    linear = [torch.nn.Linear(*size) for size in sizes]
    weights = [(module, "weight") for module in linear]
    prune.global_unstructured(weights, prune.L1Unstructured, amount=sparsity)
    layers = [layer for module in linear for layer in (module, torch.nn.ReLU())]
    return torch.nn.Sequential(*layers[:-1]).eval()


def milliseconds(function, *args):
    """The best of ten calls, after one that warms up."""
    times = []
    for _ in range(11):
        start = time.perf_counter()
        function(*args)
        times.append(time.perf_counter() - start)
    return 1000 * min(times[1:])


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    images = rng.random((256, 784), dtype=np.float32)
    tensor = torch.from_numpy(images)
    for sparsity in (0.8, 0.9, 0.95):
        module = pruned(sparsity)
        network = SparseNetwork(from_torch(module, (784,), rng))
        for weights in module[::2]:
            prune.remove(weights, "weight")  # or PyTorch multiplies by the mask in every pass
        with torch.no_grad():
            theirs, slow = module(tensor).numpy(), milliseconds(module, tensor)
        agree, fast = digits(network.predict(images), theirs), milliseconds(network.predict, images)
        print(f"{sparsity:.0%} pruned: {agree}, PyTorch {slow:.2f} ms, SparseNetwork {fast:.2f} ms")
