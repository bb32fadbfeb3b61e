"""How nnlite's time grows: with threads, with images in a batch, with the width of a network.

    python experiments/bench/growth.py        a quarter of an hour; leave the machine alone

Asks the other benchmarks for the times of `nnlite` alone, each in processes of its own, in turn:
with 1, 2 and all threads (NUMBA_NUM_THREADS), for batches and widths.  Two threads should take
half the time of one; `of 2` says how near to that they come, as the time of one over the time of
two.  And counts what the tasks of a matrix product pack together, on 1, 2, 8 and 64 threads: that
depends on nothing but shapes, and should be the same for any number.  product.py has square
matrices that grow, sparse.py --curves a single sparse layer.

Prints tables and writes results/bench-growth.json.
"""

from pathlib import Path
from unittest import mock

import numpy as np
from shared import script, timing

from nnlite.fast import matmul

THREADS = {  # work: (script, what it is to measure)
    "product, 2000^3": ("product.py", "2000^3"),
    "product, 1500 -> 1000, x w": ("product.py", "1500 -> 1000, x w"),
    "product, 1500 -> 1000, x.T dy": ("product.py", "1500 -> 1000, x.T dy"),
    "product, 1500 -> 1000, dy w.T": ("product.py", "1500 -> 1000, dy w.T"),
    "ann, training step": ("training.py", "ann"),
    "cnn, training step": ("training.py", "cnn"),
    "ann, 90 % zeros, batch 1000": ("sparse.py", "ann, 90 % zeros, batch 1000"),
    "cnn, dense layers pruned, batch 15": ("sparse.py", "cnn, dense layers pruned, batch 15"),
    "cnn, dense layers pruned, batch 2": ("sparse.py", "cnn, dense layers pruned, batch 2"),
    "noise, ann": ("noise.py", "ann"),
    "noise, cnn": ("noise.py", "cnn"),
}
BATCHES = (25, 50, 100, 250, 500, 1000)  # of training
SPARSE = {  # the batches that sparse.py has of a network
    "ann, 90 % zeros": (1, 16, 1000),
    "cnn, dense layers pruned": (1, 2, 8, 15, 1000),
}
WIDTHS = (0.25, 0.5, 1, 2, 4)  # times the posts' hidden dense neurons
PRODUCTS = ((250, 784, 1500), (1500, 250, 1000), (250, 15680, 1500), (2000, 2000, 2000))  # m, k, n
COUNTED = (1, 2, 8, 64)  # threads


def processes(most):
    """{(what grows and of what, value): (script, args, threads)}, with up to `most` threads."""
    found = {}
    for work, (name, case) in THREADS.items():
        for threads in sorted({1, min(2, most), most}):
            found[f"threads: {work}", threads] = (name, (case, "nnlite"), threads)
    for network in ("ann", "cnn"):
        for batch in BATCHES:
            args = (network, "nnlite", batch)
            found[f"batch: {network}, training step", batch] = ("training.py", args, most)
    for network, batches in SPARSE.items():
        for batch in batches:
            args = (f"{network}, batch {batch}", "nnlite")
            found[f"batch: {network}", batch] = ("sparse.py", args, most)
    for width in WIDTHS:
        args = ("ann", "nnlite", 250, width)
        found["width: ann, training step", width] = ("training.py", args, most)
    here = Path(__file__).parent
    return {key: (here / name, args, threads) for key, (name, args, threads) in found.items()}


def packed(m, k, n, threads):
    """Numbers that all tasks of a product (m, k) @ (k, n) pack, over those of the matrices.

    Counted in the kernels themselves, run by Python, packing and multiplying nothing.
    """
    counts = []

    def pack(a, row, k, depth, group, *_):
        counts.append(min(group, a.count - row) * depth)

    names = ("multiply_columns", "multiply_rows", "pack_panels")
    kernels = {name: getattr(matmul, name).py_func for name in names}
    a, b, out = (np.empty(shape, np.float32) for shape in ((m, k), (k, n), (m, n)))
    with mock.patch.multiple(matmul, pack=pack, add_block=lambda *_: None, **kernels):
        matmul.multiply(matmul.lines(a), matmul.lines(b.T), out, threads)
    return sum(counts) / (a.size + b.size)


def table(results):
    """Lines of text: milliseconds for each value of what grows; what is copied."""
    lines = []
    for work, rows in results["cases"].items():
        key, unit = ("copied", "of the matrices") if "copied" in work else ("median_ms", "ms")
        values = "".join(f"{value:>10}" for value in rows)
        numbers = "".join(f"{row[key]:10.2f}" for row in rows.values())
        lines += [f"\n{work:40}{values}", f"{unit:40}{numbers}"]
        if work.startswith("threads") and "2" in rows:
            ratio = rows["1"]["median_ms"] / rows["2"]["median_ms"]
            lines.append(f"{'of 2':40}{ratio:10.2f}")
    return "\n".join(lines)


def main():
    args = script.benchmark_parser(__doc__, "bench-growth.json").parse_args()
    runs = timing.in_turn(processes(args.threads), args.rounds)
    cases = {}
    for (work, value), each in runs.items():
        cases.setdefault(work, {})[str(value)] = timing.summary(each)
    for m, k, n in PRODUCTS:
        rows = {str(threads): {"copied": packed(m, k, n, threads)} for threads in COUNTED}
        cases[f"copied: ({m}, {k}) @ ({k}, {n})"] = rows
    script.finish(args.out, script.about(args) | {"cases": cases}, table)


if __name__ == "__main__":
    main()
