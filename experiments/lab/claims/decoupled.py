"""First post: convolutions written out as sparse matrices, pruned, and how fast they are."""

import numpy as np

from lab.claims.claim import REPLAYED, claim, verdict
from lab.claims.pruned import sparsities
from lab.tables import WORDS, percent

AT_ALL = 0.98  # accuracy of the pruned dense network, which the post compares with
NON_ZEROS = (348_684, 3_232_080, 2_521_500, 3_361_920)  # of its four convolutions [notebook]
SECONDS = 9.98  # for 1000 images [notebook]
RANDOM = "weights and zeros at random, two cores"
SHARES = (0.8, 0.9, 0.95)


def decoupled(study, score, head="whole"):
    """(sparsities, (points, 9)): all convolutions, from the unpruned ones on."""
    rows = [*study.select("Pruned", score=None), *study.select("Pruned", score=score, layer=None)]
    return [row["sparsity"] for row in rows], np.array([row["accuracy"][head] for row in rows])


def at_98(study, score):
    """(sparsity, cost, gain) at the highest sparsity that leaves 98.0 % on test images."""
    grid, points = decoupled(study, score)
    k = max(i for i, accuracy in enumerate(points[:, 0]) if accuracy >= AT_ALL)
    return grid[k], points[0, 0] - points[k, 0], (points[k] - points[0])[1:].mean()


@claim(
    "decoupled convolutions: small increases in robustness",
    "prune_decoupled",
    "one_convolution",
    attacker=f"{REPLAYED}; of the first convolution of a network trained for longer, made anew",
    control="as many weights at random; the same pixels at zero",
    caveat="sparsities are read off test curves, in steps of 0.1; one seed",
    figure="prune-decoupled-mean-activation",
)
def decoupled_gains(study, single):
    """Holds if with whole dense layers, where 98.0 % is left on test images, the mean of the
    vectors gains a point by either score and random pruning does not; partly if by one score."""
    found = {score: at_98(study, score) for score in ("mean_activation", "magnitude", "random")}
    words = [
        f"{WORDS[score]} {100 * gain:+.1f} points with {100 * sparsity:.0f} % removed for "
        f"{100 * cost:.1f} points"
        for score, (sparsity, cost, gain) in found.items()
    ]
    gains = [gain > 0.01 for _, _, gain in found.values()]
    return f"{'; '.join(words)}; {first_alone(single)}; one seed", verdict(
        all(gains[:2]) and not gains[2], any(gains[:2]) and not gains[2]
    )


def first_alone(single):
    """What pruning the first convolution alone gains, and the pixels that this disconnects."""
    (whole,) = single.select("Attacked", sparsity=0.0)
    sparsity, *_ = single.config["attacked_sparsities"]
    gains = {
        row["form"]: 100 * (np.mean(row["anew"]) - np.mean(whole["anew"]))
        for row in single.select("Attacked", sparsity=sparsity)
    }
    steps = single.config["network"]["steps"]
    return (
        f"after {steps:,} steps the first alone {gains['pruned']:+.1f} with "
        f"{100 * sparsity:.0f} % removed, the pixels that this disconnects at zero "
        f"{gains['pixels at 0']:+.1f}"
    )


@claim(
    "accuracy drops at about the same point as in the dense network",
    "prune_decoupled",
    "prune_ann",
    caveat="sparsities are read off test curves, in steps of 0.1; one seed; the post may mean "
    "that as much accuracy is lost",
    figure="prune-decoupled-magnitude",
)
def decoupled_drop(study, ann):
    """Holds if by either score 98.0 % is left within 10 points of the dense network's sparsity;
    partly if by one."""
    words, near = [], []
    for score in ("mean_activation", "magnitude"):
        sparsity, _, _ = at_98(study, score)
        dense = sparsities(ann, score)
        near.append(abs(sparsity - np.mean(dense)) <= 0.1)
        words.append(f"{WORDS[score]} {100 * sparsity:.0f} % against {percent(dense)}")
    return f"98.0 % is left at {'; '.join(words)}", verdict(all(near), any(near))


