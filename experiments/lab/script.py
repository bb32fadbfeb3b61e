"""What every script about a post does: read options, compute rows, write them, show them.

Such a script is a module with

    Config, PRESETS     all that its rows depend on beside data and seed; {"quick": Config, ...}
    SEEDS               {"quick": (0,), ...}, the seeds of the networks
    needs(cfg, seeds)   the networks and noise that are made first, as rows
    rows(cfg, seeds)    what is computed: rows, see lab/tasks.py, in the order of the results
    table(results)      text, published / here
    draw(results, out)  figures, if any, written to the folder `out`

`table` and `draw` see nothing but the Results that were written.  A row whose class says
`kept = False` measures time: it is computed in every run, alone, after the others.
"""

import argparse
import contextlib
import dataclasses
import importlib
import json
import logging
import reprlib
import signal
import sys
from pathlib import Path

from tqdm import tqdm

import nnlite
from lab import cache, tasks
from nnlite.checks import check_count

log = logging.getLogger("lab")

PRESET_HELP = (
    "quick (default): small networks, from a minute to a quarter of an hour; "
    "standard: the posts' networks"
)
DOCS_HELP = "write to docs/results/, which is part of the repository, instead of results/"
SEEDS_HELP = "take networks of the seeds 0 to N-1"


@dataclasses.dataclass(frozen=True)
class Results:
    """What a script found, as its JSON file holds it."""

    data: str  # name of the data set
    preset: str
    seeds: list
    config: dict  # the fields of the script's Config
    versions: dict
    rows: list  # a dict for each row: "kind" (its class), its fields, what it computed

    def select(self, kind, **fields):
        """The rows of a class, or of the class of that name, that have these values in these
        fields."""
        name = kind if isinstance(kind, str) else kind.__name__
        wanted = {"kind": name, **cache.plain(fields)}
        return [row for row in self.rows if all(row[key] == wanted[key] for key in wanted)]


def main(name):
    """Run the script called `name` as its command line says.

    It is imported by its name, so that other processes find what they are to compute.
    """
    script = importlib.import_module(name)
    parser = argparse.ArgumentParser(
        description=script.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    parser.add_argument("--preset", choices=list(script.PRESETS), default="quick", help=PRESET_HELP)
    parser.add_argument("--seeds", type=int, metavar="N", help=SEEDS_HELP)
    add_ways(parser)
    parser.add_argument(
        "--table", action="store_true", help="show what was written before, compute nothing"
    )
    parser.add_argument(
        "--so-far", action="store_true", help="write and show the rows that are done, in --runs"
    )
    parser.add_argument("--docs", action="store_true", help=DOCS_HELP)
    args = parser.parse_args()
    with ending_well(parser):
        seeds = seeds_given(args)
        if args.docs and args.so_far:
            raise ValueError("--docs takes all rows of a study, not those that are done --so-far")
        source = data_source(args.data)
        if args.table:
            show(script, folder(Path(source).name, args.preset, seeds, args.docs))
            return
        compute = None if args.so_far else way(source, args)
        options = {"seeds": seeds, "compute": compute, "docs": args.docs}
        report(script, load(source), args.preset, args.runs, **options)


def seeds_given(args):
    """The seeds of --seeds, or None."""
    return None if args.seeds is None else range(check_count("--seeds", args.seeds))


def add_options(parser):
    """The options of every script that computes something."""
    parser.add_argument(
        "--data", default="strokes", help="strokes (default), mnist, or a folder of IDX files"
    )
    parser.add_argument(
        "--runs",
        type=Path,
        default=cache.RUNS,
        help=f"folder of networks, noise and rows that are kept, {cache.RUNS} by default",
    )


def add_ways(parser, workers=1):
    """The options of `way`, with so many processes by default."""
    parser.add_argument(
        "--workers",
        type=int,
        default=workers,
        metavar="N",
        help=f"compute rows in N processes, {workers} by default",
    )
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="compute rows on the cluster with this scheduler"
    )


def load(source):
    """The data set of that name or folder; ValueError unless it is like the posts'."""
    data = nnlite.data.load(source)
    if (data.image_shape, data.n_classes) != ((28, 28, 1), 10):
        raise ValueError(
            f"{source} has images of shape {data.image_shape} and {data.n_classes} classes; what "
            f"is compared with the posts takes (28, 28, 1) and 10, as MNIST and Fashion-MNIST have"
        )
    return data


def data_source(name):
    """The name of a data set, or the absolute path of a folder."""
    if name in ("strokes", "mnist"):
        return name
    path = Path(name).expanduser().resolve()
    if path.name in ("strokes", "mnist"):  # results have the folder's name
        raise ValueError(
            f"{path} would be taken for nnlite's own {path.name}; give the folder another name, "
            f"or for the original MNIST set NNLITE_DATA to it and pass --data mnist"
        )
    return str(path)


