"""The ledger: each claim and number of the posts, what was measured of it, and a verdict.

    python experiments/claims.py                    writes docs/claims.md from docs/results/*.json
    python experiments/claims.py --row steps        computes one row again, on MNIST

A row rests on the results of one or two scripts.  --row runs these on MNIST in the preset standard,
which takes what is kept in runs/ and computes the rest, for minutes or hours (their docstrings say
how long), writes their results and figures as they do themselves, and prints the row.  Benchmarks
are not run: their rows are computed from what is in docs/results.
"""

import argparse
import importlib
import json
from pathlib import Path

from lab import cache, script
from lab.claims import page

from nnlite.files import replace_when_done

PAGE = cache.ROOT / "docs" / "claims.md"


def measured(folder):
    """{script: its Results, or what a benchmark wrote} of all that have been run."""
    paths = {name: Path(folder) / f"{page.result_name(name)}.json" for name in page.SCRIPTS}
    return {name: read(path) for name, path in paths.items() if path.exists()}


def read(path):
    found = json.loads(path.read_text())
    return script.Results(**found) if "rows" in found else found


def claim_of(name):
    if name not in page.CLAIMS:
        raise ValueError(f"there is no row {name!r}; rows are {', '.join(page.CLAIMS)}")
    return page.CLAIMS[name]


def row_again(name, data, preset, runs):
    """The cells of a row, its scripts run again."""
    claim = claim_of(name)
    for study in claim.scripts:
        if not study.startswith("bench/"):
            script.report(importlib.import_module(study), data, preset, runs)
    written = measured(script.folder("mnist", "standard", docs=True))
    benchmarks = {study: found for study, found in written.items() if study.startswith("bench/")}
    return page.row(claim, benchmarks | measured(script.folder(data.name, preset)))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--row", metavar="NAME", help="computed again and printed, nothing else")
    parser.add_argument("--runs", type=Path, default=cache.RUNS, help="what is kept")
    args = parser.parse_args()
    with script.ending_well(parser):
        if args.row:
            claim_of(args.row)  # before the data are loaded
            cells = row_again(args.row, script.load("mnist"), "standard", args.runs)
            print("", *(f"{what}: {cell}" for what, cell in zip(page.HEADER, cells)), sep="\n")
            return
        text = page.write(measured(script.folder("mnist", "standard", docs=True)))
        with replace_when_done(PAGE) as file:
            file.write(text.encode())
        print(f"{PAGE} written")


if __name__ == "__main__":
    main()
