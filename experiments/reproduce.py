"""Both posts in one run: train, attack, prune, and measure confidence.

    python experiments/reproduce.py                   drawn digits, two minutes
    python experiments/reproduce.py --data mnist      the same on MNIST
    python experiments/reproduce.py --data mnist --preset standard      the whole study, hours
    python experiments/reproduce.py --data mnist --preset standard --seeds 1      less than half

A linear-quadratic network (no softmax, quadratic cost) is trained; noise vectors are made
that fool it, each asking for one class within one limit; its weights are pruned by magnitude
and by mean activation while accuracy under noise is watched; and the ratio of its two largest
outputs is compared between clean and corrupted images.
From "Pruning, cost functions and adversarial noise" and "Output analysis".

Writes to results/<data>-<preset>/, with --seeds N to results/<data>-<preset>-N-seeds/:
results.json, model.npz, six figures, report.html, and play.html, a page to play with: the network
runs in the browser.  With --preset standard the scripts that answer the posts figure by figure run
too, and those that doubt them (STUDY); with --docs those on MNIST write to docs/results/.
Networks, noise and the measurements of the scripts are kept in runs/: what was stopped goes on
from there.  The scripts compute in one process for each processor, up to four.
Images from the test set are used to measure, never to choose: weights and noise come from
training images, thresholds from validation images.
"""

import argparse
import logging
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import confidence_attacked
import confidence_curves
import confidence_images
import cost_or_l2
import is_it_the_border
import make_noise
import noise_anew
import noise_on_pruned
import noise_ways
import numpy as np
import output_range
import prune_ann
import prune_cnn_dense
import prune_decoupled
import prune_layers
import score_table
import single_images
from lab import banks, cache, gallery, nets, page, play, pruning, scoring, script
from lab.attacked import accuracies, noisy_sets, separation, survival_curves
from lab.forms import Network
from lab.published import ANN_NOISE, SCORED_IMAGES, STRONG, WEAK
from tqdm import tqdm

import nnlite
from nnlite import prune
from nnlite.checks import check_count
from nnlite.data import Split
from nnlite.noise import add_noise

log = logging.getLogger("lab")

# Minutes in two processes of one thread each, with networks and noise given, on two cores whose
# caches and memory others use too (an EPYC of the fourth Zen): of the whole study, and of one
# network of each kind, by its share of the rows.
POST_1 = {
    make_noise: (35, 15),
    noise_ways: (5, 5),
    prune_ann: (30, 14),
    prune_layers: (20, 10),
    prune_cnn_dense: (35, 12),
    noise_on_pruned: (80, 25),
    prune_decoupled: (45, 45),
}
POST_2 = {
    confidence_curves: (25, 19),  # of which 15 train three more networks
    confidence_images: (1, 1),
    output_range: (3, 1),
    score_table: (12, 8),
}
DOUBTS = {
    is_it_the_border: (50, 10),
    noise_anew: (240, 80),
    single_images: (45, 13),
    confidence_attacked: (150, 38),
    cost_or_l2: (75, 15),  # of which 55 and 11 train more networks, ten and two
}
STUDY = POST_1 | POST_2 | DOUBTS
NETWORKS = (190, 82)  # ten dense and four convolutional ones, or two of each; their noise
PAGE = (6, 6)
MOST_SEEDS = 5  # of a script of the whole study
WORKERS = min(4, os.cpu_count() or 1)  # two processes of one thread do more than two threads


@dataclass(frozen=True)
class Config:
    """What makes a result what it is.

    In brackets where a value comes from: a post, the notebooks published with the posts, us.
    """

    network: nets.Config
    noise: banks.Config = banks.Config()
    shown_noise: tuple = ANN_NOISE  # (target, limit) along the pruning axis [post]
    sparsities: tuple = (
        *(0.00, 0.10, 0.20, 0.30, 0.40, 0.50, 0.55, 0.60, 0.65, 0.70, 0.75),
        *(0.80, 0.81, 0.85, 0.90, 0.92, 0.94, 0.96, 0.98, 0.99),  # 0.81, 0.90: the post's table
    )
    confidence_limits: tuple = (WEAK, STRONG)  # of the noise for the ratio, pixel units [post]
    confidence_sparsity: float = 0.80  # removed by mean activation [post]
    scored_images: int = SCORED_IMAGES  # for mean activation [post]


