"""How the ratio of the two largest outputs separates clean from corrupted images.

    python experiments/confidence_curves.py --data mnist --preset standard      25 minutes
    python experiments/confidence_curves.py                                     drawn digits

From "Output analysis".  Half of the test images get the noise of a random other class, made on
the network before it was pruned.  For networks dense or convolutional, linear-quadratic or
softmax-cross-entropy, whole or pruned; at three limits; on training images; and for the dense
linear-quadratic network, against the sparsity and the length of training (which trains three more,
in a quarter of an hour).
Thresholds come from validation images.  Writes confidence-curves.json and three figures.
"""

import functools
from dataclasses import dataclass, replace

import numpy as np
from lab import forms, pruning, script
from lab.attacked import separation, survival_curves
from lab.published import CONFIDENCE, STRONG, WEAK, is_comparable
from lab.tables import markdown, percent

import nnlite
from nnlite import plots, prune


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed.  In brackets: the post, or us."""

    forms: forms.Config
    limit: float = STRONG  # of the noise, pixel units [post]
    other_limits: tuple = (WEAK, 0.25)  # on test images, too [ours]
    keep: tuple = (0.9, 0.8)  # of the clean validation images: what thresholds keep [post]
    points: int = 161  # of a curve
    highest_ratio: float = 1e5  # where the curves end
    highest_probability_ratio: float = 1e10  # after softmax
    sparsities: tuple = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95)  # of ann-lq, by mean activation [ours]
    lengths: tuple = (1 / 9, 1 / 3, 1, 3)  # of its training, in trainings of the preset [ours]
    recipe: int = 1  # to be raised when the code changes results


PRESETS = {name: Config(cfg) for name, cfg in forms.PRESETS.items()}
SEEDS = {"quick": (0, 1, 2), "standard": (0, 1, 2)}


@dataclass(frozen=True)
class Form:
    """A network, whole or pruned, on half-noisy images: see `measured`.

    removed   fraction of the weights, of the layers that are pruned
    """

    network: str
    form: str
    seed: int
    part: str  # of the data: test or train
    limit: float
    with_curves: bool = False
    kept = True

    def compute(self, cfg, data, runs):
        network = forms.network(self.network, self.form, self.seed, cfg.forms, data, runs)
        if network is None:
            return None
        n = len(data.test.labels)  # as many training images
        images, labels = getattr(data, self.part)
        known = measured(network, images[:n], labels[:n], self.limit, cfg, data, self.with_curves)
        return {"removed": network.removed, **known}


@dataclass(frozen=True)
class Sparsity:
    """ann-lq pruned by mean activation, every layer alike, on half-noisy test images."""

    seed: int
    sparsity: float
    with_curves: bool = False
    kept = True

    def compute(self, cfg, data, runs):
        whole, scores = prepared(self.seed, cfg.forms, data, runs)
        network = whole.without(prune.keep_masks(scores, self.sparsity), "pruned")
        return measured(network, *data.test, cfg.limit, cfg, data, self.with_curves)


@dataclass(frozen=True)
class Length:
    """ann-lq trained for another number of steps, on half-noisy test images."""

    seed: int
    steps: int
    kept = True

    def compute(self, cfg, data, runs):
        trained_so = of_length(self.steps, cfg.forms)
        network = forms.network("ann-lq", "whole", self.seed, trained_so, data, runs)
        return measured(network, *data.test, cfg.limit, cfg, data, with_curves=True)


@functools.lru_cache(maxsize=1)
def prepared(seed, cfg, data, runs):
    """(ann-lq, mean activations of its weights)"""
    network = forms.network("ann-lq", "whole", seed, cfg, data, runs)
    scores = pruning.scores_of(network.model, data.train.images, seed, cfg.scored_images)
    return network, scores["mean_activation"]


def measured(network, images, labels, limit, cfg, data, with_curves):
    """Accuracy without noise, and what the ratio keeps of the groups of half-noisy images.

    with_curves   whether the fractions that it keeps at all thresholds are part of it
    """
    outputs, right, attacked = network.on_half_noisy(images, labels, limit)
    ratio, of_validation = network.ratio(outputs), network.ratio_of_right(*data.validation)
    result = {"clean_accuracy": nnlite.accuracy(network.model, images, labels)}
    result |= separation(ratio, right, attacked, of_validation, cfg.keep)
    if with_curves:
        end = cfg.highest_probability_ratio if network.after_softmax else cfg.highest_ratio
        result |= survival_curves(ratio, right, attacked, np.geomspace(1, end, cfg.points))
    return result


def of_length(steps, cfg):
    """The forms.Config of ann-lq alone, trained for so many steps."""
    network = replace(dict(cfg.networks)["ann-lq"], steps=steps)
    return replace(cfg, networks=(("ann-lq", network),))


def steps_of(cfg):
    """The steps of every length of training."""
    steps = dict(cfg.forms.networks)["ann-lq"].steps
    return [round(length * steps) for length in cfg.lengths]


def needs(cfg, seeds):
    made = forms.needs(cfg.forms, seeds)
    for steps in steps_of(cfg):
        made += forms.needs(of_length(steps, cfg.forms), seeds[:1])
    return list(dict.fromkeys(made))


def rows(cfg, seeds):
    for name, form, seed in forms.members(cfg.forms, seeds):
        yield Form(name, form, seed, "test", cfg.limit, with_curves=seed == seeds[0])
        for limit in cfg.other_limits:
            yield Form(name, form, seed, "test", limit)
        yield Form(name, form, seed, "train", cfg.limit)
    for seed in seeds:
        for sparsity in cfg.sparsities:
            yield Sparsity(seed, sparsity, with_curves=seed == seeds[0])
    for steps in steps_of(cfg):
        yield Length(seeds[0], steps)


# Tables and figures


HEADER = ["no noise, %", "half noisy, %", "threshold 90", "clean kept, %", "corrupted kept, %"]
HEADER += ["threshold 80", "clean kept, %", "corrupted kept, %"]


def cells(rows):
    """Cells of a line, of several seeds: accuracy clean, half noisy, what two thresholds keep."""
    line = [percent([row["clean_accuracy"] for row in rows], 2)]
    line.append(percent([row["half_noisy_accuracy"] for row in rows]))
    for i in range(2):
        at = [row["at"][i] for row in rows]
        line.append(f"{np.mean([a['threshold'] for a in at]):.4g}")
        line += [percent([a[f"{group}_kept"] for a in at]) for group in ("clean", "corrupted")]
    return line


def table_of_the_post(results):
    """Published and here, with the fraction of weights that was removed."""
    limit, lines = results.config["limit"], []
    for title, seeds in forms.by_title(results.select(Form, part="test", limit=limit)).items():
        if title in CONFIDENCE and is_comparable(results):
            lines.append([f"{title}: published", "", *CONFIDENCE[title]])
        whole = seeds[0]["form"] == "whole"
        removed = "" if whole else percent([row["removed"] for row in seeds])
        lines.append([title, removed, *cells(seeds)])
    return markdown([f"limit {limit}", "removed, %", *HEADER], lines)


def table_of_forms(name, rows):
    lines = [[title, *cells(seeds)] for title, seeds in forms.by_title(rows).items()]
    return markdown([name, *HEADER], lines)


def table_of_sparsities(results):
    lines = [
        [f"{100 * sparsity:.0f} %", *cells(results.select(Sparsity, sparsity=sparsity))]
        for sparsity in results.config["sparsities"]
    ]
    return markdown(["ann-lq, removed", *HEADER], lines)


def table_of_lengths(results):
    lines = [[f"{row['steps']:,}", *cells([row])] for row in results.select(Length)]
    return markdown(["ann-lq, steps of training", *HEADER], lines)


def table(results):
    blocks = [table_of_the_post(results)]
    for limit in results.config["other_limits"]:
        rows = results.select(Form, part="test", limit=limit)
        blocks.append(table_of_forms(f"limit {limit}", rows))
    blocks.append(table_of_forms("training images", results.select(Form, part="train")))
    return "\n\n".join([*blocks, table_of_sparsities(results), table_of_lengths(results)])


def published(title):
    """[(threshold, fraction of the corrupted images kept), ...] of the post, as far as it says."""
    at = CONFIDENCE.get(title, ())[2:]
    pairs = zip(at[::3], at[2::3])
    return [(float(threshold), float(kept) / 100) for threshold, kept in pairs if threshold]


def draw(results, out):
    def draw_panels(panels, name, what):
        title = f"half of the images with noise of limit {results.config['limit']:.2f}"
        figure = plots.ratio_curves(panels, what, title)
        plots.save_figure(figure, out / f"confidence-curves-{name}.png", 64)

    with_curves = results.select(Form, with_curves=True)
    for loss, name, what in (
        ("quadratic", "lq", "outputs"),
        ("softmax_cross_entropy", "sce", "probabilities"),
    ):
        drawn = forms.trained_with(loss, with_curves, results.config["forms"])
        titled = {forms.title(row): row for row in drawn}
        posts = {title: published(title) for title in titled if is_comparable(results)}
        panels = {title: row | {"published": posts.get(title, [])} for title, row in titled.items()}
        draw_panels(panels, name, what)

    less, more = (results.select(Sparsity, sparsity=s, with_curves=True)[0] for s in (0.5, 0.95))
    panels = {f"{100 * row['sparsity']:.0f} % removed": row for row in (less, more)}
    shortest, *_, longest = results.select(Length)
    panels |= {f"{row['steps']:,} steps of training": row for row in (shortest, longest)}
    draw_panels(panels, "varied", "outputs")


if __name__ == "__main__":
    script.main("confidence_curves")
