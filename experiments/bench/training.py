"""How long a training step takes: nnlite, step by step from plain NumPy, against PyTorch.

    pip install -e '.[bench]'
    python experiments/bench_training.py        about ten minutes; leave the machine alone

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
import json
import os
import platform
import resource
from importlib.metadata import version
from pathlib import Path

import bench
import numpy as np
from tqdm import tqdm

# nnlite and PyTorch are imported by the functions that use them: neither is to weigh on the
# memory of the other's process.

NETWORKS = {  # (kernel, filters) of the convolutions, neurons of the hidden dense layers
    "ann": ((), (1500, 1000, 800)),
    "cnn": (((7, 12), (5, 15), (3, 25), (3, 20)), (1500, 500)),
}
BATCH, DROP_PROB, LR, L2 = 250, 0.3, 1e-4, 1e-3
LADDER = {  # which fast versions are in use
    "NumPy": [],
    "+ fused Adam": ["adam"],
    "+ convolutions": ["adam", "conv"],
    "+ matrix product": ["adam", "conv", "matmul"],
    "nnlite": ["adam", "conv", "matmul", "elementwise"],
}
CANDIDATES = [*LADDER, "PyTorch", "PyTorch, best form"]
STEPS = {"ann": 30, "cnn": 8}  # timed, in each process


def batch():
    rng = np.random.default_rng(0)
    return rng.random((BATCH, 28, 28, 1), dtype=np.float32), rng.integers(0, 10, BATCH)


def nnlite_step(network, names):
    """A function that does one step, with the fast versions of these names."""
    import train

    import nnlite

    nnlite.fast.enabled.intersection_update(names)
    convolutions, hidden = NETWORKS[network]
    cfg = train.Config("quadratic", L2, hidden, convolutions, drop_prob=DROP_PROB)
    model = train.build(cfg, np.random.default_rng(0))
    adam = nnlite.Adam(model.params, lr=LR, l2=L2)
    x, labels = batch()

    def step():
        _, doutputs = nnlite.quadratic(model.forward(x, train=True), labels)
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
    if candidate in LADDER:
        step = nnlite_step(network, LADDER[candidate])
    else:
        step = torch_step(network, best="best" in candidate)
    for _ in range(3):
        step()
    seconds = bench.seconds_of(step, STEPS[network])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kB on Linux
    return {"seconds": seconds, "peak_mb": round(peak)}


def table(results):
    """Lines of text: milliseconds a step, and nnlite's median over each candidate's."""
    lines = []
    for network, rows in results.items():
        lines.append(f"\n{network:22}{'median':>9}{'minimum':>9}{'peak MB':>9}{'nnlite / it':>13}")
        for candidate, row in rows.items():
            ratio = rows["nnlite"]["median_ms"] / row["median_ms"]
            lines.append(
                f"{candidate:22}{row['median_ms']:9.1f}{row['minimum_ms']:9.1f}"
                f"{row['peak_mb']:9}{ratio:13.2f}"
            )
    return "\n".join(lines)


def summary(runs):
    peak = round(np.median([run["peak_mb"] for run in runs]))
    return bench.summary(runs) | {"peak_mb": peak}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="processes for each candidate")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=Path("results/bench-training.json"))
    parser.add_argument("--only", nargs=2, metavar=("NETWORK", "CANDIDATE"), help="in this process")
    args = parser.parse_args()
    if args.only:
        print(json.dumps(measure(*args.only)))
        return
    try:
        torch = version("torch")
    except ModuleNotFoundError:
        parser.error("PyTorch is missing: pip install -e '.[bench]'")
    args.out.parent.mkdir(parents=True, exist_ok=True)

    pairs = [(network, candidate) for network in NETWORKS for candidate in CANDIDATES]
    runs = {pair: [] for pair in pairs}
    for network in NETWORKS:  # numba compiles once and keeps the result; that is not timed
        bench.in_a_process(__file__, (network, "nnlite"), args.threads)
    for pair in tqdm(pairs * args.rounds, unit="process", disable=None):
        runs[pair].append(bench.in_a_process(__file__, pair, args.threads))
    results = {n: {c: summary(runs[n, c]) for c in CANDIDATES} for n in NETWORKS}
    print(table(results))
    about = {
        "batch": BATCH,
        "drop_prob": DROP_PROB,
        "threads": args.threads,
        "processes_each": args.rounds,
        "processor": bench.processor(),
        "versions": {name: version(name) for name in ("numpy", "numba", "nnlite")},
    }
    about["versions"] |= {"torch": torch, "python": platform.python_version()}
    from nnlite.files import replace_when_done

    with replace_when_done(args.out) as file:
        file.write(json.dumps({**about, "results": results}, indent=1).encode())
    print(f"\n{bench.processor()}, {args.threads} threads.  Written: {args.out}")


if __name__ == "__main__":
    main()
