"""Both posts in one run: train, attack, prune, and measure confidence.

    python experiments/reproduce.py                   drawn digits, forty seconds on two cores
    python experiments/reproduce.py --data mnist      the same on MNIST
    python experiments/reproduce.py --data mnist --preset standard      the whole study, hours

A linear-quadratic network (no softmax, quadratic cost) is trained; noise vectors are made
that fool it, each asking for one class within one limit; its weights are pruned by magnitude
and by mean activation while accuracy under noise is watched; and the ratio of its two largest
outputs is compared between clean and corrupted images.
From "Pruning, cost functions and adversarial noise" and "Output analysis".

Writes to results/<data>-<preset>/: results.json, model.npz, six figures, report.html.  With
--preset standard the scripts that answer the posts figure by figure run too (STUDY); on MNIST
their results belong to the docs, docs/results/.
Networks, noise and the measurements of the scripts are kept in runs/: what was stopped goes on
from there.
Images from the test set are used to measure, never to choose: weights and noise come from
training images, thresholds from validation images.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import confidence_curves
import confidence_images
import kept
import make_noise
import noise_banks
import noise_on_pruned
import numpy as np
import output_range
import prune_ann
import prune_cnn_dense
import prune_decoupled
import prune_layers
import published
import report
import score_table
import study
import train
from networks import Network, separation, survival_curves
from tqdm import tqdm

import nnlite
from nnlite.checks import check_count
from nnlite.noise import add_noise

# Name of the results: script, minutes on two cores with networks and noise given.
POST_1 = {
    "make-noise": (make_noise, 40),
    "prune-ann": (prune_ann, 20),
    "prune-layers": (prune_layers, 20),
    "prune-cnn-dense": (prune_cnn_dense, 15),
    "noise-on-pruned": (noise_on_pruned, 20),
    "prune-decoupled": (prune_decoupled, 30),
}
POST_2 = {
    "confidence-curves": (confidence_curves, 15),  # of which 10 train three more networks
    "confidence-images": (confidence_images, 1),
    "output-range": (output_range, 2),
    "score-table": (score_table, 5),
}
STUDY = POST_1 | POST_2
TRAINING_MINUTES = 40  # six dense networks, two convolutional ones


@dataclass(frozen=True)
class Config:
    """What makes a result what it is.

    In brackets where a value comes from: a post, the notebooks published with the posts, us.
    """

    network: train.Config
    noise: noise_banks.Config = noise_banks.CONFIG
    shown_noise: tuple = published.ANN_NOISE  # (target, limit) along the pruning axis [post]
    sparsities: tuple = (
        *(0.00, 0.10, 0.20, 0.30, 0.40, 0.50, 0.55, 0.60, 0.65, 0.70, 0.75),
        *(0.80, 0.81, 0.85, 0.90, 0.92, 0.94, 0.96, 0.98, 0.99),  # 0.81, 0.90: the post's table
    )
    confidence_limits: tuple = (0.15, 0.35)  # of the noise for the ratio, pixel units [post]
    confidence_sparsity: float = 0.80  # removed by mean activation [post]


PRESETS = {name: Config(train.preset("ann-lq", name)) for name in ("quick", "standard")}


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
        "random": np.mean(study.accuracies(model, [add_noise(images, s) for s in signs], labels)),
    }


def prune_and_measure(model, scores, sparsities, image_sets, labels):
    """Accuracy on every image set, (S, sets), every layer pruned to each of S sparsities."""
    return [
        prune_ann.pruned_accuracies(
            model, nnlite.prune.keep_masks(scores, sparsity), image_sets, labels
        )
        for sparsity in tqdm(sparsities, desc="pruning", unit="sparsity", disable=None)
    ]


def measure_confidence(network, data, limit):
    """How the ratio of the two largest outputs separates clean from corrupted test images."""
    outputs, *known = network.on_half_noisy(*data.test, limit)
    ratio = network.ratio(outputs)
    return {
        "clean_accuracy": nnlite.accuracy(network.model, *data.test),
        **separation(ratio, *known, network.ratio_of_right(*data.validation)),
        **survival_curves(ratio, *known, np.geomspace(1, 1e4, 161)),
    }


def measure_scores(network, data):
    """{question: {score: {metric: [value]}}} of score_table.py, without intervals."""
    return {
        question: score_table.measure(*asked, rng=None, resamples=0)["scores"]
        for question, asked in score_table.questions(network, data).items()
    }


def gallery(network, test):
    """The digits of the lowest and of the highest ratio, and what noise does to them."""
    outputs = network.model.predict(test.images)
    return {
        kind: confidence_images.describe(network, *test, outputs, places)
        for kind, places in confidence_images.extremes(outputs, test.labels).items()
    }


def run(data, cfg, seed, label, runs=kept.RUNS, say=print):
    """All of it: the trained model and the results, a dict that JSON can hold.

    label   the readable part of the name under which the network is kept in `runs`
    """
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    images, labels = data.test
    say(f"{data.name}: {len(data.train.images):,} images to train on, {len(images):,} to test")

    model, about = train.trained(cfg.network, data, seed, label, runs, say)
    say(f"trained: {about['test_accuracy']:.2%} of the test images right")

    strong = max(cfg.confidence_limits)
    noise = noise_banks.bank(model, about, data, runs, cfg=cfg.noise, say=say)
    banks = {k: np.stack([noise[c, k] for c in range(10)]) for k in cfg.confidence_limits}
    measured = measure_bank(model, images, labels, banks[strong], strong, rng)
    say(f"noise made: {min(measured['accuracy']):.1%} to {max(measured['accuracy']):.1%} right")

    scores = prune_ann.scores_of(model, data.train.images, seed)
    shown = study.noisy_sets(images, noise, cfg.shown_noise)
    pruning = {
        name: prune_and_measure(model, scores[name], cfg.sparsities, shown, labels)
        for name in ("magnitude", "mean_activation")
    }
    say("pruned by magnitude and by mean activation")

    network, confidence = Network("ann-lq", seed, model, noise), {}
    for sparsity in (0.0, cfg.confidence_sparsity):
        masks = nnlite.prune.keep_masks(scores["mean_activation"], sparsity)
        saved = nnlite.prune.apply(model, masks)
        for limit in cfg.confidence_limits:
            title = f"{sparsity:.0%} pruned, noise limit {limit:.2f}"
            confidence[title] = measure_confidence(network, data, limit)
        nnlite.prune.undo(model, saved)

    return model, {
        "data": data.name,
        "seed": seed,
        "config": asdict(cfg),
        "versions": kept.versions(),
        "seconds": time.perf_counter() - start,
        "accuracy": about["test_accuracy"],
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
        "gallery": gallery(network, data.test),
        "scores": measure_scores(network, data),
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


def write_results(model, results, out):
    """Write model.npz, results.json, and from the latter the figures and the page."""
    nnlite.save(model, out / "model.npz")
    kept.write_json(out / "results.json", results)
    report.write(out)


def announce(preset):
    """What a run will do, before it does it."""
    if preset != "standard":
        return
    minutes = {"networks": TRAINING_MINUTES, "page": 4}
    minutes |= {name: m for name, (_, m) in STUDY.items()}
    hours = sum(minutes.values()) / 60
    print(f"About {hours:.1f} hours on two cores, less what is in {kept.RUNS}/ already:")
    print("\n".join(f"  {name:<16} {m:>3} minutes" for name, m in minutes.items()))
    print("It may be stopped; the same command goes on from there.\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", choices=["strokes", "mnist"], default="strokes")
    parser.add_argument("--preset", choices=PRESETS, default="quick")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the page: of weights, batches and noise"
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

    announce(args.preset)
    try:
        model, results = run(data, PRESETS[args.preset], seed, f"ann-lq-{args.preset}")
        write_results(model, results, out)
        print(f"\nDone in {results['seconds']:.0f} s.  Open {out / 'report.html'}")
        for name, (script, _) in STUDY.items() if args.preset == "standard" else ():
            print(f"\n{name}")
            study.report(name, script, data, args.preset)
    except (OSError, ValueError, FloatingPointError) as error:
        sys.exit(f"{parser.prog}: {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.  The same command goes on from here")


if __name__ == "__main__":
    main()
