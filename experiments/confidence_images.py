"""Which images are easily attacked: those that the network was least sure of?

    python experiments/confidence_images.py --data mnist --preset standard      15 seconds
    python experiments/confidence_images.py                                     drawn digits

From "Output analysis": of nine classes the digit with the lowest and the one with the highest ratio
of the two largest outputs, and what noise of the second class does to them.  Then what the post
leaves to a later one: all images that are read right without noise, the noise of the second class
beside that of a random and of the least likely one, and the rank correlation of the ratio before
with what the noise does.  The dense linear-quadratic network, not pruned; three seeds, of which
the first one's images are shown.  Writes confidence-images.json and three figures.
"""

from dataclasses import dataclass, replace

import numpy as np
from lab import forms, gallery, script
from lab.attacked import other_class
from lab.figures.confidence import success_against_ratio
from lab.published import STILL_RIGHT, STRONG, WEAK, is_comparable
from lab.tables import markdown, percent
from scipy.stats import spearmanr

from nnlite import plots
from nnlite.attack_losses import lead_of_label
from nnlite.confidence import continuous_ratio, top_two_ratio


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed.  In brackets: the post, or us."""

    forms: forms.Config
    limits: tuple = (WEAK, STRONG)  # of the noise, pixel units [post]
    shown: tuple = tuple(range(1, 10))  # classes [post]
    low_ratio: float = 2.0  # the second output is at least half of the first [ours]
    parts: int = 10  # of the images, from lowest to highest ratio [ours]
    resamples: int = 300  # for intervals [ours]
    recipe: int = 2  # to be raised when the code changes results


PRESETS = {
    preset: Config(replace(cfg, networks=(("ann-lq", dict(cfg.networks)["ann-lq"]),)))
    for preset, cfg in forms.PRESETS.items()
}
SEEDS = {"quick": (0, 1, 2), "standard": (0, 1, 2)}


@dataclass(frozen=True)
class Gallery:
    """The digits of the lowest and of the highest ratio, see lab/gallery.py: lowest, highest."""

    seed: int
    kept = True

    def compute(self, cfg, data, runs):
        network = network_of(self.seed, cfg, data, runs)
        return gallery.both_ends(network, data.test, cfg.limits, cfg.shown)


@dataclass(frozen=True)
class Similar:
    """How many of the images that are read right have similar outputs.

    two     their ratio is low
    three   the third output, too, is that near to the first
    """

    seed: int
    kept = True

    def compute(self, cfg, data, runs):
        outputs = network_of(self.seed, cfg, data, runs).model.predict(data.test.images)
        right = outputs.argmax(axis=1) == data.test.labels
        return similar_outputs(outputs[right], cfg.low_ratio)


@dataclass(frozen=True)
class Susceptibility:
    """What noise does to all images that are read right: attacks, see `susceptibility`."""

    seed: int
    kept = True

    def compute(self, cfg, data, runs):
        network, rng = network_of(self.seed, cfg, data, runs), np.random.default_rng(self.seed)
        return {"attacks": susceptibility(network, *data.test, cfg, rng)}


def network_of(seed, cfg, data, runs):
    return forms.network("ann-lq", "whole", seed, cfg.forms, data, runs)


def similar_outputs(outputs, low_ratio):
    """In how many rows of outputs (N, 10) two, and three, are similar."""
    third, _, first = np.sort(outputs, axis=1)[:, -3:].T
    low = top_two_ratio(outputs) < low_ratio
    return {"two": low.sum(), "three": (low & (third >= first / low_ratio)).sum()}


def susceptibility(network, images, labels, cfg, rng):
    """A dict for each kind of target and limit, of all images that are read right without noise.

    target, limit
    success   of each tenth, from the lowest ratio to the highest: read as the noise wants
    ratio     of each tenth: the median ratio after the noise
    rank      Spearman's correlation of the ratio before with the lead of the right class after,
              [value, low, high]
    """
    outputs = network.model.predict(images)
    right = outputs.argmax(axis=1) == labels
    images, labels, outputs = images[right], labels[right], outputs[right]
    before = continuous_ratio(outputs)
    tenth = np.argsort(np.argsort(before)) * cfg.parts // len(before)
    attacks = []
    for kind, targets in targets_of(outputs, labels, rng).items():
        for limit in cfg.limits:
            after = network.model.predict(network.with_noise(images, targets, limit))
            success, ratio = after.argmax(axis=1) == targets, top_two_ratio(after)
            attack = {
                "target": kind,
                "limit": limit,
                "success": [success[tenth == k].mean() for k in range(cfg.parts)],
                "ratio": [np.nanmedian(ratio[tenth == k]) for k in range(cfg.parts)],
                "rank": rank_correlation(before, lead_of_label(after, labels), cfg.resamples, rng),
            }
            attacks.append(attack)
    return attacks


def targets_of(outputs, labels, rng):
    """{kind: (N,)}: the class whose noise each image gets."""
    return {
        "second": gallery.second_class(outputs),
        "random": other_class(labels, rng),
        "least likely": outputs.argmin(axis=1),
    }


def rank_correlation(x, y, resamples, rng):
    """Spearman's, with the middle 95 % of resampled images: [value, low, high]"""
    resampled = []
    for _ in range(resamples):
        some = rng.integers(0, len(x), len(x))
        resampled.append(spearmanr(x[some], y[some]).statistic)
    return [spearmanr(x, y).statistic, *np.quantile(resampled, [0.025, 0.975])]


