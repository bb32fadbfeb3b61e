"""The examples with other libraries: skipped where the extra `interop` is not installed."""

import sys
from pathlib import Path

import pytest

INTEROP = Path(__file__).parents[2] / "examples" / "interop"
sys.path.insert(0, str(INTEROP))  # where the examples find each other too


def pytest_collection_modifyitems(items):
    """What other libraries warn of is theirs."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))
