"""Second post: the range of the outputs, and what the ratio costs."""

import numpy as np

from lab.claims.claim import HALF, NEAR, claim, networks, of_seeds, share_verdict, verdict
from lab.claims.curves import auroc
from lab.published import CORRUPTED_OUTSIDE
from lab.tables import percent

AT_035 = f"{HALF}, limit 0.35"
CURVES = "output-range-curves"
AIMED = "noise made to stay inside: see confidence-under-attack"


def found(ranges, title, what):
    """(seeds, ...): of a network such as "ann-lq, pruned"."""
    network, _, form = title.partition(", ")
    return [row[what] for row in ranges.select("Range", network=network, form=form or "whole")]


def outside(ranges, title, group, what="outside_published"):
    return np.array([row[group] for row in found(ranges, title, what)])


@claim(
    "no clean image has a largest output outside 0.5 to 1.1",
    "output_range",
    caveat="networks of other training",
    figure=CURVES,
)
def clean_in_range(ranges):
    """Holds if no clean image of any seed of the dense network is outside, partly if fewer than one
    in a hundred."""
    out = outside(ranges, "ann-lq", "clean")
    low, high = np.transpose(found(ranges, "ann-lq", "clean_extremes"))
    ours = f"{of_seeds(out)}; they reach from {low.min():.2f} to {high.max():.2f}"
    return ours, verdict((out == 0).all(), (out < 0.01).all())


@claim(
    "about 30 % of the corrupted outputs could be rejected for being outside",
    "output_range",
    attacker=AT_035,
    control="a range that holds 99 % of clean validation images",
    caveat=AIMED,
    figure="output-range-histograms",
)
def corrupted_outside(ranges):
    """Holds if within 5 points in the dense network, partly if within 10."""
    out, ours_too = (
        outside(ranges, "ann-lq", "corrupted", w) for w in ("outside_published", "outside")
    )
    cnn = outside(ranges, "cnn-lq", "corrupted")
    ours = f"{of_seeds(out)}; outside our range {percent(ours_too)}; convolutional {percent(cnn)}"
    off = abs(out.mean() - CORRUPTED_OUTSIDE)
    return ours, verdict(off <= NEAR, off <= 2 * NEAR)


@claim(
    "pruning moves the two distributions of the largest output much closer together",
    "output_range",
    "score_table",
    attacker=AT_035,
    caveat=AIMED,
    figure=CURVES,
)
def pruning_brings_together(ranges, scores):
    """Holds if in the dense and in the convolutional network (pruned less) fewer corrupted images
    leave the range of clean ones, and the AUROC of the largest output is lower, in the mean
    of the seeds; partly if one of these four."""
    words, closer, counted = [], [], {}
    for whole, pruned in (("ann-lq", "ann-lq, pruned"), ("cnn-lq", "cnn-lq, pruned less")):
        out = [outside(ranges, title, "corrupted", "outside") for title in (whole, pruned)]
        area = [auroc(scores, title, "largest output") for title in (whole, pruned)]
        for name, (a, b) in (("outside", out), ("AUROC", area)):
            closer.append(b.mean() < a.mean())
            words.append(f"{whole} {name} {percent(a)} to {percent(b)}")
        counted[whole] = a
    return f"{'; '.join(words)}; {networks(counted)}", verdict(all(closer), any(closer))


@claim(
    "with linear-quadratic cost the outputs are very close to 1 and 0",
    "output_range",
    caveat="close is ours: the largest between 0.9 and 1.1 for 90 % of clean images",
    figure=CURVES,
)
def close_to_one(ranges):
    """Holds if 90 % of the clean images of the first dense network have a largest output between
    0.9 and 1.1; partly if 70 % have."""
    (row,) = ranges.select("Range", network="ann-lq", form="whole", with_curves=True)
    below = np.interp([0.9, 1.1], row["grid"], row["curves"]["clean"])
    inside = below[1] - below[0]
    return f"{percent(inside)} %, one seed", verdict(inside >= 0.9, inside >= 0.7)


@claim(
    "softmax-cross-entropy outputs are in -4 to 4 before softmax, which varies",
    "output_range",
    caveat="other architectures and lengths of training",
    figure="output-range-sce",
)
def softmax_range(ranges):
    """Holds if 98 % of all outputs of both whole networks are within -5 to 5, partly if of one."""
    words, inside, counted = [], [], {}
    for network in ("ann-sce", "cnn-sce"):
        counted[network] = found(ranges, network, "all_outputs")
        _, low, high, _ = np.mean(counted[network], axis=0)
        inside.append(low >= -5 and high <= 5)
        words.append(f"{network} {low:.0f} to {high:.0f}")
    ours = f"98 % of all outputs: {', '.join(words)}; {networks(counted)}"
    return ours, share_verdict(inside)


@claim(
    "noise made with softmax has a wider range of outputs than clean images",
    "output_range",
    attacker=AT_035,
    caveat="noise made with the quadratic cost, for comparison",
    figure=CURVES,
)
def softmax_noise_wider(ranges):
    """Holds if in the whole networks, linear-quadratic and softmax, more corrupted than clean
    images leave the range of clean ones, by 5 points; partly if in some."""
    words, wider, counted = [], [], {}
    for network in ("ann-lq", "cnn-lq", "ann-sce", "cnn-sce"):
        corrupted, clean = (outside(ranges, network, g, "outside") for g in ("corrupted", "clean"))
        wider.append((corrupted > clean + 0.05).all())
        words.append(f"{network} {percent(corrupted)} against {percent(clean)}")
        counted[network] = clean
    return f"outside: {'; '.join(words)}; {networks(counted)}", verdict(all(wider), any(wider))


@claim("analysing the outputs adds very little cost", "score_table", caveat="other machines")
def little_cost(scores):
    """Holds if the ratio of 1000 images takes less than a hundredth of the time of each network,
    partly if less than a tenth."""
    rows = scores.select("Cost")
    share = [row["ratio_seconds"] / row["network_seconds"] for row in rows]
    ms = 1000 * max(row["ratio_seconds"] for row in rows)
    ours = f"{ms:.2f} ms, {100 * max(share):.2f} % of the time of a network or less"
    return ours, verdict(max(share) < 0.01, max(share) < 0.1)


@claim(
    "(ours) the ratio tells better than the margin or the largest probability",
    "score_table",
    attacker=f"{HALF}, limits 0.35 and 0.15; and clean images, right or wrong",
    caveat=AIMED,
    figure="score-table",
)
def ratio_is_best(scores):
    """Holds if in the whole linear-quadratic networks, the first of each kind, its AUROC is higher
    for all three questions, the interval of resampled images above 0; partly if for some."""
    cells, better = [], []
    for network in ("ann-lq", "cnn-lq"):
        row, *_ = scores.select("Scores", network=network, form="whole", seed=scores.seeds[0])
        for each in row["advantages"]:
            value, low, high = (100 * x for x in each["auroc"])
            better.append(low > 0)
            question = f"{each['question']} {each['limit'] or ''}".strip()
            cells.append(
                f"{network}, {question}, {each['other']} {value:+.1f} ({low:+.1f} to {high:+.1f})"
            )
    return f"points of AUROC: {'; '.join(cells)}; one seed", verdict(all(better), any(better))
