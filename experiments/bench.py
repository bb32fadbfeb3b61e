"""What the benchmark scripts share: measuring in processes of their own, in turn."""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


def in_a_process(script, args, threads):
    """What `script --only args...` prints, as JSON, with so many threads for everything."""
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    env = {**os.environ, **{f"{name}_NUM_THREADS": str(threads) for name in names}}
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
    """Of several processes' {"seconds": [...]}: median, minimum, the median of each."""
    milliseconds = 1000 * np.concatenate([run["seconds"] for run in runs])
    return {
        "median_ms": round(float(np.median(milliseconds)), 4),
        "minimum_ms": round(float(milliseconds.min()), 4),
        "medians_of_processes_ms": [round(1000 * np.median(run["seconds"]), 4) for run in runs],
    }


def processor():
    """The name of the processor, where Linux tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
