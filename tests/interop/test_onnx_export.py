"""ONNX Runtime computes what nnlite computes, for every layer and any number of images."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx_export import to_onnx

from nnlite import Conv2D, Dense, Dropout, Flatten, ReLU, Sequential, Sigmoid, Tanh


def agrees(model, shape, rng):
    graph = to_onnx(model, shape)
    onnx.checker.check_model(graph, full_check=True)
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    for n in (1, 3, 8):
        images = rng.random((n, *shape), dtype=np.float32)
        (found,) = session.run(None, {"images": images})
        expected = model.predict(images)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 1e-6 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("activation", [ReLU, Sigmoid, Tanh])
def test_a_dense_network(activation, rng):
    layers = [Dense(30, 20, rng=rng), activation(), Dropout(0.5, rng=rng), Dense(20, 4, rng=rng)]
    agrees(Sequential(layers), (30,), rng)
    agrees(Sequential([Flatten(), *layers]), (5, 3, 2), rng)


@pytest.mark.parametrize("padding", ["same", "valid", 0, 1])
@pytest.mark.parametrize("stride", [1, 2, (2, 1), 3])
@pytest.mark.parametrize("kernel", [1, 2, (3, 2), 4])
def test_every_convolution(kernel, stride, padding, rng):
    agrees(Sequential([Conv2D(2, 3, kernel, stride, padding, rng=rng)]), (7, 6, 2), rng)


def test_a_convolutional_network(rng):
    conv = [Conv2D(1, 4, 5, 2, rng=rng), ReLU(), Conv2D(4, 6, 3, 2, rng=rng), Tanh(), Flatten()]
    dense = [Dense(7 * 7 * 6, 10, rng=rng), Sigmoid(), Dense(10, 3, rng=rng)]
    agrees(Sequential([*conv, *dense]), (28, 28, 1), rng)
    agrees(Sequential([*conv, *dense]).astype(np.float64), (28, 28, 1), rng)


def test_a_single_layer_without_weights(rng):
    for layer in (Flatten(), ReLU(), Sigmoid(), Tanh(), Dropout(0.5, rng=rng)):
        agrees(Sequential([layer]), (4, 3, 2), rng)


def test_a_layer_of_ones_own_is_refused():
    class Square(ReLU):
        pass

    with pytest.raises(ValueError, match="is not one of nnlite's layers"):
        to_onnx(Sequential([Square()]), (3,))
