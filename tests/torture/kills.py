"""Processes killed at any moment, and two at once in one folder: the same bits in the end."""

import random
import shutil
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

SHARE = 5  # rounds are long

# Trains a small network and makes a little noise for it; then measures some rows with it, as the
# scripts do, or does all that reproduce.py does.
RUN = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {experiments!r})
import numpy as np
import prune_ann, reproduce
from lab import cache, nets, banks, script
from nnlite.data import Dataset, Split

what, runs, out = sys.argv[1], *map(Path, sys.argv[2:])
rng = np.random.default_rng(0)
split = Split(rng.random((500, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, 500))
data = Dataset("noise", split, split, split)
network = nets.Config("quadratic", 1e-3, (30, 20), steps=120, lr=1e-3, drop_prob=0.3, batch_size=50)
few = {{"network": network, "noise": banks.Config(steps=2, batch_size=20)}}
prune_ann.PRESETS["quick"] = replace(
    prune_ann.QUICK, first_sparsities=(0.0, 0.5, 0.9), sparsities=(0.0,), published=((),),
    curves=("magnitude",), **few
)
with script.ending_well(type("Parser", (), {{"prog": "run"}})):
    if what == "study":
        results = script.run(prune_ann, data, "quick", runs)
        cache.write_json(out / "results.json", results)
    else:
        cfg = reproduce.Config(sparsities=(0.0, 0.81, 0.9), **few)
        model, results = reproduce.run(data, cfg, 0, runs)
        reproduce.write_results(model, replace(results, seconds=0.0), out)
"""


def start(folder, what):
    """A process that works in `folder`/runs and writes `folder`/out in the end."""
    (folder / "out").mkdir(parents=True, exist_ok=True)
    code = RUN.format(experiments=str(EXPERIMENTS))
    command = [sys.executable, "-c", code, what, folder / "runs", folder / "out"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def contents(folder):
    """{name: bytes} of networks, noise and results."""
    paths = [*(folder / "runs").glob("*.npz"), *(folder / "out").glob("*.json")]
    return {path.name: path.read_bytes() for path in paths}


def finished(process):
    """What is wrong with how a process ended, as a list of texts."""
    _, said = process.communicate(timeout=300)
    return [] if process.returncode == 0 else [f"ended with {process.returncode}: {said[-500:]}"]


def killed(folder, what, seconds, chance, defects):
    """Kill a run at random moments, four times, and let a last one finish.  Returns the kills."""
    n = 0
    for part in (0.3, 0.5, 0.7, 1):  # of the time that all of it takes: the first is never late
        process = start(folder, what)
        time.sleep(chance.uniform(0, part * seconds))
        if process.poll() is None:
            process.send_signal(chance.choice(SIGNALS))
            n += 1
        process.communicate(timeout=300)
    defects += finished(start(folder, what))
    return n


def together(folder, what, chance, defects):
    """Two processes in one folder, the second one a little later."""
    processes = [start(folder, what)]
    time.sleep(chance.uniform(0, 1))
    processes.append(start(folder, what))
    for process in processes:
        defects += finished(process)


def torture(rng, deadline):
    chance, defects = random.Random(int(rng.integers(10**9))), []
    counts = {"kills": 0, "pairs": 0}
    with tempfile.TemporaryDirectory() as top:
        through = {what: Path(top) / what for what in ("study", "reproduce")}
        seconds = {}
        for what, folder in through.items():
            begin = time.monotonic()
            defects += finished(start(folder, what))
            seconds[what] = time.monotonic() - begin
        for k in rounds(deadline):
            alone, pair = Path(top) / f"killed-{k}", Path(top) / f"pair-{k}"
            what = chance.choice(["study", "study", "reproduce"])  # the last takes longer
            counts["kills"] += killed(alone, what, seconds[what], chance, defects)
            together(pair, what, chance, defects)
            counts["pairs"] += 1
            for folder in (alone, pair):
                if contents(folder) != contents(through[what]):
                    defects.append(f"{folder.name}: other networks, noise or results")
                if left := [*folder.rglob("*.checkpoint.npz"), *folder.rglob("*.part")]:
                    defects.append(f"{folder.name}: {left} were left")
                shutil.rmtree(folder)
    return {**counts, "defects": defects}
