"""The benchmarks measure what they say, and the tables of the docs are those of their results."""

import ast
import importlib.util
import json
import os
import subprocess
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
names = ("training", "sparse", "sparse_steps", "product", "noise", "growth", "everything")
training, sparse, sparse_steps, product, noise, growth, everything = (
    load(f"bench_{name}", BENCH / f"{name}.py") for name in names
)
from shared import candidates, curves, goals, networks, steps, timing  # noqa: E402


def imported(path):
    """First parts of the names that a file imports: "nnlite" of `from nnlite.sparse import ...`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


def test_no_script_has_kernels():
    """numba keeps them under the module's name, and finds none of that name in the next process."""
    for path in [*BENCH.glob("*.py"), *BENCH.parent.glob("*.py")]:
        assert "numba" not in imported(path) and "njit" not in path.read_text(), path


def test_no_script_imports_another():
    scripts = {path.stem for path in [*BENCH.glob("*.py"), *BENCH.parent.iterdir()]}
    files = list(BENCH.rglob("*.py"))
    assert len(files) >= 8 and {"sparse", "train", "lab"} <= scripts
    for path in files:
        assert not scripts.intersection(imported(path)), path


@pytest.mark.parametrize(
    "name, script, page",
    [
        ("bench-training", training, "training.md"),
        ("bench-sparse", sparse, "sparse-inference.md"),
        ("sparse-steps", sparse_steps, "sparse-inference.md"),
    ],
)
def test_the_tables_of_the_docs_are_those_of_the_results(name, script, page):
    table = script.table(json.loads((DOCS / "results" / f"{name}.json").read_text()))
    assert table.strip("\n") in (DOCS / page).read_text()


def test_machines_stand_side_by_side_in_the_docs_as_their_results_say():
    files = sorted((DOCS / "results" / "bench").glob("*.json"))
    tables = everything.side_by_side([json.loads(path.read_text()) for path in files])
    for part in tables.split("\n\n")[:2]:  # the machines, and the goals
        assert part in (DOCS / "training.md").read_text()


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


TINY = {"ann": ((), (30, 20)), "cnn": (((3, 2), (3, 3)), (30, 20))}


@pytest.fixture
def tiny(monkeypatch):
    for network, layers in TINY.items():
        monkeypatch.setitem(networks.NETWORKS, network, layers)


def training_step(network, drop_prob):
    batch = steps.random_batch(20)
    return steps.nnlite_step(networks.random_weights(network), *batch, drop_prob)


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
        assert fast_functions(training.measure, "cnn", candidate, 2) == set(names)
    everything = fast_functions(training_step("cnn", 0.3))
    assert everything == set(training.LADDER["nnlite"])
    product = fast_functions(training.measure, "cnn", training.NUMPY_PRODUCT, 2)
    assert product == everything - {"matmul"}


def test_a_candidate_is_measured(tiny):
    found = training.measure("cnn", "NumPy", 2)
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
    nnlite, near, far = ([{"outputs": [1.0, x]}] for x in (2.0, 2.00001, 2.1))
    name = "ann", "SciPy"
    timing.check_same(name, {("ann", "nnlite"): nnlite, name: near})
    with pytest.raises(SystemExit, match="SciPy gives"):
        timing.check_same(name, {("ann", "nnlite"): nnlite, name: far})


@pytest.mark.parametrize("kind, zeros", [("ann", 0.9), ("cnn", 0.5), ("unpruned cnn", 0.0)])
def test_pruned_networks_are_the_same_for_all(kind, zeros, tiny, monkeypatch):
    monkeypatch.setitem(networks.NETWORKS, "cnn", (((3, 2),) * 4, (30, 20)))
    monkeypatch.setitem(candidates.CASES, "case", (kind, zeros, 3))
    layers, (predict, network) = candidates.linears("case"), candidates.nnlite_predict("case")
    assert predict().shape == (3, 10)
    assert np.allclose(predict(), candidates.scipy_predict("case")(), rtol=1e-4, atol=1e-4)
    if kind == "ann":
        assert np.allclose(predict(), candidates.numpy_predict("case")(), rtol=1e-4, atol=1e-4)
        assert network.non_zeros == sum(layer.matrix.nnz for layer in layers) < 0.12 * 784 * 30
    if kind == "cnn":  # 98 % of the first dense layer, half of the independent weights
        assert 0.01 < layers[4].density < 0.03
        assert layers[1].matrix.nnz < 0.6 * 28 * 28 * 2 * 9 * 2


