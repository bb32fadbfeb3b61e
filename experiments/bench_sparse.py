"""How long pruned networks take: SparseNetwork against SciPy, BLAS, and PyTorch, sparse and dense.

    pip install -e '.[bench]'
    python experiments/bench_sparse.py          about a quarter of an hour; leave the machine alone
    python experiments/bench_sparse.py --curves      the figure, five minutes

The posts' dense network at 80, 90 and 95 % zeros, batches of 1000, 16 and 1; their convolutional
one with pruned dense layers, as convolutions and decoupled, and decoupled with convolution weights
pruned as independent ones.  Weights are random: where the zeros are makes no difference.

float32, the same number of threads for all.  Each candidate runs in a process of its own, in
turn with the others, several times.  SciPy, NumPy and CSR multiply the whole batch at once, which
is how they are used.  PyTorch's dense networks run in their best form: channels
last, inference mode, the best of several batch splits.  Its CSR matrices are multiplied by MKL.
The limits of the machine (bench_limits.py) are measured in the same run.  All candidates must give
the same outputs, by their mean and those of the first image.

Prints tables and writes results/bench-sparse.json; the ones in docs/results/ were made with
--out docs/results/bench-sparse.json.
"""

import argparse
import itertools
import json
import os
import platform
import sys
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import bench
import bench_limits
import numpy as np
from tqdm import tqdm

# nnlite, SciPy and PyTorch are imported by the functions that use them.

ANN = (784, 1500, 1000, 800, 10)
CONVOLUTIONS = ((1, 12, 7), (12, 15, 5), (15, 25, 3), (25, 20, 3))  # c_in, c_out, kernel
CNN = (15680, 1500, 500, 10)
PRUNED = (0.98, 0.9, 0.0)  # the dense layers of the CNN
IMAGE = (28, 28, 1)

CASES = {  # name: (network, zeros, batch)
    "ann, 90 % zeros, batch 1000": ("ann", 0.9, 1000),
    "ann, 95 % zeros, batch 1000": ("ann", 0.95, 1000),
    "ann, 80 % zeros, batch 1000": ("ann", 0.8, 1000),
    "ann, 90 % zeros, batch 16": ("ann", 0.9, 16),
    "ann, 90 % zeros, batch 1": ("ann", 0.9, 1),
    "ann, 95 % zeros, batch 16": ("ann", 0.95, 16),
    "ann, 95 % zeros, batch 1": ("ann", 0.95, 1),
    "decoupled convolutions, unpruned, batch 1000": ("convolutions", 0.0, 1000),
    "cnn, dense layers pruned, batch 1000": ("cnn", 0.0, 1000),
    "cnn, decoupled, convolutions 50 % pruned, batch 1000": ("cnn", 0.5, 1000),
    "cnn, decoupled, convolutions 80 % pruned, batch 1000": ("cnn", 0.8, 1000),
}
CANDIDATES = {
    "ann": ("nnlite", "NumPy dense", "SciPy", "PyTorch CSR", "PyTorch dense"),
    "convolutions": ("nnlite", "SciPy", "PyTorch CSR"),
    "cnn": ("nnlite", "SciPy", "PyTorch dense"),
}
SPLITS = (1000, 500, 250, 125)  # batches that PyTorch's dense network is given
SECONDS = 1.0  # of timing in each process, at least 5 calls


def network(case):
    """[Linear, ...] with CSR matrices, and convolutions to compare with: {"convs": ..., ...}."""
    import scipy.sparse

    import nnlite
    from nnlite.sparse import Linear, decouple

    kind, zeros, _ = CASES[case]
    rng = np.random.default_rng(0)

    def dense(n_in, n_out, sparsity, relu):
        w = rng.normal(0, 1 / np.sqrt(n_in * (1 - sparsity)), (n_out, n_in)).astype(np.float32)
        w[rng.random(w.shape) < sparsity] = 0
        return Linear(scipy.sparse.csr_array(w), rng.normal(size=n_out).astype(np.float32), relu)

    if kind == "ann":
        return [dense(n, m, zeros, m > 10) for n, m in itertools.pairwise(ANN)], []
    layers, convs, shape = [], [], IMAGE
    for c_in, c_out, kernel in CONVOLUTIONS:
        convs.append(nnlite.Conv2D(c_in, c_out, kernel, rng=rng, init="he"))
        a, bias = decouple(convs[-1], shape)
        a.data[rng.random(a.nnz) < zeros] = 0
        a.eliminate_zeros()
        layers.append(Linear(a, bias, True))
        shape = (28, 28, c_out)
    if kind == "cnn":
        sizes = zip(CNN, CNN[1:], PRUNED)
        layers += [dense(n, m, sparsity, m > 10) for n, m, sparsity in sizes]
    return layers, convs


