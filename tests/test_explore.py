"""experiments/explore.py, without a window: a figure with a canvas that draws into memory."""

import numpy as np
import pytest
from explore import Explorer, describe
from lab import forms, pruning
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from small import NETS, NOISE

from nnlite import prune

CONFIG = forms.Config(tuple(NETS.items()), NOISE)


@pytest.fixture(scope="module")
def network(few_digits, runs):
    return forms.network("ann-lq", "whole", 0, CONFIG, few_digits, runs)


@pytest.fixture
def explorer(network, few_digits):
    scores = pruning.scores_of(network.model, few_digits.train.images, 0, CONFIG.scored_images)
    figure = Figure(figsize=(8, 6))
    FigureCanvasAgg(figure)
    return Explorer(figure, network, scores["mean_activation"], few_digits.test)


def choose(explorer, **values):
    for name, value in values.items():
        explorer.sliders[name.replace("_", " ")].set_val(value)


def test_the_explorer_shows_what_the_network_says(explorer, network, few_digits):
    model, test = network.model, few_digits.test
    choose(explorer, image=0, limit=0)
    assert np.array_equal(explorer.update(), model.predict(test.images[:1])[0])

    choose(explorer, image=5, noise_asks_for=3, limit=0.25)
    image = np.clip(test.images[5] + network.bank[3, 0.25], 0, 1)
    outputs = explorer.update()
    assert np.allclose(outputs, model.predict(image[None])[0], atol=1e-6)
    assert np.allclose([bar.get_height() for bar in explorer.bars], outputs)
    assert f"a {test.labels[5]}, read as" in explorer.picture.axes.get_title()

    choose(explorer, pruned=0.9)
    with prune.applied(model, prune.keep_masks(explorer.scores, 0.9)):
        expected = model.predict(image[None])[0]
    assert np.allclose(explorer.update(), expected, atol=1e-6)
    assert all(p.mask is None for p in model.params)


def test_it_begins_with_an_image_that_is_fooled_and_finds_the_next(explorer, network, few_digits):
    images, labels = few_digits.test
    noisy = np.clip(images + network.bank[3, 0.25], 0, 1)
    right, still = (network.model.predict(x).argmax(axis=1) == labels for x in (images, noisy))
    fooled = np.flatnonzero(right & ~still)
    first, second = fooled[fooled > 0][:2]  # image 0 is looked at last
    assert explorer.sliders["limit"].val == 0.25
    assert explorer.sliders["image"].val == first
    explorer.next_fooled()
    assert explorer.sliders["image"].val == second
    choose(explorer, image=fooled[-1])
    explorer.next_fooled()  # from the beginning again
    assert explorer.sliders["image"].val == fooled[0]
    choose(explorer, limit=0)
    explorer.next_fooled()
    assert "fools no image" in explorer.picture.axes.get_title()


def test_bars_have_a_legend_and_ratios_that_are_no_numbers_are_explained(explorer, few_digits):
    axes = explorer.bars[0].axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "what it is",
        "what it is read as, if wrong",
    ]
    label = few_digits.test.labels[int(explorer.sliders["image"].val)]
    assert [bar.get_hatch() for bar in explorer.bars].index("//") == label
    assert describe(np.inf).startswith("infinite") and "only the largest" in describe(np.inf)
    assert "no output is positive" in describe(np.nan)
    assert describe(np.float32(2.5)) == "2.5"
