"""experiments/longer.py on a small scale: two trainings of a network, asked the same."""

from dataclasses import replace

import longer
import numpy as np
import pytest
from lab import nets
from longer import Dense, FirstLayer
from small import NETS, NOISE

import nnlite

ANN, CNN = NETS["ann-lq"], NETS["cnn-lq"]
CONFIG = replace(
    longer.PRESETS["quick"],
    anns=(ANN, replace(ANN, steps=2 * ANN.steps)),
    cnns=(CNN, replace(CNN, steps=2 * CNN.steps)),
    noise=NOISE,
    ann_vectors=((3, 0.25),),
    first_layer=(0.0, 0.95),
)


@pytest.mark.parametrize("steps", [net.steps for net in CONFIG.anns])
def test_the_dense_network_of_a_row_is_the_one_trained_so_long(steps, few_digits, runs):
    row = Dense(steps, 0).compute(CONFIG, few_digits, runs)
    trained = nets.trained("ann-lq", replace(ANN, steps=steps), few_digits, 0, runs)
    assert row["clean"][0] == trained.test_accuracy
    assert np.shape(row["eight"]) == (len(CONFIG.ann_settings), 1)
    assert row["eight"][0][0] < row["clean"][0] and 0 <= row["zero"] < 1
    assert len(row["auroc"]) == len(row["kept"]) == 2


def test_only_the_first_dense_layer_is_pruned(few_digits, runs):
    row = FirstLayer(CNN.steps, 0).compute(CONFIG, few_digits, runs)
    history = nets.trained("cnn-lq", CNN, few_digits, 0, runs).history
    assert len(row["zero"]) == len(history) and 0 <= min(row["zero"]) <= max(row["zero"]) < 1
    for none, most in row["accuracy"].values():
        assert none == row["unpruned"] != most


def test_the_authors_length_is_that_of_the_preset_paper():
    _, author = longer.PRESETS["standard"].anns
    assert author == nets.preset("ann-lq", "paper")


def test_zeros_of_all_dense_layers_are_counted(rng):
    model = nnlite.Sequential([nnlite.Dense(4, 5, rng=rng), nnlite.Dense(5, 2, rng=rng)])
    model.layers[0].w.value[:, :3] = 0
    assert longer.zero_fraction(model) == 12 / 30
