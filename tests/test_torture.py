"""One round of every torture test, seeded; `python tests/torture/run.py --minutes 60` runs more."""

import importlib
import time

import numpy as np
import pytest
from torture import run


# kills take half a minute; tests/test_checkpoint.py kills a run in every one.
@pytest.mark.parametrize("name", [name for name in run.names() if name != "kills"])
def test_one_round_ends_without_a_defect(name):
    module = importlib.import_module(f"torture.{name}")
    counts = module.torture(np.random.default_rng(0), time.monotonic())
    assert counts["defects"] == []
    for what, at_least in module.ONE_ROUND.items():
        assert counts[what] >= at_least, what
