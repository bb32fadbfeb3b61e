"""Measuring time, in processes of their own, and keeping what was found.

nnlite is imported only where it is used: it is not to weigh on the memory of PyTorch's processes.
"""

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

# What nnlite sets where it is imported, and what the processes of others are not to inherit.
SPIN = {"GOMP_SPINCOUNT": "3000", "KMP_BLOCKTIME": "1"}


def in_a_process(script, args, threads, **variables):
    """What `script --only args...` prints, as JSON, with so many threads for everything.

    variables   of the process's environment
    """
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    env = {name: value for name, value in os.environ.items() if SPIN.get(name) != value}
    env |= {f"{name}_NUM_THREADS": str(threads) for name in names} | variables
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
    """The median of several processes' medians, and the minimum of all: [{"seconds": ...}, ...]."""
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


def versions(*packages):
    """{package: version}, Python's among them.  Ends the script where a package is missing."""
    try:
        found = {name: version(name) for name in packages}
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is missing: pip install -e '.[bench]'")
    return found | {"python": platform.python_version()}


def write_json(path, value):
    """Write `value`, whole or not at all."""
    from nnlite.files import replace_when_done

    with replace_when_done(path) as file:
        file.write(json.dumps(value, indent=1).encode())