def in_a_process(code):
    """What a program prints, as JSON: these libraries' threads are to stay out of this process."""
    imports = "import json, noise; from shared import engines, networks, steps"
    command = [sys.executable, "-c", f"{imports}; networks.NETWORKS.update({TINY})\n{code}"]
    path = os.pathsep.join([str(BENCH), str(ROOT)])
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "NPROC": "1"}
    return json.loads(subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True).stdout)


def needs(*libraries):
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} missing")


@pytest.mark.parametrize(
    "forms",
    [
        pytest.param("steps.torch_step(*about, b) for b in (False, True)", marks=needs("torch")),
        pytest.param("steps.jax_step(*about) for _ in (0,)", marks=needs("jax")),
    ],
)
def test_training_is_the_same_elsewhere(forms, tiny):
    code = f"""
about = networks.random_weights("cnn"), *steps.random_batch(20), 0.0
print(json.dumps([[step() for _ in range(5)] for step in ({forms})]))
"""
    step = training_step("cnn", 0.0)
    losses = [step() for _ in range(5)]
    for found in in_a_process(code):
        assert np.allclose(found, losses, rtol=1e-4)
    assert losses[4] < 0.99 * losses[0]  # five steps change it by more than that


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param("pytorch", marks=needs("torch")),
        pytest.param("onnx_runtime", marks=needs("onnx", "onnxruntime")),
        pytest.param("openvino", marks=needs("onnx", "openvino")),
    ],
)
def test_outputs_are_the_same_elsewhere(engine, tiny):
    code = f"""
x = networks.random_images(6)
parts = [x[:3], x[3:]]
found = [engines.{engine}(networks.random_weights(n), parts)().tolist() for n in ("ann", "cnn")]
print(json.dumps(found))
"""
    for network, outputs in zip(("ann", "cnn"), in_a_process(code)):
        model = networks.nnlite_model(networks.random_weights(network))
        assert np.allclose(outputs, model.predict(networks.random_images(6)), rtol=1e-4, atol=1e-5)


@needs("torch")
def test_noise_is_the_same_elsewhere(tiny):
    code = """
about = networks.random_weights("cnn"), networks.random_images(300)
print(json.dumps([noise.torch_noise(*about, best=best)().tolist() for best in (False, True)]))
"""
    about = networks.random_weights("cnn"), networks.random_images(300)
    v = noise.nnlite_noise(*about)()
    of_sparse = noise.nnlite_noise(*about, sparse=True)()
    for found in (of_sparse, *in_a_process(code)):
        assert np.abs(np.subtract(found, v)).mean() < 1e-3 * np.abs(v).mean()


@pytest.mark.parametrize("threads", growth.COUNTED)
@pytest.mark.parametrize("m, k, n", [(250, 784, 1500), (1500, 250, 1000), (100, 2500, 90)])
def test_a_product_packs_every_number_once(m, k, n, threads):
    assert growth.packed(m, k, n, threads) == 1


def measured():
    """Results of every benchmark, as if all had taken 2 ms and reached a tenth of the limit."""
    row = {"median_ms": 2.0, "gflops": 10.0}
    cases = {
        "product": {case: product.CANDIDATES for case in [*product.POSTS, *product.SQUARES]},
        "training": dict.fromkeys(networks.NETWORKS, training.CANDIDATES),
        "noise": dict.fromkeys(noise.CASES, noise.CANDIDATES),
        "sparse": {c: candidates.CANDIDATES[kind] for c, (kind, *_) in candidates.CASES.items()},
        "growth": {work: ("1", "2") for work, _ in growth.processes(2)},
    }
    found = {
        name: {"cases": {c: {n: dict(row) for n in names} for c, names in each.items()}}
        for name, each in cases.items()
    }
    for results in found.values():
        results["limits"] = {"gflops": 100.0, "gb_per_second": {"32": 900.0}}
    copied = {str(threads): {"copied": float(threads)} for threads in growth.COUNTED}
    found["growth"]["cases"]["copied: a @ b"] = copied
    return found


