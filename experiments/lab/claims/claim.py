"""A claim of the posts, and the rule by which measured numbers decide on it.

    @claim("noise helps: +3", "some_script", attacker="...")
    def noise_helps(results):
        "Holds if every seed gains."
        gains = [row["gain"] for row in results.select("Row")]
        return of_seeds(gains), verdict(min(gains) > 0, np.mean(gains) > 0)

The name of the function, with hyphens, is that of the row; its docstring, the rule, is printed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lab.tables import percent

HOLDS, PARTLY, FAILS = "holds", "holds partly", "does not hold"
UNTESTABLE, PENDING = "cannot be tested", "not computed yet"
OPTIONS = "--data mnist --preset standard"  # of the scripts whose results docs/results holds

# How near is near: of accuracies under noise and of what thresholds keep, and of accuracies
# without noise.
NEAR, NEAR_CLEAN = 0.05, 0.002

# Attackers, in the words of the ledger.
REPLAYED = "the eight universal vectors, replayed; not made anew, nor for single images"
HALF = "universal noise of a random other class on half of the images, replayed"


@dataclass(frozen=True)
class Claim:
    """A row of the ledger."""

    name: str  # such as "noise-helps"
    says: str  # what the post says, in a few words, with its number
    scripts: tuple  # names of those whose results decide, such as "prune_ann"
    judge: Callable  # takes the results of each; returns (ours, verdict), both texts
    attacker: str  # what the images suffered
    control: str  # what it was compared with
    caveat: str  # what the verdict does not cover, and what to mind
    figure: str  # name of a file in docs/results, without suffix

    @property
    def rule(self):
        return " ".join(self.judge.__doc__.split())

    def decide(self, results):
        """(ours, verdict), from {script: its results}; nothing while some are missing."""
        missing = [name for name in self.scripts if name not in results]
        if missing:
            options = {name: "" if name.startswith("bench/") else f" {OPTIONS}" for name in missing}
            commands = (f"`experiments/{name}.py{given}`" for name, given in options.items())
            return f"{PENDING}: {', '.join(commands)}", ""
        return self.judge(*(results[name] for name in self.scripts))


def claim(says, *scripts, attacker="", control="", caveat="", figure=""):
    """A decorator that makes a Claim of its judge."""

    def decorate(judge):
        name = judge.__name__.replace("_", "-")
        return Claim(name, says, scripts, judge, attacker, control, caveat, figure)

    return decorate


def claims_of(module):
    """The claims that a module defines, in order."""
    return [value for value in vars(module).values() if isinstance(value, Claim)]


# What judges say


def verdict(holds, partly=False):
    return HOLDS if holds else PARTLY if partly else FAILS


def share_verdict(is_so):
    """Of several cases: holds if all are so, partly if at least half are."""
    return verdict(np.all(is_so), np.mean(is_so) >= 0.5)


def near_verdict(ours, published, near=NEAR):
    """Of one number: holds if it is near, partly if it is no more than twice as far."""
    distance = abs(np.mean(ours) - published)
    return verdict(distance <= near, distance <= 2 * near)


def of_seeds(values, digits=1):
    """ "16.5 (15.2 to 18.0), 3 seeds": fractions as percent, or differences as points."""
    return f"{percent(values, digits)}, {count_seeds(values)}"


def except_for(names):
    """ "; not class 3 ...; class 5 ...", or nothing where there are none."""
    return f"; not {'; '.join(names)}" if names else ""


def signed(points):
    """ "+4.5, -0.3": differences of fractions, in points."""
    return ", ".join(f"{100 * value:+.1f}" for value in points)


def count_seeds(values):
    n = len(values)
    return "one seed" if n == 1 else f"{n} seeds"


def networks(of):
    """ "3 ann-lq, 1 cnn-sce": how many there are of each, {title: values of its seeds}."""
    return ", ".join(f"{len(values)} {title}" for title, values in of.items())


def accuracy(values, digits=1, images=10_000):
    """The same of accuracies; of one seed with the 95 % interval that so many images allow."""
    if np.size(values) > 1:
        return of_seeds(values, digits)
    p = float(np.ravel(values)[0])
    half = 1.96 * np.sqrt(p * (1 - p) / images)
    return f"{percent(p, digits)} ± {100 * half:.{digits}f}, one seed"
