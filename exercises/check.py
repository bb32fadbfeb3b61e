"""Check the exercises: green if right, red with the first wrong entry and the usual reason.

    .venv/bin/python exercises/check.py                    all of them
    .venv/bin/python exercises/check.py conv_backward      one, or several

exercises/README.md says how to begin.
"""

import argparse
import importlib
import importlib.util
import os
import sys
from pathlib import Path

from checks.compare import BLANK, GREEN, RED, Verdict, describe_error, judge

FILES = {path.stem[3:]: path for path in sorted(Path(__file__).parent.glob("[0-9][0-9]_*.py"))}
COLOURS = {GREEN: 32, RED: 31, BLANK: 2}
INDENT = " " * 4


def load(path):
    """The module in a file, read anew."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def judge_exercise(exercise, module):
    """Verdict on an exercise, from its checks and from what it does in nnlite."""
    verdicts = {check.name: judge(check, exercise) for check in module.CHECKS}
    for verdict in verdicts.values():
        if verdict.state == RED:
            return verdict
    blank = [name for name, verdict in verdicts.items() if verdict.state == BLANK]
    if blank:
        begun = len(blank) < len(verdicts)
        return Verdict(BLANK, f"{', '.join(blank)}; the rest is right" if begun else "")
    return next(iter(verdicts.values()))


def use(exercise, module):
    """Verdict on what the right functions of an exercise do in nnlite."""
    if not hasattr(module, "in_use"):
        return Verdict(GREEN)
    try:
        return Verdict(GREEN, module.in_use(exercise))
    except Exception as error:
        text = describe_error(error, exercise.__file__)
        return Verdict(RED, f"Red after all: in nnlite it raises {text}.")


def report(name, colour):
    """Check an exercise and print what is to be said of it.  Returns whether something is red."""
    module = importlib.import_module(f"checks.{name}")
    try:
        exercise = load(FILES[name])
    except Exception as error:  # a slip in the syntax, say
        verdict = Verdict(RED, f"cannot be read: {describe_error(error, FILES[name])}")
    else:
        verdict = judge_exercise(exercise, module)
    state = f"{verdict.state:<13}"
    if colour:
        state = f"\033[{COLOURS[verdict.state]}m{state}\033[0m"
    print(f"{FILES[name].stem[:2]}  {name:<21}  {state}  {verdict.text}".rstrip(), flush=True)
    for note in filter(None, verdict.notes):
        print(INDENT + note)
    if verdict.state == GREEN:
        verdict = use(exercise, module)
        if verdict.text:
            print(INDENT + verdict.text)
    return verdict.state == RED


def name_of(text):
    """'conv2d' of itself, of 06_conv2d.py and of exercises/06_conv2d.py."""
    name = Path(text).stem.lstrip("0123456789_")
    if name not in FILES:
        raise argparse.ArgumentTypeError(f"there is no {text!r}; there are {', '.join(FILES)}")
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "name", nargs="*", type=name_of, help="of an exercise; all if none is given"
    )
    names = parser.parse_args().name or FILES
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    reds = [report(name, colour) for name in names]
    sys.exit(any(reds))


if __name__ == "__main__":
    main()