def test_every_goal_finds_what_was_measured():
    rows = [goals.reached(goal, measured()) for goal in goals.GOALS]
    ratios = {row["found"]: row["ratio"] for row in rows}
    assert all(row["case"] for row in rows)
    assert ratios.pop(goals.REGISTERS) == 0.1 and ratios.pop(goals.PACKED) == 1 / 64
    assert set(ratios.values()) == {1.0}


def test_the_case_furthest_from_a_goal_counts():
    goal = next(goal for goal in goals.GOALS if goal.work == "pruned cnn, batch 2 to 15")
    found = measured()
    levels = {2.0: "no", 1.0: "floor", 0.5: "aim"}  # ms of nnlite, of 2 for the others
    for milliseconds, level in levels.items():
        for batch in (2, 8, 15):
            rows = found["sparse"]["cases"][f"cnn, dense layers pruned, batch {batch}"]
            rows["nnlite"]["median_ms"] = milliseconds if batch == 8 else 0.1
        row = goals.reached(goal, found)
        assert row["reached"] == level and row["ratio"] == milliseconds / 2 and "8" in row["case"]
    assert goals.reached(goal, {})["reached"] == "not measured"


def test_more_is_better_where_the_aim_is_higher():
    goal = next(goal for goal in goals.GOALS if goal.found == goals.SCIPY)
    found = measured()
    rows = found["sparse"]["cases"]["ann, 90 % zeros, batch 1000"]
    for milliseconds, level in {13.9: "no", 14.1: "floor", 18.1: "aim"}.items():
        rows["SciPy"]["median_ms"] = milliseconds
        assert goals.reached(goal, found)["reached"] == level


def test_machines_stand_side_by_side():
    whole, part = everything.machine_with(measured(), 2), everything.machine_with({}, 4)
    part["processor"] = "another"
    text = everything.side_by_side([whole, part])
    assert f"|  | {whole['processor']} | another |" in text and "| threads | 2 | 4 |" in text
    assert "| training step, ann | time / best of PyTorch and JAX | 0.9 | 0.7 | 1.00 (no) |" in text
    assert "| 2000^3 | PyTorch | 2.000 | - |" in text
    assert "GFLOP/s in registers: 100" in everything.table(whole)
    assert everything.file_name("AMD EPYC, family 25") == "amd-epyc-family-25.json"


def test_the_highest_limit_is_the_true_one():
    found = [
        {"gflops": gflops, "gb_per_second": {"32": rate, "512": 10 - rate}}
        for gflops, rate in ((7, 3), (5, 4))
    ]
    assert timing.highest(found) == {"gflops": 7, "gb_per_second": {"32": 4, "512": 7}}


@pytest.mark.parametrize(
    "forms, size", [(curves.layer, (40, 0.2, 30)), (curves.convolution, (0.3, 3))]
)
def test_all_forms_of_a_layer_compute_the_same(forms, size):
    sparse, *others = (np.reshape(form(), (size[-1], -1)) for form in forms(*size).values())
    for other in others:
        assert np.allclose(sparse, other, rtol=1e-4, atol=1e-4)


def test_others_do_not_inherit_what_nnlite_sets():
    assert timing.SPIN == nnlite.fast.SPIN


@pytest.mark.parametrize("script", ["noise", "product", "sparse", "training"])
def test_scripts_that_time_others_leave_the_import_of_nnlite_to_those_who_use_it(script):
    code = f"import sys, {script}; sys.exit('nnlite' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=BENCH, check=True)
