"""The ledger as a page in Markdown: docs/claims.md."""

from lab.claims import best, dense
from lab.claims.claim import FAILS, HOLDS, PARTLY, PENDING, UNTESTABLE, claims_of

SECTIONS = {
    "Post one: the dense network pruned": dense,
    "Post one: best performance": best,
}
CLAIMS = {claim.name: claim for module in SECTIONS.values() for claim in claims_of(module)}
SCRIPTS = {script for claim in CLAIMS.values() for script in claim.scripts}

HEADER = [
    "row",
    "the post says",
    "here",
    "attacked by; compared with; not covered",
    "verdict",
    "see",
]


def result_name(script):
    """The name of a script's file of results: "prune_ann" -> "prune-ann"."""
    return script.replace("_", "-").replace("/", "-")


def row(claim, results):
    """The cells of a claim."""
    ours, verdict = claim.decide(results)
    seen = [claim.attacker, claim.control, claim.leaves_open and f"not: {claim.leaves_open}"]
    see = [f"[figure](results/{claim.figure}.png)"] if claim.figure else []
    see += [f"[{name}.py](../experiments/{name}.py)" for name in claim.scripts]
    decided = f"**{verdict}** ({claim.rule})" if verdict else f"none yet ({claim.rule})"
    cells = [f"`{claim.name}`", claim.says, ours, "; ".join(filter(None, seen)), decided]
    return [*cells, ", ".join(see)]


def counted(claims, results):
    """ "12 hold, ..." of all verdicts."""
    verdicts = [claim.decide(results)[1] or PENDING for claim in claims]
    kinds = (HOLDS, PARTLY, FAILS, UNTESTABLE, PENDING)
    return ", ".join(f"{kind}: {verdicts.count(kind)}" for kind in kinds)
