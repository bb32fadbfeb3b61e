"""Is the ratio a good score?  Beside eight others, for two questions kept apart.

    python experiments/score_table.py --data mnist --preset standard      12 minutes
    python experiments/score_table.py                                     drawn digits

right      is this prediction right?  Clean test images
clean      was this image left alone?  Half of the test images with the noise of a random other
           class, limit 0.35 and 0.15, made on the network before it was pruned

For each score: the area under the ROC curve (AUROC: how often an image that is right, or clean, has
the higher score), the area under the precision-recall curve of finding the others (AUPR), how many
of these are accepted where 95 % of the first are (FPR95), and, of the first question, the area
under the risk-coverage curve (AURC, in thousandths).  With the middle 95 % of resampled test images
(seed 0 of the networks), and what the ratio is better by than the margin and the largest
probability.  Writes score-table.json and a figure.
"""

from dataclasses import dataclass

import numpy as np
from lab import forms, nets, scoring, script
from lab.figures.confidence import score_dots
from lab.published import STRONG, WEAK
from lab.tables import markdown
from lab.timing import median_seconds

import nnlite
from nnlite import plots
from nnlite.confidence import SCORES, top_two_ratio


@dataclass(frozen=True)
class Config:
    """What the rows depend on, beside data and seed.  In brackets: the post, or us."""

    forms: forms.Config
    limits: tuple = (STRONG, WEAK)  # of the noise, pixel units [post]
    compared: tuple = ("margin", "largest probability")  # with the ratio [ours]
    resamples: int = 300  # for the intervals of the first seed [ours]
    timed_images: int = 1000
    timings: int = 9  # of which the median counts
    recipe: int = 1  # to be raised when the code changes results


PRESETS = {name: Config(cfg) for name, cfg in forms.PRESETS.items()}
SEEDS = {"quick": (0, 1, 2), "standard": (0, 1, 2)}


@dataclass(frozen=True)
class Scores:
    """How well all scores of a network answer all questions.

    accuracy     without noise
    scores       a record for each question and score, see lab/scoring.py
    advantages   what the AUROC of the ratio is more than that of the others it is compared with
    """

    network: str
    form: str
    seed: int
    resamples: int
    kept = True

    def compute(self, cfg, data, runs):
        network = forms.network(self.network, self.form, self.seed, cfg.forms, data, runs)
        if network is None:
            return None
        rng, scores, advantages = np.random.default_rng(self.seed), [], []
        asked = scoring.questions(network, data.test, cfg.limits)
        for question, limit, outputs, is_positive in asked:
            values = scoring.all_scores(outputs, network.after_softmax)
            samples = scoring.measured(values, is_positive, self.resamples, rng)
            scores += scoring.records(question, limit, samples)
            advantages += advantages_of_ratio(question, limit, samples, cfg.compared)
        accuracy = nnlite.accuracy(network.model, *data.test)
        return {"accuracy": accuracy, "scores": scores, "advantages": advantages}


@dataclass(frozen=True)
class Cost:
    """Seconds of the network, and of the ratio of its outputs: network_seconds, ratio_seconds."""

    network: str
    seed: int
    kept = False

    def compute(self, cfg, data, runs):
        net = dict(cfg.forms.networks)[self.network]
        model = nets.trained(self.network, net, data, self.seed, runs).model
        images = data.test.images[: cfg.timed_images]
        outputs = model.predict(images)
        return {
            "network_seconds": median_seconds(lambda: model.predict(images), cfg.timings),
            "ratio_seconds": median_seconds(lambda: top_two_ratio(outputs), cfg.timings),
        }


def advantages_of_ratio(question, limit, samples, others):
    """A dict for each other score: question, limit, other, auroc (the difference).

    samples   what scoring.measured returned
    """
    advantages = []
    for other in others:
        differences = [sample["ratio"]["auroc"] - sample[other]["auroc"] for sample in samples]
        record = {"question": question, "limit": limit, "other": other}
        advantages.append({**record, "auroc": scoring.with_interval(differences)})
    return advantages


def needs(cfg, seeds):
    return forms.needs(cfg.forms, seeds)


def rows(cfg, seeds):
    for name, form, seed in forms.members(cfg.forms, seeds):
        yield Scores(name, form, seed, cfg.resamples if seed == seeds[0] else 0)
    for name, _ in cfg.forms.networks:
        yield Cost(name, seeds[0])


