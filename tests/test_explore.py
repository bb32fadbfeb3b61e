"""experiments/explore.py, without a window: a figure with a canvas that draws into memory."""

import numpy as np
import pytest
from explore import Explorer
from lab import forms, pruning
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from small import NETS, NOISE

from nnlite import prune

CONFIG = forms.Config(tuple(NETS.items()), NOISE)


@pytest.fixture(scope="module")
def network(few_digits, runs):
    return forms.network("ann-lq", "whole", 0, CONFIG, few_digits, runs)


def test_the_explorer_shows_what_the_network_says(network, few_digits):
    model, test = network.model, few_digits.test
    scores = pruning.scores_of(model, few_digits.train.images, 0, CONFIG.scored_images)
    scores = scores["mean_activation"]
    figure = Figure(figsize=(8, 6))
    FigureCanvasAgg(figure)
    explorer = Explorer(figure, network, scores, test)
    assert np.array_equal(explorer.update(), model.predict(test.images[:1])[0])

    explorer.sliders["image"].set_val(5)
    explorer.sliders["noise asks for"].set_val(3)
    explorer.sliders["limit"].set_val(0.25)
    image = np.clip(test.images[5] + network.bank[3, 0.25], 0, 1)
    outputs = explorer.update()
    assert np.allclose(outputs, model.predict(image[None])[0], atol=1e-6)
    assert np.allclose([bar.get_height() for bar in explorer.bars], outputs)
    assert f"a {test.labels[5]}, read as" in explorer.picture.axes.get_title()

    explorer.sliders["pruned"].set_val(0.9)
    with prune.applied(model, prune.keep_masks(scores, 0.9)):
        expected = model.predict(image[None])[0]
    assert np.allclose(explorer.update(), expected, atol=1e-6)
    assert all(p.mask is None for p in model.params)
