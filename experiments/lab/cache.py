"""What long experiments keep in runs/, so that nothing is computed twice and nothing is stale.

    path = cache.path(runs, "mnist-ann-lq-seed0", {"data": ..., "seed": 0, "config": cfg}, ".npz")
    rows = cache.Rows(runs, "mnist-prune-ann", {"data": ..., "config": cfg})
    if row not in rows: rows[row] = ...

A name holds a few letters of the digest of everything that a result depends on: whoever changes a
setting, or the images, gets another file.  Code is not among it; each Config has a `recipe`, a
number to be raised when the code changes results.
"""

import contextlib
import copy
import dataclasses
import hashlib
import json
import logging
import platform
from pathlib import Path

import filelock
import numba
import numpy as np

import nnlite
from nnlite.files import replace_when_done

ROOT = Path(__file__).resolve().parents[2]  # the scripts work from any folder
RUNS = ROOT / "runs"

log = logging.getLogger("lab")


def digest(value):
    """Eight letters that stand for a value: dataclasses, dicts, lists, numbers and texts."""
    text = json.dumps(value, default=to_json, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def path(runs, readable, made_by, suffix):
    """runs/<readable>-<digest of made_by><suffix>; the folder is made if need be."""
    Path(runs).mkdir(parents=True, exist_ok=True)
    return Path(runs) / f"{readable}-{digest(made_by)}{suffix}"


class Rows:
    """{row: result}, a file each, so that processes on several machines may fill one folder.

    made_by   what all rows depend on, as for `path`
    A row is a frozen dataclass whose fields, with its class, say what was computed.  Results went
    through JSON: keys are texts, tuples lists.
    """

    def __init__(self, runs, readable, made_by):
        self.folder = path(runs, readable, made_by, "")
        self.folder.mkdir(exist_ok=True)
        self.found = {}  # what was read or written already

    def file(self, row):
        kind = type(row).__name__
        return self.folder / f"{kind.lower()}-{digest([kind, row])}.json"

    def __contains__(self, row):
        return row in self.found or self.file(row).exists()

    def __getitem__(self, row):
        if row not in self.found:
            self.found[row] = read_row(self.file(row))
        return copy.deepcopy(self.found[row])

    def __setitem__(self, row, result):
        write_json(self.file(row), {"row": row, "result": result})
        self.found[row] = plain(result)


def read_row(path):
    """The result that a file of a row holds; ValueError that names a damaged one."""
    try:
        return json.loads(path.read_text())["result"]
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); delete it, and it is made again") from error


@contextlib.contextmanager
def only_one(path):
    """Wait until no other process is making `path`; the others wait until this block ends.

    Look again inside whether it is there: who waited finds it made.  A process that dies lets go.
    """
    lock = filelock.FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        log.info(f"{path.stem}: another process is making it; waiting")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def write_json(path, value):
    """Write `value`, whole or not at all."""
    with replace_when_done(path) as file:
        file.write(json.dumps(value, default=to_json, separators=(",", ":")).encode())


def plain(value):
    """The value as JSON gives it back: dicts, lists, numbers and texts."""
    return json.loads(json.dumps(value, default=to_json))


def to_json(value):
    """NumPy numbers and arrays, and dataclasses, as what JSON knows."""
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return value.tolist()


def versions():
    """{package: version} of all that results depend on."""
    packages = {"nnlite": nnlite.__version__, "numpy": np.__version__, "numba": numba.__version__}
    return {**packages, "python": platform.python_version()}
