"""The ratio of the two largest outputs, and thresholds, against counting by hand."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics

from nnlite.confidence import (
    SCORES,
    accepted_and_wrong,
    auroc,
    average_precision,
    continuous_ratio,
    fpr_at_tpr,
    fraction_below,
    fraction_kept,
    margin,
    max_probability,
    negative_distance,
    negative_energy,
    negative_entropy,
    negative_offset,
    probability_ratio,
    risk_coverage_area,
    threshold_at,
    top_two_ratio,
)
from nnlite.losses import one_hot

INF, NAN = np.inf, np.nan
numbers = st.floats(allow_nan=False)
scores = arrays(float, st.integers(1, 30), elements=numbers | st.sampled_from([1.0, 2.0]))


@pytest.mark.parametrize(
    "outputs, ratio",
    [
        ([0.2, 0.8, 0.1], 4),
        ([0.5, 0.25, -3], 2),
        ([3, 3, 1], 1),
        ([0.5, 0], INF),
        ([0.5, -0.1, -2], INF),
        ([0, 0], NAN),
        ([0, -1], NAN),
        ([-1, -2, -4], NAN),
        ([INF, 2], INF),
        ([INF, INF], NAN),
        ([NAN, 2, 1], NAN),
        ([1e300, 1e-300], INF),
    ],
)
def test_ratio_of_known_outputs(outputs, ratio):
    assert np.array_equal(top_two_ratio(np.array([outputs], float)), [ratio], equal_nan=True)


def test_ratio_of_whole_numbers_and_lists():
    """Counts of votes, say."""
    assert np.array_equal(top_two_ratio([[1, 3, 2], [0, 0, 4]]), [1.5, INF])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ratio_keeps_the_dtype_and_the_outputs(dtype):
    outputs = np.array([[1, 2, 4], [1, 5, 1]], dtype)
    outputs.setflags(write=False)
    ratio = top_two_ratio(outputs)
    assert ratio.dtype == dtype and np.array_equal(ratio, [2, 5])


def test_ratio_of_no_images():
    assert top_two_ratio(np.ones((0, 3))).shape == (0,)


@pytest.mark.parametrize("outputs", [np.ones((3, 1)), np.ones(3), np.ones((2, 3, 4))])
def test_ratio_refuses_other_shapes(outputs):
    with pytest.raises(ValueError, match=r"outputs have shape \(.*\); \(N, n_out >= 2\)"):
        top_two_ratio(outputs)


@pytest.mark.parametrize(
    "keep, threshold",
    [(1, 1), (0.8, 2), (0.75, 2), (0.6, 3), (0.41, 3), (0.3, 3), (0.2, 4), (0.1, 4), (1e-12, 4)],
)
def test_threshold_of_known_scores(keep, threshold):
    """Five scores, the 3 twice: kept are 5, 4, 3 or 1 of them."""
    assert threshold_at([3, 1, 4, 2, 3], keep) == threshold


@given(scores=scores, keep=st.floats(0, 1, exclude_min=True))
@example(scores=np.arange(10.0), keep=0.3)  # 3 / 10 is exactly this float
@example(scores=np.arange(10.0), keep=0.1 + 0.2)  # and this is the next, so that 3 are too few
@example(scores=np.arange(100.0), keep=0.07)
@example(scores=np.arange(3.0), keep=1e-12)
def test_threshold_is_the_highest_that_keeps_enough(scores, keep):
    threshold = threshold_at(scores, keep)
    assert np.mean(scores >= threshold) >= keep
    higher = scores[scores > threshold]
    assert higher.size == 0 or np.mean(scores >= higher.min()) < keep


def test_threshold_counts_nan_as_lowest():
    assert threshold_at([NAN, 3, 1, NAN], 0.25) == 3
    assert threshold_at([NAN, 3, 1, NAN], 0.5) == 1


def test_threshold_is_a_float_and_leaves_the_scores_alone():
    scores = np.array([2, 3, 1], np.float32)
    scores.setflags(write=False)
    assert type(threshold_at(scores, 0.5)) is float


@given(
    scores=arrays(float, st.integers(1, 30), elements=st.floats() | st.sampled_from([1.0, 2.0])),
    threshold=st.floats() | st.sampled_from([1.0, 2.0]),
)
@example(scores=np.array([NAN, 1.0]), threshold=-INF)
def test_fraction_kept_equals_counting(scores, threshold):
    """nan is never kept, not even by -inf."""
    assert fraction_kept(scores, threshold) == np.mean(scores >= threshold)


@given(scores=scores, thresholds=arrays(float, st.integers(0, 5), elements=numbers))
def test_fraction_kept_of_many_thresholds(scores, thresholds):
    expected = [fraction_kept(scores, threshold) for threshold in thresholds]
    assert np.array_equal(fraction_kept(scores, thresholds), expected)


def test_fraction_kept_of_no_scores_is_nan():
    assert np.isnan(fraction_kept([], 1.0))
    assert np.array_equal(fraction_kept([], [1.0, 2.0]), [NAN, NAN], equal_nan=True)


@pytest.mark.parametrize("keep", [0, -0.5, 1.5, 2, NAN, "half"])
def test_a_keep_outside_its_range_is_named(keep):
    with pytest.raises(ValueError, match=rf"keep is {keep!r}; .*\(0, 1\]"):
        threshold_at([1, 2, 3], keep)


def test_a_threshold_needs_scores():
    with pytest.raises(ValueError, match="no scores"):
        threshold_at([], 0.5)


def test_a_threshold_needs_enough_scores_that_are_numbers():
    """Of these a quarter can be kept, whatever the threshold."""
    with pytest.raises(ValueError, match="nan"):
        threshold_at([NAN, 3, NAN, NAN], 0.5)


@pytest.mark.parametrize("function", [threshold_at, fraction_kept])
def test_scores_of_other_shapes_are_refused(function):
    """Outputs, say, instead of their ratio."""
    with pytest.raises(ValueError, match=r"scores have shape \(4, 3\)"):
        function(np.ones((4, 3)), 0.5)


# The other scores


@pytest.fixture
def outputs(rng):
    return rng.normal(size=(200, 10)) * rng.choice([0.2, 1, 5], size=(200, 1))


def test_scores_of_one_image_by_hand():
    """Outputs log 6, log 3, log 1: probabilities 0.6, 0.3, 0.1."""
    f, p = np.log([[3, 6, 1]]), np.array([0.3, 0.6, 0.1])
    assert np.allclose(top_two_ratio(f), np.log(6) / np.log(3))
    assert np.allclose(continuous_ratio(f), -np.log(3) / np.log(6))
    assert np.allclose(probability_ratio(f), 2)
    assert np.allclose(margin(f), np.log(2))
    assert np.allclose(max_probability(f), 0.6)
    assert np.allclose(negative_entropy(f), np.sum(p * np.log(p)))
    assert np.allclose(negative_energy(f), np.log(10))
    assert np.allclose(negative_offset(f), 1 - np.log(6))


def test_distance_is_that_to_the_predicted_one_hot_vector(outputs):
    expected = -np.sum((outputs - one_hot(outputs.argmax(axis=1), 10)) ** 2, axis=1)
    assert np.allclose(negative_distance(outputs), expected)


def test_the_continuous_ratio_orders_as_the_ratio_does(outputs):
    """Where that is defined; and where it is infinite, above all of these."""
    ratio, continuous = top_two_ratio(outputs), continuous_ratio(outputs)
    defined = np.isfinite(ratio)
    assert defined.sum() > 50
    assert np.array_equal(np.argsort(ratio[defined]), np.argsort(continuous[defined]))
    assert (
        continuous_ratio([[1, -2, -3]]) > continuous_ratio([[1, 0, -3]]) > continuous[defined].max()
    )
    assert continuous_ratio([[-1, -2]]) == -INF


def test_the_ratio_of_probabilities_orders_as_the_margin_does(outputs):
    assert np.array_equal(np.argsort(probability_ratio(outputs)), np.argsort(margin(outputs)))
    assert probability_ratio(np.float32([[1e4, 0]])) == INF


@pytest.mark.parametrize("name", SCORES)
def test_every_score_takes_a_batch_of_any_size(name, outputs):
    score = SCORES[name]
    whole = score(outputs)
    assert whole.shape == (200,) and score(outputs[:0]).shape == (0,)
    assert np.array_equal(score(outputs[7:8]), whole[7:8])
    assert np.allclose(score(outputs.astype(np.float32)), whole, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match=r"\(3, 1\); \(N, n_out >= 2\)"):
        score(np.ones((3, 1)))


@pytest.mark.parametrize("name", SCORES)
def test_a_clear_output_scores_higher_than_a_doubtful_one(name):
    clear, doubtful = SCORES[name]([[1, 0.01, 0.01], [0.5, 0.45, 0.01]])
    assert clear > doubtful


# Metrics

labelled = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 1.0, 2.0, 3.5, -1.0]) | numbers), min_size=2
)


def pairs_won(is_positive, scores):
    wins = [
        1.0 if p > n else 0.5 if p == n else 0.0
        for p in scores[is_positive]
        for n in scores[~is_positive]
    ]
    return np.mean(wins)


@given(pairs=labelled)
def test_auroc_is_how_often_a_positive_is_higher(pairs):
    is_positive, scores = map(np.array, zip(*pairs))
    if is_positive.all() or not is_positive.any():
        with pytest.raises(ValueError, match="true for some"):
            auroc(is_positive, scores)
    else:
        assert np.isclose(auroc(is_positive, scores), pairs_won(is_positive, scores))


def test_metrics_are_those_of_scikit_learn(rng):
    for levels in (5, 50, 10**6):
        is_positive = rng.random(400) < 0.3
        scores = rng.integers(0, levels, 400) + levels * 0.3 * is_positive
        assert np.isclose(auroc(is_positive, scores), metrics.roc_auc_score(is_positive, scores))
        expected = metrics.average_precision_score(is_positive, scores)
        assert np.isclose(average_precision(is_positive, scores), expected)
        fpr, tpr, _ = metrics.roc_curve(is_positive, scores, drop_intermediate=False)
        assert np.isclose(fpr_at_tpr(is_positive, scores), fpr[np.argmax(tpr >= 0.95)])


def test_metrics_of_four_images_by_hand():
    """From the surest: right, wrong, right, right."""
    is_right, scores = np.array([True, True, False, True]), np.array([1, 9, 5, 2])
    assert auroc(is_right, scores) == 1 / 3
    assert np.isclose(average_precision(is_right, scores), (1 + 2 / 3 + 3 / 4) / 3)
    assert fpr_at_tpr(is_right, scores) == 1 and fpr_at_tpr(is_right, scores, 0.33) == 0
    assert np.isclose(risk_coverage_area(~is_right, scores), (0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert [accepted_and_wrong(~is_right, scores, r) for r in (0, 0.5, 0.75, 1)] == [
        0.25,
        0.25,
        0,
        0,
    ]


def test_infinite_scores_are_the_highest_and_nan_the_lowest():
    is_positive = np.array([True, True, False, False])
    assert auroc(is_positive, [INF, 3, 2, NAN]) == 1
    assert auroc(is_positive, [INF, 3, INF, NAN]) == (0.5 + 1 + 0 + 1) / 4
    assert auroc(is_positive, [NAN, NAN, -INF, -INF]) == 0.5


def test_of_equal_scores_each_is_as_likely_to_be_accepted():
    wrong, scores = np.array([True, False, False, False]), np.ones(4)
    assert risk_coverage_area(wrong, scores) == 0.25
    assert accepted_and_wrong(wrong, scores, 0.5) == 0.125


def test_what_is_not_kept_is_below():
    assert np.array_equal(fraction_below([NAN, 1, 2, 3], [2, 9]), [0.5, 1])


def test_distance_of_outputs_close_to_one_hot_keeps_its_digits():
    f = np.float32([[1, 1e-5, 0], [1.001, 0.002, 0]])
    assert np.allclose(negative_distance(f), [-1e-10, -5e-6], rtol=1e-3, atol=0)


def test_probabilities_near_one_are_told_apart():
    """In single precision both would be 1."""
    f = np.float32([[20, 0], [21, 0]])
    assert np.diff(max_probability(f)) > 0 and np.diff(negative_entropy(f)) > 0
    assert np.isfinite(probability_ratio(np.float32([[100, 0]]))[0])


@pytest.mark.parametrize("metric", [auroc, average_precision, fpr_at_tpr, risk_coverage_area])
def test_metrics_ask_for_images(metric):
    with pytest.raises(ValueError, match="no scores"):
        metric(np.array([], bool), [])


@pytest.mark.parametrize("metric", [auroc, average_precision, fpr_at_tpr])
def test_metrics_ask_for_both_kinds(metric):
    with pytest.raises(ValueError, match="true for some"):
        metric(np.array([True, True]), [1, 2])


def test_metrics_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match="dtype int"):
        auroc([0, 1], [0.2, 0.5])
    for tpr in (95, 0, NAN):
        with pytest.raises(ValueError, match=f"tpr is {tpr}"):
            fpr_at_tpr([True, False], [1, 2], tpr)
    with pytest.raises(ValueError, match=r"is_positive \(3,\) and scores \(2,\)"):
        auroc([True, False, True], [1, 2])
    with pytest.raises(ValueError, match="reject is 2"):
        accepted_and_wrong([True], [1], 2)
