"""Both posts in one run: train, attack, prune, and measure confidence.

    python experiments/reproduce.py                   drawn digits, forty seconds on two cores
    python experiments/reproduce.py --data mnist      the same on MNIST

A linear-quadratic network (no softmax, quadratic cost) is trained; noise vectors are made
that fool it, each asking for one class within one limit; its weights are pruned by magnitude
and by mean activation while accuracy under noise is watched; and the ratio of its two largest
outputs is compared between clean and corrupted images.
From "Pruning, cost functions and adversarial noise" and "Output analysis".

Writes to results/<data>-<preset>/: results.json, model.npz, four figures, report.html.
Images from the test set are used to measure, never to choose: weights and noise come from
training images, thresholds from validation images.
"""

import argparse
import itertools
import json
import math
import platform
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import report
from tqdm import tqdm

import nnlite
from nnlite.checks import check_count
from nnlite.confidence import fraction_kept, threshold_at, top_two_ratio
from nnlite.files import replace_when_done
from nnlite.noise import add_noise, universal_noise


@dataclass(frozen=True)
class Config:
    """What makes a result what it is.

    In brackets where a value comes from: a post, the notebooks published with the posts, us.
    """

    hidden: tuple  # neurons of the hidden layers
    epochs: int  # passes over the training images [ours; post: 100,000 batches, 455 passes]
    batch_size: int = 250  # images, for weights and for noise [post]
    lr: float = 1e-3  # Adam, falling to 0 along a half cosine [ours; notebook: 1e-5, constant]
    l2: float = 1e-3  # factor of sum(w^2)/2 beside nnlite.quadratic [notebook, same scale]
    # Steps of the gradient divided by its largest entry, chosen on validation images, where more
    # of them gain little [ours; notebook: 5000 plain steps].
    noise_steps: int = 200
    noise_step_size: float = 0.1  # pixel units
    shown_noise: tuple = (  # (target class, limit in pixel units) along the pruning axis [post]
        *((3, 0.25), (2, 0.25), (1, 0.15), (5, 0.10)),
        *((5, 0.35), (8, 0.20), (7, 0.30), (9, 0.20)),
    )
    sparsities: tuple = (
        *(0.00, 0.10, 0.20, 0.30, 0.40, 0.50, 0.55, 0.60, 0.65, 0.70, 0.75),
        *(0.80, 0.81, 0.85, 0.90, 0.92, 0.94, 0.96, 0.98, 0.99),  # 0.81, 0.90: the post's table
    )
    scored_images: int = 2000  # for mean activations [post, there from the test set]
    confidence_limits: tuple = (0.15, 0.35)  # of the noise for the ratio, pixel units [post]
    confidence_sparsity: float = 0.80  # removed by mean activation [post]


PRESETS = {
    "quick": Config(hidden=(500, 300), epochs=40),
    "standard": Config(hidden=(1500, 1000, 800), epochs=36, lr=3e-4),
}


def build(hidden, rng):
    """784 - hidden - 10, ReLU between, raw outputs: the posts' architecture."""
    sizes = (28 * 28, *hidden, 10)
    layers = [nnlite.Flatten()]
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nnlite.Dense(n_in, n_out, init="posts", rng=rng), nnlite.ReLU()]
    return nnlite.Sequential(layers[:-1])  # no ReLU after the last


def train(model, images, labels, cfg, rng):
    """Adam on the quadratic cost of the raw outputs; the rate falls along a half cosine."""
    adam = nnlite.Adam(model.params, lr=cfg.lr, l2=cfg.l2)
    n_steps = cfg.epochs * math.ceil(len(images) / cfg.batch_size)
    for _ in tqdm(range(cfg.epochs), desc="training", unit="epoch", disable=None):
        for x, y in nnlite.minibatches(images, labels, cfg.batch_size, rng):
            adam.lr = cfg.lr * (1 + np.cos(np.pi * adam.t / n_steps)) / 2
            _, doutputs = nnlite.quadratic(model.forward(x, train=True), y)
            model.backward(doutputs, input_gradient=False)
            adam.step()


