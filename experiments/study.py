"""What the scripts about one post share: their options, noisy images, and how they end.

Each such script has

    run(data, preset, runs, say) -> results    a dict that JSON can hold
    table(results) -> text                     published / here
    draw(results, out)                         figures, from the results alone

and `main` runs them in this order.
"""

import argparse
import itertools
import json
import sys
from pathlib import Path

import kept
import numpy as np
import train

import nnlite
from nnlite.noise import add_noise

ANN_SEEDS = (0, 1, 2)


def main(name, script):
    """Run `script`, a module, as its command line says; results go to <name>.json."""
    parser = argparse.ArgumentParser(
        description=script.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", choices=["strokes", "mnist"], default="strokes")
    parser.add_argument("--preset", choices=["quick", "standard"], default="quick")
    parser.add_argument("--table", action="store_true", help="from the file, nothing is computed")
    args = parser.parse_args()
    try:
        if args.table:
            show(name, script, folder(args.data, args.preset))
        else:
            report(name, script, nnlite.data.load(args.data), args.preset)
    except (OSError, ValueError, FloatingPointError) as error:
        sys.exit(f"{parser.prog}: {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.  The same command goes on from here")


def report(name, script, data, preset, runs=kept.RUNS, say=print):
    """Run a script, write its results and show them."""
    out = folder(data.name, preset)
    out.mkdir(parents=True, exist_ok=True)
    about = {"data": data.name, "preset": preset, "versions": kept.versions()}
    kept.write_json(out / f"{name}.json", about | script.run(data, preset, runs, say))
    show(name, script, out)


def show(name, script, out):
    """The figures and the table of results that were written."""
    results = json.loads((out / f"{name}.json").read_text())
    script.draw(results, out)
    print(script.table(results))


def folder(data, preset):
    """Where results and figures go: those of the whole study belong to the docs."""
    whole = (data, preset) == ("mnist", "standard")
    return Path("docs/results") if whole else Path("results") / f"{data}-{preset}"


def network(name, preset, seed, data, runs, say):
    """(model, what is known of it) of train.MODELS, trained if it is not in `runs`."""
    return train.trained(train.preset(name, preset), data, seed, f"{name}-{preset}", runs, say)


def made_by(about):
    """Of what train.trained knows of a model, that which made it."""
    return {key: about[key] for key in ("data", "seed", "config", "recipe")}


def noisy_sets(images, bank, pairs):
    """The images themselves, then with the noise of each (target, limit) added."""
    return [images, *(add_noise(images, bank[pair]) for pair in pairs)]


def accuracies(model, image_sets, labels):
    return [nnlite.accuracy(model, images, labels) for images in image_sets]


def under_noise(model, images, labels, target, noise):
    """accuracy, and success: the fraction of images of other classes that are read as `target`."""
    read = model.predict(add_noise(images, noise)).argmax(axis=1)
    return {
        "accuracy": np.mean(read == labels),
        "success": np.mean(read[labels != target] == target),
    }


def largest_step(curve, spacing, up_to=0.8):
    """ "4.8 to 0.79": the most points that any vector gains in one step of a curve.

    curve   {sparsity: row with "accuracy", the first without noise}, ascending
    Steps of another size than `spacing` do not count.
    """
    rises = {
        high: np.subtract(curve[high]["accuracy"], curve[low]["accuracy"])[1:].max()
        for low, high in itertools.pairwise(curve)
        if np.isclose(float(high) - float(low), spacing) and float(high) <= up_to
    }
    highest = max(rises, key=rises.get, default=None)
    return f"{100 * rises[highest]:.1f} to {highest}" if rises else "-"


def markdown(header, rows):
    """A table in Markdown; cells are texts."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def percent(values, digits=1):
    """One value as "98.5"; of several the mean and the range, "98.5 (98.4 to 98.6)"."""
    values = 100 * np.atleast_1d(values)
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{values.mean():.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f})"
