"""The page to play with, play.html: the network itself, in one file that needs nothing else.

`measure` is part of what results.json holds; `write` makes the page of that file and model.npz.
web/ holds the page without its numbers; its network.js is the forward pass.  Weights are rounded to
integers, as finely as there is room for, and what is measured is the network with those weights.
"""

import base64
import copy
import html
import json
import os
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

import nnlite
from lab import cache, page, pruning
from lab.attacked import accuracies, noisy_sets
from nnlite import prune
from nnlite.confidence import threshold_at
from nnlite.files import replace_when_done
from nnlite.noise import add_noise

WEB = Path(__file__).with_name("web")  # the page without its numbers
SCRIPTS = ("network.js", "drawing.js", "show.js", "pen.js", "play.js")
SCORES = ("magnitude", "mean_activation")
KEEP = (0.9, 0.8)  # of clean validation images, by the thresholds
TESTED = 500  # test images of the accuracies
ROOM = 2_600_000  # bytes for the weights, in a page that stays below 3 MB
NOISE_SCALE = 1e-4  # noise is rounded to four digits
FIRST = {"target": 3, "limit": 0.25, "sparsity": 0.8}  # what the page begins with, or suggests
DOCS = {
    "the first post, figure by figure": "post-1-pruning.md",
    "the second": "post-2-outputs.md",
    "pruning": "pruning.md",
    "how sure is the network?": "confidence.md",
}