PRESETS = {name: Config(nets.preset("ann-lq", name)) for name in ("quick", "standard")}


def run(data, cfg, seed, runs):
    """(the trained model, page.Results)"""
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    images, labels = data.test
    log.info(f"{data.name}: {len(data.train.images):,} images to train on, {len(images):,} to test")

    trained = nets.trained("ann-lq", cfg.network, data, seed, runs)
    model = trained.model
    log.info(f"trained: {trained.test_accuracy:.2%} of the test images right")

    bank = banks.bank(trained, data, runs, cfg.noise)
    noise = measure_noise(model, data.test, bank, max(cfg.confidence_limits), rng)
    low, high = min(noise["accuracy"]), max(noise["accuracy"])
    log.info(f"noise made: {low:.1%} to {high:.1%} right")

    scores = pruning.scores_of(model, data.train.images, seed, cfg.scored_images)
    image_sets = noisy_sets(images, bank, cfg.shown_noise)
    pruned = measure_pruning(model, scores, cfg.sparsities, image_sets, labels)
    log.info("pruned by magnitude and by mean activation")

    whole = Network("ann-lq", "whole", seed, model, bank)
    masks = prune.keep_masks(scores["mean_activation"], cfg.confidence_sparsity)
    networks = {0.0: whole, cfg.confidence_sparsity: whole.without(masks, "pruned")}
    confidence = [
        {"sparsity": sparsity, **measure_confidence(network, data, limit)}
        for sparsity, network in networks.items()
        for limit in cfg.confidence_limits
    ]
    digits = first_of_each_class(images, labels)
    return model, page.Results(
        data=data.name,
        seed=seed,
        config=cfg,
        versions=cache.versions(),
        accuracy=trained.test_accuracy,
        digits=to_bytes(digits.images),
        noise=noise,
        pruning=pruned,
        confidence=confidence,
        gallery=gallery.both_ends(whole, data.test, (WEAK, STRONG), range(10)),
        scores=list(scoring.every_score(whole, data, (STRONG, WEAK))),
        play=play.measure(whole, data, cfg, digits),
        seconds=time.perf_counter() - start,
    )


def measure_noise(model, test, bank, limit, rng):
    """What the vector of each class does within a limit; and random noise as a control.

    accuracy, success   of the ten vectors; success: the fraction of the images of other classes
                        that are read as the class that the vector asks for
    random              accuracy under ten vectors of random pixels +-limit, averaged
    """
    (images, labels), vectors = test, np.stack([bank[k, limit] for k in range(10)])
    read = np.array([model.predict(add_noise(images, v)).argmax(axis=1) for v in vectors])
    signs = rng.choice([-limit, limit], size=vectors.shape)
    return {
        "limit": limit,
        "accuracy": (read == labels).mean(axis=1),
        "success": [(read[k] == k)[labels != k].mean() for k in range(len(vectors))],
        "random": np.mean(accuracies(model, [add_noise(images, s) for s in signs], labels)),
        "vectors": vectors[..., 0].round(4),
        "examples": [example_under_noise(model, test, v, k) for k, v in enumerate(vectors)],
    }


def measure_pruning(model, scores, sparsities, image_sets, labels):
    """Rows of {score, sparsity, accuracy on every set}, every layer pruned alike."""
    rows = []
    for score in ("magnitude", "mean_activation"):
        for sparsity in tqdm(sparsities, desc=score, unit="sparsity", disable=None):
            masks = prune.keep_masks(scores[score], sparsity)
            found = pruning.pruned_accuracies(model, masks, image_sets, labels)
            rows.append({"score": score, "sparsity": sparsity, "accuracy": found})
    return rows


