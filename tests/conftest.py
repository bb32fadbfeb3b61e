"""What several test files share: a generator, each kind of layer, a small mixed network."""

import signal
import struct

import numpy as np
import pytest
from easy import CLASSES, SIDE, easy_images
from hypothesis import settings

from nnlite import (
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    minibatches,
    quadratic,
)
from nnlite.data import Dataset, Split, strokes

# The same examples in every run, none of them timed.
settings.register_profile("nnlite", deadline=None, derandomize=True)
settings.load_profile("nnlite")

LAYERS = {  # how to build each layer, and the shape of an input for it
    "dense": (lambda rng: Dense(5, 4, rng=rng), (3, 5)),
    "relu": (lambda rng: ReLU(), (3, 4, 2)),
    "sigmoid": (lambda rng: Sigmoid(), (3, 4, 2)),
    "tanh": (lambda rng: Tanh(), (3, 4, 2)),
    "dropout": (lambda rng: Dropout(0.4, rng=rng), (3, 6)),
    "flatten": (lambda rng: Flatten(), (3, 2, 4, 2)),
    "conv": (lambda rng: Conv2D(2, 3, (3, 2), (2, 1), rng=rng), (2, 5, 4, 2)),
}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=LAYERS)
def layer_and_x(request, rng):
    """Each kind of layer in float64, with a random input for it."""
    build, shape = LAYERS[request.param]
    layer = Sequential([build(rng)]).astype(np.float64).layers[0]
    return layer, rng.normal(size=shape)


@pytest.fixture
def network(rng):
    """A float32 network of every kind of layer, for images (N, 5, 4, 2) of 3 classes."""
    return Sequential(
        [
            Conv2D(2, 3, 3, (2, 1), rng=rng),
            ReLU(),
            Flatten(),
            Dense(36, 7, rng=rng),
            Dropout(0.4, rng=rng),
            ReLU(),
            Dense(7, 3, rng=rng),
        ]
    )


@pytest.fixture
def images(rng):
    """Eight float32 images for `network`."""
    return rng.random((8, 5, 4, 2), dtype=np.float32)


@pytest.fixture
def labels():
    return np.array([0, 1, 2, 0, 1, 2, 2, 1])


@pytest.fixture(params=[1, 2, (2, 1), 3], ids="stride={}".format)
def stride(request):
    return request.param


@pytest.fixture(params=["same", "valid", 0, 1, 2], ids="padding={}".format)
def padding(request):
    return request.param


@pytest.fixture(params=[1, 2, 3, (2, 3), (4, 1)], ids="kernel={}".format)
def kernel(request):
    return request.param


@pytest.fixture
def trained(rng):
    """A small model that knows the easy images, and images it was trained on."""
    images, labels = easy_images(400, rng)
    layers = [Flatten(), Dense(SIDE**2, 16, rng=rng), ReLU(), Dense(16, CLASSES, rng=rng)]
    model = Sequential(layers)
    adam = Adam(model.params, lr=1e-2)
    for _ in range(5):
        for x, y in minibatches(images, labels, 50, rng):
            _, doutputs = quadratic(model.forward(x, train=True), y)
            model.backward(doutputs, input_gradient=False)
            adam.step()
    return model, images


@pytest.fixture
def heeding_ctrl_c():
    """For `preexec_fn`: what a shell started in the background ignores it, with its children."""
    return lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)


# For the scripts about the posts: a few drawn digits, and what all tests of a session keep


@pytest.fixture(scope="session")
def few_digits():
    """A Dataset of drawn digits: 1500 to train, 200 for validation, 200 to test."""
    rng = np.random.default_rng(0)
    sizes = {"train": 1500, "validation": 200, "test": 200}
    return Dataset("strokes", **{k: Split(*strokes.make_digits(n, rng)) for k, n in sizes.items()})


@pytest.fixture(scope="session")
def digits_folder(few_digits, tmp_path_factory):
    """The same digits as four IDX files, from where other processes load them."""
    path = tmp_path_factory.mktemp("digits")
    for name, (images, labels) in (("train", few_digits.train), ("t10k", few_digits.test)):
        pixels = np.rint(255 * images[..., 0]).astype(np.uint8)
        for kind, array in (("images-idx3", pixels), ("labels-idx1", labels.astype(np.uint8))):
            header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            (path / f"{name}-{kind}-ubyte").write_bytes(header + array.tobytes())
    return path


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """A folder for networks and noise, so that each is made once."""
    return tmp_path_factory.mktemp("runs")