def images(case):
    return np.random.default_rng(1).random((CASES[case][2], *IMAGE), dtype=np.float32)


def nnlite_predict(case):
    from nnlite.sparse import Convolution, SparseNetwork

    kind, zeros, _ = CASES[case]
    layers, convs = network(case)
    if kind == "cnn" and not zeros:  # still shared weights: the engine may keep the convolutions
        shapes = [IMAGE, *((28, 28, conv.c_out) for conv in convs)]
        layers[:4] = [Convolution(conv, shape, True) for conv, shape in zip(convs, shapes)]
    sparse = SparseNetwork(layers)
    x = images(case)
    return lambda: sparse.predict(x), sparse


def scipy_predict(case):
    layers, _ = network(case)
    x = images(case).reshape(CASES[case][2], -1).T.copy()

    def predict():
        y = x
        for layer in layers:
            y = layer.matrix @ y
            y += layer.bias[:, None]
            if layer.relu:
                np.maximum(y, 0, out=y)
        return y.T

    return predict


def numpy_predict(case):
    layers, _ = network(case)
    layers = [(layer.matrix.toarray().T.copy(), layer.bias, layer.relu) for layer in layers]
    x = images(case).reshape(CASES[case][2], -1)

    def predict():
        y = x
        for w, bias, relu in layers:
            y = y @ w
            y += bias
            if relu:
                np.maximum(y, 0, out=y)
        return y

    return predict


def torch_csr_predict(case):
    import torch

    layers, _ = network(case)
    parts = []
    for layer in layers:
        a = layer.matrix
        arrays = (torch.from_numpy(array) for array in (a.indptr, a.indices, a.data))
        with warnings.catch_warnings():  # "Sparse CSR tensor support is in beta state"
            warnings.simplefilter("ignore")
            csr = torch.sparse_csr_tensor(*arrays, a.shape, check_invariants=False)
        parts.append((csr, layer))
    biases = [torch.from_numpy(layer.bias)[:, None] for layer in layers]
    x = torch.from_numpy(images(case).reshape(CASES[case][2], -1).T.copy())

    def predict():
        y = x
        for (a, layer), bias in zip(parts, biases):
            y = (a @ y).add_(bias)
            if layer.relu:
                y = y.relu_()
        return y.T.numpy()

    return predict


def torch_dense_predict(case, split):
    """The dense network; for the cnn the convolutions themselves, unpruned."""
    import torch
    from torch import nn

    class Flatten(nn.Module):
        """In the order row, column, channel, in which channels-last images lie: no copy."""

        def forward(self, x):
            return x.permute(0, 2, 3, 1).flatten(1)

    layers, convs = network(case)
    modules = []
    for conv in convs:
        module = nn.Conv2d(conv.c_in, conv.c_out, conv.kernel, padding="same")
        module.weight.data = torch.from_numpy(conv.w.value.transpose(3, 2, 0, 1).copy())
        module.bias.data = torch.from_numpy(conv.b.value)
        modules += [module, nn.ReLU()]
    modules.append(Flatten())
    for layer in layers[len(convs) :]:
        module = nn.Linear(*layer.matrix.shape[::-1])
        module.weight.data = torch.from_numpy(layer.matrix.toarray())
        module.bias.data = torch.from_numpy(layer.bias)
        modules += [module, nn.ReLU()] if layer.relu else [module]
    model = nn.Sequential(*modules).to(memory_format=torch.channels_last)
    x = torch.from_numpy(images(case)).permute(0, 3, 1, 2)
    x = x.to(memory_format=torch.channels_last)
    return lambda: torch.cat([model(part) for part in x.split(split)]).numpy()


def predict_of(case, candidate):
    """A function of nothing that computes the outputs for the images of a case."""
    if not candidate.startswith("PyTorch"):
        return {"SciPy": scipy_predict, "NumPy dense": numpy_predict}[candidate](case)
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_flush_denormal(True)
    inference = torch.inference_mode()
    if candidate == "PyTorch CSR":
        return inference(torch_csr_predict(case))
    splits = [split for split in SPLITS if split <= CASES[case][2]] or [CASES[case][2]]
    predicts = [inference(torch_dense_predict(case, split)) for split in splits]
    return min(predicts, key=lambda predict: min(bench.seconds_of(predict, 4)))


