"""How many images are read right under attack, and what speaks against believing that number.

    rows = measure(model, images, labels, (0.1, 0.2, 0.3, 0.5), rng=rng)
    print(*flags(rows), sep="\\n")

An attack that finds nothing may be a weak attack.  The flags are the signs of it that Athalye et
al. (2018), Carlini et al. (2019) and Croce and Hein (2020) list, as far as numbers can show them;
docs/attacks.md explains each.
"""

import itertools
import reprlib

import numpy as np

from nnlite.attack_losses import cross_entropy_at, margin_loss, ratio_loss
from nnlite.attacks import (
    check_images,
    check_wanted,
    fgsm,
    gaussian,
    is_right,
    parts,
    pgd,
    random_signs,
    right_under_all,
    square,
)
from nnlite.batches import accuracy
from nnlite.checks import check_dict, check_labels, check_list, check_model, check_number
from nnlite.losses import softmax_cross_entropy

LOSSES = {
    "cross-entropy": softmax_cross_entropy,
    "cross-entropy, temperature 0.1": cross_entropy_at(0.1),
    "margin": margin_loss,
    "ratio": ratio_loss,
}
TOLERANCE = 0.005  # half a point: what a flag overlooks
LARGE = 0.5  # a limit at which every pixel can become grey, and every image fooled
NUMBERS = {"limit", "one step", "many steps", "twice as many", "square", "worst", "zero gradients"}
WHAT_ROWS_ARE = "pass what measure returns"
EXPLAINED = "see docs/attacks.md, "


def measure(model, images, labels, limits, *, rng, losses=LOSSES, steps=40, queries=300):
    """A dict for each limit: accuracies, fractions of the images, by attack.

    model, images, labels   as all attacks take them, see nnlite/attacks.py
    limits                  in pixel units, 0 to 1
    losses                  {name: function} that FGSM and PGD follow
    steps, queries          of PGD, and of Square for each image
    Raises ValueError as the attacks do.  Returned are

    limit, no noise             the limit, and accuracy without an attack
    random signs, gaussian      controls
    one step                    the worst of FGSM with each of the losses, for each image
    many steps                  the same of PGD
    twice as many               once more from two beginnings, with twice as many steps, on what
                                is still right
    square                      without gradients
    worst                       of the four attacks, for each image
    zero gradients              images, of those read right, at which no loss has a gradient
    """
    check_model(model, "predict", "input_gradient")
    images, rows = check_images(images, 0)[0], []
    labels = check_wanted(check_labels(labels, 2**62), len(images))
    if not check_dict("losses", losses, "a dict of functions by name is needed"):
        raise ValueError("losses are empty; a dict of functions by name is needed")
    silent, clean = gradient_is_zero(model, images, labels, losses), accuracy(model, images, labels)
    for limit in check_list("limits", limits, "a tuple of numbers in [0, 1] is needed"):
        limit = check_number("limit", limit, "[0, 1]")
        attacked = model, images, labels, limit
        one = right_under(fgsm, *attacked, losses)
        many = right_under(pgd, *attacked, losses, rng=rng, steps=steps)
        left = model, images[many], labels[many], limit
        more = many.copy()
        if many.any():
            more[many] = right_under(pgd, *left, losses, rng=rng, steps=2 * steps, restarts=2)
        squares = right_under_all(model, [square(*attacked, rng=rng, queries=queries)], labels)
        right = {"one step": one, "many steps": many, "twice as many": more, "square": squares}
        row = {
            "limit": limit,
            "no noise": clean,
            "random signs": accuracy(model, random_signs(images, limit, rng=rng), labels),
            "gaussian": accuracy(model, gaussian(images, limit, rng=rng), labels),
        }
        row |= {name: float(np.mean(each)) for name, each in right.items()}
        row["worst"] = float(np.mean(np.all(list(right.values()), axis=0)))
        row["zero gradients"] = silent
        rows.append(row)
    return rows


def right_under(attack, model, images, labels, limit, losses, **options):
    """(N,) booleans: read right whichever of the losses the attack follows."""
    made = [attack(model, images, labels, limit, loss=loss, **options) for loss in losses.values()]
    return right_under_all(model, made, labels)


def gradient_is_zero(model, images, labels, losses):
    """Fraction of the images, of those read right, at which no loss has a gradient."""
    right = is_right(model, images, labels)
    images, labels = images[right], labels[right]
    zero = np.ones(len(images), bool)
    for loss in losses.values():
        for part in parts(len(images)):
            gradient = model.input_gradient(images[part], labels[part], loss)
            zero[part] &= ~gradient.any(axis=(1, 2, 3))
    return float(zero.mean()) if len(zero) else 0.0


def flags(rows):
    """Texts: what in the rows of `measure` speaks against believing them.  An empty list is
    good news."""
    return [f"{text}; {EXPLAINED}{title!r}" for title, text in signs_of_weakness(rows)]


def signs_of_weakness(rows):
    """(title of the explanation, text) of each sign."""
    rows = check_list("rows", rows, WHAT_ROWS_ARE)
    for row in rows:
        if not isinstance(row, dict) or not row.keys() >= NUMBERS:
            raise ValueError(f"rows hold {reprlib.repr(row)}; {WHAT_ROWS_ARE}")
    rows = sorted(rows, key=lambda row: row["limit"])
    for row in rows:
        at = f"limit {row['limit']:g}: "
        if row["zero gradients"] > TOLERANCE:
            text = f"{row['zero gradients']:.1%} of the images have no gradient"
            yield "Zero gradients", at + text
        if row["one step"] < row["many steps"] - TOLERANCE:
            text = f"one step leaves {row['one step']:.1%} right, many leave more"
            yield "One step beats many", f"{at}{text}, {row['many steps']:.1%}"
        if row["square"] < row["many steps"] - TOLERANCE:
            text = f"without gradients {row['square']:.1%} stay right, with them more"
            yield "Squares beat gradients", f"{at}{text}, {row['many steps']:.1%}"
        if row["twice as many"] < row["many steps"] - TOLERANCE:
            text = f"twice as many steps leave {row['twice as many']:.1%} right"
            yield "More steps still gain", f"{at}{text} and not {row['many steps']:.1%}"
        if row["limit"] >= LARGE and row["worst"] > TOLERANCE:
            text = f"{row['worst']:.1%} stay right though every image can become grey"
            yield "Not all at a large limit", at + text
    for row, after in itertools.pairwise(rows):
        if after["worst"] > row["worst"] + TOLERANCE:
            text = f"{row['worst']:.1%} right, and more at {after['limit']:g}"
            yield "A larger limit does less", f"limit {row['limit']:g}: {text}"
