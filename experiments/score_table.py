"""Is the ratio a good score?  Beside eight others, for two questions kept apart.

    python experiments/score_table.py --data mnist --preset standard      three minutes
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

import sys
import time

import numpy as np
import study
from networks import every
from published import STRONG, WEAK
from study import markdown
from tqdm import tqdm

from nnlite import plots
from nnlite.confidence import (
    SCORES,
    auroc,
    average_precision,
    fpr_at_tpr,
    probabilities,
    probability_ratio,
    risk_coverage_area,
    top_two_ratio,
)

RESAMPLES = 300
METRICS = ("auroc", "aupr", "fpr95", "aurc")
QUESTIONS = ("right", f"clean, {STRONG}", f"clean, {WEAK}")
COMPARED = ("margin", "largest probability")  # with the ratio
OF_PROBABILITIES = ("-second / first", "-abs(largest - 1)", "-distance to one-hot")
RAW_RATIO = "ratio before softmax"


def metrics(is_positive, scores):
    """Four numbers; positives are right, or clean.  nan where there is only one kind of images."""
    if is_positive.all() or not is_positive.any():
        return dict.fromkeys(METRICS, np.nan)
    return {
        "auroc": auroc(is_positive, scores),
        "aupr": average_precision(~is_positive, -scores),
        "fpr95": fpr_at_tpr(is_positive, scores),
        "aurc": risk_coverage_area(~is_positive, scores),
    }


def all_scores(outputs, after_softmax):
    """{name: (N,)} of raw outputs (N, 10), nan as the lowest.

    Where the network was trained with softmax, the ratio and the scores that compare with 1 and 0
    are those of the probabilities, and the ratio before softmax is added.
    """
    values = {name: score(outputs) for name, score in SCORES.items()}
    if after_softmax:
        raw = values["ratio"]
        values |= {name: SCORES[name](probabilities(outputs)) for name in OF_PROBABILITIES}
        values |= {"ratio": probability_ratio(outputs), RAW_RATIO: raw}
    return {name: np.where(np.isnan(v), -np.inf, v) for name, v in values.items()}


def measure(values, is_positive, rng, resamples=RESAMPLES):
    """{"scores": {score: {metric: [value, low, high]}}, "advantage": of the ratio} of all_scores.

    The same resampled images for all scores, so that differences have intervals too; without
    resamples there are only values.
    """
    whole = {name: metrics(is_positive, v) for name, v in values.items()}
    resampled = {name: [] for name in values}
    for _ in range(resamples):
        some = rng.integers(0, len(is_positive), len(is_positive))
        for name, v in values.items():
            resampled[name].append(metrics(is_positive[some], v[some]))
    rows = {
        name: {
            key: [value, *interval([one[key] for one in resampled[name]])]
            for key, value in whole[name].items()
        }
        for name in values
    }
    advantage = {}
    for other in COMPARED:
        pairs = zip(resampled["ratio"], resampled[other])
        differences = [ratio["auroc"] - one["auroc"] for ratio, one in pairs]
        value = whole["ratio"]["auroc"] - whole[other]["auroc"]
        advantage[other] = [value, *interval(differences)]
    return {"scores": rows, "advantage": advantage}


def interval(values):
    """The middle 95 %, or nothing of nothing."""
    values = [value for value in values if not np.isnan(value)]
    return np.quantile(values, [0.025, 0.975]) if values else []


def questions(network, data):
    """{question: (scores, is_positive)}"""
    images, labels = data.test
    outputs = network.model.predict(images)
    right = outputs.argmax(axis=1) == labels
    asked = {"right": (all_scores(outputs, network.after_softmax), right)}
    for limit in (STRONG, WEAK):
        outputs, _, attacked = network.on_half_noisy(images, labels, limit)
        asked[f"clean, {limit}"] = all_scores(outputs, network.after_softmax), ~attacked
    return asked


def measure_cost(network, images):
    """Seconds of the network, and of the ratio of its outputs, for 1000 images."""
    found = network.model.predict(images)
    timed = {
        "network": lambda: network.model.predict(images),
        "ratio": lambda: top_two_ratio(found),
    }
    seconds = {}
    for name, compute in timed.items():
        times = []
        for _ in range(9):
            start = time.perf_counter()
            compute()
            times.append(time.perf_counter() - start)
        seconds[name] = float(np.median(times))
    return seconds


def run(data, preset, runs, say):
    found, cost = {}, {}
    for network in every(data, preset, runs, say):
        rng, row = np.random.default_rng(network.seed), {}
        resamples = RESAMPLES if network.seed == 0 else 0
        asked = questions(network, data)
        for question, args in tqdm(asked.items(), desc=network.title, disable=None):
            row[question] = measure(*args, rng, resamples)
        row["accuracy"] = asked["right"][1].mean()
        found.setdefault(network.title, []).append(row)
        if not network.removed and network.seed == 0:
            cost[network.title] = measure_cost(network, data.test.images[:1000])
    return {"networks": found, "cost": cost}


def table(results):
    blocks = []
    for question in QUESTIONS:
        blocks += [table_of_auroc(results, question), table_of_others(results, question)]
    return "\n\n".join([*blocks, table_of_advantage(results), table_of_cost(results)])


def table_of_auroc(results, question):
    """Of seed 0, with its interval."""
    first = {title: rows[:1] for title, rows in results["networks"].items()}
    return table_of_scores(first, question, "AUROC, %, seed 0", auroc_cell)


def table_of_others(results, question):
    """Means over the seeds."""
    names = "AUPR / FPR95, %" + (" / AURC, thousandths" if question == "right" else "")
    return table_of_scores(results["networks"], question, names, others_cell)


def table_of_scores(networks, question, names, cell_of):
    """A line for each score, a column for each network: {title: a row for each seed}."""
    lines = []
    for score in (*SCORES, RAW_RATIO):
        line = [score]
        for title, rows in networks.items():
            here = score != RAW_RATIO or "sce" in title
            of_seeds = [row[question]["scores"][score] for row in rows] if here else []
            line.append(cell_of(of_seeds, question) if here else "")
        lines.append(line)
    accuracy = [np.mean([row["accuracy"] for row in rows]) for rows in networks.values()]
    titles = [f"{title} ({a:.1%} right)" for title, a in zip(networks, accuracy)]
    return markdown([f"{question}: {names}", *titles], lines)


def auroc_cell(rows, _):
    return "{:.1f} ({:.1f} to {:.1f})".format(*(100 * value for value in rows[0]["auroc"]))


def others_cell(rows, question):
    cell = f"{100 * mean(rows, 'aupr'):.1f} / {100 * mean(rows, 'fpr95'):.1f}"
    return cell + (f" / {1000 * mean(rows, 'aurc'):.2f}" if question == "right" else "")


def mean(rows, metric):
    return np.mean([row[metric][0] for row in rows])


def table_of_advantage(results):
    lines = []
    for title, rows in results["networks"].items():
        line = [title]
        for question in QUESTIONS:
            for other in COMPARED:
                value, low, high = 100 * np.array(rows[0][question]["advantage"][other])
                line.append(f"{value:+.2f} ({low:+.2f} to {high:+.2f})")
        lines.append(line)
    header = ["AUROC of the ratio minus that of the other, points, seed 0"]
    header += [f"{question}: {other}" for question in QUESTIONS for other in COMPARED]
    return markdown(header, lines)


def table_of_cost(results):
    lines = [
        [title, f"{1000 * cost['network']:.1f}", f"{1000 * cost['ratio']:.2f}"]
        for title, cost in results["cost"].items()
    ]
    return markdown(["1000 images", "network, ms", "ratio of its outputs, ms"], lines)


def draw(results, out):
    panels = {
        question: {
            title: {
                score: mean([row[question]["scores"][score] for row in rows], "auroc")
                for score in SCORES
            }
            for title, rows in results["networks"].items()
        }
        for question in QUESTIONS
    }
    plots.save_figure(plots.score_dots(panels), out / "score-table.png")


if __name__ == "__main__":
    study.main("score-table", sys.modules[__name__])