def needs(cfg, seeds):
    return forms.needs(cfg.forms, seeds)


def rows(cfg, seeds):
    yield Gallery(seeds[0])
    for seed in seeds:
        yield Similar(seed)
        yield Susceptibility(seed)


# Tables and figures


ENDS = ("lowest", "highest")


def table(results):
    tables = table_of_images, table_of_still_right, table_of_attacks, table_of_similar
    return "\n\n".join(make(results) for make in tables)


def table_of_images(results):
    (row,) = results.select(Gallery)
    lines = []
    for end in ENDS:
        for digit in row[end]:
            first, second = digit["outputs"]
            line = [end, str(digit["first"]), str(digit["second"])]
            line += [f"{first:.2f}", f"{second:.2f}", digit["ratio"]]
            for noise in digit["noise"]:
                line += [str(noise["read"]), noise["ratio"]]
            lines.append(line)
    header = ["image of ratio", "1st", "2nd", "1st output", "2nd output", "ratio"]
    limits = results.config["limits"]
    header += [f"{what}, limit {limit}" for limit in limits for what in ("read as", "ratio")]
    return markdown(header, lines)


def table_of_still_right(results):
    (row,) = results.select(Gallery)
    sources, lines = ("published", "here") if is_comparable(results) else ("here",), []
    for end in ENDS:
        line = [end]
        for i, published in enumerate(STILL_RIGHT[end]):
            here = sum(digit["noise"][i]["read"] == digit["first"] for digit in row[end])
            said = {"published": f"{published} of 9", "here": f"{here} of {len(row[end])}"}
            line += [said[source] for source in sources]
        lines.append(line)
    limits = results.config["limits"]
    header = [f"limit {limit}: {source}" for limit in limits for source in sources]
    return markdown(["still read right, ratio", *header], lines)


def by_attack(results):
    """{(target, limit): [what it did to each seed, ...]}"""
    seeds = {}
    for row in results.select(Susceptibility):
        for attack in row["attacks"]:
            seeds.setdefault((attack["target"], attack["limit"]), []).append(attack)
    return seeds


def table_of_attacks(results):
    lines = []
    for (target, limit), seeds in by_attack(results).items():
        success = np.array([attack["success"] for attack in seeds])
        ranks = ["{:.2f} ({:.2f} to {:.2f})".format(*attack["rank"]) for attack in seeds]
        line = [f"{target} class, limit {limit}", percent(success.mean(axis=1))]
        lines.append([*line, percent(success[:, 0]), percent(success[:, -1]), ", ".join(ranks)])
    header = ["noise of the", "success, %", "tenth of lowest ratio, %", "tenth of highest ratio, %"]
    return markdown([*header, "rank correlation, each seed"], lines)


def table_of_similar(results):
    lines = [
        [str(row["seed"]), str(row["two"]), str(row["three"])] for row in results.select(Similar)
    ]
    low = f"read right, ratio below {results.config['low_ratio']:g}"
    return markdown(["seed", low, "of these, third at least half of first"], lines)


def draw(results, out):
    (row,) = results.select(Gallery)
    for end in ENDS:
        figure = plots.digit_gallery(gallery.with_pictures(row[end]))
        plots.save_figure(figure, out / f"confidence-images-{end}.png", 64)
    panels = {}
    for (target, limit), seeds in by_attack(results).items():
        lines = {key: [attack[key] for attack in seeds] for key in ("success", "ratio")}
        panels.setdefault(f"noise limit {limit:.2f}", {})[target] = lines
    plots.save_figure(success_against_ratio(panels), out / "confidence-images-all.png", 64)


if __name__ == "__main__":
    script.main("confidence_images")
