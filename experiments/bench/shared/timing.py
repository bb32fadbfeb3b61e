"""What the benchmark scripts share: measuring in processes of their own, in turn."""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


def in_a_process(script, args, threads, **variables):
    """What `script --only args...` prints, as JSON, with so many threads for everything.

    variables   of the process's environment
    """
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    env = {**os.environ, **{f"{name}_NUM_THREADS": str(threads) for name in names}, **variables}
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


def summary(runs):
    """Of several processes' {"seconds": [...]}: the median of each, their median, the minimum."""
    medians = [1000 * np.median(run["seconds"]) for run in runs]
    return {
        "median_ms": round(float(np.median(medians)), 4),
        "minimum_ms": round(1000 * min(min(run["seconds"]) for run in runs), 4),
        "medians_of_processes_ms": [round(median, 4) for median in medians],
    }


def processor():
    """The name of the processor, where Linux tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
