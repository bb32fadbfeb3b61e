"""Every example runs as a script, short, and says to how many digits what agreed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

for name in ("art", "foolbox", "onnx", "onnxruntime", "torch"):
    pytest.importorskip(name)

FOLDER = Path(__file__).parents[2] / "examples" / "interop"
SCRIPTS = [path for path in sorted(FOLDER.glob("*.py")) if "__main__" in path.read_text()]


def test_there_are_five_and_all_are_short():
    assert len(SCRIPTS) == 5
    assert all(len(path.read_text().splitlines()) < 60 for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_it_runs_and_tells_what_agreed(path, tmp_path):
    command = [sys.executable, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = re.findall(r"every bit|([\d.]+) digits", done.stdout)
    assert found and all(digits == "" or float(digits) > 5.5 for digits in found)
