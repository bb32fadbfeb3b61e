"""The command line that the benchmarks share, and what they write down about the machine."""

import argparse
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parents[3] / "results"


def parser(doc):
    """Says with --help what the script's docstring says."""
    return argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def benchmark_parser(doc, name, rounds=3):
    """With --rounds, --threads, --out, and --only, with which a benchmark calls itself."""
    options = parser(doc)
    options.add_argument("--rounds", type=int, default=rounds, help="processes for each number")
    options.add_argument(
        "--threads", type=int, default=os.cpu_count(), help="of each process, all by default"
    )
    options.add_argument("--out", type=Path, default=RESULTS / name, help="the JSON file")
    options.add_argument("--only", nargs="+", metavar="WHAT", help="in this process")
    return options


def about(args, *packages):
    """What the numbers depend on beside the code.  Ends the script where a package is missing."""
    return {
        "processor": processor(),
        "threads": args.threads,
        "processes_each": args.rounds,
        "versions": versions("numpy", "numba", "nnlite", *packages),
    }


def processor():
    """The name of the processor, where Linux tells: "AMD EPYC, family 25, model 17".

    With its numbers, because virtual machines often leave out what follows "EPYC".
    """
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return platform.processor() or "unknown"
    facts = {
        key.strip(): value.strip()
        for key, _, value in (line.partition(":") for line in first.splitlines())
    }
    name = facts.get("model name", platform.machine())
    numbers = {"family": facts.get("cpu family"), "model": facts.get("model")}
    return ", ".join([name, *(f"{key} {number}" for key, number in numbers.items() if number)])


def caches():
    """{"L1 Data": "48K", "L2 Unified": "2048K", ...} of the first processor, where Linux tells."""
    found = {}
    for cache in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (
            (cache / name).read_text().strip() for name in ("level", "type", "size")
        )
        found[f"L{level} {kind}"] = size
    return found


def versions(*packages):
    """{package: version}, Python's among them.  Ends the script where a package is missing."""
    try:
        found = {name: version(name) for name in packages}
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is missing: pip install -e '.[bench]'")
    return found | {"python": platform.python_version()}


def finish(path, results, table):
    """Print the table of the results, and write them."""
    print(table(results))
    write_json(path, results)
    print(f"\n{results['processor']}, {results['threads']} threads.  Written: {path}")


def write_json(path, value):
    """Write `value`, whole or not at all."""
    from nnlite.files import replace_when_done  # nnlite is to weigh on no other's memory

    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_when_done(path) as file:
        file.write(json.dumps(value, indent=1).encode())