def measure(whole, data, cfg, digits):
    """What the page shows beside weights and digits, at every setting.

    whole    forms.Network;  cfg  with sparsities and scored_images;  digits  Split of the examples
    Returns a dict of
    labels, first   of the examples: their classes, and the number of the one that is shown first
    limits, noise   every limit of the noise, and it (classes, limits, 28, 28)
    means           of the inputs of each layer
    settings        for each score and sparsity, see measure_network: the sets of images are those
                    without noise, then with that of every class and limit
    """
    bank = {pair: noise.round(4) for pair, noise in sorted(whole.bank.items())}
    whole = replace(whole, model=rounded(whole.model), bank=bank)
    rng = np.random.default_rng([whole.seed, 1])  # the same images as pruning.scores_of
    images = data.train.images
    statistics = pruning.statistics_of(whole.model, images, cfg.scored_images, rng)
    scores = {s: prune.scores(whole.model, getattr(prune, s), statistics) for s in SCORES}
    step = max(1, len(data.test.labels) // TESTED)
    images, labels = (part[::step] for part in data.test)
    tests = noisy_sets(images, bank, bank), labels
    settings = []
    for score, of_weights in scores.items():
        for sparsity in cfg.sparsities:
            network = whole.without(prune.keep_masks(of_weights, sparsity), "pruned")
            found = measure_network(network, tests, data.validation)
            settings.append({"score": score, "sparsity": sparsity, **found})
    suggested = prune.keep_masks(scores["mean_activation"], FIRST["sparsity"])
    limits = sorted({limit for _, limit in bank})
    return {
        "labels": digits.labels,
        "first": first_example(whole, whole.without(suggested, "pruned"), digits),
        "limits": limits,
        "noise": np.stack([[bank[k, limit][..., 0] for limit in limits] for k in range(10)]),
        "means": [layer.mean.astype(np.float32) for layer in statistics.values()],
        "tested": len(labels),
        "settings": settings,
    }


def measure_network(network, tests, validation):
    """accuracy on each set of test images, and thresholds, see thresholds_of."""
    return {
        "accuracy": accuracies(network.model, *tests),
        "thresholds": thresholds_of(network.ratio_of_right(*validation)),
    }


def thresholds_of(ratios):
    """The thresholds that keep each part of KEEP; None where too many ratios are undefined."""
    n_defined = np.count_nonzero(~np.isnan(ratios))
    return [
        threshold_at(ratios, keep) if n_defined and n_defined >= keep * len(ratios) else None
        for keep in KEEP
    ]


def first_example(whole, pruned, digits):
    """The number of a digit that noise fools, and no longer when the network is pruned."""
    images, labels = digits
    noisy = add_noise(images, whole.bank[FIRST["target"], FIRST["limit"]])
    right = whole.model.predict(images).argmax(axis=1) == labels
    fooled = right & (whole.model.predict(noisy).argmax(axis=1) != labels)
    mended = fooled & (pruned.model.predict(noisy).argmax(axis=1) == labels)
    return int((1 * fooled + mended).argmax())  # the first there is of the best kind


# Weights as integers


def integers(w, bits):
    """(integers, scale), w being about integers * scale; `bits` for the largest, and a sign."""
    scale = np.float32(np.abs(w).max() / (2**bits - 1) or 1)
    return np.rint(w / scale).astype("<i2"), scale


def compact(model, room=ROOM):
    """(bits, {"1.w": (integers, scale), ...}): with as many bits as there is room for."""
    for bits in range(15, 0, -1):
        layers = {k: integers(p.value, bits) for k, p in prune.dense_weights(model).items()}
        if sum(len(packed(w)) for w, _ in layers.values()) <= room:
            return bits, layers
    raise ValueError(f"the network is too large for a page:\n{model}")


def rounded(model):
    """A copy of the model with the weights that the page has."""
    copied = copy.deepcopy(model)
    for name, (w, scale) in compact(model)[1].items():
        copied.named_params[name].value = w.astype(np.float32) * scale
    return copied


def packed(array):
    """An array as text: its bytes, deflated, in base64."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(array))).decode()


# The page


def write(folder, to=None):
    """Write the page of a run of reproduce.py, whose results.json and model.npz are in `folder`.

    to   the file, play.html in that folder by default
    """
    to = Path(to or folder / "play.html")
    results = page.Results(**json.loads((folder / "results.json").read_text()))
    model = nnlite.load(folder / "model.npz")
    bits, layers = compact(model)
    sizes = [w.shape[0] for w, _ in layers.values()] + [10]
    values = {
        "name": html.escape(page.title(results.data)),
        "sizes": "-".join(map(str, sizes)),
        "accuracy": f"{results.accuracy:.2%}",
        "bits": str(bits),
        "links": links_from(to.resolve().parent),
        "style": (WEB / "play.css").read_text(encoding="utf-8"),
        "script": "\n".join((WEB / name).read_text(encoding="utf-8") for name in SCRIPTS),
        "data": as_javascript(numbers(model, layers, results)),
    }
    text = (WEB / "play.html").read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    with replace_when_done(to) as file:
        file.write(text.encode("utf-8"))


def numbers(model, layers, results):
    """What the page's JavaScript calls `data`."""
    noise = np.rint(np.array(results.play["noise"]) / NOISE_SCALE)
    biases = [model.named_params[name.replace(".w", ".b")].value for name in layers]
    return {
        **{k: results.play[k] for k in ("labels", "first", "limits", "tested", "settings")},
        "keep": KEEP,
        "start": FIRST,
        "images": packed(np.array(results.digits, np.uint8)),
        "noise": packed(noise.astype("<i2")),
        "noiseScale": NOISE_SCALE,
        "layers": [
            {"weights": packed(w), "scale": scale, "biases": bias, "means": means}
            for (w, scale), bias, means in zip(layers.values(), biases, results.play["means"])
        ],
    }


def as_javascript(value):
    """The value as JavaScript writes it, Infinity included, and nothing that ends a script."""
    return json.dumps(value, default=cache.to_json, separators=(",", ":")).replace("<", "\\u003c")


def links_from(folder):
    """HTML: links to what there is to read, as seen from the page's folder."""
    pages = {"the report of this run": folder / "report.html"}
    if cache.ROOT in [folder, *folder.parents]:
        pages |= {text: cache.ROOT / "docs" / name for text, name in DOCS.items()}
    links = [
        f'<a href="{Path(os.path.relpath(path, folder)).as_posix()}">{text}</a>'
        for text, path in pages.items()
        if path.exists()
    ]
    return f"Read on: {', '.join(links)}." if links else ""
