"""All benchmarks, one after the other, and which goals they reach on this machine.

    pip install -e '.[bench]'
    python experiments/bench/everything.py                     an hour and a half; leave it alone
    python experiments/bench/everything.py product noise       these, the others as they were found
    python experiments/bench/everything.py --compare a.json b.json      machines side by side

Prints the tables of product.py, training.py, noise.py, sparse.py and growth.py, the processor, its
caches and limits, and each goal with what was found (shared/goals.py).  Writes all to one file
with the name of the processor, in results/bench/.  --compare reads such files and prints tables in
Markdown, with a column for each machine.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from shared import goals, script, timing

PACKAGES = ("scipy", "torch", "jax", "onnx", "onnxruntime", "openvino")
BENCHMARKS = ("product", "training", "noise", "sparse", "growth")


def run(name, args):
    """The results of a benchmark, which prints its table itself."""
    path = Path(__file__).with_name(f"{name}.py")
    rounds = ["--rounds", str(args.rounds)] if args.rounds else []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"{name}.json"
        options = ["--threads", str(args.threads), "--out", str(out)]
        subprocess.run([sys.executable, str(path), *options, *rounds], check=True)
        return json.loads(out.read_text())


def machine_with(benchmarks, threads):
    """What is written: the machine, and the results of the benchmarks."""
    return {
        "processor": script.processor(),
        "threads": threads,
        "caches": script.caches(),
        "benchmarks": benchmarks,
    }


def file_name(processor):
    """The processor's name in small letters: amd-epyc-family-25-model-17.json."""
    return re.sub("[^a-z0-9]+", "-", processor.lower()).strip("-") + ".json"


def table(machine):
    """Lines of text: the machine, and each goal with what was found."""
    lines = ["", *(f"{fact}: {value}" for fact, value in facts(machine).items())]
    lines.append(f"\n{'':28}{'':46}{'found':>8}{'floor':>8}{'aim':>8}  reached")
    for goal in goals.GOALS:
        row = goals.reached(goal, machine["benchmarks"])
        numbers = "".join(f"{number(row[key]):>8}" for key in ("ratio", "floor", "aim"))
        lines.append(f"{row['work']:28}{row['found']:46}{numbers}  {row['reached']}")
        if row["case"]:
            lines[-1] += f" ({row['case']})"
    return "\n".join(lines)


def facts(machine):
    """{what: text} of a machine: processor, threads, caches, limits."""
    found = {"processor": machine["processor"], "threads": machine["threads"], **machine["caches"]}
    every = [results["limits"] for results in machine["benchmarks"].values() if "limits" in results]
    if every:
        limits = timing.highest(every)
        found["GFLOP/s in registers"] = f"{limits['gflops']:.0f}"
        for kb, rate in limits["gb_per_second"].items():
            found[f"GB/s, {kb} kB for each thread"] = f"{rate:.0f}"
    return found


def number(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def side_by_side(machines):
    """Tables in Markdown of what everything.py wrote on several machines, a column for each."""
    columns = [facts(machine) for machine in machines]
    names = [column.pop("processor") for column in columns]
    every = list(dict.fromkeys(fact for column in columns for fact in column))
    parts = [markdown(["", *names], [[f, *(c.get(f, "-") for c in columns)] for f in every])]
    rows = []
    for goal in goals.GOALS:
        same = [goals.reached(goal, machine["benchmarks"]) for machine in machines]
        found = [f"{number(row['ratio'])} ({row['reached']})" for row in same]
        rows.append([goal.work, goal.found, goal.floor, goal.aim, *found])
    parts.append(markdown(["work", "what is compared", "floor", "aim", *names], rows))
    for benchmark in BENCHMARKS:
        times = [medians(machine["benchmarks"].get(benchmark)) for machine in machines]
        every = list(dict.fromkeys(pair for each in times for pair in each))
        rows = [[*pair, *(number(each.get(pair), 3) for each in times)] for pair in every]
        parts.append(markdown([f"{benchmark}, ms", "", *names], rows))
    return "\n\n".join(parts)


def medians(results):
    """{(case, candidate): milliseconds} of a benchmark's results; {} of None."""
    return {
        (case, candidate): row["median_ms"]
        for case, rows in (results or {"cases": {}})["cases"].items()
        for candidate, row in rows.items()
        if "median_ms" in row
    }


def markdown(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def main():
    parser = script.parser(__doc__)
    parser.add_argument(
        "benchmarks",
        nargs="*",
        default=BENCHMARKS,
        metavar="BENCHMARK",
        help=f"of {', '.join(BENCHMARKS)}; all by default",
    )
    parser.add_argument("--rounds", type=int, help="processes for each number")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="all by default")
    parser.add_argument("--out", type=Path, default=script.RESULTS / "bench", help="a folder")
    parser.add_argument(
        "--compare", nargs="+", type=Path, metavar="FILE", help="print these side by side"
    )
    args = parser.parse_args()
    if args.compare:
        print(side_by_side([json.loads(path.read_text()) for path in args.compare]))
        return
    if unknown := set(args.benchmarks) - set(BENCHMARKS):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    script.versions(*PACKAGES)  # or one that is missing would show after an hour
    path = args.out / file_name(script.processor())
    known = json.loads(path.read_text()) if path.exists() else machine_with({}, args.threads)
    if known["threads"] != args.threads:
        parser.error(f"{path} is about {known['threads']} threads: give another folder with --out")
    found = known["benchmarks"]
    for name in args.benchmarks:
        found[name] = run(name, args)
        script.write_json(path, machine_with(found, args.threads))  # the next one may fail
    print(table(machine_with(found, args.threads)))
    print(f"\nWritten: {path}")


if __name__ == "__main__":
    main()
