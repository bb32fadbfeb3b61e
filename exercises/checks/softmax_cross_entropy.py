"""Exercise 3, against nnlite.softmax_cross_entropy."""

import numpy as np

import nnlite
from checks.compare import Check
from nnlite.losses import one_hot, softmax_cross_entropy


def cases(rng):
    f, labels = rng.normal(size=(4, 3)), np.array([0, 2, 1, 1])
    levels = np.array([[1000.0], [0], [0], [0]])
    unlikely = np.array([[0, -1000.0, 5], [1, 2, 3]])  # p[0, 1] is 0 in float64
    return [(f, labels), (f + levels, labels), (unlikely, np.array([1, 2])), (unlikely, labels[:2])]


def parts(f, labels, axis=1, shift=None):
    """(p, y, n) in the straightforward way."""
    e = np.exp(f - (f.max(axis=1, keepdims=True) if shift is None else shift))
    return e / e.sum(axis=axis, keepdims=True), one_hot(labels, f.shape[1], f.dtype), len(f)


def picked(p, labels):
    return p[np.arange(len(p)), labels]


def sums(f, labels):
    p, y, n = parts(f, labels)
    loss, _ = softmax_cross_entropy(f, labels)
    return loss * n, p - y


def over_all_entries(f, labels):
    p, y, _ = parts(f, labels)
    loss, _ = softmax_cross_entropy(f, labels)
    return loss / f.shape[1], (p - y) / f.size


def other_sign(f, labels):
    loss, df = softmax_cross_entropy(f, labels)
    return -loss, -df


def over_images(f, labels):
    p, y, n = parts(f, labels, axis=0)
    return -np.log(picked(p, labels)).mean(), (p - y) / n


def without_shift(f, labels):
    p, y, n = parts(f, labels, shift=0)
    return -np.log(picked(p, labels)).mean(), (p - y) / n


def shift_of_the_batch(f, labels):
    p, y, n = parts(f, labels, shift=f.max())
    return -np.log(picked(p, labels)).mean(), (p - y) / n


def log_of_p(f, labels):
    p, y, n = parts(f, labels)
    return -np.log(picked(p, labels)).mean(), (p - y) / n


def zero_times_infinity(f, labels):
    p, y, n = parts(f, labels)
    return -np.sum(y * np.log(p)) / n, (p - y) / n


def gradient_of_softmax(f, labels):
    p, _, n = parts(f, labels)
    return softmax_cross_entropy(f, labels)[0], p / n


MISTAKES = (
    (sums, "Sums where means belong: both are divided by the number of images, N."),
    (over_all_entries, "Divided by all entries of f. The mean is over the images alone: N."),
    (other_sign, "The other sign: the loss is -sum(log p), and df is p - y over N."),
    (over_images, "The sum in softmax is over the outputs of an image: axis 1."),
    (without_shift, "exp of a large number is infinite. Subtract each image's largest output."),
    (
        shift_of_the_batch,
        "The largest output of the whole batch was subtracted: exp is 0 in all other rows. Each "
        "image has its own.",
    ),
    (log_of_p, "A p became 0, and its log infinite. Take f - log(sum(exp(f))) for log(p)."),
    (zero_times_infinity, "A p became 0, and 0 * log(0) is nan. Take f - log(sum(exp(f)))."),
    (gradient_of_softmax, "In df the right class is missing: 1 is subtracted there before / N."),
)
CHECKS = (Check(softmax_cross_entropy, ("loss", "df"), cases, MISTAKES),)


def in_use(exercise):
    rng = np.random.default_rng(0)
    f, labels = rng.normal(size=(5, 4)), rng.integers(4, size=5)
    error = nnlite.check_loss(exercise.softmax_cross_entropy, f, labels)
    return f"Its gradient agrees with differences to {error:.0e} (nnlite.check_loss)."
