"""Tests to destruction: what a module of this folder tries, it tries at random and for any time.

Each module has

    torture(rng, deadline)   tries things until `deadline`, a number of time.monotonic(), at least
                             one round of them; returns {"calls": 2345, ..., "defects": [text, ...]}
    ONE_ROUND                {"calls": 2000, ...}: how many one round tries at least
    SHARE                    if it is there: how much more time than the others run.py gives it

tests/test_torture.py runs one round of each, seeded; run.py as many as there is time for.
"""

import contextlib
import itertools
import resource
import time
from pathlib import Path


def rounds(deadline):
    """Yield 0, 1, 2, ... until the deadline; 0 in any case."""
    for number in itertools.count():
        yield number
        if time.monotonic() >= deadline:
            return


@contextlib.contextmanager
def limited_memory(gigabytes):
    """Raise MemoryError inside the `with` for what takes the process that much above what it has.

    On Linux; elsewhere nothing is limited.
    """
    statm, limits = Path("/proc/self/statm"), resource.getrlimit(resource.RLIMIT_AS)
    if statm.exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + int(gigabytes * 2**30), limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