def make_noise(model, images, wanted, cfg, rng):
    """{(target class, limit): noise vector (28, 28, 1)}, trained on `images`."""
    options = {"steps": cfg.noise_steps, "step_size": cfg.noise_step_size}
    options |= {"batch_size": cfg.batch_size, "rng": rng}
    wanted = tqdm(wanted, desc="noise", unit="vector", disable=None)
    return {pair: universal_noise(model, images, *pair, **options) for pair in wanted}


def accuracies(model, image_sets, labels):
    return [nnlite.accuracy(model, images, labels) for images in image_sets]


def measure_bank(model, images, labels, vectors, limit, rng):
    """What the k-th vector, which asks for class k, does; and random noise as a control.

    success   fraction of the images of other classes that are read as class k
    random    accuracy under ten vectors of random pixels +-limit, averaged
    """
    read = np.array([model.predict(add_noise(images, v)).argmax(axis=1) for v in vectors])
    signs = rng.choice([-limit, limit], size=vectors.shape)
    return {
        "accuracy": (read == labels).mean(axis=1),
        "success": [(read[k] == k)[labels != k].mean() for k in range(len(vectors))],
        "random": np.mean(accuracies(model, [add_noise(images, s) for s in signs], labels)),
    }


def prune_and_measure(model, score, sparsities, mean_x, image_sets, labels):
    """Accuracy on every image set, (S, sets), every layer pruned to each of S sparsities."""
    rows = []
    for sparsity in tqdm(sparsities, desc=score.__name__, unit="sparsity", disable=None):
        saved = nnlite.prune.apply(model, nnlite.prune.keep_masks(model, score, sparsity, mean_x))
        rows.append(accuracies(model, image_sets, labels))
        nnlite.prune.undo(model, saved)
    return rows


def choose_attacked(labels, rng):
    """A random half of the images (boolean), and for every image a random other class."""
    attacked = rng.permutation(len(labels)) < len(labels) // 2
    return attacked, (labels + rng.integers(1, 10, len(labels))) % 10


def measure_confidence(model, data, half_noisy, attacked):
    """How the ratio of the two largest outputs separates clean from corrupted test images.

    The posts' groups: clean = no noise, classified right; corrupted = noise, classified
    wrong; ineffective = noise, still right.  Thresholds come from validation images.
    """
    outputs = model.predict(data.validation.images)
    clean = top_two_ratio(outputs[outputs.argmax(axis=1) == data.validation.labels])

    outputs = model.predict(half_noisy)
    ratio, right = top_two_ratio(outputs), outputs.argmax(axis=1) == data.test.labels
    groups = {
        "clean": ratio[~attacked & right],
        "corrupted": ratio[attacked & ~right],
        "ineffective": ratio[attacked & right],
    }
    at = []
    for keep in (0.9, 0.8):
        threshold = threshold_at(clean, keep)
        kept = {f"{name}_kept": fraction_kept(r, threshold) for name, r in groups.items()}
        at.append({"keep": keep, "threshold": threshold, **kept})
    thresholds = np.geomspace(1, 1e4, 161)
    return {
        "clean_accuracy": nnlite.accuracy(model, *data.test),
        "half_noisy_accuracy": right.mean(),
        "at": at,
        "thresholds": thresholds,
        "curves": {name: fraction_kept(r, thresholds) for name, r in groups.items()},
        "images": {name: len(r) for name, r in groups.items()},
        "only_first_positive": {name: np.isinf(r).sum() for name, r in groups.items()},
        "undefined": {name: np.isnan(r).sum() for name, r in groups.items()},
    }


