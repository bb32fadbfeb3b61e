"""From three lines to nnlite's sparse product: what each step of docs/sparse-inference.md brings.

    python experiments/bench/sparse_steps.py        two minutes; leave the machine alone

Two layers, 1000 images, float32: the first of the posts' dense network with 90 % of its weights
removed at random, and the second of their convolutions, written out as a matrix (nothing removed).
Each step computes the same.  Prints a table and writes results/sparse-steps.json; the one in
docs/results/ was made with --out docs/results/sparse-steps.json.
"""

from pathlib import Path

import numpy as np
import scipy.sparse
from shared import script, timing
from shared.sparse_kernels import WIDTH, in_panels, in_threads, loops, registers, two_sums
from tqdm import trange

import nnlite
from nnlite.fast.panels import aligned, pack, unpack
from nnlite.fast.sparse import Blocks, blocks_of, multiply
from nnlite.sparse import csr_matmul_naive, decouple

IMAGES = 1000
ROUNDS = 7


def steps(a, x):
    """{step: (compute, result)}: functions of nothing, for a CSR matrix and x (K, N).

    Panels are filled before, because in a network only the first layer does it.
    """
    bias, y = np.zeros(a.shape[0], np.float32), np.empty((a.shape[0], x.shape[1]), np.float32)
    n = -(-x.shape[1] // WIDTH) * WIDTH
    wide, wide_y = (aligned(size * n).reshape(size, n) for size in (len(x), len(y)))
    wide[:] = 0
    wide[:, : x.shape[1]] = x
    buffer = aligned(len(y) * n)
    panels, out = pack(x.T, WIDTH), buffer.reshape(-1, len(y), WIDTH)
    as_stored = a.indptr, a.indices, a.data
    rows = np.arange(a.shape[0], dtype=np.int32)
    columns = a.indices.astype(np.uint16)
    in_order = Blocks(a.shape, a.shape[1], rows, a.indptr, columns, a.data, a.indptr)
    unsorted, blocks = blocks_of(a, group=1), blocks_of(a)

    def unpacked():
        unpack(out, y.T)
        return y

    def on_panels(kernel, *args):
        return lambda: kernel(*args, panels, out), unpacked

    def product(weights):
        return lambda: multiply(weights, panels, bias, False, buffer), unpacked

    def not_ahead(weights):
        return product(weights._replace(width=len(x)))  # as if all columns were one block

    def in_registers():
        registers(*as_stored, wide.reshape(-1), wide_y.reshape(-1), n)

    return {
        "SciPy": (lambda: a @ x, lambda: a @ x),
        "definition, in NumPy": (lambda: csr_matmul_naive(a, x), lambda: csr_matmul_naive(a, x)),
        "its three loops, compiled": (lambda: loops(*as_stored, x, y), lambda: y),
        "sums in registers": (in_registers, lambda: wide_y[:, : x.shape[1]]),
        "panels": on_panels(in_panels, *as_stored),
        "threads": on_panels(in_threads, *as_stored),
        "two sums": on_panels(two_sums, rows, *as_stored, bias),
        "chunks of rows, columns in 16 bits": product(in_order),
        "blocks of columns, rows back and forth": not_ahead(unsorted),
        "rows sorted by their weights": not_ahead(blocks),
        "the next block asked for ahead": product(blocks),
    }


def layers():
    rng = np.random.default_rng(0)
    w = rng.normal(size=(1500, 784)) * (rng.random((1500, 784)) < 0.1)
    conv = nnlite.Conv2D(12, 15, 5, rng=rng, init="he")
    return {
        "784 -> 1500, 90 % zeros": scipy.sparse.csr_array(w.astype(np.float32)),
        "convolution 5 x 5, 12 -> 15, decoupled": decouple(conv, (28, 28, 12))[0],
    }


def measure():
    """{layer: {step: milliseconds}}: medians of steps in turn, for a machine has slow minutes."""
    found = {}
    for name, a in layers().items():
        x = np.random.default_rng(1).random((a.shape[1], IMAGES), dtype=np.float32)
        expected, computed = a @ x, steps(a, x)
        for step, (compute, result) in computed.items():
            compute()
            assert np.allclose(result(), expected, rtol=1e-3, atol=1e-3), step
        seconds = {step: [] for step in computed}
        for _ in trange(ROUNDS, desc=name, disable=None):
            for step, (compute, _) in computed.items():
                seconds[step] += timing.seconds_of(compute, 1 if "NumPy" in step else 5)
        found[name] = {step: 1000 * float(np.median(each)) for step, each in seconds.items()}
    return found


def table(results):
    lines = []
    for layer, rows in results["layers"].items():
        lines.append(f"{layer:42}{'ms':>8}{'SciPy / it':>12}")
        for step, milliseconds in rows.items():
            lines.append(f"{step:42}{milliseconds:8.1f}{rows['SciPy'] / milliseconds:12.1f}")
        lines.append("")
    return "\n".join(lines)


def main():
    parser = script.parser(__doc__)
    parser.add_argument(
        "--out", type=Path, default=script.RESULTS / "sparse-steps.json", help="the JSON file"
    )
    args = parser.parse_args()
    versions = script.versions("numpy", "scipy", "numba", "nnlite")
    results = {"layers": measure(), "processor": script.processor(), "versions": versions}
    print(table(results))
    script.write_json(args.out, results)


if __name__ == "__main__":
    main()