def measure(case, candidate):
    """Seconds of some calls, of the first one, and the outputs in short."""
    about = {}
    if candidate == "nnlite":
        predict, sparse = nnlite_predict(case)
        about = {"multiplications": sparse.multiplications, "non_zeros": sparse.non_zeros}
    else:
        predict = predict_of(case, candidate)
    start = time.perf_counter()
    outputs = predict()
    about["first_call_seconds"] = time.perf_counter() - start
    seconds = bench.seconds_of(predict, 3)
    seconds = bench.seconds_of(predict, max(5, min(2000, int(SECONDS / np.median(seconds)))))
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
    """Of n inputs and outputs, with so many of its weights not zero."""
    import scipy.sparse

    from nnlite.fast.matmul import matmul
    from nnlite.sparse import Linear, SparseNetwork

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
    """The third of the posts' convolutions, so many of whose filters' weights are not zero."""
    import nnlite
    from nnlite.sparse import Convolution, SparseNetwork, decouple

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
    first = min(bench.seconds_of(predict, 2))
    time.sleep(0.05)  # let the threads of the one before go to sleep
    seconds = bench.seconds_of(predict, max(3, min(200, int(0.2 / first))))
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
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=Path("results/bench-sparse.json"))
    parser.add_argument("--curves", action="store_true", help="measure and draw the figure only")
    parser.add_argument("--only", nargs="+", metavar="WHAT", help="in this process")
    args = parser.parse_args()
    if args.only:
        what, *rest = args.only
        found = {"limits": bench_limits.limits, "curves": curves, "case": measure}[what](*rest)
        print(json.dumps(found))
        return
    args.out.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(args.out.read_text()) if args.out.exists() else {}
    if args.curves:
        results["curves"] = bench.in_a_process(__file__, ["curves"], args.threads)
    else:
        results |= measure_cases(args.rounds, args.threads, parser)
        print(table(results))
    import kept

    kept.write_json(args.out, results)
    if "curves" in results:
        from nnlite import plots
        from nnlite.sparse.network import MAX_CONV_DENSITY, MAX_DENSITY

        thresholds = {"density": MAX_DENSITY, "convolution": MAX_CONV_DENSITY}
        figure = plots.cost_curves(results["curves"], thresholds)
        plots.save_figure(figure, args.out.with_suffix(".png"))
    print(f"\n{bench.processor()}, {args.threads} threads.  Written: {args.out}")


def measure_cases(rounds, threads, parser):
    try:
        torch = version("torch")
    except ModuleNotFoundError:
        parser.error("PyTorch is missing: pip install -e '.[bench]'")
    pairs = [(case, one) for case, (kind, *_) in CASES.items() for one in CANDIDATES[kind]]
    runs = {case: {} for case in CASES}
    bench.in_a_process(__file__, ["case", *pairs[0]], threads)  # compiles what is missing
    with tempfile.TemporaryDirectory() as empty:
        first = bench.in_a_process(__file__, ["case", *pairs[0]], threads, NUMBA_CACHE_DIR=empty)
    limit = []
    for case, candidate in tqdm(pairs * rounds, unit="process", disable=None):
        run = bench.in_a_process(__file__, ["case", case, candidate], threads)
        runs[case].setdefault(candidate, []).append(run)
        if (case, candidate) == pairs[-1] or not limit:
            limit.append(bench.in_a_process(__file__, ["limits"], threads))
    cases = {}
    for case, candidates in runs.items():
        check_same(case, candidates)
        cases[case] = {name: bench.summary(each) for name, each in candidates.items()}
        flops = 2 * candidates["nnlite"][0]["multiplications"] * CASES[case][2]
        cases[case]["nnlite"]["gflops"] = flops / cases[case]["nnlite"]["median_ms"] / 1e6
    return {
        "cases": cases,
        "limits": max(limit, key=lambda found: found["gflops"]),
        "first_call_seconds_with_compilation": first["first_call_seconds"],
        "threads": threads,
        "processes_each": rounds,
        "processor": bench.processor(),
        "versions": {name: version(name) for name in ("numpy", "scipy", "numba", "nnlite")}
        | {"torch": torch, "python": platform.python_version()},
    }


if __name__ == "__main__":
    sys.exit(main())
