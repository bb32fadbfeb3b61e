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
from published import ANN_NOISE, ANN_TABLE, CONFIDENCE, name_noise

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
    for sparsity, (clean, half_noisy, *published) in CONFIDENCE.items():
        here = [
            results["confidence"][f"{sparsity:.0%} pruned, noise limit {k:.2f}"] for k in limits
        ]

        def add(name, published, cells):
            rows.append([name, published, *cells])

        add(f"{sparsity:.0%} pruned: accuracy", clean, [f"{m['clean_accuracy']:.2%}" for m in here])
        noisy = [f"{m['half_noisy_accuracy']:.2%}" for m in here]
        add("accuracy, half of the images with noise", half_noisy, noisy)
        for i, (threshold, kept) in enumerate(published):
            at = [m["at"][i] for m in here]
            keep = f"{at[0]['keep']:.0%}"
            add(
                f"threshold for {keep} of the clean images",
                threshold,
                [f"{a['threshold']:.1f}" for a in at],
            )
            add("clean images kept", keep, [f"{a['clean_kept']:.1%}" for a in at])
            add("corrupted images kept", kept, [f"{a['corrupted_kept']:.1%}" for a in at])
        for group in ("clean", "corrupted"):
            share = [m["only_first_positive"][group] / max(m["images"][group], 1) for m in here]
            add(f"{group} images of infinite ratio", "", [f"{a:.1%}" for a in share])
    header = [["", "published", *("here" for _ in limits)]]
    header.append(["noise limit", *(f"{k:.2f}" for k in [max(limits), *limits])])
    return header, rows


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
        under_noise=html_table(*under_noise),
        confidence=html_table(*confidence),
        seed=results["seed"],
        versions=", ".join(f"{name} {v}" for name, v in results["versions"].items()),
        seconds=f"{results['seconds']:.0f}",
    )
    with replace_when_done(out / "report.html") as file:
        file.write(page.encode())
    print("", text_table(*under_noise), "", text_table(*confidence), sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="that reproduce.py wrote")
    write(parser.parse_args().folder)
