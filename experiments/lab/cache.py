"""What long experiments keep in runs/, so that nothing is computed twice and nothing is stale.

    path = kept.path(runs, "mnist-ann-lq-seed0", made_by, ".npz")
    rows = kept.Rows(runs, "mnist-prune-ann", made_by)
    accuracy = rows.get("seed 0, sparsity 0.5", measure, 0.5)    # measure(0.5), once

`made_by` is a dict of what a result depends on, and of a `recipe`, a number to be raised when the
code changes results; a few letters of its digest are part of the file's name, and whoever changes
a setting gets another file.
"""

import copy
import hashlib
import json
import platform
from pathlib import Path

import numba
import numpy as np

import nnlite
from nnlite.files import replace_when_done

RUNS = Path("runs")


def path(runs, readable, made_by, suffix):
    """runs/<readable>-<digest of made_by><suffix>; the folder is made if need be."""
    digest = hashlib.sha256(json.dumps(made_by).encode()).hexdigest()[:8]
    Path(runs).mkdir(parents=True, exist_ok=True)
    return Path(runs) / f"{readable}-{digest}{suffix}"


class Rows:
    """{key: result}, computed one by one and written after each: a run that is stopped goes on.

    made_by   as for `path`
    """

    def __init__(self, runs, readable, made_by):
        self.path = path(runs, readable, made_by, ".json")
        self.rows = json.loads(self.path.read_text()) if self.path.exists() else {}

    def get(self, key, compute, *args):
        """A copy of the row kept under `key`, else of what `compute(*args)` returns.

        Like all that went through JSON: keys are texts, tuples lists.
        """
        if key not in self.rows:
            self.rows[key] = json.loads(json.dumps(compute(*args), default=to_json))
            write_json(self.path, self.rows)
        return copy.deepcopy(self.rows[key])


def write_json(path, value):
    """Write `value`, whole or not at all."""
    with replace_when_done(path) as file:
        file.write(json.dumps(value, default=to_json).encode())


def to_json(value):
    """NumPy scalars and arrays as the numbers and lists that JSON knows."""
    return value.tolist()


def versions():
    """Of what a result depends on."""
    packages = {"nnlite": nnlite.__version__, "numpy": np.__version__, "numba": numba.__version__}
    return {**packages, "python": platform.python_version()}
