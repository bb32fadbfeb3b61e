"""The page that `reproduce.py` ends with: figures, a table published / here, what to see.

    python experiments/report.py results/strokes-quick      draws it again

Everything comes from results.json; nothing is computed again.  The page is one file, its
figures inside it.
"""

import base64
import json
import sys
from pathlib import Path
from string import Template

import numpy as np

from nnlite import plots
from nnlite.files import replace_when_done

TEMPLATE = Path(__file__).with_name("page.html")

# Published in the two posts, for MNIST and 784-1500-1000-800-10, as fractions.  The table
# under noise is read from the first post's figure, the rest stands in the posts' text.
PUBLISHED_UNDER_NOISE = {  # clean, then the eight vectors of Config.shown_noise
    ("magnitude", 0.0): (0.9865, 0.1993, 0.2764, 0.9073, 0.959, 0.2595, 0.579, 0.2263, 0.5818),
    ("magnitude", 0.9): (0.9818, 0.411, 0.3624, 0.8814, 0.9686, 0.5395, 0.9081, 0.2379, 0.7646),
    ("mean_activation", 0.81): (
        *(0.9814, 0.4868, 0.5708, 0.9163, 0.9669, 0.5732, 0.9156, 0.2969, 0.7841),
    ),
}
PUBLISHED_CONFIDENCE = (  # no pruning; 80 % pruned by mean activation
    {"clean": 0.9865, "half_noisy": 0.5528, "thresholds": (6.6, 18.2), "kept": (0.44, 0.175)},
    {"clean": 0.9828, "half_noisy": 0.6296, "thresholds": (3.4, 7.0), "kept": (0.25, 0.09)},
)


WORDS = {"magnitude": "magnitude", "mean_activation": "mean activation"}


def noise_names(results):
    return [f"class {k}, limit {limit:.2f}" for k, limit in results["config"]["shown_noise"]]


def table_under_noise(results):
    """Header rows and rows: accuracy with and without pruning, published / here."""
    header = [["accuracy on"], ["test images"], [""]]
    columns = []
    for (score, sparsity), published in PUBLISHED_UNDER_NOISE.items():
        removed = (
            (f"{sparsity:.0%} removed", f"by {WORDS[score]}") if sparsity else ("unpruned", "")
        )
        for cells, texts in zip(header, zip((*removed, "published"), ("", "", "here"))):
            cells.extend(texts)
        i = results["config"]["sparsities"].index(sparsity)
        columns += [published, results["pruning"][score][i]]
    rows = [
        [name, *(f"{a:.1%}" for a in row)]
        for name, *row in zip(["no noise", *noise_names(results)], *columns)
    ]
    return header, rows


def table_of_confidence(results):
    """Header rows and rows: what the ratio keeps of clean and corrupted images."""
    rows = []
    for (name, here), post in zip(results["confidence"].items(), PUBLISHED_CONFIDENCE):
        rows.append([f"{name}: accuracy", f"{post['clean']:.2%}", f"{here['clean_accuracy']:.2%}"])
        half_noisy = f"{post['half_noisy']:.2%}", f"{here['half_noisy_accuracy']:.2%}"
        rows.append(["accuracy, half of the images with noise", *half_noisy])
        for at, threshold, kept in zip(here["at"], post["thresholds"], post["kept"]):
            rows.append(
                [
                    f"corrupted images kept where {at['keep']:.0%} of the clean ones are",
                    f"{kept:.1%} (ratio {threshold:.1f})",
                    f"{at['corrupted_kept']:.1%} (ratio {at['threshold']:.1f})",
                ]
            )
    return [["", "published", "here"]], rows


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
    noise, pruning = results["noise"], results["pruning"]
    panels = {f"pruned by {WORDS[score]}": rows for score, rows in pruning.items()}
    examples = [{**e, "image": as_pixels(e["image"])} for e in noise["examples"]]
    figures = {
        "digits": plots.digits(as_pixels(results["digits"])),
        "noise": plots.noise_vectors(noise["vectors"], examples, noise["limit"]),
        "pruning": plots.accuracy_against_sparsity(
            results["config"]["sparsities"], panels, noise_names(results)
        ),
        "ratio": plots.ratio_curves(results["confidence"]),
    }
    for name, figure in figures.items():
        plots.save_figure(figure, out / f"{name}.png")


def as_pixels(stored):
    """Bytes 0 to 255, as results.json has them, in pixel units 0 to 1."""
    return np.array(stored) / 255


def embedded(path, alt):
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{alt}" src="data:image/png;base64,{data}">'


def count(results, key):
    """'3 clean, 1 corrupted' over both networks, or 'none here'."""
    totals = {}
    for measured in results["confidence"].values():
        for group, n in measured[key].items():
            totals[group] = totals.get(group, 0) + n
    return ", ".join(f"{n} {group}" for group, n in totals.items() if n) or "none here"


def write(out):
    """Figures and report.html beside the results.json in the folder `out`."""
    out = Path(out)
    results = json.loads((out / "results.json").read_text())
    config, noise = results["config"], results["noise"]
    under_noise, confidence = table_under_noise(results), table_of_confidence(results)
    draw_figures(results, out)
    page = Template(TEMPLATE.read_text()).substitute(
        data={"strokes": "drawn digits", "mnist": "MNIST"}[results["data"]],
        hidden="-".join(map(str, config["hidden"])),
        epochs=config["epochs"],
        accuracy=f"{results['accuracy']:.2%}",
        limit=noise["limit"],
        noise_min=f"{min(noise['accuracy']):.0%}",
        noise_max=f"{max(noise['accuracy']):.0%}",
        digits=embedded(out / "digits.png", "drawn digits in rows by class"),
        noise=embedded(out / "noise.png", "ten noise vectors and images with them added"),
        pruning=embedded(out / "pruning.png", "accuracy against the fraction of weights removed"),
        ratio=embedded(out / "ratio.png", "fraction of images kept against the ratio"),
        under_noise=html_table(*under_noise),
        confidence=html_table(*confidence),
        infinite=count(results, "only_first_positive"),
        undefined=count(results, "undefined"),
        seed=results["seed"],
        versions=", ".join(f"{name} {v}" for name, v in results["versions"].items()),
        seconds=f"{results['seconds']:.0f}",
    )
    with replace_when_done(out / "report.html") as file:
        file.write(page.encode())
    print("", text_table(*under_noise), "", text_table(*confidence), sep="\n")


if __name__ == "__main__":
    write(sys.argv[1])