@claim(
    "9.46 million non-zeros in the four convolutions [notebook]",
    "prune_decoupled",
    caveat="the notebook's are fewer where weights were exactly zero",
)
def non_zeros(study):
    """Holds if ours are within one percent."""
    (row,) = study.select("Pruned", score=None)
    ours, published = row["non_zeros"], sum(NON_ZEROS)
    return f"{ours / 1e6:.2f} million, one seed", verdict(abs(ours / published - 1) <= 0.01)


@claim(
    "it runs too slowly to make plots from; 9.98 s for 1000 images [notebook]",
    "prune_decoupled",
    "bench/sparse",
    control="SciPy's @, random weights",
    caveat="the author's machine is another one; a quarter of the time is reached only where "
    "accuracy is lost",
    figure="prune-decoupled-time",
)
def too_slow(study, bench):
    """Does not hold if 1000 images take less than a second; holds if more than five."""
    ms = {
        r["sparsity"]: 1000 * r["seconds"] for r in study.select("Timed", score="mean_activation")
    }
    lossy, points = decoupled(study, "mean_activation", "pruned")
    half, most = (points[lossy.index(s), 0] for s in (0.5, 0.8))
    shared = bench["cases"]["cnn, dense layers pruned, batch 1000"]
    other, scipy = (shared[name]["median_ms"] for name in ("nnlite", "SciPy"))
    ours = (
        f"{ms[0.0]:.0f} ms decoupled, {ms[0.5]:.0f} with half removed ({percent(half)} % right), "
        f"{ms[0.8]:.0f} with 80 % ({percent(most)} %); not decoupled {other:.1f}; "
        f"SciPy {scipy / 1000:.2f} s; one network"
    )
    return ours, verdict(ms[0.0] > 5000, ms[0.0] > 1000)


def scipy_ms(bench, share):
    case = bench["cases"][f"ann, {100 * share:.0f} % zeros, batch 1000"]
    return case["SciPy"]["median_ms"], case["NumPy dense"]["median_ms"], case["nnlite"]["median_ms"]


@claim(
    "the speed of sparse products is directly proportional to the number of entries",
    "bench/sparse",
    control="our own product",
    caveat=f"{RANDOM}; fewer than 5 % non-zeros",
    figure="bench-sparse",
)
def speed_in_proportion(bench):
    """Holds if SciPy's time for each non-zero, the dense network at 80, 90 and 95 % zeros, 1000
    images, varies by less than a fifth; partly if by less than half."""
    each = {share: scipy_ms(bench, share) for share in SHARES}
    per_entry = [ms[0] / (1 - share) for share, ms in each.items()]
    own = [ms[2] / (1 - share) for share, ms in each.items()]
    spread = max(per_entry) / min(per_entry)
    times = ", ".join(f"{ms[0]:.1f}" for ms in each.values())
    ours = (
        f"SciPy {times} ms: time for each entry varies by a factor of {spread:.2f}; ours by "
        f"{max(own) / min(own):.2f}"
    )
    return ours, verdict(spread < 1.2, spread < 1.5)


@claim(
    "so pruning has a real speed advantage",
    "bench/sparse",
    control="NumPy's dense product (OpenBLAS, two threads; SciPy has one)",
    caveat=f"{RANDOM}; graphics cards",
    figure="bench-sparse",
)
def speed_advantage(bench):
    """Holds if the post's operator, SciPy's @, is faster than the dense product at 80, 90 and 95 %
    zeros, 1000 images; partly if at some, or if a product made for it is at all."""
    each = [scipy_ms(bench, share) for share in SHARES]
    scipy = [dense / sparse for sparse, dense, _ in each]
    own = [dense / ours for _, dense, ours in each]
    ours = (
        f"SciPy {', '.join(f'{x:.1f}' for x in scipy)} times as fast as dense, ours "
        f"{', '.join(f'{x:.1f}' for x in own)}"
    )
    return ours, verdict(min(scipy) > 1, max(scipy) > 1 or min(own) > 1)
