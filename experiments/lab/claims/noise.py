"""First post: how noise is made, and on which network."""

import numpy as np

from lab.claims.claim import claim, networks, share_verdict, verdict
from lab.tables import percent

FIRST = "one network, classes 3 and 5, limit 0.25"
OWN = "universal noise made on the network itself, all ten classes"


def success(ways, loss, l2=0.0):
    """{step: fraction of test images read as the noise wants, after the most steps}"""
    rows, found = ways.select("Way", loss=loss, l2=l2), {}
    for step in dict.fromkeys(row["step"] for row in rows):
        some = [row for row in rows if row["step"] == step]
        last = max(row["steps"] for row in some)
        found[step] = np.mean([row["success"] for row in some if row["steps"] == last])
    return found


def steps_in_words(found):
    return ", ".join(f"{step} {percent(value)}" for step, value in found.items())


@claim(
    "noise could not be made with linear outputs and a quadratic cost",
    "noise_ways",
    "cost_or_l2",
    attacker="universal noise, four kinds of steps, quadratic cost",
    control="softmax and cross-entropy, the same steps",
    caveat=f"{FIRST}, as in the notebooks 0.35",
)
def quadratic_makes_no_noise(ways, costs):
    """Holds if with every kind of steps it succeeds half as often as cross-entropy, or less; partly
    if with some, or made as in the notebooks: their cost is a mean over the outputs too, their l2
    on the noise 0.02."""
    quadratic, other = (success(ways, loss) for loss in ("quadratic", "softmax_cross_entropy"))
    fails = [quadratic[step] <= other[step] / 2 for step in quadratic]
    as_theirs, without = (
        np.mean([row["success"] for row in costs.select("Notebook", l2=l2)])
        for l2 in costs.config["notebook_l2"]
    )
    ours = (
        f"success {steps_in_words(quadratic)} %; with cross-entropy {steps_in_words(other)} %; as "
        f"in the notebooks {percent(as_theirs)} %, without their l2 {percent(without)} %"
    )
    some = any(fails) or as_theirs <= other["plain"] / 2
    return f"{ours}; one seed", verdict(all(fails), some)


@claim(
    "it could with softmax and cross-entropy put on the trained network",
    "noise_ways",
    attacker="universal noise, four kinds of steps, cross-entropy",
    caveat=FIRST,
)
def softmax_makes_noise(ways):
    """Holds if with every kind of steps more than half of the images of other classes are read as
    the noise wants; partly if with some."""
    found = success(ways, "softmax_cross_entropy")
    works = [value > 0.5 for value in found.values()]
    return f"success {steps_in_words(found)} %; one seed", verdict(all(works), any(works))


def transferred(noise, made_on, used_on):
    (row,) = noise.select("Transfer", made_on=made_on, used_on=used_on)
    return row["accuracy"]


@claim(
    "noise of a softmax-cross-entropy network of the same shape works, to a lesser extent",
    "make_noise",
    attacker="universal noise made on the other network, limit 0.25, ten classes",
    control="its own noise; the other way round",
    caveat="one seed of each network",
)
def noise_transfers_less(noise):
    """Holds if it costs the dense and the convolutional linear-quadratic network more than ten
    points, and less than their own; partly if one of them."""
    words, is_so = [], []
    for kind in ("ann", "cnn"):
        lq, sce = f"{kind}-lq", f"{kind}-sce"
        (clean, *_) = (row["accuracy"] for row in noise.select("Clean", network=lq))
        own, other, back = (transferred(noise, *pair) for pair in ((lq, lq), (sce, lq), (lq, sce)))
        is_so.append(own < other < clean - 0.1)
        words.append(
            f"{lq} keeps {percent(other)} of {percent(clean)}, under its own {percent(own)}; "
            f"{sce} {percent(back)} under that of {lq}, under its own "
            f"{percent(transferred(noise, sce, sce))}"
        )
    return f"{'; '.join(words)}; one seed", share_verdict(is_so)


@claim(
    "noise is harder to make for linear-quadratic networks, and less effective on them",
    "make_noise",
    attacker=OWN,
    control="random signs of the same limit",
    caveat="harder: how many steps it takes; attacks on single images",
    figure="noise-limits",
)
def lq_noise_less_effective(noise):
    """Holds if at all three shown limits the linear-quadratic networks, dense and convolutional,
    keep more under their own noise, in the mean of the seeds, and under random signs too; partly
    if only under the noise."""
    limits, words, more = noise.config["shown_limits"], [], {"accuracy": [], "random": []}
    for kind in ("ann", "cnn"):
        for what, found in more.items():
            pairs = [
                [under(noise, f"{kind}-{cost}", limit, what) for cost in ("lq", "sce")]
                for limit in limits
            ]
            found += [lq.mean() > sce.mean() for lq, sce in pairs]
            cells = ", ".join(f"{percent(lq)} against {percent(sce)}" for lq, sce in pairs)
            name = {"accuracy": "own noise", "random": "random signs"}[what]
            counted = networks({f"{kind}-lq": pairs[0][0], f"{kind}-sce": pairs[0][1]})
            words.append(f"{kind}, {name}: {cells}, {counted}")
    at = ", ".join(map(str, limits))
    by_noise = all(more["accuracy"])
    return f"limits {at}: {'; '.join(words)}", verdict(by_noise and all(more["random"]), by_noise)


def under(noise, network, limit, what):
    """(seeds,): accuracy under a network's own noise, mean over the classes, or random signs."""
    rows = noise.select("OwnNoise", network=network, limit=limit)
    return np.array([np.mean(row[what]) for row in rows])
