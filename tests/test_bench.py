"""The benchmarks measure what they say, and the tables of the docs are those of their results."""

import ast
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

import nnlite
from nnlite.replace import FAST, PLAIN

ROOT = Path(__file__).parents[1]
BENCH, DOCS = ROOT / "experiments" / "bench", ROOT / "docs"


def load(name, path):
    """Import a file under a name of our own: `sparse` and `training` could be anybody's."""
    spec = importlib.util.spec_from_file_location(name, path)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


load("shared", BENCH / "shared" / "__init__.py")  # so that the scripts find it
training, sparse, sparse_steps = (
    load(f"bench_{name}", BENCH / f"{name}.py") for name in ("training", "sparse", "sparse_steps")
)


def imported(path):
    """First parts of the names that a file imports: "nnlite" of `from nnlite.sparse import ...`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


def test_no_script_imports_another():
    scripts = {path.stem for path in [*BENCH.glob("*.py"), *BENCH.parent.iterdir()]}
    files = list(BENCH.rglob("*.py"))
    assert len(files) >= 8 and {"sparse", "train", "lab"} <= scripts
    for path in files:
        assert not scripts.intersection(imported(path)), path


@pytest.mark.parametrize(
    "name, part, script, page",
    [
        ("bench-training", "results", training, "training.md"),
        ("bench-sparse", None, sparse, "sparse-inference.md"),
        ("sparse-steps", None, sparse_steps, "sparse-inference.md"),
    ],
)
def test_the_tables_of_the_docs_are_those_of_the_results(name, part, script, page):
    results = json.loads((DOCS / "results" / f"{name}.json").read_text())
    table = script.table(results[part] if part else results)
    assert table.strip("\n") in (DOCS / page).read_text()


def test_each_rung_has_in_use_what_it_says():
    for candidate, names in training.LADDER.items():
        with nnlite.plain():
            plain = nnlite.replaceable()
        with training.rung(candidate):
            in_use = nnlite.replaceable()
        assert {name for name in PLAIN if in_use[name] != plain[name]} == set(names)
    with training.rung(training.NUMPY_PRODUCT):
        in_use = nnlite.replaceable()
    assert in_use == nnlite.replaceable() | {"matmul": "numpy.matmul"}


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(training, "NETWORKS", {"cnn": (((3, 2), (3, 2)), (5,))})
    monkeypatch.setattr(training, "BATCH", 2)


def test_each_rung_calls_what_it_says(tiny, monkeypatch):
    """And `nnlite` all that is fast in a step of training."""
    called = set()

    def declining(name):
        def fast(*args, **kwargs):
            called.add(name)
            return NotImplemented

        return fast

    def fast_functions(measure, *args):
        called.clear()
        measure(*args)
        return set(called)

    for name in FAST:
        monkeypatch.setitem(FAST, name, declining(name))
    for candidate, names in training.LADDER.items():
        assert fast_functions(training.measure, "cnn", candidate) == set(names)
    everything = fast_functions(training.nnlite_step("cnn"))
    assert everything == set(training.LADDER["nnlite"])
    product = fast_functions(training.measure, "cnn", training.NUMPY_PRODUCT)
    assert product == everything - {"matmul"}


def test_a_candidate_is_measured(tiny):
    found = training.measure("cnn", "NumPy")
    assert len(found["seconds"]) == training.STEPS["cnn"] and min(found["seconds"]) > 0
    assert found["peak_mb"] > 10


def test_every_step_gives_the_product(rng):
    w = rng.normal(size=(7, 250)) * (rng.random((7, 250)) < 0.3)
    a = scipy.sparse.csr_array(w.astype(np.float32))
    x = rng.random((250, 70), dtype=np.float32)
    for step, (compute, result) in sparse_steps.steps(a, x).items():
        compute()
        assert np.allclose(result(), a.toarray() @ x, rtol=1e-4, atol=1e-4), step


def test_candidates_that_compute_something_else_are_told():
    case = "ann, 90 % zeros, batch 1"
    runs = {"nnlite": [{"outputs": [1.0, 2.0]}], "SciPy": [{"outputs": [1.0, 2.00001]}]}
    sparse.check_same(case, runs)
    with pytest.raises(SystemExit, match="SciPy gives"):
        sparse.check_same(case, runs | {"SciPy": [{"outputs": [1.0, 2.1]}]})
