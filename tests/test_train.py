"""experiments/train.py: a run that is stopped says how it goes on."""

import signal
import subprocess
import sys
import time

import pytest
from lab import cache

SCRIPT = cache.ROOT / "experiments" / "train.py"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_a_checkpoint_and_says_how_to_go_on(
    stop, digits_folder, tmp_path, heeding_ctrl_c
):
    options = ["--model", "cnn-lq", "--data", digits_folder, "--runs", tmp_path]
    command = [sys.executable, SCRIPT, *options]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, preexec_fn=heeding_ctrl_c) as run:
        while not list(tmp_path.glob("*.checkpoint.npz")):
            time.sleep(0.02)
            assert run.poll() is None
        run.send_signal(stop)
        said = run.stderr.read().decode()
    (checkpoint,) = tmp_path.glob("*.checkpoint.npz")
    assert run.returncode == 1 and "Traceback" not in said
    assert said.endswith(f"\nStopped.  The same command goes on from {checkpoint}\n")


def test_data_that_is_not_there_is_told_in_a_line(tmp_path):
    command = [sys.executable, SCRIPT, "--data", tmp_path / "nowhere", "--runs", tmp_path]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert run.stderr.startswith("train.py: ") and "nowhere" in run.stderr
