"""How long a step of universal noise takes: nnlite's `universal_noise` against PyTorch.

    pip install -e '.[bench]'
    python experiments/bench/noise.py        ten minutes; leave the machine alone

The posts' networks, whole and pruned (a SparseNetwork of nnlite; PyTorch multiplies the zeros too),
batches of 250 of 1000 images, softmax and cross-entropy, Adam: images + noise, clipped, through the
network and back to the noise, which is kept within its limit.  A call does STEPS steps, and a step
is its time divided by that.  PyTorch computes the gradient of the noise only, none of the weights',
in its default form and in its best: channels last, Adam in one pass, denormal numbers flushed.  All
must end with the same noise.

Prints a table and writes results/bench-noise.json.
"""

import itertools
import json
import os

import numpy as np
from shared import script, timing
from shared.networks import (
    IMAGE,
    PRUNED,
    nnlite_model,
    pruned_weights,
    random_images,
    random_weights,
    torch_images,
    torch_model,
)

IMAGES, BATCH, STEPS = 1000, 250, 5
TARGET, LIMIT, STEP_SIZE = 3, 0.25, 0.03
CASES = {  # name: (network, zeros of its dense layers)
    "ann": ("ann", None),
    "cnn": ("cnn", None),
    "ann, 80 % zeros": ("ann", (0.8,) * 4),
    "cnn, dense layers pruned": ("cnn", PRUNED),
}
CANDIDATES = ("nnlite", "PyTorch", "PyTorch, best form")
SECONDS = 2.0  # of timing in each process


def nnlite_noise(weights, images, sparse=False):
    """A function of nothing: the noise after STEPS steps, (28, 28, 1)."""
    import nnlite as nn

    model = nnlite_model(weights)
    if sparse:
        from nnlite.sparse import SparseNetwork

        model = SparseNetwork(model, IMAGE)
    options = {"step_size": STEP_SIZE, "steps": STEPS, "batch_size": BATCH}

    def noise():
        rng = np.random.default_rng(0)
        return nn.noise.universal_noise(model, images, TARGET, LIMIT, rng=rng, **options)

    return noise


def torch_noise(weights, images, best):
    """The same."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_flush_denormal(best)
    model = torch_model(weights, channels_last=best).eval().requires_grad_(False)
    images, labels = torch_images(images, channels_last=best), torch.full((BATCH,), TARGET)

    def noise():
        rng = np.random.default_rng(0)
        v = torch.zeros(1, *images.shape[1:], requires_grad=True)
        adam = torch.optim.Adam([v], lr=STEP_SIZE, fused=best or None)
        for _ in range(STEPS):
            chosen = torch.from_numpy(rng.integers(len(images), size=BATCH))
            outputs = model((images[chosen] + v).clamp(0, 1))
            loss = torch.nn.functional.cross_entropy(outputs, labels)
            (v.grad,) = torch.autograd.grad(loss, v)
            adam.step()
            with torch.no_grad():
                v.clamp_(-LIMIT, LIMIT)
        return v.detach()[0].permute(1, 2, 0).numpy()

    return noise


def measure(case, candidate):
    """Seconds of a step, in several calls, and some numbers of the noise."""
    network, zeros = CASES[case]
    weights = random_weights(network) if zeros is None else pruned_weights(network, zeros)
    about = weights, random_images(IMAGES)
    if candidate == "nnlite":
        noise = nnlite_noise(*about, sparse=zeros is not None)
    else:
        noise = torch_noise(*about, best="best" in candidate)
    seconds = np.array(timing.enough_seconds_of(noise, SECONDS)) / STEPS
    v = noise()  # Adam makes much of the little that pixels differ by: means are compared
    means = [float(part.mean()) for part in (np.abs(v), v, v[:14], v[:, :14])]
    return {"seconds": seconds.tolist(), "outputs": means}


def table(results):
    """Lines of text: milliseconds a step, and nnlite's median over each candidate's."""
    lines = []
    for case, rows in results["cases"].items():
        lines.append(f"\n{case:28}{'median':>9}{'minimum':>9}{'nnlite / it':>13}")
        for candidate, row in rows.items():
            ratio = rows["nnlite"]["median_ms"] / row["median_ms"]
            lines.append(
                f"{candidate:28}{row['median_ms']:9.1f}{row['minimum_ms']:9.1f}{ratio:13.2f}"
            )
    return "\n".join(lines)


def main():
    args = script.benchmark_parser(__doc__, "bench-noise.json").parse_args()
    if args.only:
        print(json.dumps(measure(*args.only)))
        return
    about = script.about(args, "torch")
    pairs = itertools.product(CASES, CANDIDATES)
    runs = timing.in_turn({pair: (__file__, pair, args.threads) for pair in pairs}, args.rounds)
    script.finish(args.out, about | {"cases": timing.summaries(runs)}, table)


if __name__ == "__main__":
    main()
