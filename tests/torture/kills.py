"""Processes killed at any moment, and two at once in one folder: the same bits in the end."""

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from torture import rounds

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ONE_ROUND = {"kills": 1, "pairs": 1}

# Trains a small network, makes a little noise for it and measures some rows with it, as the
# scripts do.
RUN = """
import sys
from dataclasses import replace
sys.path.insert(0, {experiments!r})
import numpy as np
import prune_ann
from lab import cache, nets, banks, script
from nnlite.data import Dataset, Split

rng = np.random.default_rng(0)
split = Split(rng.random((500, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, 500))
data = Dataset("noise", split, split, split)
network = nets.Config("quadratic", 1e-3, (30, 20), steps=120, lr=1e-3, drop_prob=0.3, batch_size=50)
prune_ann.PRESETS["quick"] = replace(
    prune_ann.QUICK, network=network, noise=banks.Config(steps=2, batch_size=20),
    first_sparsities=(0.0, 0.5, 0.9), sparsities=(0.0,), published=((),), curves=("magnitude",),
)
with script.ending_well(type("Parser", (), {{"prog": "run"}})):
    results = script.run(prune_ann, data, "quick", sys.argv[1])
    cache.write_json(sys.argv[2], results)
"""


def start(folder, name):
    """A process that works in `folder`/runs and writes `folder`/<name>.json in the end."""
    folder.mkdir(exist_ok=True)
    code = RUN.format(experiments=str(EXPERIMENTS))
    command = [sys.executable, "-c", code, folder / "runs", folder / f"{name}.json"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def contents(folder):
    """{name: bytes} of networks and noise, and the results."""
    kept = {path.name: path.read_bytes() for path in (folder / "runs").glob("*.npz")}
    results = {path.read_bytes() for path in folder.glob("*.json")}
    return kept, results


def finished(process):
    """What is wrong with how a process ended, as a list of texts."""
    _, said = process.communicate(timeout=300)
    return [] if process.returncode == 0 else [f"ended with {process.returncode}: {said[-500:]}"]


def killed(folder, seconds, chance, defects):
    """Kill a run at random moments, twice, and let a third one finish.  Returns the kills."""
    n = 0
    for part in (0.5, 1):  # of the time that all of it takes: the first is never too late
        process = start(folder, "killed")
        time.sleep(chance.uniform(0, part * seconds))
        if process.poll() is None:
            process.send_signal(chance.choice(SIGNALS))
            n += 1
        process.communicate(timeout=300)
    defects += finished(start(folder, "killed"))
    return n


def together(folder, chance, defects):
    """Two processes in one folder, the second one a little later."""
    processes = [start(folder, "first")]
    time.sleep(chance.uniform(0, 1))
    processes.append(start(folder, "second"))
    for process in processes:
        defects += finished(process)


def torture(rng, deadline):
    chance, defects = random.Random(int(rng.integers(10**9))), []
    counts = {"kills": 0, "pairs": 0}
    with tempfile.TemporaryDirectory() as top:
        through = Path(top) / "through"
        begin = time.monotonic()
        defects += finished(start(through, "through"))
        seconds, expected = time.monotonic() - begin, contents(through)
        for k in rounds(deadline):
            alone, pair = Path(top) / f"killed-{k}", Path(top) / f"pair-{k}"
            counts["kills"] += killed(alone, seconds, chance, defects)
            together(pair, chance, defects)
            counts["pairs"] += 1
            for folder in (alone, pair):
                if contents(folder) != expected:
                    defects.append(f"{folder.name}: other networks, noise or results")
                if left := list((folder / "runs").rglob("*.checkpoint.npz")):
                    defects.append(f"{folder.name}: {left} were left")
    return {**counts, "defects": defects}