# Tables and figure


def questions(results):
    """[(question, limit of the noise), ...], as in the records"""
    return [("right", 0.0), *(("clean", limit) for limit in results.config["limits"])]


def in_words(question, limit):
    return f"{question}, {limit}" if limit else question


def of_question(records, *asked):
    return [record for record in records if (record["question"], record["limit"]) == asked]


def by_score(row, *asked):
    """{score: its record} of one network."""
    return {record["score"]: record for record in of_question(row["scores"], *asked)}


def table(results):
    blocks = []
    for asked in questions(results):
        blocks += [table_of_auroc(results, asked), table_of_others(results, asked)]
    return "\n\n".join([*blocks, table_of_advantages(results), table_of_cost(results)])


def table_of_auroc(results, asked):
    """AUROC of the first seed, with its interval."""
    first = results.select(Scores, seed=results.seeds[0])
    return table_of_scores(first, asked, "AUROC, %, seed 0", cell_of_auroc)


def table_of_others(results, asked):
    """Means over the seeds."""
    if asked[0] == "right":
        metrics, cell = "AUPR / FPR95, % / AURC, thousandths", cell_with_aurc
    else:
        metrics, cell = "AUPR / FPR95, %", cell_of_others
    return table_of_scores(results.select(Scores), asked, metrics, cell)


def table_of_scores(rows, asked, metrics, cell):
    """A line for each score, a column for each network.

    cell   a function that makes one of the records of all seeds
    """
    header, columns = [f"{in_words(*asked)}: {metrics}"], []
    for title, seeds in forms.by_title(rows).items():
        header.append(f"{title} ({np.mean([row['accuracy'] for row in seeds]):.1%} right)")
        columns.append([by_score(row, *asked) for row in seeds])
    lines = []
    for score in dict.fromkeys(score for seeds in columns for score in seeds[0]):
        cells = [cell([s[score] for s in seeds]) if score in seeds[0] else "" for seeds in columns]
        lines.append([score, *cells])
    return markdown(header, lines)


def cell_of_auroc(seeds):
    return "{:.1f} ({:.1f} to {:.1f})".format(*(100 * value for value in seeds[0]["auroc"]))


def cell_of_others(seeds):
    return f"{100 * mean(seeds, 'aupr'):.1f} / {100 * mean(seeds, 'fpr95'):.1f}"


def cell_with_aurc(seeds):
    return f"{cell_of_others(seeds)} / {1000 * mean(seeds, 'aurc'):.2f}"


def mean(seeds, metric):
    return np.mean([record[metric][0] for record in seeds])


def table_of_advantages(results):
    lines = []
    for row in results.select(Scores, seed=results.seeds[0]):
        line = [forms.title(row)]
        for asked in questions(results):
            for record in of_question(row["advantages"], *asked):
                value, low, high = 100 * np.array(record["auroc"])
                line.append(f"{value:+.2f} ({low:+.2f} to {high:+.2f})")
        lines.append(line)
    header = ["AUROC of the ratio minus that of the other, points, seed 0"]
    for asked in questions(results):
        header += [f"{in_words(*asked)}: {other}" for other in results.config["compared"]]
    return markdown(header, lines)


def table_of_cost(results):
    lines = []
    for row in results.select(Cost):
        network, ratio = 1000 * row["network_seconds"], 1000 * row["ratio_seconds"]
        lines.append([row["network"], f"{network:.1f}", f"{ratio:.2f}"])
    return markdown(["1000 images", "network, ms", "ratio of its outputs, ms"], lines)


def dots(results, asked):
    """A dict for each network: the AUROC of every score, mean over the seeds."""
    networks = []
    for seeds in forms.by_title(results.select(Scores)).values():
        scores = [by_score(row, *asked) for row in seeds]
        auroc = [mean([s[score] for s in scores], "auroc") for score in SCORES]
        dot = {"network": seeds[0]["network"], "form": seeds[0]["form"], "auroc": auroc}
        networks.append(dot)
    return networks


def draw(results, out):
    panels = {
        f"clean or noise, {limit}" if limit else "right or wrong": dots(results, (question, limit))
        for question, limit in questions(results)
    }
    plots.save_figure(score_dots(panels, list(SCORES)), out / "score-table.png", 64)


if __name__ == "__main__":
    script.main("score_table")
