"""Convolution: known arrays, the six loops, TensorFlow's "same", im2col, chunks, errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlite import Conv2D, Sequential, conv2d_naive
from nnlite.conv import col2im, im2col

# Known arrays: one image, one channel.  "Same" puts the odd zero at the bottom and right.
NINE = np.arange(1.0, 10).reshape(3, 3)
SIXTEEN = np.arange(16.0).reshape(4, 4)
KNOWN = {
    "valid": (NINE, [[1, 2], [3, 4]], 1, "valid", [[37, 47], [67, 77]]),
    "even kernel": (NINE, [[1, 2], [3, 4]], 1, "same", [[37, 47, 21], [67, 77, 33], [23, 26, 9]]),
    "stride 2": (SIXTEEN, np.ones((3, 3)), 2, "same", [[45, 39], [66, 50]]),
    "stride 2, padding 1": (SIXTEEN, np.ones((3, 3)), 2, 1, [[10, 24], [51, 90]]),
    "stride (2, 1)": (NINE, [[1, 0]], (2, 1), "same", [[1, 2, 3], [7, 8, 9]]),
    "kernel of 4": ([[1, 2, 3, 4]], [[1, 1, 1, 1]], 1, "same", [[6, 10, 9, 7]]),
    "stride beyond kernel": ([[1, 2, 3, 4, 5]], [[1]], 3, "same", [[1, 4]]),
}


def conv(rng, *args, **options):
    """A Conv2D in float64."""
    return Sequential([Conv2D(*args, rng=rng, **options)]).astype(np.float64).layers[0]


def run_layer(x, w, b, stride, padding):
    layer = conv(np.random.default_rng(0), w.shape[2], w.shape[3], w.shape[:2], stride, padding)
    layer.w.value, layer.b.value = w, b
    return layer.forward(x)


@pytest.mark.parametrize("function", [conv2d_naive, run_layer])
@pytest.mark.parametrize("name", KNOWN)
def test_known_arrays(name, function):
    image, w, stride, padding, expected = KNOWN[name]
    x, w = np.array(image, float)[None, :, :, None], np.array(w, float)[:, :, None, None]
    y = function(x, w, np.array([0.5]), stride, padding)
    assert np.array_equal(y[0, :, :, 0], np.array(expected) + 0.5)


@pytest.mark.parametrize("function", [conv2d_naive, run_layer])
def test_known_channels(function):
    """y = b + x @ w at every pixel for a 1 x 1 kernel: two channels in, three out."""
    x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    w = np.array([[[[1.0, 0.0, 2.0], [0.0, 10.0, 1.0]]]])
    y = function(x, w, np.array([0.0, 0.0, 100.0]), 1, "same")
    assert np.array_equal(y, [[[[1, 20, 104], [3, 40, 110]]]])


def test_layer_equals_the_six_loops(kernel, stride, padding, rng):
    layer = conv(rng, 2, 3, kernel, stride, padding)
    x = rng.normal(size=(2, 7, 6, 2))
    y = conv2d_naive(x, layer.w.value, layer.b.value, stride, padding)
    assert y.size and np.any(y != 0)
    assert layer.forward(x).shape == y.shape
    assert np.allclose(layer.forward(x), y, rtol=0, atol=1e-10)


sizes = st.integers(1, 12)


@given(size=sizes, kernel=sizes, stride=sizes)
def test_same_gives_ceil_of_size_over_stride(size, kernel, stride):
    """The first window starts half the zeros, rounded down, before the image."""
    n_out = -(-size // stride)
    before = max((n_out - 1) * stride + kernel - size, 0) // 2
    x = np.arange(1.0, size + 1)
    windows = [
        slice(max(i * stride - before, 0), i * stride - before + kernel) for i in range(n_out)
    ]
    expected = [x[window].sum() for window in windows]
    layer = conv(np.random.default_rng(0), 1, 1, (1, kernel), (1, stride))
    layer.w.value, layer.b.value = np.ones((1, kernel, 1, 1)), np.zeros(1)
    assert np.array_equal(layer.forward(x[None, None, :, None]).ravel(), expected)
    layer = conv(np.random.default_rng(0), 1, 1, (kernel, 1), (stride, 1))
    layer.w.value, layer.b.value = np.ones((kernel, 1, 1, 1)), np.zeros(1)
    assert np.array_equal(layer.forward(x[None, :, None, None]).ravel(), expected)


def test_im2col_of_a_known_image():
    """One row per window, in the order row, column, channel."""
    x = np.arange(12).reshape(1, 2, 3, 2)  # pixel (r, c), channel k holds 6r + 2c + k
    cols = im2col(x, (2, 2), (1, 1))
    assert np.array_equal(cols, [[0, 1, 2, 3, 6, 7, 8, 9], [2, 3, 4, 5, 8, 9, 10, 11]])


def test_col2im_adds_up_where_windows_overlap():
    x = col2im(np.ones((2, 8)), (1, 2, 3, 2), (2, 2), (1, 1))
    assert np.array_equal(x[0, :, :, 0], [[1, 2, 1], [1, 2, 1]])


small = st.integers(1, 3)


@given(kernel=st.tuples(small, small), stride=st.tuples(small, small), data=st.data())
def test_im2col_and_col2im_are_transposes(kernel, stride, data):
    """<im2col(x), c> == <x, col2im(c)>, also where the last pixels are in no window."""
    height, width = (data.draw(st.integers(k, k + 4)) for k in kernel)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, height, width, 3))
    cols = im2col(x, kernel, stride)
    c = rng.normal(size=cols.shape)
    assert np.isclose(np.vdot(cols, c), np.vdot(x, col2im(c, x.shape, kernel, stride)), atol=1e-12)


@pytest.mark.parametrize(
    "chunk_bytes, rows_of_chunks",
    [(1, [5] * 9), (1500, [10, 5] * 3), (4500, [30, 15])],
    ids=["row", "two rows", "two images"],
)
def test_chunks_change_nothing_and_stay_small(chunk_bytes, rows_of_chunks, rng, monkeypatch):
    """Three images of 3 x 5 outputs; im2col of a row of outputs takes 5*9*2*8 = 720 bytes."""
    layer = conv(rng, 2, 3, 3, (2, 1))
    x, dy = rng.normal(size=(3, 6, 5, 2)), rng.normal(size=(3, 3, 5, 3))
    whole = layer.forward(x), layer.backward(dy), layer.w.grad, layer.b.grad

    seen = []

    def spy(*args):
        seen.append(im2col(*args))
        return seen[-1]

    monkeypatch.setattr("nnlite.conv.CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr("nnlite.conv.im2col", spy)
    pieces = layer.forward(x), layer.backward(dy), layer.w.grad, layer.b.grad
    for a, b in zip(whole, pieces):
        assert np.allclose(a, b, rtol=0, atol=1e-12)
    assert [len(cols) for cols in seen] == rows_of_chunks * 2  # forward, then dw
    assert max(cols.nbytes for cols in seen) <= max(chunk_bytes, 720)


def test_gradient_chunks_stay_small_too(rng, monkeypatch):
    """The input gradient multiplies dy by w.T piece by piece."""
    sizes = []

    def spy(cols, *args):
        sizes.append(cols.nbytes)
        return col2im(cols, *args)

    monkeypatch.setattr("nnlite.conv.CHUNK_BYTES", 1500)
    monkeypatch.setattr("nnlite.conv.col2im", spy)
    layer = conv(rng, 2, 3, 3, (2, 1))
    layer.forward(rng.normal(size=(3, 6, 5, 2)))
    layer.backward_input(rng.normal(size=(3, 3, 5, 3)))
    assert sizes == [1440, 720] * 3


def test_no_images(rng):
    layer = conv(rng, 2, 3, 3)
    y = layer.forward(np.ones((0, 5, 4, 2)))
    assert y.shape == (0, 5, 4, 3)
    assert layer.backward(y).shape == (0, 5, 4, 2)
    assert np.array_equal(layer.w.grad, np.zeros((3, 3, 2, 3)))
    assert np.array_equal(layer.b.grad, np.zeros(3))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"c_in": 0}, "c_in is 0"),
        ({"c_out": 1.5}, r"c_out is 1\.5"),
        ({"kernel": 0}, "kernel is 0"),
        ({"kernel": (3, 3, 3)}, r"kernel is \(3, 3, 3\)"),
        ({"kernel": (3, -1)}, "kernel is -1"),
        ({"stride": 0}, "stride is 0"),
        ({"stride": "2"}, "stride is '2'"),
        ({"padding": "sane"}, 'padding is \'sane\'; it must be "same", "valid"'),
        ({"padding": -1}, "padding is -1"),
        ({"padding": None}, 'padding is None; it must be "same", "valid"'),
        ({"init": "xavier"}, "init is 'xavier'.*he"),
        ({"rng": 0}, r"rng is 0.*default_rng"),
    ],
)
def test_bad_options_are_named(options, message, rng):
    with pytest.raises(ValueError, match=message):
        Conv2D(**{"c_in": 1, "c_out": 2, "kernel": 3, "rng": rng} | options)


@pytest.mark.parametrize("shape", [(2, 5, 5), (2, 5, 5, 3), (25,)])
def test_images_of_the_wrong_shape_are_refused(shape, rng):
    with pytest.raises(ValueError, match=r"Conv2D\(1, 2.*\(N, H, W, 1\), got"):
        Conv2D(1, 2, 3, rng=rng).forward(np.ones(shape))


@pytest.mark.parametrize("kernel, padding", [(6, "valid"), (8, 1), ((2, 7), 0)])
def test_a_kernel_that_does_not_fit_is_refused(kernel, padding, rng):
    with pytest.raises(ValueError, match=r"kernel of \d does not fit into 5 pixels"):
        Conv2D(1, 2, kernel, padding=padding, rng=rng).forward(np.ones((2, 5, 5, 1)))


def test_a_kernel_that_just_fits_is_not_refused(rng):
    assert Conv2D(1, 2, 7, padding=1, rng=rng).forward(np.ones((2, 5, 5, 1))).shape == (2, 1, 1, 2)


def test_images_without_pixels_are_refused(rng):
    with pytest.raises(ValueError, match=r"\(2, 0, 5, 1\)|0 pixels"):
        Conv2D(1, 2, 3, rng=rng).forward(np.ones((2, 0, 5, 1)))


def test_the_six_loops_refuse_integer_images():
    """Their sums would be cut off to whole numbers: 0.3 * 4 to 0."""
    with pytest.raises(ValueError, match="dtype int64"):
        conv2d_naive(np.ones((1, 2, 2, 1), np.int64), np.full((2, 2, 1, 1), 0.3), np.zeros(1))


@pytest.mark.parametrize("padding", ["sane", -1])
def test_the_six_loops_refuse_unknown_padding(padding):
    with pytest.raises(ValueError, match=f"padding is '?{padding}"):
        conv2d_naive(np.ones((1, 3, 3, 1)), np.ones((2, 2, 1, 1)), np.zeros(1), padding=padding)
