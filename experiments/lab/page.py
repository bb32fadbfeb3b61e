"""The page that reproduce.py ends with: figures, tables, what they say, and where to go on.

Published numbers stand beside ours where both are of MNIST.  Everything comes from results.json;
nothing is computed again.  The page is one file, its figures inside it.
"""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from string import Template

import numpy as np

from lab import cache, sentences
from lab.figures.pruning import published_points
from lab.gallery import with_pictures
from lab.published import (
    ANN_NOISE,
    ANN_SPARSITY,
    ANN_TABLE,
    CONFIDENCE,
    STRONG,
    WEAK,
    is_comparable,
)
from lab.tables import WORDS, name_noise
from nnlite import plots
from nnlite.files import replace_when_done

TEMPLATE = Path(__file__).with_name("page.html")

PUBLISHED = (
    "The published numbers beside ours, hollow in the figure, are those of the posts, for a "
    "network 784-1500-1000-800-10; under noise they are read off a figure."
)
# (score, sparsity) whose accuracies stand beside published ones: a column of the table each.
COMPARED = (("magnitude", 0.0), ("magnitude", 0.9), ("mean_activation", 0.81))


@dataclass(frozen=True)
class Results:
    """What reproduce.py measured of one network, as results.json holds it."""

    data: str  # name of the data set
    seed: int
    config: dict  # the fields of its Config
    versions: dict
    seconds: float  # of the whole run
    accuracy: float  # of the unpruned network on test images
    digits: list  # the first test images of each class, bytes
    noise: dict  # of the strongest limit: vectors, what each does, an example image for each
    pruning: list  # of {score, sparsity, accuracy}: without noise, then under config["shown_noise"]
    confidence: list  # of {sparsity, limit, ...}: see lab.attacked.separation and survival_curves
    gallery: dict  # {"lowest" or "highest": a dict for each digit}, see lab.gallery
    scores: list  # of {question, limit, score, auroc, ...}, see lab.scoring
    play: dict  # what play.html shows at every setting, see lab.play.measure


def title(name):
    """What a data set is called in a text."""
    return {"strokes": "drawn digits", "mnist": "MNIST"}.get(name, name)


def noise_names(results):
    return [name_noise(pair) for pair in results.config["shown_noise"]]


def table_under_noise(results):
    """Header rows and rows: accuracy with and without pruning, of MNIST also as published."""
    if results.config["shown_noise"] != [list(pair) for pair in ANN_NOISE]:
        shown = results.config["shown_noise"]
        raise ValueError(f"published is accuracy under {ANN_NOISE}, not {shown}")
    header = [["accuracy on"], ["test images"], [""]]
    columns = [["no noise", *noise_names(results)]]
    for score, sparsity in COMPARED:
        here = one(results.pruning, score=score, sparsity=sparsity)["accuracy"]
        found = {"published": ANN_TABLE[((score, sparsity),) if sparsity else ()], "here": here}
        if not is_comparable(results):
            del found["published"]
        rest = [""] * (len(found) - 1)
        header[0] += [f"{sparsity:.0%} removed" if sparsity else "unpruned", *rest]
        header[1] += [f"by {WORDS[score]}" if sparsity else "", *rest]
        header[2] += found
        columns += [[f"{a:.1%}" for a in accuracies] for accuracies in found.values()]
    return header if is_comparable(results) else header[:2], list(zip(*columns))


def one(rows, **fields):
    """The one row that has these values in these fields."""
    (row,) = (row for row in rows if all(row[key] == value for key, value in fields.items()))
    return row


def table_of_confidence(results):
    """Header rows and rows: what the ratio keeps of clean and corrupted images.

    Published, for MNIST, is the stronger noise; here are the weaker and the stronger.
    """
    limits = results.config["confidence_limits"]
    rows = []
    for sparsity, title in ((0.0, "ann-lq"), (ANN_SPARSITY, "ann-lq, pruned")):
        here = [one(results.confidence, sparsity=sparsity, limit=limit) for limit in limits]
        rows += confidence_rows(sparsity, CONFIDENCE[title], here)
    header = [["", "published", *("here" for _ in limits)]]
    header.append(["noise limit", *(f"{k:.2f}" for k in [max(limits), *limits])])
    if not is_comparable(results):
        header, rows = ([[row[0], *row[2:]] for row in part] for part in (header[1:], rows))
    return header, rows


def confidence_rows(sparsity, published, here):
    """The rows of one network: what was published of it, and what was measured at each limit."""
    clean, half_noisy, *at_thresholds = published
    accuracy = [f"{m['clean_accuracy']:.2%}" for m in here]
    noisy = [f"{m['half_noisy_accuracy']:.2%}" for m in here]
    rows = [
        [f"{sparsity:.0%} pruned: accuracy", f"{clean}%", *accuracy],
        ["accuracy, half of the images with noise", f"{half_noisy}%", *noisy],
    ]
    for i, (threshold, _, corrupted) in enumerate((at_thresholds[:3], at_thresholds[3:])):
        at = [m["at"][i] for m in here]
        keep = f"{at[0]['keep']:.0%}"
        thresholds = [f"{a['threshold']:.1f}" for a in at]
        rows += [
            [f"threshold for {keep} of the clean images", threshold, *thresholds],
            ["clean images kept", keep, *(f"{a['clean_kept']:.1%}" for a in at)],
            ["corrupted images kept", f"{corrupted}%", *(f"{a['corrupted_kept']:.1%}" for a in at)],
        ]
    for group in ("clean", "corrupted"):
        share = [m["only_first_positive"][group] / max(m["images"][group], 1) for m in here]
        rows.append([f"{group} images of infinite ratio", "", *(f"{a:.1%}" for a in share)])
    return rows


