"""Drawn digits: what a data set of them must be like, whatever the pen."""

import numpy as np
import pytest

from nnlite import data
from nnlite.data.strokes import draw_digits, make_digits


@pytest.fixture
def digits(rng):
    return make_digits(1500, rng)


def test_images_are_float32_from_black_to_white(digits):
    images, labels = digits
    assert images.shape == (1500, 28, 28, 1) and images.dtype == np.float32
    assert labels.shape == (1500,) and labels.dtype == np.int64
    assert np.all(np.isfinite(images)) and images.min() == 0
    assert np.all((0.8 < images.max(axis=(1, 2, 3))) & (images.max(axis=(1, 2, 3)) <= 1))


def test_ink_covers_what_handwriting_covers(digits):
    """MNIST: a mean of 0.13 over all images, 0.05 to 0.3 in nearly all of them."""
    ink = digits[0].mean(axis=(1, 2, 3))
    assert 0.08 < ink.mean() < 0.2
    assert 0.01 < ink.min() and ink.max() < 0.45


def test_ink_is_centred_and_keeps_off_the_corners(digits):
    images = digits[0][..., 0]
    pixels = np.arange(28)
    for axis in (1, 2):
        ink = images.sum(axis=axis)
        centre = ink @ pixels / ink.sum(axis=1)
        assert np.all(np.abs(centre - 13.75) < 1.5)
    assert not images[:, [0, 0, -1, -1], [0, -1, 0, -1]].any()


def test_every_digit_is_as_frequent(rng):
    """150 of each are expected, with a standard deviation of 12."""
    counts = np.bincount(make_digits(1500, rng)[1], minlength=10)
    assert len(counts) == 10 and np.all(np.abs(counts - 150) < 60)


def test_images_show_their_label(digits):
    """A nearest-mean classifier, which gets 82 % of MNIST, tells most digits apart."""
    x, labels = digits[0].reshape(1500, -1), digits[1]
    means = np.stack([x[:1000][labels[:1000] == digit].mean(axis=0) for digit in range(10)])
    distance = ((x[1000:, None] - means) ** 2).sum(axis=2)
    assert np.mean(distance.argmin(axis=1) == labels[1000:]) > 0.6


def test_no_two_images_are_the_same(rng):
    """Also of the same digit, and also near ones differ visibly."""
    x = draw_digits(np.full(100, 7), rng).reshape(100, -1)
    distance = np.abs(x[:, None] - x).sum(axis=2) + 1e9 * np.eye(100)
    assert distance.min() > 5


def test_labels_decide_the_order_of_the_images(rng):
    """Nearly each image is closer to the mean of its own digit than to that of the other."""
    labels = rng.integers(2, size=200)
    zero, one = (draw_digits(np.full(200, digit), rng).mean(axis=0) for digit in (0, 1))
    images = draw_digits(labels, rng)
    to_zero, to_one = (((images - mean) ** 2).sum(axis=(1, 2, 3)) for mean in (zero, one))
    assert np.mean((to_one < to_zero) == labels) > 0.85


def test_the_seed_decides_the_images():
    a, b, c = (make_digits(20, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])
    assert not np.array_equal(a[0], c[0])


def test_no_digits(rng):
    assert draw_digits(np.array([], int), rng).shape == (0, 28, 28, 1)
    images, labels = make_digits(0, rng)
    assert images.shape == (0, 28, 28, 1) and labels.shape == (0,)


@pytest.mark.parametrize(
    "labels, message",
    [
        ([0, 10], "10"),
        ([-1, 0], "-1"),
        ([1.0, 2.0], "float64"),
        ([[1, 2]], r"\(1, 2\)"),
    ],
)
def test_labels_that_are_no_digits_are_named(labels, message, rng):
    with pytest.raises(ValueError, match=message):
        draw_digits(np.array(labels), rng)


def test_a_seed_is_no_generator():
    with pytest.raises(ValueError, match="rng is 0"):
        make_digits(3, 0)
    with pytest.raises(ValueError, match="rng is 0"):
        draw_digits(np.array([1, 2]), 0)


def test_the_data_set_has_three_parts_that_do_not_overlap(monkeypatch):
    """One generator makes all three, one after the other; the seed is its seed."""

    def few(n, rng):
        calls.append((n, rng))
        return make_digits(n // 1000, rng)

    monkeypatch.setattr("nnlite.data.strokes.make_digits", few)
    calls = []
    a = data.load("strokes", seed=3)
    assert [n for n, _ in calls] == [30_000, 5_000, 5_000]
    assert len({id(rng) for _, rng in calls}) == 1
    expected = make_digits(30, np.random.default_rng(3))
    assert a.name == "strokes"
    assert np.array_equal(a.train.images, expected[0])
    assert np.array_equal(a.train.labels, expected[1])
    assert not np.array_equal(a.validation.images, a.test.images)


@pytest.mark.parametrize("seed", [-1, 1.5, "x", None])
def test_a_bad_seed_is_named(seed):
    with pytest.raises(ValueError, match=f"seed is {seed!r}"):
        data.load("strokes", seed=seed)


def test_an_unknown_data_set_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'cifar' is unknown; .* \"strokes\", and no such folder"):
        data.load("cifar")
