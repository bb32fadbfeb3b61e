"""experiments/lab/forms.py: the networks of the second post, whole, pruned and pruned less."""

from dataclasses import replace

import numpy as np
import pytest
from lab import forms, nets, pruning
from lab.prepared import Made
from small import NETS, NOISE

import nnlite
from nnlite import prune

CONFIG = forms.Config(tuple((name, NETS[name]) for name in ("ann-lq", "cnn-lq")), NOISE)


@pytest.fixture
def network_of(few_digits, runs):
    """A function of name and form, and of a Config if need be."""
    return lambda name, form, cfg=CONFIG: forms.network(name, form, 0, cfg, few_digits, runs)


def sparsities(network):
    """Of the dense layers."""
    linear = [layer for layer in network.model.layers if hasattr(layer, "matrix")]
    return [1 - layer.density for layer in linear]


def test_all_seeds_of_dense_networks_and_the_first_of_convolutional_ones():
    seeds = (0, 1, 2, 3, 4)
    members = forms.members(CONFIG, seeds)
    assert members[:4] == [*(("ann-lq", form, 0) for form in forms.FORMS), ("ann-lq", "whole", 1)]
    assert [s for name, form, s in members if (name, form) == ("cnn-lq", "pruned")] == [0, 1, 2]
    assert len(members) == (5 + 3) * 3
    assert forms.needs(CONFIG, seeds) == [
        Made(name, NETS[name], seed, NOISE)
        for name, several in (("ann-lq", seeds), ("cnn-lq", seeds[:3]))
        for seed in several
    ]
    assert forms.seeds_of("cnn-sce", seeds) == (0,)


def test_networks_come_whole_and_pruned_as_the_posts_do(network_of):
    assert np.allclose(sparsities(network_of("ann-lq", "pruned")), 0.8, atol=1e-3)
    first, second, *last = sparsities(network_of("cnn-lq", "pruned"))
    assert np.allclose([first, second], [0.96, 0.95], atol=2e-3) and max(last, default=0) < 0.1
    assert network_of("ann-lq", "whole").removed == 0
    assert network_of("ann-lq", "pruned").removed == pytest.approx(0.8, abs=1e-3)


def test_a_pruned_network_is_a_copy(network_of, few_digits, runs):
    whole = network_of("ann-lq", "whole")
    pruned = network_of("ann-lq", "pruned")
    kept = nets.trained("ann-lq", NETS["ann-lq"], few_digits, 0, runs).model
    for p, q in zip(whole.model.params, kept.params):
        assert np.array_equal(p.value, q.value) and p.mask is None
    weights = prune.dense_weights(whole.model).values()
    for p, layer in zip(weights, pruned.model.layers, strict=True):
        left = layer.matrix.toarray().T
        assert np.array_equal(left, np.where(left != 0, p.value, 0))
    assert (pruned.name, pruned.form, pruned.seed) == ("ann-lq", "pruned", 0)
    assert pruned.bank is whole.bank


def test_pruned_less_where_the_posts_sparsity_costs_too_much(network_of, few_digits):
    whole = network_of("ann-lq", "whole").model
    cfg = replace(CONFIG, ann_sparsity=0.99)
    assert network_of("ann-lq", "pruned", cfg).removed == pytest.approx(0.99, abs=1e-3)
    less = round(network_of("ann-lq", "pruned less", cfg).removed, 2)
    scores = pruning.scores_of(whole, few_digits.train.images, 0, cfg.scored_images)

    def cost(sparsity):
        masks = prune.keep_masks(scores["mean_activation"], sparsity)
        accuracy = pruning.pruned_accuracy(whole, masks, few_digits.validation)
        return nnlite.accuracy(whole, *few_digits.validation) - accuracy

    assert cost(less) <= cfg.allowed < cost(less + 0.05)
    assert network_of("ann-lq", "pruned less", replace(cfg, ann_sparsity=0.05)) is None


def test_half_of_the_images_get_noise_of_another_class(network_of, few_digits):
    """A "network" whose outputs are the images, and the noise of another."""
    images, labels = few_digits.test
    bank = network_of("ann-lq", "whole").bank
    network = forms.Network("ann-lq", "whole", 0, nnlite.Sequential([nnlite.Flatten()]), bank)
    noisy, right, attacked = network.on_half_noisy(images, labels, 0.25)
    assert attacked.sum() == len(images) // 2
    assert np.array_equal(right, noisy.argmax(axis=1) == labels)
    noisy = noisy.reshape(images.shape)
    assert np.array_equal(noisy[~attacked], images[~attacked])
    for k in np.flatnonzero(attacked):
        others = [np.clip(images[k] + bank[c, 0.25], 0, 1) for c in range(10) if c != labels[k]]
        assert any(np.allclose(noisy[k], other) for other in others)


def test_noise_of_a_class_is_that_vector(network_of, few_digits):
    network = network_of("ann-lq", "whole")
    targets = np.arange(len(few_digits.test.labels)) % 10
    noisy = network.with_noise(few_digits.test.images, targets, 0.15)
    for k in (0, 7, 123):
        image = np.clip(few_digits.test.images[k] + network.bank[targets[k], 0.15], 0, 1)
        assert np.allclose(noisy[k], image)


def test_the_ratio_after_softmax_is_that_of_the_probabilities():
    outputs = np.log([[0.6, 0.2, 0.2], [0.5, 0.4, 0.1]])
    network = forms.Network("ann-sce", "whole", 0, None, {}, after_softmax=True)
    assert np.allclose(network.ratio(outputs), [3, 1.25])


def test_titles_group_the_rows_of_all_seeds():
    seeds = [{"network": "cnn-lq", "form": form, "seed": k} for k in (0, 1) for form in forms.FORMS]
    titled = forms.by_title(seeds)
    assert list(titled) == ["cnn-lq", "cnn-lq, pruned", "cnn-lq, pruned less"]
    assert [row["seed"] for row in titled["cnn-lq, pruned"]] == [0, 1]
    config = {"networks": [["ann-sce", {"loss": "b"}], ["cnn-lq", {"loss": "a"}]]}
    assert forms.trained_with("a", seeds, config) == seeds
    assert forms.trained_with("b", seeds, config) == []
