"""Run all torture tests for as long as you like, and print what was tried and what broke:

    python tests/torture/run.py --minutes 60

Every module of this folder that has a `torture` gets a part of the time, in a process of its own,
so that a crash is found like any other defect; two are at work at a time.  Ends with status 1 if
there is a defect.  The seed, printed first, repeats a run as far as time allows.
"""

import argparse
import concurrent.futures
import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

PROCESSES = 2
PATIENCE = 120  # seconds past its deadline, after which a module hangs


def names():
    """The modules that have a `torture`."""
    paths = sorted(Path(__file__).parent.glob("*.py"))
    return [path.stem for path in paths if "\ndef torture(rng, deadline" in path.read_text()]


def share(name):
    """A module's part of the time, 1 unless it says another SHARE."""
    return getattr(importlib.import_module(f"torture.{name}"), "SHARE", 1)


def tortured(name, seconds, seed):
    """What a module's torture returns after so many seconds."""
    module = importlib.import_module(f"torture.{name}")
    return module.torture(np.random.default_rng(seed), time.monotonic() + seconds)


def in_a_process(name, seconds, seed):
    """The same, from another process; if that crashes or hangs, this is the defect."""
    command = [sys.executable, __file__, "--module", name]
    command += ["--minutes", str(seconds / 60), "--seed", str(seed)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + PATIENCE)
        return json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"defects": [f"still at work {PATIENCE} s after its deadline"]}
    except (IndexError, ValueError):
        return {"defects": [f"ended with status {done.returncode}:\n{done.stderr[-2000:]}"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=5, help="of all modules together")
    parser.add_argument(
        "--seed", type=int, default=time.time_ns() % 10**6, help="another each time by default"
    )
    parser.add_argument("--module", choices=names(), help="only this one, in this process")
    args = parser.parse_args()
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root / "tests"), str(root / "experiments")]
    if args.module:
        print(json.dumps(tortured(args.module, 60 * args.minutes, args.seed)))
        return 0
    print(f"seed {args.seed}", flush=True)
    shares = {name: share(name) for name in sorted(names(), key=share, reverse=True)}
    unit, defects = 60 * args.minutes * PROCESSES / sum(shares.values()), 0
    with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
        running = {
            pool.submit(in_a_process, name, unit * shares[name], args.seed): name for name in shares
        }
        for future in concurrent.futures.as_completed(running):
            counts = future.result()
            found = counts.pop("defects")
            defects += len(found)
            told = ", ".join(f"{count:,} {what}" for what, count in counts.items())
            print(f"{running[future]}: {told}", *found, sep="\n  defect: ", flush=True)
    print(f"{defects} defects")
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main())
