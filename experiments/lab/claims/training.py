"""First post: the networks and what they are trained with."""

import numpy as np

from lab.claims.claim import (
    NEAR_CLEAN,
    PENDING,
    accuracy,
    claim,
    near_verdict,
    networks,
    signed,
    verdict,
)
from lab.tables import percent

STEPS = "7,920 steps, where the post took 100,000"


def found(study, model, name, what="test_accuracy"):
    """(seeds,): of the networks of a variant."""
    rows = study.select("Training")
    wanted = {"model": model, "name": name}
    return [row[what] for row in rows if wanted.items() <= row["variant"].items()]


def standard(study, model, what="test_accuracy"):
    return found(study, model, study.preset, what)


@claim("the dense network: 98.65 %", "training_study", caveat=STEPS, figure="training-curves")
def ann_accuracy(study):
    """Holds if ours is within 0.2 points, partly within 0.4."""
    ours = standard(study, "ann-lq")
    return accuracy(ours, 2), near_verdict(ours, 0.9865, NEAR_CLEAN)


@claim(
    "the convolutional network: 99.3 %",
    "training_study",
    caveat="3,960 steps; how many the post took is not known",
)
def cnn_accuracy(study):
    """Holds if ours is within 0.2 points, partly within 0.4."""
    ours = standard(study, "cnn-lq")
    return accuracy(ours, 2), near_verdict(ours, 0.993, NEAR_CLEAN)


@claim(
    "10,000 iterations perform similarly to 100,000",
    "training_study",
    control="the notebook's constant rate of 1e-5, stopped after 10,000 steps",
    caveat="the notebook's own learning rate schedule, if there was one",
)
def ten_thousand_steps(study):
    """Holds if the network of 100,000 steps was within 0.2 points of its end after 10,000
    (validation images); partly if one of at most 10,000 steps at another rate is within 0.2 points
    of it on test images."""
    (history,), (end,) = (found(study, "ann-lq", "paper", k) for k in ("history", "test_accuracy"))
    after = min(history, key=lambda point: abs(point["step"] - 10_000))["validation_accuracy"]
    last, short = history[-1]["validation_accuracy"], standard(study, "ann-lq")
    ours = (
        f"at a constant 1e-5 {percent(after, 2)} after 10,000 steps, {percent(last, 2)} after "
        f"100,000 (validation images, one seed); 7,920 steps from 3e-4 along a cosine: "
        f"{accuracy(short, 2)}, against {percent(end, 2)} (test images)"
    )
    same = abs(np.mean(short) - end) <= NEAR_CLEAN
    return ours, verdict(abs(after - last) <= NEAR_CLEAN, same)


@claim(
    "(ours) would a network of the author's 100,000 steps have answered as ours of 7,920 does?",
    "longer",
    attacker="universal noise made for the unpruned network, replayed; for the ratio within 0.35",
    caveat="one seed; not asked of the convolutional network, nor with noise made anew",
)
def as_long_as_the_author(longer):
    """Holds if none of these differs by more than 2 points, partly if none by more than 5: what
    each line of the first post's table gains under the eight vectors, and the AUROC of the ratio,
    whole and pruned."""
    rows = longer.select("Dense")
    if len(rows) < 2:
        return PENDING, ""
    under_eight = np.array([np.mean(row["eight"], axis=1) for row in rows])
    gains = under_eight[:, 1:] - under_eight[:, :1]  # the first line is unpruned
    aurocs = np.array([row["auroc"] for row in rows])
    most = np.abs(np.diff(np.hstack([gains, aurocs]), axis=0)).max()
    words = [
        f"{row['steps']:,} steps: {percent(row['clean'][0], 2)} without noise, gains "
        f"{signed(gain)}, AUROC {', '.join(map(percent, auroc))}"
        for row, gain, auroc in zip(rows, gains, aurocs)
    ]
    return f"{'; '.join(words)}; one seed", verdict(most <= 0.02, most <= 0.05)


