"""Rows for tests/test_tasks.py, in a file of their own so that other processes can import them."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numba


@dataclass(frozen=True)
class Square:
    number: int
    kept = True

    def compute(self, cfg, data, runs):
        return {"square": self.number**2 + cfg, "images": len(data.train.images)}


@dataclass(frozen=True)
class Threads:
    kept = True

    def compute(self, cfg, data, runs):
        return {"numba": numba.get_num_threads(), "blas": os.environ["OPENBLAS_NUM_THREADS"]}


@dataclass(frozen=True)
class Dies:
    """Kills its process the first `times` times."""

    times: int
    kept = True

    def compute(self, cfg, data, runs):
        marks = [Path(runs) / f"died-{k}" for k in range(self.times)]
        for mark in marks:
            if not mark.exists():
                mark.touch()
                time.sleep(0.5)  # time for the other process to do its row
                os._exit(1)
        return {"died": self.times}
