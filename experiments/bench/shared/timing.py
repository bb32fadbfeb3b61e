"""Measuring time, in processes of their own, in turn.

nnlite is imported only where it is used: it is not to weigh on the memory of PyTorch's processes.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

# What nnlite sets where it is imported, and what the processes of others are not to inherit.
SPIN = {"GOMP_SPINCOUNT": "3000", "KMP_BLOCKTIME": "1"}


def in_a_process(script, args, threads, **variables):
    """What `script --only args...` prints, as JSON, with so many threads for everything.

    variables   of the process's environment
    """
    names = [f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")]
    names += ["NPROC"]  # JAX
    env = {name: value for name, value in os.environ.items() if SPIN.get(name) != value}
    env |= dict.fromkeys(names, str(threads)) | variables
    command = [sys.executable, script, "--only", *map(str, args)]
    return json.loads(subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True).stdout)


def seconds_of(step, repeats):
    """How long each of so many calls takes."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return seconds


def enough_seconds_of(step, seconds, most=2000):
    """How long each of some calls takes, after three to warm up: five, or more if time allows."""
    usual = np.median(seconds_of(step, 3))
    return seconds_of(step, max(5, min(most, int(seconds / usual))))


def in_turn(processes, rounds):
    """{name: [what each of its processes found]} of {name: (script, args, threads)}.

    All of them, so many times: whatever else happens on the machine happens to all.  Where they
    have "outputs", some numbers of what was computed, names are (case, candidate), the first
    candidate of a case is nnlite, and the outputs must be its own.
    """
    found = {name: [] for name in processes}
    for name in tqdm([*processes] * rounds, unit="process", disable=None):
        found[name].append(in_a_process(*processes[name]))
        check_same(name, found)
    return found


def limits(threads):
    """What in_turn takes to measure the limits of the machine too."""
    return {"limits": (Path(__file__).parents[1] / "limits.py", (), threads)}


def highest(limits):
    """Of the limits that several processes found: on a busy machine the highest is the true one."""
    rates = [found["gb_per_second"] for found in limits]
    return {
        "gflops": max(found["gflops"] for found in limits),
        "gb_per_second": {kb: max(rate[kb] for rate in rates) for kb in rates[0]},
    }


def summary(runs):
    """The median of several processes' medians, and the minimum of all: [{"seconds": ...}, ...]."""
    medians = [1000 * np.median(run["seconds"]) for run in runs]
    return {
        "median_ms": round(float(np.median(medians)), 4),
        "minimum_ms": round(1000 * min(min(run["seconds"]) for run in runs), 4),
        "medians_of_processes_ms": [round(median, 4) for median in medians],
    }


def summaries(runs):
    """{case: {candidate: summary}} of {(case, candidate): runs}."""
    cases = {}
    for (case, candidate), each in runs.items():
        cases.setdefault(case, {})[candidate] = summary(each)
    return cases


def check_same(name, found):
    """End the script if the last process of this name computed something else than nnlite did."""
    outputs = found[name][-1].get("outputs")
    if outputs:
        case, candidate = name
        expected = found[case, "nnlite"][0]["outputs"]
        if not np.allclose(outputs, expected, rtol=1e-3, atol=1e-4):
            sys.exit(f"{case}: {candidate} gives {outputs}, nnlite {expected}")
