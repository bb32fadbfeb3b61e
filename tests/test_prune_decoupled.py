"""experiments/prune_decoupled.py on a small scale: against matrices with zeros put in by hand."""

from dataclasses import replace

import numpy as np
import prune_decoupled
import pytest
from lab import banks, nets
from prune_decoupled import Pruned, Timed
from small import NETS, NOISE

import nnlite
from nnlite import prune
from nnlite.noise import add_noise
from nnlite.sparse import SparseNetwork, unroll

CNN = replace(NETS["cnn-lq"], convolutions=((3, 4), (3, 2)), steps=20)
FEW = replace(NOISE, limits=(0.25,))
CONFIG = replace(
    prune_decoupled.STANDARD, network=CNN, noise=FEW, vectors=((3, 0.25),), dense=(0.6, 0.5)
)


@pytest.fixture(scope="module")
def network(few_digits, runs):
    return nets.trained("cnn-lq", CNN, few_digits, 0, runs)


@pytest.fixture(scope="module")
def image_sets(network, few_digits, runs):
    images = few_digits.test.images
    return [images, add_noise(images, banks.bank(network, few_digits, runs, FEW)[3, 0.25])]


def without_smallest(layer, sparsity):
    """The layer with the weights of smallest magnitude set to zero."""
    data = layer.matrix.data.copy()
    data[np.argsort(np.abs(data), kind="stable")[: round(sparsity * data.size)]] = 0
    matrix = layer.matrix.copy()
    matrix.data = data
    return replace(layer, matrix=matrix)


def accuracies_of(layers, image_sets, labels):
    network = SparseNetwork([replace(layer, matrix=layer.matrix.toarray()) for layer in layers])
    return [nnlite.accuracy(network, images, labels) for images in image_sets]


def test_unpruned_convolutions_are_those_of_the_network(network, image_sets, few_digits, runs):
    row = Pruned(0).compute(CONFIG, few_digits, runs)
    model, labels = network.model, few_digits.test.labels
    expected = [nnlite.accuracy(model, images, labels) for images in image_sets]
    assert row["accuracy"]["whole"] == pytest.approx(expected)
    assert row["non_zeros"] == sum(layer.matrix.nnz for layer in unroll(model, (28, 28, 1))[:2])


def test_pruned_convolutions_lose_their_smallest_weights(network, image_sets, few_digits, runs):
    first, second, *dense = unroll(network.model, (28, 28, 1))
    less = [without_smallest(layer, 0.4) for layer in (first, second)]
    cases = {None: (less, 0.6), 1: ([less[0], second], None), 2: ([first, less[1]], None)}
    for layer, (convolutions, left) in cases.items():
        row = Pruned(0, "magnitude", 0.4, layer).compute(CONFIG, few_digits, runs)
        nnz = sum(np.count_nonzero(convolution.matrix.data) for convolution in convolutions)
        assert row["non_zeros"] == nnz
        if layer is None:
            expected = accuracies_of([*convolutions, *dense], image_sets, few_digits.test.labels)
            assert row["accuracy"]["whole"] == pytest.approx(expected)
            assert nnz == pytest.approx(left * (first.matrix.nnz + second.matrix.nnz), abs=2)
        else:
            assert list(row["accuracy"]) == ["pruned"]


def test_two_dense_layers_are_pruned_the_last_is_not(network, few_digits, runs):
    _, dense, scores, _ = prune_decoupled.prepared(CONFIG, 0, few_digits, runs)
    removed = [
        1 - less.matrix.nnz / layer.matrix.nnz
        for less, layer in zip(dense["pruned"], dense["whole"])
    ]
    assert removed == pytest.approx([0.6, 0.5, 0], abs=1e-3)
    mask = prune.keep_mask(scores["mean_activation"][2], 0.6)
    assert np.array_equal(dense["pruned"][0].matrix.data, dense["whole"][0].matrix.data[mask])


def test_the_time_is_measured_in_every_run(few_digits, runs):
    row = Timed(0, "random", 0.9)
    assert not row.kept and row.compute(CONFIG, few_digits, runs)["seconds"] > 0


def test_nothing_pruned_is_computed_once():
    rows = list(prune_decoupled.rows(CONFIG, (0,)))
    pruned = [row for row in rows if isinstance(row, Pruned)]
    assert sum(row.sparsity == 0 for row in pruned) == 1
    assert len(pruned) == len(set(pruned)) == 1 + 12 * (3 + 2 * 2)
    assert len(rows) - len(pruned) == 3 * 13
