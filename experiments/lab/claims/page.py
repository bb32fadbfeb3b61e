"""The ledger as a page in Markdown: docs/claims.md."""

from lab.claims import (
    attackers,
    best,
    confident,
    convolutional,
    costs,
    decoupled,
    dense,
    images,
    later,
    layers,
    noise,
    outputs,
    ratio,
    separation,
    training,
)
from lab.claims.claim import FAILS, HOLDS, PARTLY, PENDING, UNTESTABLE, claims_of
from lab.claims.sentences import SENTENCES
from lab.tables import markdown

SECTIONS = {
    "Post one: networks and costs": training,
    "Post one: making noise": noise,
    "Both posts: the cost, or the l2 beside it?": costs,
    "Post one: sparse products, decoupled convolutions": decoupled,
    "Post one: the dense network pruned": dense,
    "Post one: best performance": best,
    "Post one: layers one at a time": layers,
    "Post one: the dense layers of the convolutional network": convolutional,
    "Post one: attackers who know, and other kinds of noise": attackers,
    "Post two: the numbers of the ratio": ratio,
    "Post two: what the ratio separates": separation,
    "Post two: what changes the picture, and who aims at it": confident,
    "Post two: which images are easily attacked": images,
    "Post two: the outputs": outputs,
    "The author's later figures": later,
}
CLAIMS = {claim.name: claim for module in SECTIONS.values() for claim in claims_of(module)}
SCRIPTS = {script for claim in CLAIMS.values() for script in claim.scripts}

HEADER = ["--row", "the post says", "here", "under which conditions", "verdict", "figure, scripts"]


def result_name(script):
    """The name of a script's file of results: "prune_ann" -> "prune-ann"."""
    return script.replace("_", "-").replace("/", "-")


def row(claim, results):
    """The cells of a claim."""
    ours, verdict = claim.decide(results)
    see = [f"[figure](results/{claim.figure}.png)"] if claim.figure and verdict else []
    see += [f"[{name}.py](../experiments/{name}.py)" for name in claim.scripts]
    decided = f"**{verdict}**" if verdict else "none yet"
    return [
        f"`{claim.name}`",
        claim.says,
        ours,
        conditions(claim),
        f"{decided}. {claim.rule}",
        ", ".join(see),
    ]


def conditions(claim):
    """What images suffered, what was compared, and what to mind."""
    each = {
        "attacker": claim.attacker or "none",
        "control": claim.control,
        "caveat": claim.caveat,
    }
    return "; ".join(f"*{what}:* {words}" for what, words in each.items() if words)


def counted(claims, results):
    """ "holds: 12, ..." of all verdicts."""
    verdicts = [claim.decide(results)[1] or PENDING for claim in claims]
    kinds = (HOLDS, PARTLY, FAILS, UNTESTABLE, PENDING)
    return ", ".join(f"{kind}: {verdicts.count(kind)}" for kind in kinds)


INTRODUCTION = """# The ledger

Each claim and each number of the two posts, and what was measured of it. Written by

    .venv/bin/python experiments/claims.py

from [`results/`](results); nothing in it was typed. One row is computed again by

    .venv/bin/python experiments/claims.py --row NAME

with the scripts that it rests on. A verdict follows from the numbers by the rule beside it; the
code of both is in [`lab/claims/`](../experiments/lab/claims), in the function of the row's name,
with _ for -; its numbers are in the file of its script in [`results/`](results), `noise-anew.json`
for `noise_anew.py`. It is about MNIST, the networks of
[`train.py`](../experiments/train.py), the seeds in the row and its attacker alone. Of several
seeds a row has the mean and in brackets the range, of one network's accuracy the 95 % interval that
10,000 images allow. Rows that begin with *(ours)* ask what the posts do not. What the posts and we
define differently: [the first](post-1-pruning.md), [the second](post-2-outputs.md).

*Replayed*: made for the unpruned network and added to the images of the pruned one, whose attacker
knows nothing of it. *Points*: of accuracy, unless named otherwise. *At 98.0 %*: at the highest
sparsity that keeps 98.0 % of the validation images right. Within 5 points is near for accuracies
under noise, within 0.2 for those without."""


def write(results):
    """The whole page, a text."""
    said = [f"{i}. {s.checked(CLAIMS, results)}" for i, s in enumerate(SENTENCES, start=1)]
    blocks = [INTRODUCTION, "## In ten sentences", "\n".join(said)]
    blocks += ["## How many", counted(CLAIMS.values(), results)]
    for title, module in SECTIONS.items():
        rows = [row(claim, results) for claim in claims_of(module)]
        blocks += [f"## {title}", markdown(HEADER, rows)]
    return "\n\n".join(blocks) + "\n"
