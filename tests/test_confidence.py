"""The ratio of the two largest outputs, and thresholds, against counting by hand."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nnlite.confidence import fraction_kept, threshold_at, top_two_ratio

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
