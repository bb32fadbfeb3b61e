"""Attacks on single images: the posts' networks, whole and pruned, beside two yardsticks.

    python experiments/single_images.py --data mnist --preset standard     45 minutes on two cores
    python experiments/single_images.py                                    drawn digits

Universal noise is one vector for all images.  An attacker who makes another change for each image
is stronger: FGSM, PGD with several losses, squares without gradients, and for each image the worst
of them (`nnlite.robustness.measure`).  Whatever looks like a weak attack raises a flag.

The yardsticks: an input of which each pixel is made black or white first, which costs nothing and
stops every change of less than one half of most pixels; and a small network trained on attacked
images, beside its twin trained on clean ones.

Writes single-images.json and single-images.png.
"""

import functools
import itertools
from dataclasses import dataclass, replace

import numpy as np
from lab import adversarial, forms, nets, pruning, script
from lab.adversarial import highest_loss
from lab.figures.attacks import accuracy_under_attack
from lab.layers import BlackAndWhite
from lab.prepared import Trained
from lab.published import (
    ANN_SPARSITY,
    CNN_SPARSITIES,
    LATER,
    LATER_LIMITS,
    SCORED_IMAGES,
    is_comparable,
)
from lab.tables import markdown, percent

import nnlite
from nnlite import plots, robustness
from nnlite.attack_losses import cross_entropy_at, margin_loss
from nnlite.attacks import pgd, right_under_all, smallest_limits


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed; ours where no other source is named."""

    networks: tuple  # (name, nets.Config) each
    adversarial: tuple = (adversarial.Config(0.0), adversarial.Config(0.2))
    limits: tuple = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.50)  # pixel units [up to 0.3: later]
    images: int = 500  # the first of the test images
    cnn_images: int = 200
    steps: int = 40
    queries: int = 300
    temperature: float = 0.1  # of one of the losses, for outputs that lie close together
    halvings: int = 7
    transfer_limits: tuple = (0.10, 0.20)
    ann_sparsity: float = ANN_SPARSITY  # [post]
    cnn_sparsities: tuple = CNN_SPARSITIES  # [notebook]
    scored_images: int = SCORED_IMAGES  # [post]
    recipe: int = 1  # to be raised when the code changes results


STANDARD = Config(tuple((name, nets.preset(name, "standard")) for name in nets.MODELS))
QUICK = replace(
    STANDARD,
    networks=(("ann-lq", nets.preset("ann-lq", "quick")),),
    adversarial=(adversarial.Config(0.2, steps=200),),
    limits=(0.1, 0.2),
    images=100,
    steps=10,
    queries=50,
    halvings=4,
)
PRESETS = {"quick": QUICK, "standard": STANDARD}
SEEDS = {"quick": (0,), "standard": (0, 1, 2, 3, 4)}


@dataclass(frozen=True)
class Measured:
    """What robustness.measure finds at one limit."""

    network: str
    form: str  # "whole", "pruned", "black and white", or "trained within 0.2"
    seed: int
    limit: float
    kept = True

    def compute(self, cfg, data, runs):
        model = in_form(self.network, self.form, self.seed, cfg, data, runs)
        rng, losses = np.random.default_rng([self.seed, 1]), losses_of(cfg)
        options = {"losses": losses, "steps": cfg.steps, "queries": cfg.queries}
        part = some_images(self.network, cfg, data)
        (row,) = robustness.measure(model, *part, [self.limit], rng=rng, **options)
        return row


@dataclass(frozen=True)
class Smallest:
    """quartiles: of the smallest limit within which PGD fools each image, None beyond 1."""

    network: str
    form: str
    seed: int
    kept = True

    def compute(self, cfg, data, runs):
        model = in_form(self.network, self.form, self.seed, cfg, data, runs)
        images, labels = some_images(self.network, cfg, data)

        def attack(images, labels, limits):
            options = {"rng": np.random.default_rng(0), "steps": cfg.steps, "loss": margin_loss}
            return pgd(model, images, labels, limits, **options)

        found = smallest_limits(attack, model, images, labels, halvings=cfg.halvings)
        quartiles = np.quantile(found, (0.25, 0.5, 0.75), method="nearest")
        return {"quartiles": [float(q) if np.isfinite(q) else None for q in quartiles]}


@dataclass(frozen=True)
class Carried:
    """accuracy: on images that were attacked for one form of a network, seen by another.

    The attack goes on within the whole limit: images that it leaves where they first fool the one
    lie just across its border, and rarely across that of the other.
    """

    network: str
    made_on: str
    used_on: str
    seed: int
    limit: float
    kept = True

    def compute(self, cfg, data, runs):
        made_on, used_on = (
            in_form(self.network, form, self.seed, cfg, data, runs)
            for form in (self.made_on, self.used_on)
        )
        images, labels = some_images(self.network, cfg, data)
        options = {"rng": np.random.default_rng(0), "steps": cfg.steps, "goal": highest_loss}
        made = [
            pgd(made_on, images, labels, self.limit, loss=loss, **options)
            for loss in losses_of(cfg).values()
        ]
        return {"accuracy": np.mean(right_under_all(used_on, made, labels))}


def losses_of(cfg):
    return {
        "cross-entropy": nnlite.softmax_cross_entropy,
        "cross-entropy, low temperature": cross_entropy_at(cfg.temperature),
        "margin": margin_loss,
    }


def some_images(network, cfg, data):
    n = cfg.cnn_images if network.startswith("cnn") else cfg.images
    return data.test.images[:n], data.test.labels[:n]


@functools.lru_cache(maxsize=2)
def in_form(network, form, seed, cfg, data, runs):
    """The network that a row names."""
    if network == "small":
        (found,) = (one for one in cfg.adversarial if form == name_of(one))
        return adversarial.trained(found, data, seed, runs)
    net_cfg = dict(cfg.networks)[network]
    model = nets.trained(network, net_cfg, data, seed, runs).model
    if form == "black and white":
        return nnlite.Sequential([BlackAndWhite(), *model.layers])
    if form == "pruned":
        images = data.train.images
        scores = pruning.scores_of(model, images, seed, cfg.scored_images)["mean_activation"]
        return pruning.pruned(model, forms.posts_masks(scores, net_cfg, cfg))
    return model


def name_of(cfg):
    """What the tables call a Config of lab/adversarial.py."""
    return f"trained within {cfg.limit:g}" if cfg.limit else "trained on clean images"


def needs(cfg, seeds):
    nets_of = dict(cfg.networks)
    return [Trained(name, nets_of[name], seed) for name, seed in networks(cfg, seeds)]


def rows(cfg, seeds):
    for network, form, seed in members(cfg, seeds):
        for limit in cfg.limits:
            yield Measured(network, form, seed, limit)
        yield Smallest(network, form, seed)
    for network, seed in networks(cfg, seeds):
        for limit in cfg.transfer_limits if network.endswith("lq") else ():
            yield Carried(network, "whole", "pruned", seed, limit)
            yield Carried(network, "pruned", "whole", seed, limit)


def networks(cfg, seeds):
    """(name, seed) of all that are trained as in the posts."""
    for name, _ in cfg.networks:
        for seed in forms.seeds_of(name, seeds):
            yield name, seed


def members(cfg, seeds):
    """(network, form, seed) of all that are attacked."""
    for network, seed in networks(cfg, seeds):
        yield network, "whole", seed
        if network.endswith("lq"):
            yield network, "pruned", seed
    yield "ann-lq", "black and white", seeds[0]
    for one in cfg.adversarial:
        yield "small", name_of(one), seeds[0]


# Tables and figure


def at_limits(results):
    """{title: {limit: rows}}; no rows where a network was not attacked within that limit."""
    limits, titled = results.config["limits"], forms.by_title(results.select(Measured))
    return {
        title: {limit: [row for row in rows if row["limit"] == limit] for limit in limits}
        for title, rows in titled.items()
    }


def worst_table(results):
    """Accuracy in the worst case of all attacks, at each limit; the smallest limit that fools."""
    lines = []
    for title, at in at_limits(results).items():
        rows = next(filter(None, at.values()))
        smallest = results.select(Smallest, network=rows[0]["network"], form=rows[0]["form"])
        medians = [row["quartiles"][1] for row in smallest]
        median = "none" if None in medians else f"{np.mean(medians):.3f}" if medians else ""
        worst = [percent([row["worst"] for row in each]) if each else "" for each in at.values()]
        lines.append([title, percent([row["no noise"] for row in rows]), *worst, median])
    header = ["accuracy, worst case", "no noise"]
    header += [f"{limit:.2f}" for limit in results.config["limits"]]
    return markdown([*header, "median smallest limit"], lines)


def later_table(results):
    """Fraction that FGSM / PGD fools, published and here, in percent."""
    lines, attacks = [], ("one step", "many steps")
    limits = [limit for limit in LATER_LIMITS if limit in results.config["limits"]]
    found = at_limits(results)
    for title in filter(found.get, LATER):
        published, here = [], []
        for limit in limits:
            pair = [fooled[LATER_LIMITS.index(limit)] for fooled in LATER[title]]
            published.append(" / ".join(f"{100 * share:.1f}" for share in pair))
            rows = found[title][limit]
            pair = [1 - np.mean([row[attack] for row in rows]) for attack in attacks if rows]
            here.append(" / ".join(f"{100 * share:.1f}" for share in pair))
        lines += [[title, "published", *published], [title, "here", *here]]
    return markdown(["FGSM / PGD fools", "", *(f"{limit:.2f}" for limit in limits)], lines)


def transfer_table(results):
    """Accuracy on images that were made for the other form of the network."""
    limits, lines, found = results.config["transfer_limits"], [], {}
    for row in results.select(Carried):
        name = row["network"], row["made_on"], row["used_on"]
        found.setdefault(name, {}).setdefault(row["limit"], []).append(row["accuracy"])
    for (network, made_on, used_on), at in found.items():
        cells = [percent(at[limit]) if limit in at else "" for limit in limits]
        lines.append([network, f"made on {made_on}, used on {used_on}", *cells])
    return markdown(["accuracy", "", *(f"limit {limit:.2f}" for limit in limits)], lines)


def flags_table(results):
    """What speaks against believing the numbers above."""
    lines = []
    for title, rows in forms.by_title(results.select(Measured)).items():
        for seed in dict.fromkeys(row["seed"] for row in rows):
            for flag in robustness.flags([row for row in rows if row["seed"] == seed]):
                lines.append([title, str(seed), flag.replace("|", "/")])
    return markdown(["flags", "seed", ""], lines or [["none", "", ""]])


def table(results):
    tables = [worst_table, later_table, transfer_table, flags_table]
    if not is_comparable(results):
        tables.remove(later_table)
    return "\n\n".join(make(results) for make in tables)


def draw(results, out):
    """The networks that were attacked within every limit."""
    curves = {}
    for title, at in at_limits(results).items():
        seeds = {}
        for row in itertools.chain(*at.values()):  # in the order of the limits
            seeds.setdefault(row["seed"], [row["no noise"]]).append(row["worst"])
        if all(at.values()):
            curves[title] = (0, *at), np.array(list(seeds.values()))
    plots.save_figure(accuracy_under_attack(curves), out / "single-images.png")


if __name__ == "__main__":
    script.main("single_images")
