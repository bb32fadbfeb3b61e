"""What PyTorch pruned, SparseNetwork computes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pytorch import from_torch
from sparse_from_pytorch import milliseconds, pruned

from nnlite.sparse import SparseNetwork


def test_a_pruned_module_and_its_sparse_network_agree(rng):
    module = pruned(0.9)
    network = SparseNetwork(from_torch(module, (784,), rng))
    x = rng.random((20, 784), dtype=np.float32)
    with torch.no_grad():
        expected = module(torch.tensor(x)).numpy()
    assert np.abs(network.predict(x) - expected).max() < 1e-6
    weights = 784 * 1500 + 1500 * 1000 + 1000 * 800 + 800 * 10
    assert network.non_zeros == round(0.1 * weights)


def test_time_is_taken_after_one_call(monkeypatch):
    calls = []
    assert milliseconds(calls.append, 1) >= 0
    assert calls == [1] * 11
