"""Threads, forks, and machines on which numba cannot do all that it likes to."""

import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import nnlite
from nnlite import Conv2D, Dense, Flatten, ReLU, Sequential, quadratic
from nnlite.sparse import SparseNetwork

SHAPE = (6, 6, 1)


@pytest.fixture
def model(rng):
    layers = [Conv2D(1, 3, 3, rng=rng), ReLU(), Flatten(), Dense(108, 400, rng=rng), ReLU()]
    model = Sequential([*layers, Dense(400, 10, rng=rng)])
    for p in model.params[2::2]:
        p.value = p.value * (rng.random(p.value.shape) < 0.1).astype(np.float32)
    return model


def test_threads_may_share_a_sparse_network(model, rng):
    network = SparseNetwork(model, SHAPE)
    batches = [rng.random((n, *SHAPE), dtype=np.float32) for n in (1, 3, 17, 64, 200)]

    def answers(x):
        return network.predict(x), network.input_gradient(x, np.zeros(len(x), int), quadratic)

    expected, wrong = [answers(x) for x in batches], []

    def ask(first):
        for k in range(first, first + 60):
            pairs = zip(answers(batches[k % 5]), expected[k % 5])
            if not all(np.array_equal(found, before) for found, before in pairs):
                wrong.append(k)

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def forked_predict(args):
    model, x = args
    return nnlite.replaceable()["matmul"], model.predict(x)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_computes_plainly(model, rng):
    x = rng.random((100, *SHAPE), dtype=np.float32)
    expected = model.predict(x)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for _, outputs in pool.map_async(forked_predict, [(model, x)] * 4).get(timeout=60):
            assert np.allclose(outputs, expected, atol=1e-5)


CODE = """
import numpy as np, nnlite
from nnlite.sparse import SparseNetwork
rng = np.random.default_rng(0)
layers = [nnlite.Conv2D(1, 3, 3, rng=rng), nnlite.ReLU(), nnlite.Flatten()]
model = nnlite.Sequential([*layers, nnlite.Dense(108, 10, rng=rng)])
x = rng.random((40, 6, 6, 1), dtype=np.float32)
adam = nnlite.Adam(model.params)
_, doutputs = nnlite.quadratic(model.forward(x, train=True), np.arange(40) % 10)
model.backward(doutputs)
adam.step()
print(SparseNetwork(model, (6, 6, 1)).predict(x).sum())
"""


def printed(path=None, code=CODE, **variables):
    env = {**os.environ, **variables, **({"PYTHONPATH": str(path)} if path else {})}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return float(run.stdout)


def test_without_compilation_it_works_slower():
    assert printed(NUMBA_DISABLE_JIT="1") == pytest.approx(printed(), rel=1e-4)


def test_two_threads_under_the_simplest_layer_of_numba():
    code = f"""
import concurrent.futures
def run(_):
    exec({CODE!r}, {{"print": lambda value: values.append(value)}})
values = []
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    list(pool.map(run, range(6)))
assert len(set(values)) == 1
print(values[0])
"""
    found = printed(code=code, NUMBA_THREADING_LAYER="workqueue")
    assert found == pytest.approx(printed(), rel=1e-5)


def test_a_folder_that_cannot_be_written_to(tmp_path):
    """Neither beside the package nor at home can numba keep what it compiled."""
    package = tmp_path / "nnlite"
    package.symlink_to(Path(nnlite.__file__).parent)
    code = """
import numba.core.caching as caching
for locator in caching.CacheImpl._locator_classes if hasattr(caching, "CacheImpl") else ():
    locator.from_function = classmethod(lambda cls, *args: None)
import numpy as np, nnlite
print(nnlite.layers.relu(np.float32([-1, 2])).sum())
"""
    assert printed(tmp_path, code) == 2


@pytest.mark.parametrize(
    "decided, spin",
    [
        ({}, "3000 1"),
        ({"GOMP_SPINCOUNT": "7"}, "7 None"),
        ({"OMP_WAIT_POLICY": "active"}, "None None"),
    ],
)
def test_threads_spin_briefly_unless_somebody_has_decided(decided, spin):
    names = "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_WAIT_POLICY"
    env = {name: value for name, value in os.environ.items() if name not in names}
    code = "import os, nnlite; print(*map(os.environ.get, ('GOMP_SPINCOUNT', 'KMP_BLOCKTIME')))"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, env=env | decided, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == spin
