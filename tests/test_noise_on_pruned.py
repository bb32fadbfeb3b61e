"""experiments/noise_on_pruned.py on a small scale: whose noise it is, and of what."""

from dataclasses import replace

import noise_on_pruned
import numpy as np
import pytest
from lab import banks, nets, pruning
from lab.attacked import under_noise
from noise_on_pruned import Attacked
from small import NETS, NOISE

from nnlite import prune

CONFIG = replace(
    noise_on_pruned.STANDARD,
    ann=NETS["ann-lq"],
    cnn=NETS["cnn-lq"],
    noise=NOISE,
    ann_vectors=((3, 0.20), (8, 0.20)),
)


@pytest.fixture(scope="module")
def network(few_digits, runs):
    return nets.trained("ann-lq", CONFIG.ann, few_digits, 0, runs)


def test_noise_made_anew_is_that_of_the_pruned_network(network, few_digits, runs):
    row = Attacked("ann", 0, "magnitude", 0.7).compute(CONFIG, few_digits, runs)
    masks = prune.keep_masks(prune.scores(network.model, prune.magnitude), 0.7)
    assert row["clean"] == pruning.pruned_accuracy(network.model, masks, few_digits.test)
    bank = banks.bank(network, few_digits, runs, NOISE)
    with prune.applied(network.model, masks):
        for pair, replayed in zip(CONFIG.ann_vectors, row["replayed"]):
            assert replayed == under_noise(network.model, *few_digits.test, pair[0], bank[pair])
    replayed, anew = (np.mean([v["success"] for v in row[kind]]) for kind in ("replayed", "anew"))
    assert anew > replayed


def test_noise_of_the_unpruned_network_is_one_noise(few_digits, runs):
    row = Attacked("ann", 0).compute(CONFIG, few_digits, runs)
    assert row["replayed"] == row["anew"] and len(row["anew"]) == 2


def test_a_network_is_whole_again_after_a_row(few_digits, runs, monkeypatch):
    network, *_ = noise_on_pruned.scored("ann-lq", CONFIG.ann, 0, CONFIG, few_digits, runs)
    monkeypatch.setattr(noise_on_pruned, "under_each", None)  # an error while it is pruned
    with pytest.raises(TypeError, match="not callable"):
        Attacked("ann", 0, "magnitude", 0.7).compute(CONFIG, few_digits, runs)
    assert all(p.mask is None for p in network.model.params)


def test_masks_of_one_layer_and_of_all(network):
    scores = {"magnitude": prune.scores(network.model, prune.magnitude)}
    masks = Attacked("cnn", 0, "magnitude", 0.9, layer=2).masks(scores)
    assert list(masks) == ["3.w"]
    assert prune.fraction_removed(masks) == pytest.approx(0.9, abs=1e-3)
    assert list(Attacked("ann", 0, "magnitude", 0.9).masks(scores)) == list(scores["magnitude"])
    assert Attacked("ann", 0).masks(scores) == {}


def test_other_masks_have_another_digest():
    masks = {"1.w": np.ones((3, 5), bool), "3.w": np.ones((5, 2), bool)}
    one_less = {**masks, "3.w": np.arange(10).reshape(5, 2) != 4}
    assert noise_on_pruned.digest(masks) == noise_on_pruned.digest(dict(masks))
    assert noise_on_pruned.digest(masks) != noise_on_pruned.digest(one_less)
    assert noise_on_pruned.digest(masks) != noise_on_pruned.digest({"1.w": masks["1.w"]})


def test_there_are_three_convolutional_networks_at_most():
    rows = list(noise_on_pruned.rows(CONFIG, range(5)))
    assert [row.seed for row in rows if row.network == "cnn"] == [0] * 7 + [1] * 7 + [2] * 7
    assert sum(row.network == "ann" for row in rows) == 5 * 9
