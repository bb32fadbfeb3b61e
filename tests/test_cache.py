"""lab/cache.py: what is kept is found again, by whoever looks, and never stands for another."""

import signal
import subprocess
import sys
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from lab import banks, cache, nets
from lab.cache import digest


@dataclass(frozen=True)
class Point:
    x: int
    y: tuple = ()


@dataclass(frozen=True)
class Other:
    """The same fields as Point."""

    x: int
    y: tuple = ()


def in_experiments(code, *args):
    """Start Python code in another process that finds lab/."""
    experiments = str(cache.ROOT / "experiments")
    code = f"import sys; sys.path.insert(0, {experiments!r})\n{code}"
    command = [sys.executable, "-c", code, *args]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


# Digests


def test_a_digest_stays_what_it_is():
    """Else all of runs/ would be made again."""
    assert digest({"seed": 0, "point": Point(1, (0.5, "a"))}) == "ae4ee8b7"


def test_a_digest_stands_for_the_value_not_for_its_type():
    assert digest({"a": 1, "b": (1, 2)}) == digest({"b": [1, 2], "a": 1})
    assert digest(np.float64(0.1)) == digest(0.1)
    assert digest(Point(1)) == digest({"x": 1, "y": []})
    assert digest(0.1) != digest(np.float32(0.1)) and digest(1) != digest("1")


@pytest.mark.parametrize("cfg", [nets.MODELS["cnn-lq"], banks.Config()])
def test_a_digest_changes_with_every_field(cfg):
    others = [replace(cfg, **{field.name: "another value"}) for field in fields(cfg)]
    digests = {digest(value) for value in [cfg, *others, [cfg], {"config": cfg}]}
    assert len(digests) == len(fields(cfg)) + 3


def test_a_path_stands_for_what_made_it(tmp_path):
    path = cache.path(tmp_path / "runs" / "mine", "mnist-ann", {"seed": 0}, ".npz")
    assert path.parent.is_dir() and not path.exists()
    assert path.name == f"mnist-ann-{digest({'seed': 0})}.npz"
    assert path != cache.path(tmp_path / "runs" / "mine", "mnist-ann", {"seed": 1}, ".npz")


# Rows


def test_rows_are_found_again(tmp_path):
    rows = cache.Rows(tmp_path, "rows", {"seed": 0})
    assert Point(1) not in rows
    rows[Point(1)] = {"accuracy": np.float32(0.5), "curve": (np.arange(2), "a")}
    expected = {"accuracy": 0.5, "curve": [[0, 1], "a"]}  # what JSON gives back, at once too
    assert rows[Point(1)] == expected
    again = cache.Rows(tmp_path, "rows", {"seed": 0})
    assert Point(1) in again and again[Point(1)] == expected
    assert Point(2) not in again and Other(1) not in again
    with pytest.raises(FileNotFoundError):
        again[Point(2)]


def test_whoever_changes_a_row_changes_a_copy(tmp_path):
    rows = cache.Rows(tmp_path, "rows", {})
    rows[Point(1)] = {"curve": [1]}
    rows[Point(1)]["curve"].append(2)
    assert rows[Point(1)] == {"curve": [1]}


@pytest.mark.parametrize("left", ['{"row": 1, "res', "[]", '{"row": 1}'])
def test_a_damaged_row_is_named(left, tmp_path):
    rows = cache.Rows(tmp_path, "rows", {})
    rows[Point(1)] = 2
    rows.file(Point(1)).write_text(left)
    with pytest.raises(ValueError, match=r"point-\w+\.json is damaged .*; delete it"):
        cache.Rows(tmp_path, "rows", {})[Point(1)]


def test_a_result_may_be_none(tmp_path):
    cache.Rows(tmp_path, "rows", {})[Point(1)] = None
    rows = cache.Rows(tmp_path, "rows", {})
    assert Point(1) in rows and rows[Point(1)] is None


def test_rows_of_another_config_are_others(tmp_path):
    cfg = banks.Config()
    cache.Rows(tmp_path, "rows", {"config": cfg})[Point(1)] = 1
    assert Point(1) in cache.Rows(tmp_path, "rows", {"config": banks.Config()})
    for made_by in ({"config": replace(cfg, recipe=2)}, {"config": cfg, "data": "of today"}):
        assert Point(1) not in cache.Rows(tmp_path, "rows", made_by)


def test_every_row_has_its_file(tmp_path):
    rows = cache.Rows(tmp_path, "rows", {})
    for k, row in enumerate([Point(1), Point(2), Point(1, (3,)), Other(1)]):
        rows[row] = k
        assert len(list(rows.folder.iterdir())) == k + 1
    rows.file(Point(2)).unlink()
    again = cache.Rows(tmp_path, "rows", {})
    assert Point(2) not in again
    assert [again[row] for row in (Point(1), Point(1, (3,)), Other(1))] == [0, 2, 3]


FILL = """
from dataclasses import dataclass
from lab import cache

@dataclass(frozen=True)
class Point:
    x: int
    y: tuple = ()

rows = cache.Rows(sys.argv[1], "rows", {})
print("ready", flush=True)
input()
for x in range(0, 300, int(sys.argv[2])):
    if Point(x) not in rows:
        rows[Point(x)] = {"square": x * x}
"""


def test_two_processes_that_fill_a_folder_lose_nothing(tmp_path):
    """One computes every second row, one every third: some belong to both."""
    with in_experiments(FILL, tmp_path, "2") as first, in_experiments(FILL, tmp_path, "3") as other:
        for process in (first, other):
            assert process.stdout.readline() == "ready\n"
        for process in (first, other):
            process.stdin.write("go\n")
            process.stdin.flush()
    assert first.returncode == other.returncode == 0
    rows = cache.Rows(tmp_path, "rows", {})
    wanted = {x for x in range(300) if x % 2 == 0 or x % 3 == 0}
    assert {x for x in range(300) if Point(x) in rows} == wanted
    assert all(rows[Point(x)] == {"square": x * x} for x in wanted)
    assert len(list(rows.folder.iterdir())) == len(wanted)  # and no half files


# One process at a time


HOLD = """
import time
from pathlib import Path
from lab import cache

with cache.only_one(Path(sys.argv[1])):
    print("mine", flush=True)
    time.sleep(60)
"""


def test_a_process_that_dies_lets_go(tmp_path):
    with in_experiments(HOLD, tmp_path / "network.npz") as process:
        assert process.stdout.readline() == "mine\n"
        process.send_signal(signal.SIGKILL)
    with cache.only_one(tmp_path / "network.npz"):
        pass
