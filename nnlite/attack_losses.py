"""Losses for attackers, who look for the images on which they are high.

Each is a function (outputs, labels) -> (value, gradient) like those of nnlite.losses, a mean over
the N images, and goes wherever a loss goes: `pgd(..., loss=margin_loss)`.  Which of them finds the
most depends on the network: cross-entropy has next to no gradient in float32 where outputs lie far
apart, and a steep one where they lie close together.  `nnlite.quadratic` is one of them too, and
takes a whole row of outputs for each image in the place of a label.
"""

import numpy as np

from nnlite.checks import as_array, check_labels, check_number
from nnlite.losses import as_pair, one_hot, softmax_cross_entropy


def lead_of_others(outputs, labels):
    """Highest output of another class minus that of the label, (N,): above 0, another class wins.

    outputs (N, n_out >= 2), labels (N,)
    """
    outputs, labels = checked(outputs, labels)
    rows = np.arange(len(labels))
    return outputs[rows, best_other(outputs, labels)] - outputs[rows, labels]


def lead_of_label(outputs, labels):
    """The same the other way round: above 0, the label wins."""
    return -lead_of_others(outputs, labels)


def margin_loss(outputs, labels):
    """mean(highest output of another class - that of the label); Carlini and Wagner, 2017."""
    outputs, y = as_pair(*checked(outputs, labels))
    gradient = one_hot(best_other(outputs, labels), outputs.shape[1], outputs.dtype) - y
    return float(np.mean(lead_of_others(outputs, labels))), gradient / len(outputs)


def ratio_loss(outputs, labels):
    """mean((f_other - f_label) / (f_1 - f_3)), f_1 and f_3 the highest and third highest outputs.

    The difference-of-logits ratio of Croce and Hein, 2020: scaling or shifting the outputs does not
    change it.  outputs (N, n_out >= 3); where f_1 = f_3 it is 0, and so is its gradient.
    """
    outputs, y = as_pair(*checked(outputs, labels, classes=3))
    rows, n_out, dtype = np.arange(len(outputs)), outputs.shape[1], outputs.dtype
    order = np.argsort(outputs, axis=1)
    first, third = order[:, -1], order[:, -3]
    spread = outputs[rows, first] - outputs[rows, third]
    inverse = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)
    value = lead_of_others(outputs, labels) * inverse
    # d(lead / spread) = (dlead - value * dspread) / spread
    dlead = one_hot(best_other(outputs, labels), n_out, dtype) - y
    dspread = one_hot(first, n_out, dtype) - one_hot(third, n_out, dtype)
    gradient = (dlead - value[:, None] * dspread) * inverse[:, None]
    return float(np.mean(value)), gradient / len(outputs)


def cross_entropy_at(temperature):
    """softmax_cross_entropy of outputs / temperature, as a loss.

    Below 1 it tells outputs apart that lie close together, as those of a quadratic cost do.
    """
    temperature = check_number("temperature", temperature, "(0, inf)")

    def loss(outputs, targets):
        value, gradient = softmax_cross_entropy(as_array(outputs, "outputs") / temperature, targets)
        return value, gradient / temperature

    return loss


def best_other(outputs, labels):
    """The class of the highest output beside the label, (N,)."""
    others = np.array(outputs, copy=True)
    others[np.arange(len(labels)), labels] = -np.inf
    return others.argmax(axis=1)


def checked(outputs, labels, classes=2):
    """(outputs (N, n_out >= classes), labels (N,)), else ValueError."""
    outputs = as_array(outputs, "outputs")
    if outputs.ndim != 2 or outputs.shape[1] < classes:
        raise ValueError(f"outputs have shape {outputs.shape}; (N, n_out >= {classes}) is expected")
    labels = check_labels(labels, outputs.shape[1])
    if len(labels) != len(outputs):
        raise ValueError(f"there are {len(outputs)} rows of outputs and {len(labels)} labels")
    return outputs if outputs.dtype.kind == "f" else outputs.astype(float), labels
