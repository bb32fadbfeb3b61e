"""Runs that survive: what is saved is all that is needed, and a killed run ends the same."""

import copy
import functools
import itertools
import json
import operator
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nnlite
from nnlite import SGD, Adam, Dense, Dropout, Sequential, container
from nnlite.checkpoint import load_checkpoint, save_checkpoint
from nnlite.container import opened, write_arrays

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


def test_an_optimiser_of_another_model_is_refused(tmp_path):
    """A pair that was copied apart would be saved, and then go on training weights of nobody."""
    model, adam, rngs = start(0)
    alone = copy.deepcopy(adam)
    with pytest.raises(ValueError, match=r"no parameter of this model.*copy or pickle both"):
        save_checkpoint(tmp_path / "c.npz", model, alone, rngs)
    assert not (tmp_path / "c.npz").exists()
    save_checkpoint(tmp_path / "c.npz", model, adam, rngs)
    with pytest.raises(ValueError, match=r"^the optimiser trains .* no parameter of this model"):
        load_checkpoint(tmp_path / "c.npz", model, alone, rngs)
    load_checkpoint(tmp_path / "c.npz", *copy.deepcopy((model, adam, rngs)))


@pytest.mark.parametrize("damage", ["half", "empty", "model"])
def test_a_damaged_checkpoint_is_named(damage, tmp_path):
    path, run = tmp_path / "c.npz", start(0)
    save_checkpoint(path, *run)
    if damage == "model":
        nnlite.save(run[0], path)
    else:
        path.write_bytes(path.read_bytes()[: 3000 if damage == "half" else 0])
    message = r"not a complete nnlite checkpoint.*delete it"
    if damage == "model":
        message = "c.npz is an 'nnlite model 2', .*take another file"
    with pytest.raises(ValueError, match=message):
        load_checkpoint(path, *run)
    with pytest.raises(FileNotFoundError, match="there is no nnlite checkpoint"):
        load_checkpoint(tmp_path / "other.npz", *run)


def settled(run):
    """All that a checkpoint could change, as a text."""
    model, optimiser, rngs = run
    states = [rng.bit_generator.state for rng in rngs.values()]
    return repr([[(p.value, p.mask) for p in model.params], optimiser.state(), states])


