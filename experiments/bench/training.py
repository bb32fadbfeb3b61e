"""How long a training step takes: nnlite, step by step from plain NumPy, against PyTorch and JAX.

    pip install -e '.[bench]'
    python experiments/bench/training.py        a quarter of an hour; leave the machine alone

The posts' dense and convolutional networks, batches of 250, quadratic cost, l2, dropout of 0.3
after the hidden dense layers, the same number of threads for all.  Each candidate runs in a
process of its own, in turn, several times; from every process come the times of some steps
after a few to warm up, and its peak memory.  PyTorch runs in its default form and in its best:
fused Adam, channels last, denormal numbers flushed; torch.compile, which needs a C++ compiler,
is left out.  JAX compiles the whole step, and its old weights give their memory to the new ones.

Prints a table and writes results/bench-training.json; the one in docs/results/ was made with
--out docs/results/bench-training.json.
"""

import contextlib
import itertools
import json
import resource
from functools import partial

import numpy as np
from shared import script, steps, timing
from shared.networks import NETWORKS, random_weights

# nnlite, PyTorch and JAX are imported by the functions that use them: none is to weigh on the
# memory of the others' processes.

BATCH, DROP_PROB = 250, 0.3
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
PEERS = {
    "PyTorch": partial(steps.torch_step, best=False),
    "PyTorch, best form": partial(steps.torch_step, best=True),
    "JAX": steps.jax_step,
}
CANDIDATES = [*LADDER, NUMPY_PRODUCT, *PEERS]


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


def measure(network, candidate, batch=BATCH, width=1):
    """{"seconds": [...], "peak_mb": ...} of this process.

    width   so many times as many hidden dense neurons as the posts have
    """
    about = random_weights(network, float(width)), *steps.random_batch(int(batch)), DROP_PROB
    if candidate in PEERS:
        return timed(PEERS[candidate](*about), STEPS[network])
    with rung(candidate):
        return timed(steps.nnlite_step(*about), STEPS[network])


def timed(step, repeats):
    for _ in range(3):
        step()
    seconds = timing.seconds_of(step, repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kB on Linux
    return {"seconds": seconds, "peak_mb": round(peak)}


def table(results):
    """Lines of text: milliseconds a step, and nnlite's median over each candidate's."""
    lines = []
    for network, rows in results["cases"].items():
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


def main():
    args = script.benchmark_parser(__doc__, "bench-training.json", rounds=5).parse_args()
    if args.only:
        print(json.dumps(measure(*args.only)))
        return
    about = script.about(args, "torch", "jax") | {"batch": BATCH, "drop_prob": DROP_PROB}
    for network in NETWORKS:  # numba compiles once and keeps the result; its memory is not to count
        timing.in_a_process(__file__, (network, "nnlite"), args.threads)
    pairs = list(itertools.product(NETWORKS, CANDIDATES))
    runs = timing.in_turn({pair: (__file__, pair, args.threads) for pair in pairs}, args.rounds)
    cases = timing.summaries(runs)
    for (network, candidate), each in runs.items():
        peak = round(np.median([run["peak_mb"] for run in each]))
        cases[network][candidate]["peak_mb"] = peak
    script.finish(args.out, {**about, "cases": cases}, table)


if __name__ == "__main__":
    main()