def table_of_scores(results):
    """Header row and rows: how well each score tells right from wrong, and clean from attacked."""
    questions = list(dict.fromkeys((row["question"], row["limit"]) for row in results.scores))
    scores = dict.fromkeys(row["score"] for row in results.scores)
    rows = []
    for score in scores:
        of_score = [
            one(results.scores, question=question, limit=limit, score=score)
            for question, limit in questions
        ]
        rows.append([score, *(f"{row['auroc'][0]:.3f}" for row in of_score)])
    names = [
        "right or wrong" if question == "right" else f"clean or noise, {limit}"
        for question, limit in questions
    ]
    return [["AUROC", *names]], rows


def table_of_gallery(results):
    """Header row and rows: the images of the gallery under weak and strong noise."""
    lines = []
    for kind, digits in results.gallery.items():
        for row in digits:
            after = [f"{noisy['read']} ({noisy['ratio']})" for noisy in row["noise"]]
            lines.append([kind, str(row["first"]), str(row["second"]), row["ratio"], *after])
    header = ["image of", "class", "second", "ratio"]
    return [[*header, f"read as (ratio) under noise of the second, {WEAK}", str(STRONG)]], lines


def text_table(header, rows):
    widths = [max(map(len, column)) for column in zip(*header, *rows)]
    lines = [[cell.rjust(w) for cell, w in zip(row, widths)] for row in [*header, *rows]]
    return "\n".join("  ".join(line) for line in lines)


def html_table(header, rows):
    def lines(rows, tag):
        cells = ["".join(f"<{tag}>{cell}</{tag}>" for cell in row) for row in rows]
        return "".join(f"<tr>{row}</tr>" for row in cells)

    return f"<table>{lines(header, 'th')}{lines(rows, 'td')}</table>"


def draw_figures(results, out):
    noise = results.noise
    pruning, confidence, published = {}, {}, {}
    for row in results.pruning:
        title = f"pruned by {WORDS[row['score']]}"
        sparsities, accuracies = pruning.setdefault(title, ([], []))
        sparsities.append(row["sparsity"])
        accuracies.append(row["accuracy"])
        if is_comparable(results):
            published[title] = published_points(row["score"])
    for row in results.confidence:
        confidence[f"{row['sparsity']:.0%} pruned, noise limit {row['limit']:.2f}"] = row
    vectors = results.config["shown_noise"]
    panels = {title: [curve] for title, curve in pruning.items()}
    examples = [{**e, "image": as_pixels(e["image"])} for e in noise["examples"]]
    figures = {
        "digits": plots.digits(as_pixels(results.digits)),
        "noise": plots.noise_vectors(noise["vectors"], noise["success"], examples, noise["limit"]),
        "pruning": plots.accuracy_against_sparsity(panels, vectors, published),
        "ratio": plots.ratio_curves(confidence),
        "lowest": plots.digit_gallery(with_pictures(results.gallery["lowest"])),
        "highest": plots.digit_gallery(with_pictures(results.gallery["highest"])),
    }
    for name, figure in figures.items():
        plots.save_figure(figure, out / f"{name}.png")


def as_pixels(stored):
    """Bytes 0 to 255, as results.json has them, in pixel units 0 to 1."""
    return np.array(stored) / 255


def embedded(path, alt):
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{alt}" src="data:image/png;base64,{data}">'


def write(out):
    """Figures and report.html beside the results.json in the folder `out`; tables printed."""
    results = Results(**json.loads((out / "results.json").read_text()))
    network, noise = results.config["network"], results.noise
    tables = {
        "under_noise": table_under_noise(results),
        "confidence": table_of_confidence(results),
        "scores": table_of_scores(results),
        "gallery": table_of_gallery(results),
    }
    draw_figures(results, out)
    pictures = {
        "digits": "twenty digits of each class",
        "noise": "ten noise vectors and images with them added",
        "pruning": "accuracy as ever fewer weights are kept",
        "ratio": "fraction of images kept against the ratio",
        "lowest": "a digit of each class, of the lowest ratio",
        "highest": "a digit of each class, of the highest ratio",
    }
    said = {
        "said_of_pruning": sentences.of_pruning(results),
        "said_of_confidence": sentences.of_confidence(results),
        "said_of_scores": sentences.of_scores(results),
        "said_of_gallery": sentences.of_gallery(results),
    }
    page = Template(TEMPLATE.read_text()).substitute(
        data=title(results.data),
        hidden="-".join(map(str, network["hidden"])),
        steps=f"{network['steps']:,}",
        l2=network["l2"],
        accuracy=f"{results.accuracy:.2%}",
        limit=noise["limit"],
        noise_min=f"{min(noise['accuracy']):.0%}",
        noise_max=f"{max(noise['accuracy']):.0%}",
        random=f"{noise['random']:.0%}",
        seed=results.seed,
        versions=", ".join(f"{name} {v}" for name, v in results.versions.items()),
        seconds=f"{results.seconds:.0f}",
        published=PUBLISHED if is_comparable(results) else "",
        root=os.path.relpath(cache.ROOT, out.resolve()),
        **{name: text.replace("%", "&nbsp;%") for name, text in said.items()},
        **{name: embedded(out / f"{name}.png", alt) for name, alt in pictures.items()},
        **{name: html_table(*table) for name, table in tables.items()},
    )
    with replace_when_done(out / "report.html") as file:
        file.write(page.encode())
    for name in ("under_noise", "confidence", "scores"):
        print("", text_table(*tables[name]), sep="\n")
