"""What is natural to write and wrong is answered with what to write instead."""

import numpy as np
import pytest
import scipy.sparse

from nnlite import (
    SGD,
    Adam,
    Dense,
    Flatten,
    Parameter,
    Sequential,
    Sigmoid,
    accuracy,
    check_gradients,
    data,
    minibatches,
    noise,
    plots,
    prune,
)
from nnlite.sparse import Linear, SparseNetwork


class Forgetful:
    """Returns nothing for other than three features; its backward assigns no gradient."""

    args = ()

    def __init__(self):
        self.s = Parameter(np.ones(3))
        self.params = [self.s]

    def forward(self, x, train=False):
        return x * self.s.value if x.shape[1] == 3 else None

    def backward(self, dy):
        return dy * self.s.value


RNG = np.random.default_rng(0)
LAYERS = [Flatten(), Dense(36, 3, rng=RNG)]
MODEL = Sequential(LAYERS)
IMAGES, LABELS = RNG.random((12, 6, 6, 1), dtype=np.float32), np.arange(12) % 3
DATA = data.from_arrays("own", *[(IMAGES, LABELS)] * 3)
CSR = scipy.sparse.csr_array(np.eye(3, 36, dtype=np.float32))

SLIPS = {  # what is written: (call, what the answer contains)
    "Adam(model)": (lambda: Adam(MODEL), "pass model.params"),
    "SGD(model, lr)": (lambda: SGD(MODEL, 0.1), "pass model.params"),
    "Sequential(*layers)": (lambda: Sequential(*LAYERS), "in a list"),
    "model(x)": (lambda: MODEL(IMAGES), "model.predict(x)"),
    "minibatches(split)": (lambda: next(minibatches(DATA.train, 4, RNG)), "*data.test"),
    "minibatches without rng": (lambda: next(minibatches(*DATA.train, 4)), "default_rng(0)"),
    "accuracy(model, split)": (lambda: accuracy(MODEL, DATA.test), "*data.test"),
    "keep_masks(model)": (lambda: prune.keep_masks(MODEL, 0.5), "keep_masks(scores(model"),
    "score of w": (lambda: prune.scores(MODEL, lambda w: abs(w)), "def score(w, statistics)"),
    "score of a sum": (lambda: prune.scores(MODEL, lambda w, _: w.sum()), "for each weight"),
    "random": (lambda: prune.scores(MODEL, prune.random), "random(rng)"),
    "SparseNetwork(csr)": (lambda: SparseNetwork(CSR), "[Linear(matrix, bias)]"),
    "SparseNetwork([csr])": (lambda: SparseNetwork([CSR]), "[Linear(matrix, bias)]"),
    "a loss without a gradient": (
        lambda: MODEL.input_gradient(IMAGES, LABELS, lambda outputs, labels: 0.3),
        "loss returned 0.3; (value, gradient) is needed",
    ),
    "forward without return": (
        lambda: Sequential([Flatten(), Forgetful()]).predict(IMAGES),
        "forward of layer 1, Forgetful(), returned None",
    ),
    "backward without grad": (
        lambda: check_gradients(Forgetful(), np.ones((2, 3)), rng=RNG),
        "backward assigned no gradient to s",
    ),
    "SparseNetwork of another layer": (
        lambda: SparseNetwork(Sequential([*LAYERS, Sigmoid()]), (6, 6, 1)),
        "Sigmoid() cannot be part of a SparseNetwork here; it takes Dense",
    ),
    "images of floats to 255": (
        lambda: data.from_arrays("own", *[(255 * IMAGES, LABELS)] * 3),
        "divide by 255",
    ),
    "noise on such images": (lambda: noise.add_noise(255 * IMAGES, IMAGES[0]), "0 to 1"),
}


@pytest.mark.parametrize("written", SLIPS)
def test_a_slip_is_answered_with_the_remedy(written):
    call, remedy = SLIPS[written]
    with pytest.raises(ValueError) as caught:
        call()
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda images: MODEL.predict(images),
        lambda images: accuracy(MODEL, images, LABELS),
        lambda images: next(minibatches(images, LABELS, 4, RNG)),
    ],
)
def test_images_of_0_to_255_are_warned_of_and_standardised_ones_are_not(call):
    call((IMAGES - 0.1307) / 0.3081)  # as many do with MNIST
    with pytest.warns(UserWarning, match="divide bytes by 255"):
        call(255 * IMAGES)


def test_lists_are_as_good_as_arrays():
    x, labels = next(minibatches([[0.0, 1.0], [1.0, 0.0]], [1, 0], 2, np.random.default_rng(0)))
    assert np.array_equal(x[:, 1], labels)


def test_what_the_remedies_say_works():
    assert next(minibatches(*DATA.train, 4, RNG))[0].shape == (4, 6, 6, 1)
    assert SparseNetwork([Linear(CSR, np.zeros(3))]).predict(IMAGES).shape == (12, 3)
    scores = prune.scores(MODEL, lambda w, statistics: abs(w))
    assert not prune.keep_masks(scores, 0.5)["1.w"].all()
    assert prune.scores(MODEL, prune.random(RNG))["1.w"].shape == (36, 3)


@pytest.mark.parametrize("n, columns", [(10, 20), (1, 20), (7, 3), (40, 20), (0, 20)])
def test_any_number_of_digits_makes_a_grid(n, columns):
    images = np.arange(1, n + 1)[:, None, None] * np.ones((4, 5))  # the k-th is k + 1 everywhere
    figure = plots.digits(images, columns)
    (shown,) = figure.axes[0].images
    sheet = np.asarray(shown.get_array())
    width = max(1, min(n, columns))
    cells = sheet.reshape(-1, 4, width, 5).transpose(0, 2, 1, 3).reshape(-1, 20)
    assert np.array_equal(cells[:n], images.reshape(n, 20)) and not cells[n:].any()
