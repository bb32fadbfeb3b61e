"""Pruning: exact counts, ties, masks that hold under a warm Adam, scores, undo."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nnlite import SGD, Adam, Dense, Parameter, ReLU, Sequential, load, prune, quadratic, save
from nnlite.prune import keep_mask, keep_masks, magnitude, mean_activation, mean_inputs


def train(model, optimiser, steps, rng):
    for _ in range(steps):
        x = rng.normal(size=(16, 10))
        _, doutputs = quadratic(model.forward(x, train=True), (x.sum(axis=1) > 0).astype(int))
        model.backward(doutputs, input_gradient=False)
        optimiser.step()


@pytest.fixture
def model(rng):
    return Sequential([Dense(10, 20, rng=rng), ReLU(), Dense(20, 2, rng=rng)])


@pytest.fixture
def warm(model, rng):
    """A model and an Adam with l2, after 50 steps together."""
    adam = Adam(model.params, lr=1e-2, l2=1e-2)
    train(model, adam, 50, rng)
    return model, adam


def zeros(model):
    return [int(np.sum(p.value == 0)) for p in model.params]


# Masks under an optimiser


def test_pruned_weights_stay_exactly_zero_under_a_warm_adam(warm, rng):
    model, adam = warm
    masks = keep_masks(model, magnitude, 0.8)
    prune.apply(model, masks)
    assert zeros(model) == [160, 0, 32, 0]  # at once: no step is needed
    before = [p.value for p in model.params]
    train(model, adam, 50, rng)
    assert zeros(model) == [160, 0, 32, 0]
    for name, mask in masks.items():
        assert np.all(model.named_params[name].value[~mask] == 0)
    assert all(np.any(p.value != value) for p, value in zip(model.params, before))


def test_without_a_mask_the_weights_come_back(warm, rng):
    """The control: what the test above shows is the mask's doing."""
    model, adam = warm
    prune.apply(model, keep_masks(model, magnitude, 0.8))
    for p in model.params:
        p.mask = None
    train(model, adam, 1, rng)
    assert zeros(model) == [0, 0, 0, 0]


def test_with_masked_gradients_the_weights_come_back(warm, rng):
    """Why the mask multiplies the value: Adam's running means outlive a zero gradient."""
    model, adam = warm
    masks = keep_masks(model, magnitude, 0.8)
    prune.apply(model, masks)
    for p in model.params:
        p.grad = p.grad * (1 if p.mask is None else p.mask)
        p.mask = None
    adam.step()
    assert zeros(model) == [0, 0, 0, 0]


def test_masks_hold_under_sgd(model, rng):
    prune.apply(model, keep_masks(model, magnitude, 0.8))
    train(model, SGD(model.params, lr=0.1, l2=1e-2), 50, rng)
    assert zeros(model) == [160, 0, 32, 0]


def test_masks_hold_after_save_and_load(warm, rng, tmp_path):
    model, _ = warm
    prune.apply(model, keep_masks(model, magnitude, 0.8))
    save(model, tmp_path / "model.npz")
    model = load(tmp_path / "model.npz")
    assert zeros(model) == [160, 0, 32, 0]
    train(model, Adam(model.params, lr=1e-2, l2=1e-2), 50, rng)
    assert zeros(model) == [160, 0, 32, 0]


# Which weights go


def test_the_smallest_go_and_of_equals_the_first():
    scores = np.array([[3.0, 1, 2], [1, 1, 3]])
    assert np.array_equal(keep_mask(scores, 1 / 3), [[True, False, True], [False, True, True]])
    assert np.array_equal(keep_mask(scores, 4 / 6), [[True, False, False], [False, False, True]])


def test_of_many_equals_the_first_go():
    """More of them than a sort that is not stable keeps in order by chance."""
    keep = keep_mask(np.tile([1.0, 2.0], 500), 0.25)
    assert np.array_equal(np.flatnonzero(~keep), np.arange(0, 500, 2))


