"""Runs that survive: what is saved is all that is needed, and a killed run ends the same."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nnlite
from nnlite import SGD, Adam, Dense, Dropout, Sequential
from nnlite.checkpoint import load_checkpoint, save_checkpoint

EXPERIMENTS = Path(__file__).parents[1] / "experiments"


def start(
    seed,
    kind=np.random.PCG64,
    shared=True,
    optimiser=Adam,
    drop_prob=0.3,
    dtype=np.float32,
    order=1,
):
    """A network with dropout and a mask, its optimiser, and the generator of the batches."""
    rng = np.random.Generator(kind(seed))
    own = rng if shared else np.random.default_rng(seed)
    layers = [Dense(6, 20, rng=rng), Dropout(drop_prob, rng=rng), Dense(20, 20, rng=rng)]
    model = Sequential([*layers, Dropout(0.5, rng=own), Dense(20, 3, rng=rng)])
    model.layers[2].w.mask = rng.random((20, 20)) < 0.5
    for p in model.params:
        p.value = p.value.astype(dtype)
    return model, optimiser(model.params[::order], lr=0.01, l2=1e-3), {"batches": rng}


def advance(run, n_steps):
    model, optimiser, rngs = run
    for _ in range(n_steps):
        x = rngs["batches"].random((30, 6), dtype=np.float32)
        _, doutputs = nnlite.quadratic(model.forward(x, train=True), x[:, :3])
        model.backward(doutputs, input_gradient=False)
        optimiser.step()


def weights(run):
    return [p.value for p in run[0].params]


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
@pytest.mark.parametrize("optimiser", [Adam, SGD])
@pytest.mark.parametrize("shared", [True, False])
def test_a_loaded_run_goes_on_bit_for_bit(kind, optimiser, shared, tmp_path):
    kind = getattr(np.random, kind)
    through = start(1, kind, shared, optimiser)
    advance(through, 5)
    save_checkpoint(tmp_path / "c.npz", *through, {"losses": [0.5, 0.25]})
    advance(through, 5)

    resumed = start(2, kind, shared, optimiser)  # other weights, another state, other masks
    resumed[0].layers[0].w.mask = np.zeros((6, 20), bool)
    progress = load_checkpoint(tmp_path / "c.npz", *resumed)
    assert progress == {"losses": [0.5, 0.25]}
    advance(resumed, 5)
    for a, b in zip(weights(through), weights(resumed)):
        assert np.array_equal(a, b)
    masks = [[p.mask is None for p in run[0].params] for run in (through, resumed)]
    assert masks[0] == masks[1] and not masks[0][2]
    assert getattr(resumed[1], "t", 10) == 10


@pytest.mark.parametrize("lr", [0.123456789, np.float32(0.1), np.float64(1e-5), 1])
def test_the_settings_of_the_optimiser_come_back(lr, tmp_path):
    run = start(0)
    run[1].lr, run[1].betas = lr, (0.5, 0.9)
    save_checkpoint(tmp_path / "c.npz", *run)
    run[1].lr, run[1].betas = 1.0, (0.9, 0.999)
    assert load_checkpoint(tmp_path / "c.npz", *run) is None
    assert run[1].lr == lr and run[1].betas == (0.5, 0.9)


@pytest.mark.parametrize(
    "other, match",
    [
        (lambda: start(0, optimiser=SGD), "optimiser Adam there, SGD here"),
        (
            lambda: start(0, shared=False),
            "generators .*'layer 3': 0.* there, .*'layer 3': 1.* here",
        ),
        (lambda: start(0, kind=np.random.SFC64), r"kinds of generator \['PCG64'\] there"),
        (
            lambda: start(0, drop_prob=0.4),
            r"layers .*Dropout\(0.3\).* there, .*Dropout\(0.4\).* here",
        ),
        (lambda: start(0, dtype=np.float64), "arrays .*float32 .* there, .*float64 .* here"),
        (lambda: start(0, order=-1), "parameters of the optimiser"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_nothing_changes(other, match, tmp_path):
    run = start(1)
    advance(run, 2)
    save_checkpoint(tmp_path / "c.npz", *run)
    other = other()
    before, state = [w.copy() for w in weights(other)], other[2]["batches"].bit_generator.state
    with pytest.raises(ValueError, match=f"is of another run: {match}"):
        load_checkpoint(tmp_path / "c.npz", *other)
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(other)))
    assert str(other[2]["batches"].bit_generator.state) == str(state)


@pytest.mark.parametrize("damage", ["half", "empty", "model"])
def test_a_damaged_checkpoint_is_named(damage, tmp_path):
    path, run = tmp_path / "c.npz", start(0)
    save_checkpoint(path, *run)
    if damage == "model":
        nnlite.save(run[0], path)
    else:
        path.write_bytes(path.read_bytes()[: 3000 if damage == "half" else 0])
    with pytest.raises(ValueError, match=r"not a complete checkpoint.*delete it"):
        load_checkpoint(path, *run)
    with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
        load_checkpoint(tmp_path / "other.npz", *run)


RUN = """
import os, signal, sys
import numpy as np
sys.path.insert(0, {experiments!r})
import train
from nnlite.data import Dataset, Split

rng = np.random.default_rng(0)
split = Split(rng.random((750, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, 750))
data = Dataset("noise", split, split, split)
if len(sys.argv) > 2:  # kills itself halfway through this save
    saves, savez = iter(range(int(sys.argv[2]))), np.savez
    def dying_savez(file, **arrays):
        if next(saves, None) is None:
            file.write(b"half a file")
            os.kill(os.getpid(), signal.SIGKILL)
        savez(file, **arrays)
    np.savez = dying_savez
cfg = train.Config("quadratic", 1e-3, (60, 40), ((3, 3),), steps=300, lr=1e-3, drop_prob=0.3)
train.trained(cfg, data, 3, "killed", runs=sys.argv[1], say=lambda text: print(text, flush=True))
"""


def test_a_run_killed_at_any_moment_ends_with_the_same_bits(tmp_path):
    """SIGKILL, the one signal that no program can answer."""
    command = [sys.executable, "-c", RUN.format(experiments=str(EXPERIMENTS))]
    subprocess.run([*command, tmp_path / "through"], check=True, capture_output=True)

    rng, killed_at = np.random.default_rng(0), []
    for _ in range(3):
        with subprocess.Popen([*command, tmp_path / "killed"], stdout=subprocess.DEVNULL) as run:
            while (step := saved_step(tmp_path / "killed")) <= max(killed_at, default=0):
                time.sleep(0.01)
                assert run.poll() is None
            time.sleep(rng.uniform(0, 0.1))
            run.kill()
        killed_at.append(step)
    killed_in_a_save = subprocess.run([*command, tmp_path / "killed", "3"], capture_output=True)
    assert killed_in_a_save.returncode == -signal.SIGKILL
    assert list((tmp_path / "killed").glob("*.part"))
    subprocess.run([*command, tmp_path / "killed"], check=True, capture_output=True)
    assert not list((tmp_path / "killed").glob("*.part"))

    (through,), (killed,) = ((tmp_path / run).glob("*.npz") for run in ("through", "killed"))
    assert through.name == killed.name and through.read_bytes() == killed.read_bytes()


def saved_step(folder):
    for path in folder.glob("*.checkpoint.npz"):
        with np.load(path) as saved:
            return json.loads(str(saved["checkpoint"]))["settings"]["t"]
    return 0
