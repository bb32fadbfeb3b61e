"""What nnlite is to reach against its peers and the limits of a machine, and what it did.

All are ratios of medians of one run, so that several machines can be compared.  Where a goal is
about several cases, each of them is to reach it, and the one that is furthest from it counts.
"""

from fnmatch import fnmatchcase
from typing import NamedTuple


class Goal(NamedTuple):
    work: str
    found: str  # what the ratio is
    benchmark: str  # whose results tell
    cases: tuple  # of the benchmark: names, in which * stands for anything
    ratio: object  # function of results and case: a number, None where it was not measured
    floor: float  # to be reached; where the aim is lower, the ratio is to be at most that
    aim: float


def share_of_limit(results, case):
    """Arithmetic a second, as a fraction of what registers allow."""
    return results["cases"][case]["nnlite"]["gflops"] / results["limits"]["gflops"]


def time_over(*peers):
    """nnlite's time over that of the quickest of these."""

    def ratio(results, case):
        rows = results["cases"][case]
        return rows["nnlite"]["median_ms"] / min(rows[peer]["median_ms"] for peer in peers)

    return ratio


def speed_over(peer):
    """A peer's time over nnlite's: how many times as fast nnlite is."""
    return lambda results, case: 1 / time_over(peer)(results, case)


def two_threads(results, case):
    """Time on one thread over that on two."""
    rows = results["cases"][case]
    return rows["1"]["median_ms"] / rows["2"]["median_ms"] if "2" in rows else None


def packing(results, case):
    """What the tasks of a product copy on one thread, over that on 64."""
    rows = results["cases"][case]
    return rows["1"]["copied"] / rows["64"]["copied"]


over_blas, over_engines = time_over("NumPy", "PyTorch"), time_over("ONNX Runtime", "OpenVINO")
over_onnx, over_torch = time_over("ONNX Runtime"), time_over("PyTorch", "PyTorch, best form")
over_trained = time_over("PyTorch", "PyTorch, best form", "JAX")

REGISTERS, BLAS = "share of the limit in registers", "time / best of OpenBLAS and PyTorch"
TRAINED, TORCH = "time / best of PyTorch and JAX", "time / best of PyTorch"
ENGINES, ONNX = "time / best of ONNX Runtime and OpenVINO", "time / ONNX Runtime's"
SCIPY, OPENBLAS = "times as fast as SciPy (one thread)", "times as fast as OpenBLAS"
THREADS, PACKED = "times as fast as one thread", "share of what 64 threads pack"

POSTS, SQUARE = ("* -> *",), ("2000^3",)
SPARSE_MANY, SPARSE_ONE = ("ann, 90 % zeros, batch 1000",), ("ann, 90 % zeros, batch 1",)
CNN_ONE, CNN_WHOLE = ("cnn, dense layers pruned, batch 1",), ("cnn, unpruned, batch 1",)
CNN_FEW = tuple(f"cnn, dense layers pruned, batch {n}" for n in (2, 8, 15))

GOALS = (
    Goal("product, posts' shapes", REGISTERS, "product", POSTS, share_of_limit, 0.8, 0.9),
    Goal("product, posts' shapes", BLAS, "product", POSTS, over_blas, 1.0, 0.9),
    Goal("product, 2000^3", REGISTERS, "product", SQUARE, share_of_limit, 0.8, 0.9),
    Goal("product, 2000^3", BLAS, "product", SQUARE, over_blas, 1.0, 0.9),
    Goal("training step, ann", TRAINED, "training", ("ann",), over_trained, 0.9, 0.7),
    Goal("training step, cnn", TRAINED, "training", ("cnn",), over_trained, 0.75, 0.5),
    Goal("sparse ann, batch 1000", REGISTERS, "sparse", SPARSE_MANY, share_of_limit, 0.42, 0.55),
    Goal("sparse ann, batch 1000", SCIPY, "sparse", SPARSE_MANY, speed_over("SciPy"), 7, 9),
    Goal("sparse ann, batch 1", OPENBLAS, "sparse", SPARSE_ONE, speed_over("NumPy dense"), 2, 3),
    Goal("sparse ann, batch 1", ONNX, "sparse", SPARSE_ONE, over_onnx, 0.7, 0.4),
    Goal("pruned cnn, batch 1", ENGINES, "sparse", CNN_ONE, over_engines, 0.33, 0.15),
    Goal("pruned cnn, batch 2 to 15", ENGINES, "sparse", CNN_FEW, over_engines, 0.5, 0.25),
    Goal("whole cnn, batch 1", ENGINES, "sparse", CNN_WHOLE, over_engines, 1.0, 0.8),
    Goal("noise, ann", TORCH, "noise", ("ann",), over_torch, 0.8, 0.6),
    Goal("noise, cnn", TORCH, "noise", ("cnn",), over_torch, 0.8, 0.6),
    Goal("two threads", THREADS, "growth", ("threads: *",), two_threads, 1.8, 1.8),
    Goal("packing, one thread", PACKED, "growth", ("copied: *",), packing, 1.0, 1.0),
)


def reached(goal, benchmarks):
    """A dict: the goal, its ratio, the case that is furthest from it, whether it was reached.

    benchmarks   {name: results}; where there are none the ratio is None
    """
    row = {"work": goal.work, "found": goal.found, "floor": goal.floor, "aim": goal.aim}
    results = benchmarks.get(goal.benchmark, {"cases": {}})
    names = [case for case in results["cases"] if any(fnmatchcase(case, n) for n in goal.cases)]
    ratios = {case: goal.ratio(results, case) for case in names}
    ratios = {case: ratio for case, ratio in ratios.items() if ratio is not None}
    if not ratios:
        return row | {"ratio": None, "case": None, "reached": "not measured"}
    lower_is_better = goal.aim < goal.floor
    case = (max if lower_is_better else min)(ratios, key=ratios.get)
    sign = -1 if lower_is_better else 1
    levels = {"aim": goal.aim, "floor": goal.floor}
    found = next((n for n, level in levels.items() if sign * ratios[case] >= sign * level), "no")
    return row | {"ratio": ratios[case], "case": case, "reached": found}