def way(source, args):
    """A function (rows, cfg, data, runs) that yields (row, result), as the options say."""
    workers = check_count("--workers", args.workers)
    if args.dask:
        return lambda rows, cfg, data, runs: tasks.on_cluster(rows, cfg, source, runs, args.dask)
    if workers > 1:
        return lambda rows, cfg, data, runs: tasks.in_processes(rows, cfg, source, runs, workers)
    return tasks.here


@contextlib.contextmanager
def ending_well(parser):
    """Inside the `with`, what a user can mend, Ctrl-C and SIGTERM end the script in one line."""
    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    log.setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a KeyboardInterrupt, too
    try:
        yield
    except (OSError, ValueError, RuntimeError, FloatingPointError) as error:
        sys.exit(f"{parser.prog}: {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.  The same command goes on from here")


def report(script, data, preset, runs, *, seeds=None, compute=tasks.here, docs=False):
    """Run a script, write its results and show them."""
    out = folder(data.name, preset, seeds, docs)
    out.mkdir(parents=True, exist_ok=True)
    results = run(script, data, preset, runs, seeds=seeds, compute=compute)
    path = out / f"{name_of(script)}.json"
    say_what_changed(path, results.config)
    cache.write_json(path, results)
    try:
        show(script, out)
        log.info(f"Written: {path}, and the figures beside it")
    except (LookupError, ValueError):
        if compute is not None:
            raise
        print(f"{len(results.rows)} rows are written to {path}; its table needs more of them")


def say_what_changed(path, config):
    """Print how the config of results that are about to be replaced differs from the new one."""
    before = json.loads(path.read_text())["config"] if path.exists() else config
    for field in sorted(config.keys() | before.keys()):
        old, new = (reprlib.repr(each.get(field)) for each in (before, config))
        if before.get(field) != config.get(field):
            log.info(f"{path} is replaced: {field} was {old}, and is {new}")


def run(script, data, preset, runs, *, seeds=None, compute=tasks.here):
    """Compute the rows of a script that are not in `runs`, and return the Results.

    seeds     those of the preset by default
    compute   a function of lab.tasks that takes (rows, cfg, data, runs); None: the rows that are
              in `runs` are all there is
    """
    cfg, seeds = script.PRESETS[preset], list(seeds or script.SEEDS[preset])
    kept = cache.Rows(runs, f"{data.name}-{name_of(script)}", made_by(cfg, data))
    rows = list(dict.fromkeys(script.rows(cfg, seeds)))
    if compute is None:
        rows = [row for row in rows if row in kept]
        if not rows:
            raise FileNotFoundError(f"{runs} has no row of {name_of(script)} at these options yet")
    missing = [row for row in rows if row.kept and row not in kept]
    if len(missing) < len(rows):
        log.info(
            f"{len(rows) - len(missing)} of {len(rows)} rows are in {runs}; if you edited what "
            f"computes them, give another --runs"
        )
    if missing and compute is not tasks.here:  # else no row would wait for another's network
        made = compute(script.needs(cfg, seeds), cfg, data, runs)
        for _ in tqdm(made, "networks and noise", disable=None):
            pass
    with tqdm(total=len(missing), desc=name_of(script), unit="row", disable=None) as bar:
        for row, result in compute(missing, cfg, data, runs) if missing else ():
            kept[row] = result
            bar.update()
    timed = dict(tasks.here([row for row in rows if not row.kept], cfg, data, runs))
    found = {row: kept[row] if row.kept else cache.plain(timed[row]) for row in rows}
    records = [record(row, result) for row, result in found.items() if result is not None]
    return Results(data.name, preset, seeds, cache.plain(cfg), cache.versions(), records)


def made_by(cfg, data):
    """What all rows of a script depend on."""
    return {"data": data.digest, "config": cfg}


def record(row, result):
    """A row and its result as one dict."""
    return {"kind": type(row).__name__, **cache.plain(row), **result}


def show(script, out):
    """Draw the figures and print the table of the results that were written."""
    path = out / f"{name_of(script)}.json"
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}; run the script without --table first")
    results = Results(**json.loads(path.read_text()))
    script.draw(results, out)
    print(script.table(results))


def name_of(script):
    return script.__name__.replace("_", "-")


def folder(data, preset, seeds=None, docs=False):
    """Where results and figures go; with docs=True those of the whole study go to the docs."""
    if docs and (data, preset, seeds) != ("mnist", "standard", None):
        raise ValueError("--docs takes --data mnist --preset standard, and no --seeds")
    if docs:
        return cache.ROOT / "docs" / "results"
    return cache.ROOT / "results" / (f"{data}-{preset}" + (f"-{len(seeds)}-seeds" if seeds else ""))