def run(data, cfg, seed, say=print):
    """All of it: the trained model and the results, a dict that JSON can hold."""
    start = time.perf_counter()
    rng_train, rng_noise, rng_score, rng_attack = np.random.default_rng(seed).spawn(4)
    images, labels = data.test
    say(f"{data.name}: {len(data.train.images):,} images to train on, {len(images):,} to test")

    model = build(cfg.hidden, rng_train)
    train(model, *data.train, cfg, rng_train)
    say(f"trained: {nnlite.accuracy(model, images, labels):.2%} of the test images right")

    strong = max(cfg.confidence_limits)
    banks = {limit: [(k, limit) for k in range(10)] for limit in cfg.confidence_limits}
    wanted = dict.fromkeys([*itertools.chain(*banks.values()), *cfg.shown_noise])  # none twice
    noise = make_noise(model, data.train.images, wanted, cfg, rng_noise)
    banks = {limit: np.stack([noise[pair] for pair in bank]) for limit, bank in banks.items()}
    measured = measure_bank(model, images, labels, banks[strong], strong, rng_noise)
    say(f"noise made: {min(measured['accuracy']):.1%} to {max(measured['accuracy']):.1%} right")

    scored = rng_score.choice(len(data.train.images), cfg.scored_images, replace=False)
    mean_x = nnlite.prune.mean_inputs(model, data.train.images[scored])
    shown = [images, *(add_noise(images, noise[pair]) for pair in cfg.shown_noise)]
    pruning = {
        score.__name__: prune_and_measure(model, score, cfg.sparsities, mean_x, shown, labels)
        for score in (nnlite.prune.magnitude, nnlite.prune.mean_activation)
    }
    say("pruned by magnitude and by mean activation")

    attacked, targets = choose_attacked(labels, rng_attack)
    confidence = {}
    for sparsity in (0.0, cfg.confidence_sparsity):
        score = nnlite.prune.mean_activation
        saved = nnlite.prune.apply(model, nnlite.prune.keep_masks(model, score, sparsity, mean_x))
        for limit, vectors in banks.items():
            half_noisy = images.copy()
            half_noisy[attacked] = add_noise(images[attacked], vectors[targets[attacked]])
            title = f"{sparsity:.0%} pruned, noise limit {limit:.2f}"
            confidence[title] = measure_confidence(model, data, half_noisy, attacked)
        nnlite.prune.undo(model, saved)

    return model, {
        "data": data.name,
        "seed": seed,
        "config": asdict(cfg),
        "versions": {
            "nnlite": nnlite.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "seconds": time.perf_counter() - start,
        "accuracy": nnlite.accuracy(model, images, labels),
        "digits": first_of_each_class(images, labels),
        "noise": {
            "limit": strong,
            **measured,
            "vectors": banks[strong][..., 0].round(4),
            "examples": [
                example_under_noise(model, data.test, vector, k)
                for k, vector in enumerate(banks[strong])
            ],
        },
        "pruning": pruning,
        "confidence": confidence,
    }


def first_of_each_class(images, labels, each=20):
    """The first `each` images of every class, class by class, as bytes (10*each, 28, 28)."""
    first = np.concatenate([np.flatnonzero(labels == k)[:each] for k in range(10)])
    return to_bytes(images[first])


def example_under_noise(model, test, vector, target):
    """A test image of another class with the noise added, and how it is read."""
    chosen = np.flatnonzero(test.labels != target)[target]  # another image for every target
    image = add_noise(test.images[chosen], vector)
    predicted = model.predict(image[None]).argmax()
    return {"image": to_bytes(image), "label": test.labels[chosen], "predicted": predicted}


def to_bytes(images):
    return (images[..., 0] * 255).round().astype(np.uint8)


def to_json(value):
    """NumPy scalars and arrays as the numbers and lists that JSON knows."""
    return value.tolist()


def write_results(model, results, out):
    """Write model.npz, results.json, and from the latter the figures and the page."""
    nnlite.save(model, out / "model.npz")
    with replace_when_done(out / "results.json") as file:
        file.write(json.dumps(results, default=to_json).encode())
    report.write(out)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", choices=["strokes", "mnist"], default="strokes")
    parser.add_argument("--preset", choices=PRESETS, default="quick")
    parser.add_argument(
        "--seed", type=int, default=0, help="of weights, batches and noise; not of drawn digits"
    )
    parser.add_argument("--out", type=Path, help="folder, results/<data>-<preset> by default")
    args = parser.parse_args()
    out = args.out or Path("results") / f"{args.data}-{args.preset}"
    try:
        seed = check_count("seed", args.seed, 0)
        data = nnlite.data.load(args.data)
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()  # can it be written to?  Better asked now
    except (OSError, ValueError) as error:
        parser.error(str(error))

    model, results = run(data, PRESETS[args.preset], seed)
    write_results(model, results, out)
    print(f"\nDone in {results['seconds']:.0f} s.  Open {out / 'report.html'}")


if __name__ == "__main__":
    main()