@given(
    scores=arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(0, 3)),
    sparsity=st.floats(0, 1),
)
def test_counts_are_exact_and_the_kept_score_highest(scores, sparsity):
    keep = keep_mask(scores, sparsity, allow_empty=True)
    assert keep.dtype == bool and keep.shape == scores.shape
    assert np.sum(~keep) == round(sparsity * scores.size)
    assert not keep.any() or keep.all() or scores[keep].min() >= scores[~keep].max()


@given(
    scores=arrays(float, (4, 6), elements=st.sampled_from([0.0, 1.0, 2.0])),
    sparsities=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
def test_ties_are_broken_the_same_way_at_every_sparsity(scores, sparsities):
    """More sparsity only ever takes more away, however many scores are equal."""
    keep = [keep_mask(scores, sparsity, allow_empty=True) for sparsity in sparsities]
    assert np.all(keep[0] | ~keep[1])


def test_each_layer_is_pruned_to_the_sparsity(model):
    masks = keep_masks(model, magnitude, 0.75)
    assert list(masks) == ["0.w", "2.w"]
    assert [int(np.sum(~mask)) for mask in masks.values()] == [150, 30]
    for name, mask in masks.items():
        size = np.abs(model.named_params[name].value)
        assert size[mask].min() >= size[~mask].max()


def test_weights_pruned_before_go_first(model):
    first = np.ones((10, 20), bool)
    first[3] = False
    model.params[0].value = np.where(first, model.params[0].value, 9).astype(np.float32)
    prune.apply(model, {"0.w": first})
    model.params[0].value[3] = 9  # the mask says that they are gone, whatever their value
    mask = keep_masks(model, magnitude, 0.5)["0.w"]
    assert np.sum(~mask) == 100 and not mask[3].any()


def test_a_layer_is_not_emptied_unless_allowed():
    with pytest.raises(ValueError, match=r"sparsity 0\.9 would empty a layer of 4 weights.*allow_"):
        keep_mask(np.ones((2, 2)), 0.9)
    assert not keep_mask(np.ones((2, 2)), 0.9, allow_empty=True).any()


def test_keep_masks_passes_allow_empty_on(model):
    with pytest.raises(ValueError, match="would empty a layer of 200"):
        keep_masks(model, magnitude, 1)
    assert not keep_masks(model, magnitude, 1, allow_empty=True)["2.w"].any()


@pytest.mark.parametrize("sparsity", [-0.1, 1.01, float("nan"), "all", True])
def test_a_sparsity_outside_its_range_is_named(sparsity):
    with pytest.raises(ValueError, match=rf"sparsity is {sparsity!r}; .*\[0, 1\]"):
        keep_mask(np.ones((2, 2)), sparsity)


def test_scores_that_are_nan_are_refused():
    with pytest.raises(ValueError, match="scores are nan"):
        keep_mask(np.array([1, np.nan, 2]), 0.3)


# Apply and undo


def test_undo_restores_every_bit(warm):
    model, _ = warm
    prune.apply(model, keep_masks(model, magnitude, 0.3))
    before = [(p.value.copy(), p.mask) for p in model.params]
    saved = prune.apply(model, keep_masks(model, magnitude, 0.8))
    assert zeros(model) == [160, 0, 32, 0]
    prune.undo(model, saved)
    for p, (value, mask) in zip(model.params, before):
        assert np.array_equal(p.value, value)
        assert np.array_equal(p.mask, mask) if mask is not None else p.mask is None


def test_masks_intersect(model, rng):
    a, b = rng.random((2, 10, 20)) < 0.5
    values = model.params[0].value.copy()
    prune.apply(model, {"0.w": a})
    prune.apply(model, {"0.w": b})
    assert np.array_equal(model.params[0].mask, a & b)
    assert np.array_equal(model.params[0].value, np.where(a & b, values, 0))


def test_apply_writes_into_nothing_it_was_given(model, rng):
    mask, value = rng.random((10, 20)) < 0.5, model.params[0].value
    mask.setflags(write=False)
    value.setflags(write=False)
    prune.apply(model, {"0.w": mask})
    prune.apply(model, {"0.w": ~mask})
    assert np.any(value != 0) and not model.params[0].value.any()


@pytest.mark.parametrize("mask", [np.ones((20, 10), bool), np.ones((10, 20)), np.ones(20, bool)])
def test_a_mask_that_does_not_fit_is_refused(mask, model):
    with pytest.raises(ValueError, match=rf"shape \(10, 20\).*got {mask.dtype} of shape"):
        prune.apply(model, {"0.w": mask})


def test_where_one_mask_does_not_fit_none_is_applied(model):
    """Otherwise the model is half pruned, and what undo needs is lost."""
    before = [p.value for p in model.params]
    with pytest.raises(ValueError, match=r"shape \(20, 2\)"):
        prune.apply(model, {"0.w": np.zeros((10, 20), bool), "2.w": np.zeros((2, 20), bool)})
    for p, value in zip(model.params, before):
        assert p.mask is None and np.array_equal(p.value, value)


def test_a_mask_of_a_parameter():
    p = Parameter(np.array([1.0, 0.0, 2.0, 0.0]))
    assert p.mask is None and p.sparsity == 0.5
    p.mask = [True, False, True, True]
    assert np.array_equal(p.mask, [True, False, True, True])
    p.mask = None
    assert p.mask is None


# Scores


def test_magnitude_is_the_absolute_value():
    assert np.array_equal(magnitude(np.array([[-2.0, 1.0]])), [[2, 1]])


def test_mean_activation_equals_the_loop_of_the_posts(network, images):
    """Zeros; add w * x of each image; divide by their number."""
    model = network.astype(np.float64)
    inputs = mean_inputs(model, images, batch_size=3)
    x = images
    for i, layer in enumerate(model.layers):
        if isinstance(layer, Dense):
            mean = np.zeros_like(layer.w.value)
            for row in x:
                mean += layer.w.value * row[:, None]
            mean /= len(x)
            score = mean_activation(layer.w.value, inputs[f"{i}.w"])
            assert np.allclose(score, np.abs(mean), rtol=1e-12, atol=1e-15)
        x = layer.forward(x)
    assert list(inputs) == ["3.w", "6.w"]


@pytest.mark.parametrize("batch_size", [1, 3, 8, 100])
def test_mean_inputs_do_not_depend_on_the_batch_size(batch_size, network, images):
    a, b = mean_inputs(network, images), mean_inputs(network, images, batch_size)
    for name in a:
        assert a[name].dtype == np.float32
        assert np.allclose(a[name], b[name], rtol=1e-6, atol=1e-7)


def test_keep_masks_scores_each_layer_with_its_own_inputs(model, rng):
    inputs = mean_inputs(model, rng.normal(size=(50, 10)))
    masks = keep_masks(model, mean_activation, 0.5, inputs)
    for name, mask in masks.items():
        score = np.abs(model.named_params[name].value * inputs[name][:, None])
        assert np.array_equal(mask, keep_mask(score, 0.5))


def test_mean_activation_without_inputs_names_the_remedy(model):
    with pytest.raises(ValueError, match="mean_inputs"):
        keep_masks(model, mean_activation, 0.5)


def test_mean_inputs_of_no_images_are_refused(model):
    with pytest.raises(ValueError, match=r"0 images|no images"):
        mean_inputs(model, np.ones((0, 10)))


def test_pruning_a_model_writes_into_nothing(model, rng):
    images = rng.normal(size=(5, 10))
    images.setflags(write=False)
    for p in model.params:
        p.value.setflags(write=False)
    keep_masks(model, mean_activation, 0.5, mean_inputs(model, images))
    scores = np.array([3.0, 1, 2])
    scores.setflags(write=False)
    assert np.array_equal(keep_mask(scores, 1 / 3), [True, False, True])
