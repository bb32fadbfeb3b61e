"""How long a training step takes: nnlite, step by step from plain NumPy, against PyTorch.

    pip install -e '.[bench]'
    python experiments/bench/training.py        about ten minutes; leave the machine alone

The posts' dense and convolutional networks, batches of 250, quadratic cost, l2, dropout of 0.3
after the hidden dense layers, the same number of threads for all.  Each candidate runs in a
process of its own, in turn, several times; from every process come the times of some steps
after a few to warm up, and its peak memory.  PyTorch runs in its default form and in its best:
fused Adam, channels last, denormal numbers flushed; torch.compile, which needs a C++ compiler,
is left out.

Prints a table and writes results/bench-training.json; the one in docs/results/ was made with
--out docs/results/bench-training.json.
"""

import argparse
import contextlib
import json
import os
import resource
from pathlib import Path

import numpy as np
from shared import timing
from tqdm import tqdm

# nnlite and PyTorch are imported by the functions that use them: neither is to weigh on the
# memory of the other's process.

OUT = Path(__file__).parents[2] / "results" / "bench-training.json"
NETWORKS = {  # (kernel, filters) of the convolutions, neurons of the hidden dense layers
    "ann": ((), (1500, 1000, 800)),
    "cnn": (((7, 12), (5, 15), (3, 25), (3, 20)), (1500, 500)),
}
BATCH, DROP_PROB, LR, L2 = 250, 0.3, 1e-4, 1e-3
STEPS = {"ann": 30, "cnn": 8}  # timed, in each process

CONVOLUTIONS = ("conv2d", "conv2d_input_gradient", "conv2d_filter_gradient")
LADDER = {  # the functions that are fast; all others are plain
    "NumPy": (),
    "+ fused Adam": ("adam_update",),
    "+ convolutions": ("adam_update", *CONVOLUTIONS),
    "+ matrix product": ("adam_update", *CONVOLUTIONS, "matmul"),
    "nnlite": ("adam_update", *CONVOLUTIONS, "matmul", "relu", "relu_gradient", "drop"),
}
NUMPY_PRODUCT = "nnlite, matmul=np.matmul"  # all fast, with NumPy's product put in
CANDIDATES = [*LADDER, NUMPY_PRODUCT, "PyTorch", "PyTorch, best form"]


@contextlib.contextmanager
def rung(candidate):
    """Use what a rung of the ladder says, inside the `with`."""
    import nnlite
    from nnlite.replace import FAST

    if candidate == NUMPY_PRODUCT:
        with nnlite.replaced(matmul=np.matmul):
            yield
    else:
        with nnlite.plain(), nnlite.replaced(**{name: FAST[name] for name in LADDER[candidate]}):
            yield


def batch():
    rng = np.random.default_rng(0)
    return rng.random((BATCH, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, BATCH)


def nnlite_step(network):
    """A function that does one step of training."""
    import nnlite as nn

    (convolutions, hidden), rng = NETWORKS[network], np.random.default_rng(0)
    layers, c_in = [], 1
    for kernel, filters in convolutions:
        layers += [nn.Conv2D(c_in, filters, kernel, rng=rng, init="posts"), nn.ReLU()]
        c_in = filters
    layers += [nn.Flatten()]
    n_in = 28 * 28 * c_in
    for n_out in hidden:
        layers += [nn.Dense(n_in, n_out, rng=rng, init="posts"), nn.ReLU()]
        layers += [nn.Dropout(DROP_PROB, rng=rng)]
        n_in = n_out
    model = nn.Sequential([*layers, nn.Dense(n_in, 10, rng=rng, init="posts")])
    adam = nn.Adam(model.params, lr=LR, l2=L2)
    x, labels = batch()

    def step():
        _, doutputs = nn.quadratic(model.forward(x, train=True), labels)
        model.backward(doutputs, input_gradient=False)
        adam.step()

    return step


def torch_step(network, best):
    """The same in PyTorch."""
    import torch
    from torch import nn

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    convolutions, hidden = NETWORKS[network]
    layers, c_in = [], 1
    for kernel, filters in convolutions:
        layers += [nn.Conv2d(c_in, filters, kernel, padding="same"), nn.ReLU()]
        c_in = filters
    layers += [nn.Flatten()]
    n_in = 28 * 28 * c_in
    for n_out in hidden:
        layers += [nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(DROP_PROB)]
        n_in = n_out
    model = nn.Sequential(*layers, nn.Linear(n_in, 10))
    x, labels = map(torch.from_numpy, batch())
    x, y = x.permute(0, 3, 1, 2).contiguous(), nn.functional.one_hot(labels, 10).float()
    if best:
        torch.set_flush_denormal(True)
        model = model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(model.parameters(), lr=LR, weight_decay=L2, fused=best or None)

    def step():
        adam.zero_grad()
        loss = ((model(x) - y) ** 2).sum() / (2 * BATCH)
        loss.backward()
        adam.step()
        return loss.item()

    return step


def measure(network, candidate):
    """{"seconds": [...], "peak_mb": ...} of this process."""
    if candidate.startswith("PyTorch"):
        return timed(torch_step(network, best="best" in candidate), STEPS[network])
    with rung(candidate):
        return timed(nnlite_step(network), STEPS[network])


def timed(step, repeats):
    for _ in range(3):
        step()
    seconds = timing.seconds_of(step, repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kB on Linux
    return {"seconds": seconds, "peak_mb": round(peak)}


def table(results):
    """Lines of text: milliseconds a step, and nnlite's median over each candidate's."""
    lines = []
    for network, rows in results.items():
        wide = max(22, *map(len, rows))
        lines.append(
            f"\n{network:{wide}}{'median':>9}{'minimum':>9}{'peak MB':>9}{'nnlite / it':>13}"
        )
        for candidate, row in rows.items():
            ratio = rows["nnlite"]["median_ms"] / row["median_ms"]
            lines.append(
                f"{candidate:{wide}}{row['median_ms']:9.1f}{row['minimum_ms']:9.1f}"
                f"{row['peak_mb']:9}{ratio:13.2f}"
            )
    return "\n".join(lines)


def summary(runs):
    peak = round(np.median([run["peak_mb"] for run in runs]))
    return timing.summary(runs) | {"peak_mb": peak}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="processes for each candidate")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count(), help="of each process, all by default"
    )
    parser.add_argument("--out", type=Path, default=OUT, help=f"file, {OUT} by default")
    parser.add_argument(
        "--only", nargs=2, metavar=("NETWORK", "CANDIDATE"), help="measure this here"
    )
    args = parser.parse_args()
    if args.only:
        print(json.dumps(measure(*args.only)))
        return
    about = {
        "batch": BATCH,
        "drop_prob": DROP_PROB,
        "threads": args.threads,
        "processes_each": args.rounds,
        "processor": timing.processor(),
        "versions": timing.versions("numpy", "numba", "nnlite", "torch"),
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)

    pairs = [(network, candidate) for network in NETWORKS for candidate in CANDIDATES]
    runs = {pair: [] for pair in pairs}
    for network in NETWORKS:  # numba compiles once and keeps the result; that is not timed
        timing.in_a_process(__file__, (network, "nnlite"), args.threads)
    for pair in tqdm(pairs * args.rounds, unit="process", disable=None):
        runs[pair].append(timing.in_a_process(__file__, pair, args.threads))
    results = {n: {c: summary(runs[n, c]) for c in CANDIDATES} for n in NETWORKS}
    print(table(results))
    timing.write_json(args.out, {**about, "results": results})
    print(f"\n{about['processor']}, {args.threads} threads.  Written: {args.out}")


if __name__ == "__main__":
    main()