def rewrite(path, change, version=2):
    """Write the checkpoint once more, after change(about, arrays)."""
    with opened(path, "nnlite checkpoint", "") as saved:
        about, arrays = saved.about, saved.arrays()
    change(about, arrays)
    if version == 2:
        write_arrays(path, "nnlite checkpoint", about, arrays)
    else:
        about = {"format": "nnlite checkpoint 1", **about}
        np.savez(path, checkpoint=json.dumps(about), **arrays)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "change, message",
    [
        (lambda about: about["settings"].update(lr="fast"), "lr is 'fast'"),
        (lambda about: about["settings"].update(lr=-1), "lr is -1"),
        (lambda about: about["settings"].update(betas=[0.9]), r"betas are \(0\.9,\)"),
        (lambda about: about["settings"].update(betas=0.9), "TypeError"),
        (lambda about: about["settings"].update(t=1.5), r"t is 1\.5"),
        (lambda about: about["settings"].update(t=10**400), "t is 1000"),
        (lambda about: about["settings"].update(l2=float("nan")), "l2 is nan"),
        (lambda about: about.update(settings=None), "TypeError"),
        (lambda about: about["states"][0]["state"].update(inc=-1), "OverflowError"),
        (lambda about: about["states"][0].update(colour="red"), "cannot have the state"),
        (lambda about: about["states"][0]["state"].pop("inc"), "KeyError"),
        (lambda about: about.pop("progress"), "KeyError"),
        (lambda about: about.pop("layers"), "KeyError"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_changes(version, change, message, tmp_path):
    path, run = tmp_path / "c.npz", start(1)
    save_checkpoint(path, *run)
    rewrite(path, lambda about, arrays: change(about), version)
    advance(run, 2)
    before = settled(run)
    refused = rf"c\.npz is not a complete nnlite checkpoint .*{message}.*; delete it to start"
    with pytest.raises(ValueError, match=refused):
        load_checkpoint(path, *run)
    assert settled(run) == before


NONSENSE = [None, True, -1, 0.5, 2**70, 10**400, float("nan"), float("inf"), "", "text", [], {}]


def ways(value):
    """The way to each value in nested dicts and lists: its keys, from outside to inside."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield (key,)
        if isinstance(inner, (dict, list)):
            yield from ((key, *way) for way in ways(inner))


def small_run(seed=0):
    rng = np.random.default_rng(seed)
    model = Sequential([Dense(1, 1, rng=rng), Dropout(0.5, rng=rng)])
    return model, Adam(model.params), {"batches": rng}


def test_nonsense_anywhere_changes_nothing_or_all(tmp_path, monkeypatch):
    """Each value of the JSON in turn is left out, or replaced by each of NONSENSE."""
    path, run = tmp_path / "c.npz", small_run()
    save_checkpoint(path, *run, progress={"epoch": 3})
    with opened(path, "nnlite checkpoint", "") as saved:
        good, listed = saved.about, saved.listed
    run = small_run(seed=1)
    before, n_mutants, accepted = settled(run), 0, set()
    for way, new in itertools.product(ways(good), [*NONSENSE, "left out"]):
        about = copy.deepcopy(good)
        place = functools.reduce(operator.getitem, way[:-1], about)
        place[way[-1]] = new
        if new == "left out":
            del place[way[-1]]
        with monkeypatch.context() as patch:
            patch.setattr(
                container, "read_about", lambda archive, kind, about=about: (about, listed)
            )
            n_mutants += 1
            try:
                load_checkpoint(path, *run)
            except ValueError as error:
                assert str(path) in str(error) and "; " in str(error), error
                assert settled(run) == before, (way, new)
            else:
                accepted.add(way[0])
                run = small_run(seed=1)
    assert n_mutants > 300 and accepted == {"progress", "settings", "states"}


@pytest.mark.parametrize("mask", [np.ones((20, 19), bool), np.ones((20, 20)), np.ones(20, bool)])
def test_a_mask_that_does_not_fit_is_refused_before_anything_changes(mask, tmp_path):
    path, run = tmp_path / "c.npz", start(1)
    save_checkpoint(path, *run)
    rewrite(path, lambda about, arrays: arrays.update({"2.w.mask": mask}))
    advance(run, 2)
    before = settled(run)
    message = (
        rf"c\.npz is of another run: arrays .*{mask.dtype} .* there, .*bool \(20, 20\).* here;"
    )
    with pytest.raises(ValueError, match=message):
        load_checkpoint(path, *run)
    assert settled(run) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("0.b"),
        lambda arrays: arrays.pop("m.1"),
        lambda arrays: arrays.update({"9.w": np.ones(3)}),
        lambda arrays: arrays.update({"9.w.mask": np.ones(3, bool)}),
        lambda arrays: arrays.update({"v.0": arrays["v.0"].astype(np.float64)}),
        lambda arrays: arrays.update({"0.w": arrays["0.w"].T}),
    ],
)
def test_other_arrays_are_refused_before_anything_changes(change, tmp_path):
    path, run = tmp_path / "c.npz", start(1)
    save_checkpoint(path, *run)
    rewrite(path, lambda about, arrays: change(arrays))
    advance(run, 2)
    before = settled(run)
    with pytest.raises(ValueError, match=r"c\.npz is of another run: arrays .*; build what was"):
        load_checkpoint(path, *run)
    assert settled(run) == before


def set_lr(run):
    run[1].lr = float("nan")


def set_mask(run):
    run[0].layers[2].w.value = np.ones((20, 19), np.float32)


def set_dtype(run):
    run[0].layers[0].b.value = np.ones(20, np.float16)


def set_moments(run):
    run[1].m[0] = np.ma.masked_array(run[1].m[0])


@pytest.mark.parametrize(
    "change, message",
    [
        (set_lr, "lr is nan"),
        (set_mask, "a mask is None or|an array of"),
        (set_dtype, "float16|an array of"),
        (set_moments, "masked"),
    ],
)
def test_what_could_not_be_loaded_does_not_replace_what_can(change, message, tmp_path):
    path, run = tmp_path / "c.npz", start(1)
    save_checkpoint(path, *run)
    before = path.read_bytes()
    change(run)
    with pytest.raises(ValueError, match=message):
        save_checkpoint(path, *run)
    assert path.read_bytes() == before


def test_saving_leaves_the_run_as_it_is(tmp_path):
    run = start(1)
    advance(run, 1)
    before, arrays = settled(run), run[1].m
    save_checkpoint(tmp_path / "c.npz", *run)
    assert settled(run) == before and run[1].m is arrays


def test_progress_that_json_cannot_hold_is_refused(tmp_path):
    path = tmp_path / "c.npz"
    with pytest.raises(ValueError, match="JSON cannot hold what is to be saved"):
        save_checkpoint(path, *start(1), progress={"seen": {1, 2}})
    assert not path.exists()
    save_checkpoint(path, *start(1), progress={"loss": np.float32(0.5), "of": np.arange(3)})
    assert load_checkpoint(path, *start(1)) == {"loss": 0.5, "of": [0, 1, 2]}


class Momentum:
    """An optimiser of one's own: one more number, another list of arrays."""

    def __init__(self, params, lr, l2=0.0):
        self.params, self.lr, self.range = list(params), lr, (-1, 1)
        self.speed = [0 * p.value for p in self.params]

    def step(self):
        for k, p in enumerate(self.params):
            self.speed[k] = 0.9 * self.speed[k] - np.clip(self.lr * p.grad, *self.range)
            p.value = p.value + self.speed[k]

    def state(self):
        return {"lr": self.lr, "range": self.range, "speed": list(self.speed)}

    def load_state(self, state):
        self.lr, self.range, self.speed = state["lr"], state["range"], state["speed"]


def test_an_optimiser_of_ones_own_goes_on_bit_for_bit(tmp_path):
    through = start(1, optimiser=Momentum)
    through[1].range = (-0.5, 0.5)
    advance(through, 5)
    save_checkpoint(tmp_path / "c.npz", *through)
    advance(through, 5)
    resumed = start(2, optimiser=Momentum)
    load_checkpoint(tmp_path / "c.npz", *resumed)
    assert resumed[1].range == (-0.5, 0.5)
    advance(resumed, 5)
    assert all(np.array_equal(a, b) for a, b in zip(weights(through), weights(resumed)))


class Stateless:
    def __init__(self, params, lr, l2=0.0):
        self.params = list(params)


def test_an_optimiser_that_does_not_say_its_state_is_refused(tmp_path):
    path, message = tmp_path / "c.npz", r"Stateless .* it has no state and no load_state; add state"
    with pytest.raises(ValueError, match=message):
        save_checkpoint(path, *start(1, optimiser=Stateless))
    assert not path.exists()
    save_checkpoint(path, *start(1))
    with pytest.raises(ValueError, match=message):
        load_checkpoint(path, *start(1, optimiser=Stateless))


class Jitter:
    """A layer of one's own that draws."""

    params = ()

    def __init__(self, rng):
        self.rng = rng

    def forward(self, x, train=False):
        return x + self.rng.normal(size=x.shape).astype(x.dtype) if train else x

    def backward(self, dy):
        return dy

    def __repr__(self):
        return "Jitter()"


def test_the_generator_of_any_layer_is_kept(tmp_path):
    def jittery(seed):
        model, _, rngs = start(seed)
        model = Sequential([Jitter(np.random.default_rng(seed)), *model.layers])
        return model, Adam(model.params), rngs

    through, resumed = jittery(1), jittery(2)
    advance(through, 3)
    save_checkpoint(tmp_path / "c.npz", *through)
    load_checkpoint(tmp_path / "c.npz", *resumed)
    advance(through, 3)
    advance(resumed, 3)
    assert all(np.array_equal(a, b) for a, b in zip(weights(through), weights(resumed)))


def test_a_seed_is_no_generator(tmp_path):
    model, adam, _ = start(1)
    with pytest.raises(ValueError, match="rng is 0"):
        save_checkpoint(tmp_path / "c.npz", model, adam, {"batches": 0})


RUN = """
import os, signal, sys
import numpy as np
sys.path.insert(0, {experiments!r})
from lab import nets
from nnlite.data import Dataset, Split

rng = np.random.default_rng(0)
split = Split(rng.random((750, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, 750))
data = Dataset("noise", split, split, split)
if len(sys.argv) > 2:  # kills itself halfway through this save
    writes, write_array = iter(range(int(sys.argv[2]))), np.lib.format.write_array
    def dying_write(file, array, **options):
        if next(writes, None) is None:
            file.write(b"half an array")
            os.kill(os.getpid(), signal.SIGKILL)
        write_array(file, array, **options)
    np.lib.format.write_array = dying_write
cfg = nets.Config("quadratic", 1e-3, (60, 40), ((3, 3),), steps=120, lr=1e-3, drop_prob=0.3)
nets.trained("killed", cfg, data, 3, sys.argv[1])
"""


def test_a_run_killed_at_any_moment_ends_with_the_same_bits(tmp_path):
    """SIGKILL, the one signal that no program can answer."""
    command = [sys.executable, "-c", RUN.format(experiments=str(EXPERIMENTS))]
    subprocess.run([*command, tmp_path / "through"], check=True, capture_output=True)

    rng, killed_at = np.random.default_rng(0), []
    for _ in range(2):
        with subprocess.Popen([*command, tmp_path / "killed"], stdout=subprocess.DEVNULL) as run:
            while (step := saved_step(tmp_path / "killed")) <= max(killed_at, default=0):
                time.sleep(0.01)
                assert run.poll() is None
            time.sleep(rng.uniform(0, 0.1))
            run.kill()
        killed_at.append(step)
    killed_in_a_save = subprocess.run([*command, tmp_path / "killed", "70"], capture_output=True)
    assert killed_in_a_save.returncode == -signal.SIGKILL
    (part,) = (tmp_path / "killed").glob("*.part")
    os.utime(part, (time.time() - 61,) * 2)
    subprocess.run([*command, tmp_path / "killed"], check=True, capture_output=True)
    assert not list((tmp_path / "killed").glob("*.part"))

    (through,), (killed,) = ((tmp_path / run).glob("*.npz") for run in ("through", "killed"))
    assert through.name == killed.name and through.read_bytes() == killed.read_bytes()


def saved_step(folder):
    for path in folder.glob("*.checkpoint.npz"):
        with np.load(path) as saved:
            return json.loads(saved["about.json"])["settings"]["t"]
    return 0
