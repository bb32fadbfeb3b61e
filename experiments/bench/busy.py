"""How long a training step takes while other processes want the same processors.

    python experiments/bench/busy.py        ten minutes; leave the machine alone

Threads that have nothing to do may spin, asking again and again for work, or sleep.  Spinning
answers sooner on an idle machine, and on a busy one takes the time that another thread needs to
finish.  A tiny, a quick and the posts' dense network train beside 0, 1 and 2 processes that only
count: with the short spin that nnlite sets, as GNU OpenMP spins by itself (GOMP_SPINCOUNT=300000),
not at all (OMP_WAIT_POLICY=passive), and on one thread.  Mean milliseconds of a step: a median
would not see the steps that wait.

Prints a table and writes results/bench-busy.json; the one in docs/results/ was made with
--out docs/results/bench-busy.json.
"""

import contextlib
import itertools
import json
import subprocess
import sys
import time

import numpy as np
from shared import script, timing
from tqdm import tqdm

NETWORKS = {  # neurons, images in a batch
    "784-200-10, 50": ((784, 200, 10), 50),
    "784-500-300-10, 250": ((784, 500, 300, 10), 250),
    "784-1500-1000-800-10, 250": ((784, 1500, 1000, 800, 10), 250),
}
WAYS = {  # variables of the environment, threads or all
    "as it is": ({}, None),
    "long spin": ({"GOMP_SPINCOUNT": "300000"}, None),
    "sleeping": ({"OMP_WAIT_POLICY": "passive"}, None),
    "one thread": ({}, 1),
}
OTHERS = (0, 1, 2)  # busy processes
SECONDS = 4.0  # of steps, in each process


def training_step(network):
    """A function that does one step of training."""
    import nnlite as nn

    (sizes, batch), rng = NETWORKS[network], np.random.default_rng(0)
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nn.Dense(n_in, n_out, rng=rng, init="posts"), nn.ReLU()]
    model = nn.Sequential(layers[:-1])
    adam = nn.Adam(model.params, lr=1e-4, l2=1e-3)
    x, labels = rng.random((batch, sizes[0]), dtype=np.float32), rng.integers(0, 10, batch)

    def step():
        _, doutputs = nn.quadratic(model.forward(x, train=True), labels)
        model.backward(doutputs, input_gradient=False)
        adam.step()

    return step


def measure(network):
    """Mean seconds of a step, over SECONDS."""
    step = training_step(network)
    timing.seconds_of(step, 3)
    steps, start = 0, time.perf_counter()
    while (seconds := time.perf_counter() - start) < SECONDS:
        step()
        steps += 1
    return {"mean_ms": 1000 * seconds / steps}


@contextlib.contextmanager
def busy(n):
    """So many processes that only count, inside the `with`."""
    command = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(command) for _ in range(n)]
    try:
        yield
    finally:
        for other in others:
            other.kill()


def table(results):
    """Lines of text: a row for each way, mean milliseconds beside 0 / 1 / 2 busy processes."""
    lines = []
    for network, ways in results["results"].items():
        lines.append(f"{network:28}" + "".join(f"{n} busy".rjust(10) for n in OTHERS))
        for way, means in ways.items():
            lines.append(f"  {way:26}" + "".join(f"{means[str(n)]:10.2f}" for n in OTHERS))
    return "\n".join(lines)


def main():
    args = script.benchmark_parser(__doc__, "bench-busy.json").parse_args()
    if args.only:
        print(json.dumps(measure(*args.only)))
        return
    timing.in_a_process(__file__, [next(iter(NETWORKS))], args.threads)  # compiles what is missing
    cases = list(itertools.product(NETWORKS, WAYS, OTHERS))
    found = {case: [] for case in cases}
    for network, way, n in tqdm(cases * args.rounds, unit="process", disable=None):
        variables, threads = WAYS[way]
        with busy(n):
            run = timing.in_a_process(__file__, [network], threads or args.threads, **variables)
        found[network, way, n].append(run["mean_ms"])
    results = {
        network: {
            way: {str(n): round(float(np.median(found[network, way, n])), 3) for n in OTHERS}
            for way in WAYS
        }
        for network in NETWORKS
    }
    results = script.about(args) | {"results": results}
    script.finish(args.out, results, table)


if __name__ == "__main__":
    main()
