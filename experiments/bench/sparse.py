"""How long pruned networks take: SparseNetwork against SciPy, BLAS, and PyTorch, sparse and dense.

    pip install -e '.[bench]'
    python experiments/bench/sparse.py               eight minutes; leave the machine alone
    python experiments/bench/sparse.py --curves      the figure, a minute

The posts' dense network at 80, 90 and 95 % zeros, batches of 1000, 16 and 1; their convolutional
one with pruned dense layers, as convolutions and decoupled, and decoupled with convolution weights
pruned as independent ones.  Weights are random: where the zeros are makes no difference.

float32, the same number of threads for all.  Each candidate runs in a process of its own, in
turn with the others, several times.  SciPy, NumPy and CSR multiply the whole batch at once, which
is how they are used.  PyTorch's dense networks run in their best form: channels last, inference
mode, the best of several batch splits.  Its CSR matrices are multiplied by MKL.  The limits of the
machine (limits.py) are measured in the same run.  All candidates must give the same outputs, by
their mean and those of the first image.

Prints tables and writes results/bench-sparse.json; the ones in docs/results/ were made with
--out docs/results/bench-sparse.json.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.sparse
from shared import machine, timing
from shared.candidates import CANDIDATES, CASES, CONVOLUTIONS, IMAGE, nnlite_predict, predict_of
from tqdm import tqdm

import nnlite
from nnlite.layers import matmul
from nnlite.sparse import Convolution, Linear, SparseNetwork, decouple
from nnlite.sparse.network import MAX_CONV_DENSITY, MAX_DENSITY

OUT = Path(__file__).parents[2] / "results" / "bench-sparse.json"
SECONDS = 1.0  # of timing in each process, at least 5 calls


def measure(case, candidate):
    """Seconds of some calls, of the first one, and the outputs in short."""
    about = {}
    if candidate == "nnlite":
        predict, network = nnlite_predict(case)
        about = {"multiplications": network.multiplications, "non_zeros": network.non_zeros}
    else:
        predict = predict_of(case, candidate)
    start = time.perf_counter()
    outputs = predict()
    about["first_call_seconds"] = time.perf_counter() - start
    seconds = timing.seconds_of(predict, 3)
    seconds = timing.seconds_of(predict, max(5, min(2000, int(SECONDS / np.median(seconds)))))
    sums = [np.abs(outputs.astype(float)).mean(), *outputs[0, :10].tolist()]
    return {"seconds": seconds, "outputs": sums, **about}


def curves():
    """Milliseconds of one layer, sparse and dense, as density, batch and size grow."""
    densities = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
    batches, sizes = (1, 4, 16, 64, 256, 1024), (128, 256, 512, 1024, 2048, 4096)
    return {
        "density": {d: compare_layers(1024, d, 1024) for d in densities},
        "convolution": {d: compare_convolutions(d, 256) for d in densities},
        "batch": {b: compare_layers(1024, 0.1, b) for b in batches},
        "size": {n: compare_layers(n, 0.1, 1024) for n in sizes},
    }


def compare_layers(n, density, batch):
    """Milliseconds of a layer of n inputs and outputs, so many of its weights not zero."""
    rng = np.random.default_rng(0)
    w = np.where(rng.random((n, n)) < density, rng.normal(size=(n, n)), 0).astype(np.float32)
    x = rng.random((batch, n), dtype=np.float32)
    a, columns = scipy.sparse.csr_array(w), np.ascontiguousarray(x.T)
    sparse = SparseNetwork([Linear(a, np.zeros(n))], max_density=None)
    return {
        "sparse": milliseconds(lambda: sparse.predict(x)),
        "dense": milliseconds(lambda: matmul(x, w.T)),
        "NumPy dense": milliseconds(lambda: x @ w.T),
        "SciPy": milliseconds(lambda: a @ columns),
    }


def compare_convolutions(density, batch):
    """Milliseconds of the third of the posts' convolutions, so many of its weights not zero."""
    rng = np.random.default_rng(0)
    conv = nnlite.Conv2D(*CONVOLUTIONS[2], rng=rng, init="he")
    conv.w.value *= rng.random(conv.w.value.shape) < density
    shape = (*IMAGE[:2], conv.c_in)
    x = rng.random((batch, *shape), dtype=np.float32)
    layer, columns = Convolution(conv, shape), x.reshape(batch, -1).T.copy()
    sparse, dense = (SparseNetwork([layer], max_conv_density=d) for d in (1, 0))
    a, _ = decouple(conv, shape)
    return {
        "sparse": milliseconds(lambda: sparse.predict(x)),
        "dense": milliseconds(lambda: dense.predict(x)),
        "SciPy": milliseconds(lambda: a @ columns),
    }


