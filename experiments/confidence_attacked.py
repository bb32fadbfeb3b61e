"""Does the ratio still tell, when the attacker wants to be believed?

    python experiments/confidence_attacked.py --data mnist --preset standard   150 min, two cores
    python experiments/confidence_attacked.py                                  drawn digits

"Output analysis" rejects images of low ratio; its noise does not know of that.  Here the attacker
does: he has several versions of each image and shows the one that is read wrong with the highest
score.  Of all attacked images, how many are accepted and wrong, if a threshold on clean validation
images rejects 1, 5, 10 or 20 % of those?  Against the dense networks all of them try once more,
with twice the steps.

Writes confidence-attacked.json and confidence-attacked.png.
"""

from dataclasses import dataclass, replace

import numpy as np
from lab import forms, script
from lab.confident import ATTACKERS, Context
from lab.figures.attacks import accepted_and_wrong
from lab.published import STRONG, WEAK
from lab.scoring import all_scores
from lab.tables import markdown, percent

from nnlite import plots
from nnlite.confidence import auroc, threshold_at


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed; ours where no other source is named."""

    forms: forms.Config
    limits: tuple = (WEAK, 0.25, STRONG)  # of all attackers, pixel units
    rejected: tuple = (0.01, 0.05, 0.10, 0.20)  # of clean validation images
    images: int = 1000  # the first of the test images
    cnn_images: int = 300
    noise_steps: int = 100
    steps: int = 40
    scales: tuple = (0.25, 0.5, 0.75, 1.0)
    recipe: int = 2  # to be raised when the code changes results


PRESETS = {name: Config(forms.PRESETS[name]) for name in ("quick", "standard")}
PRESETS["quick"] = replace(
    PRESETS["quick"],
    forms=replace(PRESETS["quick"].forms, networks=PRESETS["quick"].forms.networks[:1]),
    limits=(STRONG,),
    images=200,
    noise_steps=20,
    steps=10,
)
SEEDS = {"quick": (0,), "standard": (0, 1, 2, 3, 4)}
TOGETHER = "all of them"


@dataclass(frozen=True)
class Attacked:
    """A network under every attacker, with limit 0 as it is.

    wrong       fraction of the attacked images that can be made to be read wrong, by attacker
    infinite    fraction of which the only positive output is the largest, in the first version
    accepted    {attacker: {score: fraction accepted and wrong, at each of cfg.rejected}}
    auroc       {attacker: {score: of clean images against attacked ones that are read wrong}}
    """

    network: str
    form: str
    seed: int
    limit: float
    kept = True

    def compute(self, cfg, data, runs):
        network = forms.network(self.network, self.form, self.seed, cfg.forms, data, runs)
        if network is None:
            return None
        n = cfg.cnn_images if self.network.startswith("cnn") else cfg.images
        images, labels = data.test.images[:n], data.test.labels[:n]
        context = context_of(network, data, cfg)
        found = {
            name: attacker(network, images, labels, self.limit, context)
            for name, attacker in ATTACKERS.items()
        }
        found[TOGETHER] = [outputs for versions in found.values() for outputs in versions]
        clean = all_scores(network.model.predict(images), network.after_softmax)
        of_validation = right_scores(network, data.validation)
        result = {"wrong": {}, "infinite": {}, "accepted": {}, "auroc": {}}
        for name, versions in found.items():
            best = surest_wrong(versions, labels, network.after_softmax)
            fooled = np.isfinite(best["largest output"])
            result["wrong"][name] = fooled.mean()
            result["infinite"][name] = np.isinf(network.ratio(versions[0])).mean()
            result["accepted"][name] = {
                score: [
                    round(np.mean(values >= threshold_at(of_validation[score], 1 - r)), 5)
                    for r in cfg.rejected
                ]
                for score, values in best.items()
            }
            result["auroc"][name] = {
                score: separated(clean[score], values[fooled]) for score, values in best.items()
            }
        return result


@dataclass(frozen=True)
class Longer(Attacked):
    """The same, of attackers who take twice the steps: would more find more?"""

    def compute(self, cfg, data, runs):
        twice = replace(cfg, noise_steps=2 * cfg.noise_steps, steps=2 * cfg.steps)
        return super().compute(twice, data, runs)


def context_of(network, data, cfg):
    """What the attackers know: clean images and the range of their outputs are of validation."""
    images, labels = data.validation
    outputs = network.model.predict(images)
    right = outputs.argmax(axis=1) == labels
    low, high = np.quantile(outputs[right].max(axis=1), (0.005, 0.995))
    rng = np.random.default_rng([network.seed, 3])
    return Context(data.train.images, images[right], labels[right], (low, high), cfg, rng)


def right_scores(network, part):
    """{score: (n,)} of the images that are read right."""
    outputs = network.model.predict(part.images)
    right = outputs.argmax(axis=1) == part.labels
    return all_scores(outputs[right], network.after_softmax)


def surest_wrong(versions, labels, after_softmax):
    """{score: (N,)}: the highest score of a version that is read wrong; -inf if none is."""
    best = {}
    for outputs in versions:
        wrong = outputs.argmax(axis=1) != labels
        for score, values in all_scores(outputs, after_softmax).items():
            values = np.where(wrong, values, -np.inf)
            best[score] = np.maximum(best.get(score, -np.inf), values)
    return best


def separated(clean, attacked):
    """AUROC of clean images against attacked ones, to five digits; None where there are none."""
    if len(attacked) == 0:
        return None
    positive = np.arange(len(clean) + len(attacked)) < len(clean)
    return round(auroc(positive, np.concatenate([clean, attacked])), 5)


def needs(cfg, seeds):
    return forms.needs(cfg.forms, seeds)


def rows(cfg, seeds):
    for name, form, seed in forms.members(cfg.forms, seeds):
        if form != "pruned less":
            for limit in cfg.limits:
                yield Attacked(name, form, seed, limit)
            if not dict(cfg.forms.networks)[name].convolutions:
                yield Longer(name, form, seed, middle(cfg.limits))


def middle(limits):
    return limits[len(limits) // 2]


# Tables and figure


def accepted_table(results, score, limit):
    """Accepted and wrong, of all attacked images, in percent, where 10 % of clean ones go."""
    at = results.config["rejected"].index(0.10)
    lines = []
    titled = forms.by_title(results.select(Attacked, limit=limit))

    def cell(rows, attacker):
        return percent([row["accepted"][attacker][score][at] for row in rows])

    for attacker in (*ATTACKERS, TOGETHER):
        lines.append([attacker, *(cell(rows, attacker) for rows in titled.values())])
    longer = forms.by_title(results.select(Longer, limit=limit))
    if longer:
        cells = [cell(longer[t], TOGETHER) if t in longer else "" for t in titled]
        lines.append([f"{TOGETHER}, twice the steps", *cells])
    return markdown([f"{score}, limit {limit:.2f}", *titled], lines)


def scores_table(results, limit):
    """The same under all attackers together, for every score; and AUROC."""
    at = results.config["rejected"].index(0.10)
    titled, lines = forms.by_title(results.select(Attacked, limit=limit)), []
    scores = dict.fromkeys(s for rows in titled.values() for s in rows[0]["accepted"][TOGETHER])
    for score in scores:
        cells = []
        for rows in titled.values():
            known = [row for row in rows if score in row["accepted"][TOGETHER]]
            accepted = [100 * row["accepted"][TOGETHER][score][at] for row in known]
            areas = [100 * (row["auroc"][TOGETHER][score] or 0) for row in known]
            cells.append(f"{np.mean(accepted):.1f} / {np.mean(areas):.0f}" if known else "")
        lines.append([score, *cells])
    return markdown([f"accepted and wrong / AUROC, limit {limit:.2f}", *titled], lines)


def table(results):
    limits = results.config["limits"]
    by_ratio = [accepted_table(results, "ratio", limit) for limit in limits]
    return "\n\n".join([*by_ratio, *(scores_table(results, limit) for limit in limits)])


def draw(results, out):
    """Accepted and wrong by the ratio, against what is rejected of clean images; middle limit."""
    limit, panels = middle(results.config["limits"]), {}
    for title, rows in forms.by_title(results.select(Attacked, limit=limit)).items():
        panels[title] = {
            attacker: np.array([row["accepted"][attacker]["ratio"] for row in rows])
            for attacker in (*ATTACKERS, TOGETHER)
        }
    figure = accepted_and_wrong(results.config["rejected"], panels)
    plots.save_figure(figure, out / "confidence-attacked.png")


if __name__ == "__main__":
    script.main("confidence_attacked")
