"""How long pruned networks take: SparseNetwork against SciPy, BLAS, and dense networks elsewhere.

    pip install -e '.[bench]'
    python experiments/bench/sparse.py               half an hour; leave the machine alone
    python experiments/bench/sparse.py --curves      the figure, a minute

The posts' dense network at 80, 90 and 95 % zeros, batches of 1000, 16 and 1; their convolutional
one with pruned dense layers, for 1000 images and for a few, as convolutions and decoupled, and
decoupled with convolution weights pruned as independent ones; and whole, for a single image.
Weights are random: where the zeros are makes no difference.

float32, the same number of threads for all.  Each candidate runs in a process of its own, in
turn with the others, several times.  SciPy, NumPy and CSR multiply the whole batch at once, which
is how they are used.  The dense networks of PyTorch, ONNX Runtime and OpenVINO run in their best
form, which includes the best of several batch splits: PyTorch channels last and in inference mode,
the others from one ONNX graph, all optimisations on, OpenVINO with its hint for low latency.
PyTorch's CSR matrices are multiplied by MKL.  The limits of the machine (limits.py) are measured
in the same run.  All candidates must give the same outputs, by their mean and those of the first
image.

Prints tables and writes results/bench-sparse.json; the ones in docs/results/ were made with
--out docs/results/bench-sparse.json.
"""

import json
import tempfile
import time

import numpy as np
from shared import script, timing
from shared.candidates import CANDIDATES, CASES, nnlite_predict, predict_of, same_network

# nnlite is imported where it is used: threads of others are not to wait as its threads do.

SECONDS = 1.0  # of timing in each process


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
    about["seconds"] = timing.enough_seconds_of(predict, SECONDS)
    if same_network(case, candidate):
        about["outputs"] = [np.abs(outputs.astype(float)).mean(), *outputs[0, :10].tolist()]
    return about


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


def main():
    parser = script.benchmark_parser(__doc__, "bench-sparse.json")
    parser.add_argument("--curves", action="store_true", help="measure and draw the figure only")
    args = parser.parse_args()
    if args.only:
        print(json.dumps(curves() if args.only == ["curves"] else measure(*args.only)))
        return
    results = json.loads(args.out.read_text()) if args.out.exists() else {}
    if args.curves:
        results["curves"] = timing.in_a_process(__file__, ["curves"], args.threads)
        script.write_json(args.out, results)
    else:
        packages = ("scipy", "torch", "onnx", "onnxruntime", "openvino")
        results |= script.about(args, *packages) | measure_cases(args.rounds, args.threads)
        script.finish(args.out, results, table)
    if "curves" in results:
        draw(results["curves"], args.out.with_suffix(".png"))


def measure_cases(rounds, threads):
    pairs = [(case, one) for case, (kind, *_) in CASES.items() for one in CANDIDATES[kind]]
    timing.in_a_process(__file__, pairs[0], threads)  # compiles what is missing
    with tempfile.TemporaryDirectory() as empty:
        first = timing.in_a_process(__file__, pairs[0], threads, NUMBA_CACHE_DIR=empty)
    runs = timing.in_turn(
        {pair: (__file__, pair, threads) for pair in pairs} | timing.limits(threads), rounds
    )
    limits = timing.highest(runs.pop("limits"))
    cases = timing.summaries(runs)
    for case, (_, _, batch) in CASES.items():
        row = cases[case]["nnlite"]
        flops = 2 * runs[case, "nnlite"][0]["multiplications"] * batch
        row["gflops"] = flops / row["median_ms"] / 1e6
    seconds = first["first_call_seconds"]
    return {"cases": cases, "limits": limits, "first_call_seconds_with_compilation": seconds}


def curves():
    from shared.curves import measured

    return measured()


def draw(curves, path):
    from shared.figures import cost_curves  # with matplotlib, which those that measure do without

    from nnlite import plots
    from nnlite.sparse.network import MAX_CONV_DENSITY, MAX_DENSITY

    thresholds = {"density": MAX_DENSITY, "convolution": MAX_CONV_DENSITY}
    plots.save_figure(cost_curves(curves, thresholds), path)


if __name__ == "__main__":
    main()
