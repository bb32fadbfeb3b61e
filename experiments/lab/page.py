"""The page that `reproduce.py` ends with: figures, a table published / here, what to see.

    python experiments/report.py results/strokes-quick      draws it again

Everything comes from results.json; nothing is computed again.  The page is one file, its
figures inside it.
"""

import argparse
import base64
import json
from pathlib import Path
from string import Template

import numpy as np
from prune_ann import WORDS
from published import ANN_NOISE, ANN_SPARSITY, ANN_TABLE, CONFIDENCE, STRONG, WEAK, name_noise

from nnlite import plots
from nnlite.files import replace_when_done

TEMPLATE = Path(__file__).with_name("page.html")

# (score, sparsity) whose accuracies stand beside published ones: a column of the table each.
COMPARED = (("magnitude", 0.0), ("magnitude", 0.9), ("mean_activation", 0.81))


def noise_names(results):
    return [name_noise(pair) for pair in results["config"]["shown_noise"]]


def table_under_noise(results):
    """Header rows and rows: accuracy with and without pruning, published and here."""
    config = results["config"]
    if config["shown_noise"] != [list(pair) for pair in ANN_NOISE]:
        raise ValueError(f"published is accuracy under {ANN_NOISE}, not {config['shown_noise']}")
    header = [["accuracy on"], ["test images"], [""]]
    columns = [["no noise", *noise_names(results)]]
    for score, sparsity in COMPARED:
        published = ANN_TABLE[((score, sparsity),) if sparsity else ()]
        header[0] += [f"{sparsity:.0%} removed" if sparsity else "unpruned", ""]
        header[1] += [f"by {WORDS[score]}" if sparsity else "", ""]
        header[2] += ["published", "here"]
        here = results["pruning"][score][config["sparsities"].index(sparsity)]
        columns += [[f"{a:.1%}" for a in published], [f"{a:.1%}" for a in here]]
    return header, list(zip(*columns))


def table_of_confidence(results):
    """Header rows and rows: what the ratio keeps of clean and corrupted images.

    Published is the stronger noise; here are the weaker and the stronger.
    """
    limits = results["config"]["confidence_limits"]
    rows = []
    for sparsity, title in ((0.0, "ann-lq"), (ANN_SPARSITY, "ann-lq, pruned")):
        clean, half_noisy, *published = CONFIDENCE[title]
        here = [
            results["confidence"][f"{sparsity:.0%} pruned, noise limit {k:.2f}"] for k in limits
        ]

        def add(name, published, cells):
            rows.append([name, published, *cells])

        add(
            f"{sparsity:.0%} pruned: accuracy",
            f"{clean}%",
            [f"{m['clean_accuracy']:.2%}" for m in here],
        )
        noisy = [f"{m['half_noisy_accuracy']:.2%}" for m in here]
        add("accuracy, half of the images with noise", f"{half_noisy}%", noisy)
        for i, (threshold, _, kept) in enumerate((published[:3], published[3:])):
            at = [m["at"][i] for m in here]
            keep = f"{at[0]['keep']:.0%}"
            add(
                f"threshold for {keep} of the clean images",
                threshold,
                [f"{a['threshold']:.1f}" for a in at],
            )
            add("clean images kept", keep, [f"{a['clean_kept']:.1%}" for a in at])
            add("corrupted images kept", f"{kept}%", [f"{a['corrupted_kept']:.1%}" for a in at])
        for group in ("clean", "corrupted"):
            share = [m["only_first_positive"][group] / max(m["images"][group], 1) for m in here]
            add(f"{group} images of infinite ratio", "", [f"{a:.1%}" for a in share])
    header = [["", "published", *("here" for _ in limits)]]
    header.append(["noise limit", *(f"{k:.2f}" for k in [max(limits), *limits])])
    return header, rows


def table_of_scores(results):
    """Header row and rows: how well each score tells right from wrong, and clean from attacked."""
    questions = list(results["scores"])
    rows = [
        [score, *(f"{results['scores'][q][score]['auroc'][0]:.3f}" for q in questions)]
        for score in results["scores"][questions[0]]
    ]
    names = {"right": "right or wrong"}
    header = ["AUROC", *(names.get(q, q.replace("clean", "clean or noise")) for q in questions)]
    return [header], rows


def table_of_gallery(results):
    """Header row and rows: the images of the gallery under weak and strong noise."""
    lines = []
    for kind, digits in results["gallery"].items():
        for row in digits:
            after = [f"{row[k]['read']} ({row[k]['ratio']})" for k in map(str, (WEAK, STRONG))]
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
    noise, pruning = results["noise"], results["pruning"]
    sparsities = results["config"]["sparsities"]
    panels = {f"pruned by {WORDS[score]}": [(sparsities, rows)] for score, rows in pruning.items()}
    examples = [{**e, "image": as_pixels(e["image"])} for e in noise["examples"]]
    figures = {
        "digits": plots.digits(as_pixels(results["digits"])),
        "noise": plots.noise_vectors(noise["vectors"], noise["success"], examples, noise["limit"]),
        "pruning": plots.accuracy_against_sparsity(panels, noise_names(results)),
        "ratio": plots.ratio_curves(results["confidence"]),
        "lowest": plots.digit_gallery(results["gallery"]["lowest"]),
        "highest": plots.digit_gallery(results["gallery"]["highest"]),
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
    """Figures and report.html beside the results.json in the folder `out`."""
    results = json.loads((out / "results.json").read_text())
    config, noise = results["config"], results["noise"]
    under_noise, confidence = table_under_noise(results), table_of_confidence(results)
    scores = table_of_scores(results)
    draw_figures(results, out)
    page = Template(TEMPLATE.read_text()).substitute(
        data={"strokes": "drawn digits", "mnist": "MNIST"}[results["data"]],
        hidden="-".join(map(str, config["network"]["hidden"])),
        steps=f"{config['network']['steps']:,}",
        l2=config["network"]["l2"],
        accuracy=f"{results['accuracy']:.2%}",
        limit=noise["limit"],
        noise_min=f"{min(noise['accuracy']):.0%}",
        noise_max=f"{max(noise['accuracy']):.0%}",
        random=f"{noise['random']:.0%}",
        digits=embedded(out / "digits.png", "twenty digits of each class"),
        noise=embedded(out / "noise.png", "ten noise vectors and images with them added"),
        pruning=embedded(out / "pruning.png", "accuracy against the fraction of weights removed"),
        ratio=embedded(out / "ratio.png", "fraction of images kept against the ratio"),
        lowest=embedded(out / "lowest.png", "nine digits of the lowest ratio"),
        highest=embedded(out / "highest.png", "nine digits of the highest ratio"),
        gallery=html_table(*table_of_gallery(results)),
        scores=html_table(*scores),
        under_noise=html_table(*under_noise),
        confidence=html_table(*confidence),
        seed=results["seed"],
        versions=", ".join(f"{name} {v}" for name, v in results["versions"].items()),
        seconds=f"{results['seconds']:.0f}",
    )
    with replace_when_done(out / "report.html") as file:
        file.write(page.encode())
    for one in (under_noise, confidence, scores):
        print("", text_table(*one), sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="that reproduce.py wrote")
    write(parser.parse_args().folder)
