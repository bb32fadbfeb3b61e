"""How fast matrix products are: nnlite's, NumPy's (OpenBLAS) and PyTorch's (MKL).

    pip install -e '.[bench]'
    python experiments/bench/product.py        ten minutes; leave the machine alone

The three products of each dense layer of the posts' networks for 250 images, outputs, gradient of
the weights, gradient of the inputs, as training meets them: transposed matrices are views.  Layers
with ten outputs are left out, they are too thin to reach any limit.  And square ones.  float32,
into an array that is there already, because giving out memory takes its time too.  Each candidate
and product in a process of its own, in turn; the limit in registers is measured in the same run.

Prints a table and writes results/bench-product.json.
"""

import itertools
import json
import os

import numpy as np
from shared import script, timing
from shared.networks import NETWORKS, shapes

IMAGES = 250
LAYERS = [shape for network in NETWORKS for shape in shapes(network)[:-1] if len(shape) == 2]
FORMS = {  # what is multiplied, of x (N, n_in), w (n_in, n_out), dy (N, n_out)
    "x w": lambda x, w, dy: (x, w),
    "x.T dy": lambda x, w, dy: (x.T, dy),
    "dy w.T": lambda x, w, dy: (dy, w.T),
}
POSTS = {
    f"{n_in} -> {n_out}, {form}": (n_in, n_out, form)
    for (n_in, n_out), form in itertools.product(LAYERS, FORMS)
}
SQUARES = {f"{n}^3": n for n in (250, 500, 1000, 2000, 4000)}
CANDIDATES = ("nnlite", "NumPy", "PyTorch")
SECONDS = 0.5  # of timing in each process


def matrices(product):
    """The two to be multiplied."""
    rng = np.random.default_rng(0)
    if product in SQUARES:
        return rng.random((2, SQUARES[product], SQUARES[product]), dtype=np.float32)
    n_in, n_out, form = POSTS[product]
    x, w, dy = (
        rng.random(shape, dtype=np.float32)
        for shape in ((IMAGES, n_in), (n_in, n_out), (IMAGES, n_out))
    )
    return FORMS[form](x, w, dy)


def multiply_of(candidate, a, b, out):
    """A function of nothing that writes a @ b to out."""
    if candidate == "NumPy":
        return lambda: np.matmul(a, b, out=out)
    if candidate == "nnlite":
        from nnlite.layers import matmul

        return lambda: matmul(a, b, out=out)
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    a, b, out = map(torch.from_numpy, (a, b, out))
    return lambda: torch.matmul(a, b, out=out)


def measure(product, candidate):
    """Seconds of some products, and some numbers of it."""
    a, b = matrices(product)
    out = np.zeros((len(a), b.shape[1]), np.float32)
    seconds = timing.enough_seconds_of(multiply_of(candidate, a, b, out), SECONDS)
    return {"seconds": seconds, "outputs": [float(out.mean()), *map(float, out[-1, -3:])]}


def flops(product):
    a, b = matrices(product)
    return 2 * a.shape[0] * b.size


def table(results):
    """Lines of text: GFLOP/s, nnlite's share of the limit, its time divided by the best other."""
    names = "".join(f"{name:>10}" for name in CANDIDATES)
    lines = [f"\n{'GFLOP/s':24}{names}{'of the limit':>15}{'it / best':>11}"]
    for product, rows in results["cases"].items():
        rates = [rows[name]["gflops"] for name in CANDIDATES]
        numbers = "".join(f"{rate:10.0f}" for rate in rates)
        share, ratio = rates[0] / results["limits"]["gflops"], max(rates[1:]) / rates[0]
        lines.append(f"{product:24}{numbers}{share:15.0%}{ratio:11.2f}")
    lines.append(f"limit in registers, all threads: {results['limits']['gflops']:.0f} GFLOP/s")
    return "\n".join(lines)


def main():
    args = script.benchmark_parser(__doc__, "bench-product.json").parse_args()
    if args.only:
        print(json.dumps(measure(*args.only)))
        return
    about = script.about(args, "torch")
    pairs = list(itertools.product([*POSTS, *SQUARES], CANDIDATES))
    runs = timing.in_turn(
        {pair: (__file__, pair, args.threads) for pair in pairs} | timing.limits(args.threads),
        args.rounds,
    )
    limits = timing.highest(runs.pop("limits"))
    cases = timing.summaries(runs)
    for product, rows in cases.items():
        for row in rows.values():
            row["gflops"] = flops(product) / row["median_ms"] / 1e6
    script.finish(args.out, about | {"cases": cases, "limits": limits}, table)


if __name__ == "__main__":
    main()
