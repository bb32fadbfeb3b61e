"""Pruning: exact counts, ties, masks that hold under a warm Adam, scores, undo."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nnlite import (
    SGD,
    Adam,
    Conv2D,
    Dense,
    Parameter,
    ReLU,
    Sequential,
    load,
    prune,
    quadratic,
    save,
)
from nnlite.prune import (
    combine,
    compensate,
    fluctuation,
    fraction_removed,
    input_statistics,
    keep_mask,
    keep_masks,
    magnitude,
    mean_absolute_activation,
    mean_activation,
    random,
    scores,
    signed_mean_activation,
    wanda,
)


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
    masks = keep_masks(scores(model, magnitude), 0.8)
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
    prune.apply(model, keep_masks(scores(model, magnitude), 0.8))
    for p in model.params:
        p.mask = None
    train(model, adam, 1, rng)
    assert zeros(model) == [0, 0, 0, 0]


def test_with_masked_gradients_the_weights_come_back(warm, rng):
    """Why the mask multiplies the value: Adam's running means outlive a zero gradient."""
    model, adam = warm
    masks = keep_masks(scores(model, magnitude), 0.8)
    prune.apply(model, masks)
    for p in model.params:
        p.grad = p.grad * (1 if p.mask is None else p.mask)
        p.mask = None
    adam.step()
    assert zeros(model) == [0, 0, 0, 0]


def test_masks_hold_under_sgd(model, rng):
    prune.apply(model, keep_masks(scores(model, magnitude), 0.8))
    train(model, SGD(model.params, lr=0.1, l2=1e-2), 50, rng)
    assert zeros(model) == [160, 0, 32, 0]


def test_masks_hold_after_save_and_load(warm, rng, tmp_path):
    model, _ = warm
    prune.apply(model, keep_masks(scores(model, magnitude), 0.8))
    save(model, tmp_path / "model.npz")
    model = load(tmp_path / "model.npz")
    assert zeros(model) == [160, 0, 32, 0]
    train(model, Adam(model.params, lr=1e-2, l2=1e-2), 50, rng)
    assert zeros(model) == [160, 0, 32, 0]


# Which weights go


def test_the_smallest_go_and_of_equals_the_first():
    a = np.array([[3.0, 1, 2], [1, 1, 3]])
    assert np.array_equal(keep_mask(a, 1 / 3), [[True, False, True], [False, True, True]])
    assert np.array_equal(keep_mask(a, 4 / 6), [[True, False, False], [False, False, True]])


def test_of_many_equals_the_first_go():
    """More of them than a sort that is not stable keeps in order by chance."""
    keep = keep_mask(np.tile([1.0, 2.0], 500), 0.25)
    assert np.array_equal(np.flatnonzero(~keep), np.arange(0, 500, 2))


@given(
    a=arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(0, 3)),
    sparsity=st.floats(0, 1),
)
def test_counts_are_exact_and_the_kept_score_highest(a, sparsity):
    keep = keep_mask(a, sparsity)
    assert keep.dtype == bool and keep.shape == a.shape
    assert np.sum(~keep) == round(sparsity * a.size)
    assert not keep.any() or keep.all() or a[keep].min() >= a[~keep].max()


@given(
    a=arrays(np.float32, (5, 4), elements=st.sampled_from([-np.inf, 0.0, 1.0, 2.0])),
    sparsity=st.floats(0, 1),
)
def test_what_goes_is_what_a_stable_sort_puts_first(a, sparsity):
    order = np.argsort(a, axis=None, kind="stable")
    gone = np.flatnonzero(~keep_mask(a, sparsity))
    assert set(gone) == set(order[: round(sparsity * a.size)])