def milliseconds(predict):
    first = min(timing.seconds_of(predict, 2))
    time.sleep(0.05)  # let the threads of the one before go to sleep
    seconds = timing.seconds_of(predict, max(3, min(200, int(0.2 / first))))
    return 1000 * float(np.median(seconds))


def table(results):
    """Lines of text: milliseconds, and how many times as long the others take."""
    lines = []
    for case, rows in results["cases"].items():
        lines.append(f"\n{case}\n{'':16}{'median ms':>12}{'minimum':>10}{'it / nnlite':>13}")
        for candidate, row in rows.items():
            ratio = row["median_ms"] / rows["nnlite"]["median_ms"]
            lines.append(
                f"{candidate:16}{row['median_ms']:12.3f}{row['minimum_ms']:10.3f}{ratio:13.1f}"
            )
        rate = rows["nnlite"]["gflops"]
        share = rate / results["limits"]["gflops"]
        lines.append(f"nnlite: {rate:.0f} GFLOP/s, {share:.0%} of the limit in registers")
    limits = results["limits"]
    lines.append(f"\nLimits of all threads: {limits['gflops']:.0f} GFLOP/s in registers;")
    read = (f"{rate:.0f} GB/s from {kb} kB" for kb, rate in limits["gb_per_second"].items())
    lines.append(f"reading, each thread its own: {', '.join(read)}")
    return "\n".join(lines)


def check_same(case, runs):
    """All candidates computed the same, as far as they compute the same network."""
    kind, zeros, _ = CASES[case]
    for candidate, (first, *_) in runs.items():
        if candidate == "PyTorch dense" and kind == "cnn" and zeros:
            continue  # it has the convolutions before pruning
        if not np.allclose(first["outputs"], runs["nnlite"][0]["outputs"], rtol=1e-3, atol=1e-4):
            raise SystemExit(f"{case}: {candidate} gives {first['outputs']}, {runs['nnlite'][0]}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="processes for each candidate")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count(), help="of each process, all by default"
    )
    parser.add_argument("--out", type=Path, default=OUT, help=f"file, {OUT} by default")
    parser.add_argument("--curves", action="store_true", help="measure and draw the figure only")
    parser.add_argument("--only", nargs="+", metavar="WHAT", help="measure this here")
    args = parser.parse_args()
    if args.only:
        what, *rest = args.only
        found = {"limits": machine.limits, "curves": curves, "case": measure}[what](*rest)
        print(json.dumps(found))
        return
    args.out.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(args.out.read_text()) if args.out.exists() else {}
    if args.curves:
        results["curves"] = timing.in_a_process(__file__, ["curves"], args.threads)
    else:
        results |= measure_cases(args.rounds, args.threads)
        print(table(results))
    timing.write_json(args.out, results)
    if "curves" in results:
        draw(results["curves"], args.out.with_suffix(".png"))
    print(f"\n{timing.processor()}, {args.threads} threads.  Written: {args.out}")


def measure_cases(rounds, threads):
    versions = timing.versions("numpy", "scipy", "numba", "nnlite", "torch")
    pairs = [(case, one) for case, (kind, *_) in CASES.items() for one in CANDIDATES[kind]]
    runs, limits = {case: {} for case in CASES}, []
    timing.in_a_process(__file__, ["case", *pairs[0]], threads)  # compiles what is missing
    with tempfile.TemporaryDirectory() as empty:
        first = timing.in_a_process(__file__, ["case", *pairs[0]], threads, NUMBA_CACHE_DIR=empty)
    for case, candidate in tqdm(pairs * rounds, unit="process", disable=None):
        run = timing.in_a_process(__file__, ["case", case, candidate], threads)
        runs[case].setdefault(candidate, []).append(run)
        if (case, candidate) == pairs[-1] or not limits:
            limits.append(timing.in_a_process(__file__, ["limits"], threads))
    cases = {}
    for case, candidates in runs.items():
        check_same(case, candidates)
        cases[case] = {name: timing.summary(each) for name, each in candidates.items()}
        flops = 2 * candidates["nnlite"][0]["multiplications"] * CASES[case][2]
        cases[case]["nnlite"]["gflops"] = flops / cases[case]["nnlite"]["median_ms"] / 1e6
    return {
        "cases": cases,
        "limits": max(limits, key=lambda found: found["gflops"]),
        "first_call_seconds_with_compilation": first["first_call_seconds"],
        "threads": threads,
        "processes_each": rounds,
        "processor": timing.processor(),
        "versions": versions,
    }


def draw(curves, path):
    from shared.figures import cost_curves  # with matplotlib, which those that measure do without

    from nnlite import plots

    thresholds = {"density": MAX_DENSITY, "convolution": MAX_CONV_DENSITY}
    plots.save_figure(cost_curves(curves, thresholds), path)


if __name__ == "__main__":
    main()