@claim(
    "linear-quadratic networks are slightly more accurate than softmax-cross-entropy ones",
    "training_study",
    control="the same architecture and steps, and the l2 that is named",
)
def lq_more_accurate(study):
    """Holds if they are ahead in the mean of every pair, test and validation images, dense with
    equal l2 and with the notebooks', and convolutional; partly if in most."""
    pairs = {
        "both l2 1e-3": (("ann-lq", study.preset), ("ann-sce", "l2-1e-3")),
        "both 1e-4": (("ann-lq", "l2-1e-4"), ("ann-sce", study.preset)),
        "the notebooks' l2": (("ann-lq", study.preset), ("ann-sce", study.preset)),
        "convolutional": (("cnn-lq", study.preset), ("cnn-sce", study.preset)),
    }
    ahead, words = [], []
    for name, (lq, sce) in pairs.items():
        by = [
            np.mean(found(study, *lq, kind)) - np.mean(found(study, *sce, kind))
            for kind in ("test_accuracy", "validation_accuracy")
        ]
        ahead += [difference > 0 for difference in by]
        n = " and ".join(str(len(found(study, *each))) for each in (lq, sce))
        words.append(f"{name} {100 * by[0]:+.2f} and {100 * by[1]:+.2f} points ({n} networks)")
    return "test and validation images: " + ", ".join(words), verdict(
        all(ahead), np.mean(ahead) > 0.5
    )


@claim(
    "no extra training time is needed for the linear-quadratic cost",
    "training_study",
    control="softmax and cross-entropy, the same number of steps",
    caveat="minutes on a machine that had other work at times",
)
def no_extra_time(study):
    """Holds if, dense and convolutional, with as many steps it is as accurate, within 0.2 points,
    and the shortest time is no more than a tenth longer; partly if only one of the two."""
    words, accurate, in_time = [], [], []
    for kind in ("ann", "cnn"):
        lq, sce = (np.array(standard(study, f"{kind}-{cost}", "seconds")) for cost in ("lq", "sce"))
        scores = [np.mean(standard(study, f"{kind}-{cost}")) for cost in ("lq", "sce")]
        counted = networks({f"{kind}-lq": lq, f"{kind}-sce": sce})
        accurate.append(scores[0] >= scores[1] - NEAR_CLEAN)
        in_time.append(lq.min() <= 1.1 * sce.min())
        words.append(
            f"accuracy {percent(scores[0], 2)} and {percent(scores[1], 2)}, minutes, the fewest, "
            f"{lq.min() / 60:.1f} and {sce.min() / 60:.1f}, {counted}"
        )
    ours = "; ".join(words)
    return ours, verdict(all(accurate + in_time), all(accurate) or all(in_time))


@claim("dropout at a rate of 0.7", "training_study", caveat="dropout of single weights")
def dropout(study):
    """Holds if a network with 0.7 dropped is within 0.2 points of the post's 98.65; partly if one
    with 0.7 kept is."""
    dropped, kept = (found(study, "ann-lq", name) for name in ("drop-0.7", "drop-0.3"))
    near = [abs(np.mean(each) - 0.9865) <= NEAR_CLEAN for each in (dropped, kept)]
    ours = f"0.7 dropped: {accuracy(dropped, 2)}; 0.7 kept: {accuracy(kept, 2)}"
    return ours, verdict(*near)


@claim(
    "without l2, weights often blow up or go to zero",
    "training_study",
    caveat="often: one seed, one learning rate, 7,920 steps; other initial weights",
    figure="zero-weights",
)
def weights_without_l2(study):
    """Holds if without l2 a weight is above 10, or half of all are below 1e-3, or accuracy is a
    point lower; partly if a weight is above 1."""
    (weights,), accuracies = (
        found(study, "ann-lq", "l2-0", "weights"),
        found(study, "ann-lq", "l2-0"),
    )
    largest = max(layer["largest"] for layer in weights.values())
    small = np.average(
        [layer["below_1e-3"] for layer in weights.values()],
        weights=[layer["size"] for layer in weights.values()],
    )
    ours = f"largest weight {largest:.2f}, {percent(small, 0)} % below 1e-3"
    lost = np.mean(standard(study, "ann-lq")) - accuracies[0] > 0.01
    blown = largest > 10 or small > 0.5 or lost
    return f"{ours}; {accuracy(accuracies, 2)}", verdict(blown, largest > 1)


@claim("a ReLU on the outputs, quadratic cost: similar performance", "training_study")
def relu_outputs(study):
    """Holds if accuracy is within 0.2 points of that without the ReLU, partly within 0.4."""
    ours = found(study, "ann-lq", "output-relu")
    plain = standard(study, "ann-lq")
    return f"{accuracy(ours, 2)}; without {accuracy(plain, 2)}", near_verdict(
        ours, np.mean(plain), NEAR_CLEAN
    )
