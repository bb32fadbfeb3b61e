"""Second post: what the ratio can tell, in which network and after what."""

import numpy as np

from lab.claims.claim import HALF, claim, count_seeds, networks, of_seeds, share_verdict, verdict
from lab.claims.curves import AT_80, accepted_and_wrong, auroc, kept, rows_of, values
from lab.tables import percent

AT_035 = f"{HALF}, limit 0.35"
AIMED = "attackers who aim at the ratio: see confidence-under-attack"
LQ, SCE = "confidence-curves-lq", "confidence-curves-sce"


@claim(
    "the ratios of clean and corrupted images separate for linear-quadratic networks",
    "confidence_curves",
    attacker=AT_035,
    caveat=AIMED,
    figure=LQ,
)
def ratios_separate(curves):
    """Holds if the threshold that keeps 90 % of clean images rejects more than half of the
    corrupted in every seed of the dense and the convolutional network; partly if it keeps fewer of
    them than of clean ones."""
    words, half, fewer = [], [], []
    for title in ("ann-lq", "cnn-lq"):
        rows = rows_of(curves, title)
        corrupted, clean = kept(rows), kept(rows, "clean")
        half.append((corrupted < 0.5).all())
        fewer.append((corrupted < clean).all())
        words.append(f"{title} keeps {of_seeds(corrupted)}")
    return "; ".join(words), verdict(all(half), all(fewer))


@claim(
    "they overlap much more for softmax-cross-entropy networks",
    "confidence_curves",
    "score_table",
    attacker=AT_035,
    control="the ratio of the outputs before softmax",
    caveat=f"what the post's ratio was taken of; pruned networks; {AIMED}",
    figure=SCE,
)
def softmax_overlaps_more(curves, scores):
    """Holds if, dense and convolutional, AUROC of the ratio is 5 points lower in every seed than in
    the linear-quadratic network, after softmax and before; partly if lower in the mean."""
    words, lower, by, counted = [], [], [], {}
    for kind in ("ann", "cnn"):
        lq, sce, before = (
            auroc(scores, f"{kind}-{cost}", name)
            for cost, name in (("lq", "ratio"), ("sce", "ratio"), ("sce", "ratio before softmax"))
        )
        lower += [(other + 0.05 < lq.min()).all() for other in (sce, before)]
        by += [other.mean() < lq.mean() for other in (sce, before)]
        part = [percent(kept(rows_of(curves, f"{kind}-{cost}"))) for cost in ("lq", "sce")]
        counted |= {f"{kind}-lq": lq, f"{kind}-sce": sce}
        words.append(
            f"{kind}: AUROC {percent(lq)} against {percent(sce)} after softmax and "
            f"{percent(before)} before; corrupted kept {part[0]} against {part[1]}"
        )
    return f"{'; '.join(words)}; {networks(counted)}", verdict(all(lower), all(by))


@claim(
    "pruning makes corrupted images easier to reject for the dense network",
    "confidence_curves",
    attacker=AT_035,
    caveat=f"corrupted kept has another denominator once pruned; {AIMED}",
    figure=LQ,
)
def pruning_helps_dense(curves):
    """Holds if in every seed both the corrupted that are kept and the accepted and wrong of all
    attacked images get fewer; partly if one of the two."""
    return pruning_and_rejection(curves, "ann-lq", "ann-lq, pruned")


@claim(
    "hardly so for the convolutional network, which is slightly better with noise",
    "confidence_curves",
    attacker=AT_035,
    caveat=f"pruned less than in the notebook, which leaves too little of some; {AIMED}",
    figure=LQ,
)
def pruning_hardly_helps_cnn(curves):
    """Holds if pruned less, to a loss of a point, half-noisy accuracy rises and accepted and wrong
    images fall by less than 5 points, or rise, in the mean of the seeds; partly if only one of the
    two."""
    whole, pruned = (rows_of(curves, title) for title in ("cnn-lq", "cnn-lq, pruned less"))
    noisy = [values(rows, "half_noisy_accuracy") for rows in (whole, pruned)]
    better = noisy[1].mean() > noisy[0].mean()
    fewer = accepted_and_wrong(whole).mean() - accepted_and_wrong(pruned).mean()
    ours, _ = pruning_and_rejection(curves, "cnn-lq", "cnn-lq, pruned less")
    ours = f"half noisy {percent(noisy[0])} to {percent(noisy[1])}; {ours}"
    return ours, share_verdict([better, fewer < 0.05])