@given(
    a=arrays(float, (4, 6), elements=st.sampled_from([0.0, 1.0, 2.0])),
    sparsities=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
def test_ties_are_broken_the_same_way_at_every_sparsity(a, sparsities):
    """More sparsity only ever takes more away, however many scores are equal."""
    keep = [keep_mask(a, sparsity) for sparsity in sparsities]
    assert np.all(keep[0] | ~keep[1])


def test_each_layer_is_pruned_to_the_sparsity(model):
    masks = keep_masks(scores(model, magnitude), 0.75)
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
    mask = keep_masks(scores(model, magnitude), 0.5)["0.w"]
    assert np.sum(~mask) == 100 and not mask[3].any()


def test_a_layer_is_not_emptied_unless_allowed(model):
    a = scores(model, magnitude)
    with pytest.raises(ValueError, match=r"all 200 weights of 0\.w would go.*allow_empty"):
        keep_masks(a, 1)
    assert not keep_masks(a, 1, allow_empty=True)["2.w"].any()


def test_whole_network_takes_the_smallest_wherever_they_are():
    a = {"0.w": np.array([[1.0, 4.0], [3.0, 9.0]]), "2.w": np.array([[2.0, 3.0]])}
    masks = keep_masks(a, 0.5, whole_network=True)
    assert np.array_equal(masks["0.w"], [[False, True], [False, True]])  # of equals the first
    assert np.array_equal(masks["2.w"], [[False, True]])
    assert fraction_removed(masks) == 0.5
    with pytest.raises(ValueError, match=r"all 2 weights of 2\.w would go"):
        keep_masks(a, 4 / 6, whole_network=True)
    assert not keep_masks(a, 4 / 6, whole_network=True, allow_empty=True)["2.w"].any()


def test_combine_removes_what_either_removes():
    a, b = np.array([[True, True], [False, False]]), np.array([[True, False], [True, False]])
    both = combine({"0.w": a}, {"0.w": b})
    assert np.array_equal(both["0.w"], [[True, False], [False, False]])
    assert fraction_removed(both) == 0.75
    with pytest.raises(ValueError, match=r"all 4 weights of 0\.w would go"):
        combine({"0.w": a}, {"0.w": ~a})
    assert not combine({"0.w": a}, {"0.w": ~a}, allow_empty=True)["0.w"].any()
    with pytest.raises(ValueError, match=r"0\.w and for 0\.w, 2\.w"):
        combine({"0.w": a}, {"0.w": a, "2.w": b})


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
    prune.apply(model, keep_masks(scores(model, magnitude), 0.3))
    before = [(p.value.copy(), p.mask) for p in model.params]
    saved = prune.apply(model, keep_masks(scores(model, magnitude), 0.8))
    assert zeros(model) == [160, 0, 32, 0]
    prune.undo(model, saved)
    for p, (value, mask) in zip(model.params, before):
        assert np.array_equal(p.value, value)
        assert np.array_equal(p.mask, mask) if mask is not None else p.mask is None


def test_undo_of_another_models_weights_changes_nothing(warm, rng):
    model, _ = warm
    before = [p.value for p in model.params]
    other = Sequential([Dense(10, 20, rng=rng), ReLU(), Dense(20, 3, rng=rng)])
    saved = prune.apply(other, keep_masks(scores(other, magnitude), 0.3))
    for wrong in (saved, {"0.w": 1}, {"9.w": saved["0.w"]}, {"0.w": ()}):
        with pytest.raises(ValueError, match="than the model; pass what apply returned"):
            prune.undo(model, wrong)
    assert all(p.value is value for p, value in zip(model.params, before))


@pytest.mark.parametrize("error", [None, ZeroDivisionError, KeyboardInterrupt])
def test_applied_prunes_inside_the_with_only(error, warm, rng):
    model, _ = warm
    prune.apply(model, {"0.w": rng.random((10, 20)) < 0.9})
    before = [(p.value.copy(), p.mask) for p in model.params]
    ended = pytest.raises(error) if error else contextlib.nullcontext()
    with ended, prune.applied(model, keep_masks(scores(model, magnitude), 0.8)) as pruned:
        assert pruned is model and zeros(model) == [160, 0, 32, 0]
        model.params[0].value = model.params[0].value + 1  # whatever happens
        if error:
            raise error
    for p, (value, mask) in zip(model.params, before):
        assert np.array_equal(p.value, value)
        assert np.array_equal(p.mask, mask) if mask is not None else p.mask is None


def test_applied_within_applied(model, rng):
    a, b = rng.random((2, 10, 20)) < 0.5
    before = model.params[0].value
    with prune.applied(model, {"0.w": a}), prune.applied(model, {}):
        with prune.applied(model, {"0.w": b}):
            assert np.array_equal(model.params[0].mask, a & b)
        assert np.array_equal(model.params[0].mask, a)
    assert model.params[0].value is before and model.params[0].mask is None


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
    with pytest.raises(ValueError, match=r"'3\.w'; there are 0\.w, 0\.b"):
        with prune.applied(model, {"0.w": np.zeros((10, 20), bool), "3.w": None}):
            pytest.fail("applied")
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


@pytest.fixture
def seen(network, images):
    """(layer name, weights, inputs, statistics) of each dense layer, in float64."""
    model, x, found = network.astype(np.float64), images.astype(np.float64), []
    statistics = input_statistics(model, images, batch_size=3)
    for i, layer in enumerate(model.layers):
        if isinstance(layer, Dense):
            found.append((f"{i}.w", layer.w.value, x, statistics[f"{i}.w"]))
        x = layer.forward(x)
    assert [name for name, *_ in found] == list(statistics) == ["3.w", "6.w"]
    return found


def loop_of_the_posts(w, x, each):
    """Zeros; add `each` of w * x, image by image; divide by their number."""
    mean = np.zeros_like(w)
    for row in x:
        mean += each(w * row[:, None])
    return mean / len(x)


def test_scores_equal_the_loop_of_the_posts(seen):
    for _, w, x, statistics in seen:
        mean = loop_of_the_posts(w, x, lambda activated: activated)
        close = {"rtol": 1e-12, "atol": 1e-15}
        assert np.allclose(signed_mean_activation(w, statistics), mean, **close)
        assert np.allclose(mean_activation(w, statistics), np.abs(mean), **close)
        mean = loop_of_the_posts(w, x, np.abs)
        assert np.allclose(mean_absolute_activation(w, statistics), mean, **close)
        mean = loop_of_the_posts(w, x, np.square)
        assert np.allclose(wanda(w, statistics) ** 2 / len(x), mean, **close)


def test_wanda_is_mean_activation_and_what_varies(seen):
    """S^2 / N = M^2 + w^2 var(x): a bias could repair M, not the rest."""
    for _, w, x, statistics in seen:
        s, m = wanda(w, statistics), mean_activation(w, statistics)
        assert np.allclose(s**2 / len(x), m**2 + w**2 * x.var(axis=0)[:, None], rtol=1e-10)
        assert np.allclose(statistics.variance, x.var(axis=0), rtol=1e-10, atol=1e-15)


def test_what_a_neuron_loses_with_a_weight(seen, rng):
    """Its mean falls by M, its mean square changes by S^2 / N; with M in the bias, by w^2 var."""
    for _, w, x, statistics in seen:
        i, j = rng.integers(w.shape[0]), rng.integers(w.shape[1])
        without = w.copy()
        without[i, j] = 0
        lost = (x @ w - x @ without)[:, j]
        assert np.isclose(lost.mean(), signed_mean_activation(w, statistics)[i, j])
        assert np.isclose(np.mean(lost**2), (wanda(w, statistics) ** 2 / len(x))[i, j])
        assert np.isclose(lost.var(), (w[i, j] ** 2) * statistics.variance[i], atol=1e-15)


def test_fluctuation_is_what_a_bias_cannot_repair(seen):
    """wanda^2 / N = mean_activation^2 + fluctuation^2."""
    for _, w, x, statistics in seen:
        m, f = mean_activation(w, statistics), fluctuation(w, statistics)
        assert np.allclose(f, np.abs(w) * x.std(axis=0)[:, None], rtol=1e-6, atol=1e-9)
        assert np.allclose(wanda(w, statistics) ** 2 / len(x), m**2 + f**2, rtol=1e-10)


def test_compensation_keeps_the_mean_of_every_neuron(rng):
    model = Sequential([Dense(6, 4, rng=rng)]).astype(np.float64)
    x = rng.random((50, 6))
    statistics = input_statistics(model, x)
    masks = keep_masks(scores(model, magnitude), 0.7)
    before, b = model.predict(x).mean(axis=0), model.params[1].value
    saved = compensate(model, masks, statistics)
    with prune.applied(model, masks):
        assert np.allclose(model.predict(x).mean(axis=0), before, rtol=1e-12)
    prune.undo(model, saved)
    assert model.params[1].value is b
    with prune.applied(model, masks):
        assert not np.allclose(model.predict(x).mean(axis=0), before, rtol=1e-3)


def test_compensation_leaves_pruned_biases_at_zero(rng):
    model = Sequential([Dense(6, 4, rng=rng)])
    statistics = input_statistics(model, rng.random((5, 6), dtype=np.float32))
    prune.apply(model, {"0.b": np.array([True, False, True, False])})
    compensate(model, keep_masks(scores(model, magnitude), 0.7), statistics)
    assert list(model.params[1].value != 0) == [True, False, True, False]


def test_compensation_needs_a_bias(rng):
    model = Sequential([Dense(6, 4, rng=rng)])
    masks = {"0.v": np.ones((6, 4), bool)}
    with pytest.raises(ValueError, match=r"0\.v has no bias"):
        compensate(model, masks, input_statistics(model, rng.random((5, 6), dtype=np.float32)))


def test_behind_a_relu_the_mean_of_absolute_values_is_the_same(network, images):
    statistics = input_statistics(network, images)["6.w"]
    w = network.named_params["6.w"].value
    assert np.array_equal(mean_activation(w, statistics), mean_absolute_activation(w, statistics))


def test_with_one_input_all_scores_order_alike(seen):
    """For a row of w the statistics are a common factor: only the order between rows differs."""
    for _, w, _, statistics in seen:
        row = np.argmax(statistics.mean)
        order = np.argsort(magnitude(w)[row])
        for score in (mean_activation, mean_absolute_activation, wanda):
            assert np.array_equal(np.argsort(score(w, statistics)[row]), order)


def test_signed_mean_activation_removes_what_pulls_down_most(seen):
    for _, w, _, statistics in seen:
        score = signed_mean_activation(w, statistics)
        keep = keep_mask(score, 0.2)
        assert score[~keep].max() <= score[keep].min() and score[~keep].max() < 0


def test_random_draws_from_the_generator():
    w = np.zeros((300, 20), np.float32)
    a, b = (random(np.random.default_rng(0))(w) for _ in range(2))
    assert np.array_equal(a, b) and a.dtype == np.float32 and len(np.unique(a)) > 5900
    assert not np.array_equal(a, random(np.random.default_rng(1))(w))
    with pytest.raises(ValueError, match="rng is 0"):
        random(0)


@pytest.mark.parametrize("batch_size", [1, 3, 8, 100])
def test_statistics_do_not_depend_on_the_batch_size(batch_size, network, images):
    a, b = input_statistics(network, images), input_statistics(network, images, batch_size)
    for name in a:
        assert a[name].n == b[name].n == len(images)
        for field in ("mean", "mean_abs", "mean_square"):
            one, other = getattr(a[name], field), getattr(b[name], field)
            assert one.dtype == np.float64
            assert np.allclose(one, other, rtol=1e-6, atol=1e-7)


def test_each_layer_is_scored_with_its_own_inputs(model, rng):
    statistics = input_statistics(model, rng.normal(size=(50, 10)))
    for name, a in scores(model, mean_activation, statistics).items():
        mean = statistics[name].mean[:, None]
        assert a.dtype == np.float32
        assert np.allclose(a, np.abs(model.named_params[name].value * mean), rtol=1e-6)


@pytest.mark.parametrize("score", [mean_activation, mean_absolute_activation, wanda])
def test_a_score_without_statistics_names_the_remedy(score, model):
    with pytest.raises(ValueError, match="input_statistics"):
        scores(model, score)


def test_a_score_that_is_no_function_is_refused(model):
    with pytest.raises(ValueError, match="score is 'magnitude'"):
        scores(model, "magnitude")


def test_variance_is_exact_where_the_mean_is_large(rng):
    """In float32 the squares would drown it."""
    model = Sequential([Dense(4, 2, rng=rng)])
    x = (1 + 1e-4 * rng.normal(size=(1000, 4))).astype(np.float32)
    found = input_statistics(model, x)["0.w"].variance
    assert np.allclose(found, x.astype(float).var(axis=0), rtol=1e-3)
    x[:, 0] = 3.7
    assert input_statistics(model, x)["0.w"].deviation[0] < 1e-6


def test_what_does_not_belong_together_is_refused(model, rng):
    statistics = input_statistics(Sequential([Dense(10, 3, rng=rng)]), np.ones((2, 10)))
    with pytest.raises(ValueError, match=r"statistics are of 0\.w, weights 0\.w, 2\.w"):
        scores(model, mean_activation, statistics)
    with pytest.raises(ValueError, match="no scores"):
        keep_masks({}, 0.5)
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        combine({"0.w": np.ones((2, 2), bool)}, {"0.w": np.ones(2, bool)})
    with pytest.raises(ValueError, match="batch_size is 0"):
        input_statistics(model, np.ones((2, 10)), batch_size=0)
    assert fraction_removed({}) == fraction_removed({0: np.ones(0, bool)}) == 0
    with pytest.raises(ValueError, match="masks for 0, 1 and for 0 differ"):
        combine({0: np.ones(2, bool), 1: np.ones(2, bool)}, {0: np.ones(2, bool)})
    with pytest.raises(ValueError, match="0 has no bias"):
        compensate(model, {0: np.ones((10, 20), bool)}, {})


def test_statistics_of_no_images_are_refused(model):
    with pytest.raises(ValueError, match=r"0 images|no images"):
        input_statistics(model, np.ones((0, 10)))


def test_a_model_without_dense_weights_is_named(rng):
    for layers in ([ReLU()], [Conv2D(1, 2, 3, rng=rng)]):
        with pytest.raises(ValueError, match=r"no layer has a Parameter w \(n_in, n_out\)"):
            scores(Sequential(layers), magnitude)


def test_after_statistics_there_is_no_backward_of_what_was_before(model):
    model.forward(np.ones((2, 10)))
    input_statistics(model, np.ones((3, 10)))
    with pytest.raises(ValueError, match="backward before forward"):
        model.backward(np.ones((2, 2)))


def test_pruning_a_model_writes_into_nothing(model, rng):
    images = rng.normal(size=(5, 10))
    images.setflags(write=False)
    for p in model.params:
        p.value.setflags(write=False)
    found = scores(model, mean_activation, input_statistics(model, images))
    for values in found.values():
        values.setflags(write=False)
    keep_masks(found, 0.5)
    keep_masks(found, 0.5, whole_network=True)
