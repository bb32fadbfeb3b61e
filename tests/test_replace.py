"""Plain functions and those in their places: what a reader edits or brings is what runs."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import nnlite
from nnlite import Conv2D, Dense, ReLU, Sequential, layers, replace
from nnlite.sparse import SparseNetwork, csr_matmul, unroll


def test_what_is_in_use_is_told():
    fast, plain = nnlite.replaceable(), {}
    with nnlite.plain():
        plain = nnlite.replaceable()
    assert fast.keys() == plain.keys() >= {"relu", "matmul", "conv2d", "adam_update"}
    assert fast["relu"] == "nnlite.fast.elementwise.relu"
    assert plain["relu"] == "nnlite.layers.relu"
    with nnlite.replaced(matmul=np.matmul):
        assert nnlite.replaceable()["matmul"] == "numpy.matmul"
    assert nnlite.replaceable() == fast


def test_the_readers_own_function_is_called_and_may_decline():
    seen = []

    def mine(x):
        seen.append(x.shape)
        return NotImplemented if x.ndim == 1 else x + 100

    with nnlite.replaced(relu=mine):
        assert layers.relu(np.array([[-1.0]])) == 99
        assert layers.relu(np.array([-1.0])) == 0  # declined: the plain one
        with nnlite.plain():
            assert layers.relu(np.array([[-1.0]])) == 0
            with nnlite.replaced(relu=mine):
                assert layers.relu(np.array([[1.0]])) == 101
    assert seen == [(1, 1), (1,), (1, 1)]
    assert layers.relu(np.array([[-1.0]])) == 0


def test_everything_is_put_back_after_an_error():
    before = nnlite.replaceable()
    for block in (nnlite.plain(), nnlite.replaced(relu=abs)):
        with pytest.raises(ZeroDivisionError), block:
            _ = 1 / 0
        assert nnlite.replaceable() == before


@pytest.mark.parametrize(
    "functions, message",
    [
        ({"rleu": abs}, r"rleu cannot be replaced; these can: adam_update, conv2d, .*relu"),
        ({"relu": "fast"}, "relu is 'fast'; a function is needed"),
    ],
)
def test_a_wrong_name_or_no_function_is_told(functions, message):
    with pytest.raises(ValueError, match=message), nnlite.replaced(**functions):
        pass


def test_another_thread_is_not_disturbed():
    found = []
    with nnlite.plain():
        thread = threading.Thread(target=lambda: found.append(nnlite.replaceable()["relu"]))
        thread.start()
        thread.join()
    assert found == ["nnlite.fast.elementwise.relu"]


def test_two_plain_functions_of_one_name_are_refused():
    def relu(x):
        return x

    with pytest.raises(ValueError, match="relu is the name of two functions"):
        replace.may_be_replaced(relu)


def test_plain_is_plain_all_the_way_down(rng, monkeypatch):
    """No fast version is asked: not by layers, the optimiser, noise, nor a SparseNetwork."""

    def forbidden(*args, **kwargs):
        raise AssertionError("a fast version was called")

    for name in replace.FAST:
        monkeypatch.setitem(replace.FAST, name, forbidden)
    model = Sequential(
        [
            *(Conv2D(1, 4, 3, rng=rng), ReLU(), nnlite.Flatten()),
            *(nnlite.Dropout(0.2, rng=rng), Dense(100, 3, rng=rng)),
        ]
    )
    images = rng.random((20, 5, 5, 1), dtype=np.float32)
    with nnlite.plain():
        _, doutputs = nnlite.quadratic(model.forward(images, train=True), np.arange(20) % 3)
        model.backward(doutputs)
        nnlite.Adam(model.params).step()
        nnlite.noise.universal_noise(model, images, 1, 0.1, rng=rng, steps=2)
        unrolled = unroll(model, (5, 5, 1))
        for network in (SparseNetwork(model, (5, 5, 1)), SparseNetwork(unrolled)):
            assert np.allclose(network.predict(images), model.predict(images), atol=1e-5)
        csr_matmul(unrolled[0].matrix, images.reshape(20, -1).T)
    with pytest.raises(AssertionError, match="a fast version was called"):
        model.predict(images)


def test_a_changed_plain_function_changes_training(rng, monkeypatch):
    """What a student edits in layers.py is what trains, under plain()."""
    model = Sequential([Dense(6, 5, rng=rng), ReLU(), Dense(5, 3, rng=rng)])
    x = rng.normal(size=(20, 6)).astype(np.float32)
    with nnlite.plain():
        before = model.predict(x)
        monkeypatch.setattr(layers, "relu", lambda x: np.maximum(x, 0) + 1)
        assert not np.allclose(model.predict(x), before)


def test_without_numba_the_package_imports_and_trains():
    code = """
import sys
sys.modules["numba"] = None  # as if it were not installed
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *args: None if name == "numba" else find(name, *args)
import numpy as np
import nnlite
assert "nnlite.fast" not in sys.modules
assert all(".fast." not in where for where in nnlite.replaceable().values())
rng = np.random.default_rng(0)
layers = [nnlite.Conv2D(1, 2, 3, rng=rng), nnlite.ReLU(), nnlite.Flatten()]
model = nnlite.Sequential([*layers, nnlite.Dense(50, 2, rng=rng)])
x, labels = rng.random((30, 5, 5, 1), dtype=np.float32), np.arange(30) % 2
x[labels == 1, 0] += 1
adam = nnlite.Adam(model.params, lr=0.01)
for _ in range(50):
    loss, doutputs = nnlite.softmax_cross_entropy(model.forward(x, train=True), labels)
    model.backward(doutputs, input_gradient=False)
    adam.step()
from nnlite.sparse import SparseNetwork
assert loss < 0.1 and SparseNetwork(model, (5, 5, 1)).predict(x).shape == (30, 2)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