def measure_confidence(network, data, limit):
    """How the ratio of the two largest outputs separates clean from corrupted test images."""
    outputs, *known = network.on_half_noisy(*data.test, limit)
    ratio = network.ratio(outputs)
    return {
        "limit": limit,
        "clean_accuracy": nnlite.accuracy(network.model, *data.test),
        **separation(ratio, *known, network.ratio_of_right(*data.validation)),
        **survival_curves(ratio, *known, np.geomspace(1, 1e4, 161)),
    }


def first_of_each_class(images, labels, each=20):
    """A Split of the first `each` images of every class, class by class."""
    first = np.concatenate([np.flatnonzero(labels == k)[:each] for k in range(10)])
    return Split(images[first], labels[first])


def example_under_noise(model, test, vector, target):
    """A test image of another class with the noise added, and how it is read."""
    chosen = np.flatnonzero(test.labels != target)[target]  # another image for every target
    image = add_noise(test.images[chosen], vector)
    predicted = model.predict(image[None]).argmax()
    return {"image": to_bytes(image), "label": test.labels[chosen], "predicted": predicted}


def to_bytes(images):
    return (images[..., 0] * 255).round().astype(np.uint8)


def write_results(model, results, out):
    """Write model.npz, results.json, and from these the figures and the two pages."""
    nnlite.save(model, out / "model.npz")
    cache.write_json(out / "results.json", results)
    page.write(out)
    play.write(out)


def announce(preset, seeds, runs):
    """Say what a run of the whole study will do, before it does it."""
    if preset != "standard":
        return
    named = {"networks": NETWORKS, "page": PAGE}
    named |= {script.name_of(module): both for module, both in STUDY.items()}
    which = 1 if seeds and len(seeds) == 1 else 0
    times = max(1, len(seeds or ()) / MOST_SEEDS)
    minutes = {name: round(times * both[which]) for name, both in named.items()}
    hours = sum(minutes.values()) / 60
    print(f"Up to {hours:.1f} hours on two cores, less what is in {runs} already:")
    print("\n".join(f"  {name:<18} {m:>3} minutes" for name, m in minutes.items()))
    print("It may be stopped; the same command goes on from there.\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    script.add_options(parser)
    parser.add_argument("--preset", choices=list(PRESETS), default="quick", help=script.PRESET_HELP)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the page: of weights, batches and noise"
    )
    parser.add_argument("--seeds", type=int, metavar="N", help=f"standard: {script.SEEDS_HELP}")
    parser.add_argument("--out", type=Path, help="folder instead of the one above")
    parser.add_argument("--docs", action="store_true", help=script.DOCS_HELP)
    script.add_ways(parser, WORKERS)
    args = parser.parse_args()
    with script.ending_well(parser):
        seed, seeds = check_count("--seed", args.seed, 0), script.seeds_given(args)
        if seeds and args.preset != "standard":
            raise ValueError("--seeds takes --preset standard; the page has one network, of --seed")
        source = script.data_source(args.data)
        data, compute = script.load(source), script.way(source, args)
        out = args.out or script.folder(data.name, args.preset, seeds)
        script.folder(data.name, args.preset, seeds, args.docs)  # raises if these are not the docs'
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()  # can it be written to?  Better asked now
        announce(args.preset, seeds, args.runs)
        model, results = run(data, PRESETS[args.preset], seed, args.runs)
        write_results(model, results, out)
        pages = f"{out / 'report.html'} and {out / 'play.html'}"
        print(f"\nDone in {results.seconds:.0f} s.  Open {pages}")
        for module in STUDY if args.preset == "standard" else ():
            print(f"\n{script.name_of(module)}")
            options = {"seeds": seeds, "compute": compute, "docs": args.docs}
            script.report(module, data, args.preset, args.runs, **options)


if __name__ == "__main__":
    main()