def pruning_and_rejection(curves, whole, pruned):
    (a, b), cells, fewer = (rows_of(curves, title) for title in (whole, pruned)), [], []
    for what, measure in (("corrupted kept", kept), ("accepted and wrong", accepted_and_wrong)):
        fewer.append((measure(b) < measure(a)).all())
        cells.append(f"{what} {percent(measure(a))} to {percent(measure(b))}")
    return f"{', '.join(cells)}; {count_seeds(a)}", share_verdict(fewer)


@claim(
    "the noise is less effective on convolutional networks, whose ratios are much larger",
    "confidence_curves",
    attacker=f"{HALF}, three limits",
    figure=LQ,
)
def cnn_noise_less_effective(curves):
    """Holds if at every limit every seed reads more half-noisy images right than any of the dense
    network, and has a threshold 1.5 times as high; partly if one of the two."""
    cells, more = [], []
    for limit in sorted([curves.config["limit"], *curves.config["other_limits"]]):
        cnn, ann = (
            values(rows_of(curves, t, limit), "half_noisy_accuracy") for t in ("cnn-lq", "ann-lq")
        )
        more.append(cnn.min() > ann.max())
        cells.append(f"{percent(cnn)} against {percent(ann)} at {limit}")
    high, low = (
        np.array([row["at"][0]["threshold"] for row in rows_of(curves, title)])
        for title in ("cnn-lq", "ann-lq")
    )
    ours = f"{', '.join(cells)}; threshold {high.mean():.1f} against {low.mean():.1f}"
    counted = networks({"cnn-lq": cnn, "ann-lq": ann})
    return f"{ours}; {counted}", share_verdict([all(more), high.min() > 1.5 * low.max()])


@claim(
    "weaker noise: accuracy is better, a few corrupted images of high ratio remain",
    "confidence_curves",
    attacker=f"{HALF}, limit 0.15",
    caveat=AIMED,
)
def weaker_noise(curves):
    """Holds if at limit 0.15 every seed of the dense network reads more right than at 0.35, and
    some of the corrupted, but less than a tenth, pass the stricter threshold; partly if one of the
    two."""
    weak, strong = (rows_of(curves, "ann-lq", limit) for limit in (0.15, None))
    noisy = [values(rows, "half_noisy_accuracy") for rows in (weak, strong)]
    passed = kept(weak, at=AT_80)
    some = ((passed > 0) & (passed < 0.1)).all()
    ours = f"{percent(noisy[0])} half noisy; kept {percent(kept(weak))} and {of_seeds(passed)}"
    return ours, share_verdict([(noisy[0] > noisy[1]).all(), some])


@claim(
    "images of the training set have very similar results",
    "confidence_curves",
    attacker=AT_035,
    caveat="the first 10,000 of them",
)
def training_images_similar(curves):
    """Holds if for both whole linear-quadratic networks half-noisy accuracy and corrupted kept
    differ by less than 3 points in the mean; partly if two of these four do."""
    words, near, counted = [], [], {}
    for title in ("ann-lq", "cnn-lq"):
        test, train = (rows_of(curves, title, part=part) for part in ("test", "train"))
        for what, of in (("half noisy", half), ("corrupted kept", kept)):
            near.append(abs(of(test).mean() - of(train).mean()) < 0.03)
            words.append(f"{title} {what} {percent(of(train))} (test {percent(of(test))})")
        counted[title] = test
    return f"{'; '.join(words)}; {networks(counted)}", share_verdict(near)


def half(rows):
    return values(rows, "half_noisy_accuracy")
