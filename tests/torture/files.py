"""Damaged files of every kind that nnlite writes: read right, or refused by name.

A mutant has a bit flipped, a piece lost, doubled, zeroed or swapped, or bytes put in.
"""

import tempfile
from pathlib import Path

import numpy as np

import nnlite
from nnlite.checkpoint import load_checkpoint, save_checkpoint
from nnlite.noise import load_bank, save_bank
from nnlite.sparse import SparseNetwork, unroll
from torture import limited_memory, rounds

ONE_ROUND = {"mutants": 600}
IMAGES = np.random.default_rng(0).random((3, 4, 4, 1), dtype=np.float32)


def network(seed):
    rng = np.random.default_rng(seed)
    layers = [nnlite.Conv2D(1, 2, 3, rng=rng), nnlite.ReLU(), nnlite.Flatten()]
    model = nnlite.Sequential([*layers, nnlite.Dropout(0.2, rng=rng), nnlite.Dense(32, 3, rng=rng)])
    model.layers[4].w.mask = rng.random((32, 3)) < 0.5
    return model


def trained(seed):
    """A network, its Adam after a step, and a generator."""
    model, rng = network(seed), np.random.default_rng(seed)
    adam = nnlite.Adam(model.params)
    _, doutputs = nnlite.quadratic(model.forward(IMAGES, train=True), np.array([0, 1, 2]))
    model.backward(doutputs)
    adam.step()
    return model, adam, {"batches": rng}


def write_all(folder):
    """{path: a function that reads it and returns what it found, to be compared}"""
    model = network(0)
    nnlite.save(model, folder / "model.npz")
    SparseNetwork(unroll(model, (4, 4, 1))).save(folder / "sparse.npz")
    save_checkpoint(folder / "checkpoint.npz", *trained(0), {"epoch": 3})
    noise = {(k, 0.25): IMAGES[k] for k in range(3)}
    save_bank(folder / "bank.npz", noise, {"seed": 0})
    return {
        folder / "model.npz": read_model,
        folder / "sparse.npz": lambda path: SparseNetwork.load(path).predict(IMAGES).tobytes(),
        folder / "checkpoint.npz": read_checkpoint,
        folder / "bank.npz": read_bank,
    }


def read_model(path):
    params = nnlite.load(path).named_params
    return {name: (p.value.tobytes(), str(p.mask)) for name, p in params.items()}


def read_checkpoint(path):
    """What a run that begins otherwise is after loading; unchanged if that is refused."""
    model, adam, rngs = trained(1)
    before = state_of(model, adam, rngs)
    try:
        progress = load_checkpoint(path, model, adam, rngs)
    except ValueError:
        assert state_of(model, adam, rngs) == before, "refused, but changed"
        raise
    return state_of(model, adam, rngs), progress


def state_of(model, adam, rngs):
    values = [(p.value.tobytes(), str(p.mask)) for p in model.params]
    moments = [array.tobytes() for array in (*adam.m, *adam.v)]
    return values, moments, adam.t, str(rngs["batches"].bit_generator.state)


def read_bank(path):
    noise, made_by = load_bank(path)
    return {pair: vector.tobytes() for pair, vector in noise.items()}, made_by


def mutant(content, rng):
    """The bytes of a file, damaged in one place."""
    data = bytearray(content)
    i, j = sorted(rng.integers(0, len(data), 2))
    kind = rng.choice(["bit", "bit", "bit", "cut", "lost", "doubled", "zeroed", "bytes", "swapped"])
    if kind == "bit":
        data[i] ^= 1 << int(rng.integers(8))
    elif kind == "cut":
        del data[i:]
    elif kind == "lost":
        del data[i:j]
    elif kind == "doubled":
        data[i:i] = data[i:j]
    elif kind == "zeroed":
        data[i:j] = bytes(j - i)
    elif kind == "bytes":
        data[i:i] = rng.bytes(int(rng.integers(1, 9)))
    else:
        data[i : i + 8], data[j : j + 8] = data[j : j + 8], data[i : i + 8]
    return bytes(data), kind


def torture(rng, deadline):
    counts, defects = {"mutants": 0, "read right": 0}, []
    with tempfile.TemporaryDirectory() as folder, limited_memory(2):
        readers = write_all(Path(folder))
        whole = {path: (path.read_bytes(), read(path)) for path, read in readers.items()}
        for _ in rounds(deadline):
            for path, read in readers.items():
                content, expected = whole[path]
                for _ in range(150):
                    damaged, kind = mutant(content, rng)
                    path.write_bytes(damaged)
                    counts["mutants"] += 1
                    try:
                        found = read(path)
                    except ValueError as error:
                        if str(path) not in str(error):
                            defects.append(f"{path.name}, {kind}: not named in {error}")
                        continue
                    except Exception as error:
                        defects.append(f"{path.name}, {kind}: {type(error).__name__}: {error}")
                        continue
                    counts["read right"] += 1
                    if found != expected:
                        defects.append(f"{path.name}, {kind}: other content was read")
    return {**counts, "defects": defects}
