"""Four threads that write and read one file, and predict with one SparseNetwork."""

import tempfile
import threading
from pathlib import Path

import numpy as np

import nnlite
from nnlite.sparse import SparseNetwork
from torture import rounds

THREADS = 4
ONE_ROUND = {"saves": 40, "loads": 40, "predictions": 200}


def network(seed):
    rng = np.random.default_rng(seed)
    layers = [nnlite.Dense(60, 80, rng=rng), nnlite.ReLU(), nnlite.Dense(80, 10, rng=rng)]
    model = nnlite.Sequential(layers)
    for p in model.params:
        p.value = p.value * (rng.random(p.value.shape) < 0.3).astype(np.float32)
    return model


def in_threads(work):
    """Run work(k) in so many threads at once; an exception is a defect."""
    defects = []

    def guarded(k):
        try:
            work(k)
        except Exception as error:
            defects.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=guarded, args=(k,)) for k in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return defects


def save_and_load(path, counts):
    """Every thread saves its own network under one name, and loads one that somebody saved."""
    models = [network(k) for k in range(THREADS)]
    whole = [[p.value.tobytes() for p in model.params] for model in models]
    nnlite.save(models[0], path)

    def work(k):
        for _ in range(10):
            nnlite.save(models[k], path)
            found = [p.value.tobytes() for p in nnlite.load(path).params]
            assert found in whole, "a torn file was read"

    defects = in_threads(work)
    counts["saves"] += 10 * THREADS
    counts["loads"] += 10 * THREADS
    left = [other.name for other in path.parent.iterdir() if other != path]
    return defects + [f"{name} was left" for name in left]


def predict(rng, counts):
    """Every thread asks the same SparseNetwork for outputs and gradients of batches of any size."""
    sparse = SparseNetwork(network(int(rng.integers(1000))))
    batches = [rng.random((n, 60), dtype=np.float32) for n in (1, 2, 16, 33, 150)]

    def answers(x):
        return sparse.predict(x), sparse.input_gradient(x, np.zeros(len(x), int), nnlite.quadratic)

    expected = [answers(x) for x in batches]
    orders = rng.integers(0, len(batches), (THREADS, 50))

    def work(k):
        for i in orders[k]:
            for found, before in zip(answers(batches[i]), expected[i]):
                assert np.array_equal(found, before), "another result"

    counts["predictions"] += orders.size
    return in_threads(work)


def torture(rng, deadline):
    counts, defects = dict.fromkeys(ONE_ROUND, 0), []
    with tempfile.TemporaryDirectory() as folder:
        for _ in rounds(deadline):
            defects += save_and_load(Path(folder) / "model.npz", counts)
            defects += predict(rng, counts)
    return {**counts, "defects": defects}
