"""Losses.  Each returns its value and its gradient together, so that their scales cannot part.

    loss, doutputs = quadratic(outputs, targets)

outputs   (N, n_out), the raw outputs of a network: no softmax anywhere before
targets   (N,) integer labels, or (N, n_out) floats
loss      a float;  doutputs (N, n_out), in the dtype of the outputs
Both losses are means over the N images.  Each raises ValueError where shapes, dtypes
or labels do not fit.
"""

import numpy as np

from nnlite.checks import as_array, check_count, check_dtype, check_labels


def one_hot(labels, n_classes, dtype=np.float32):
    """Integer labels (N,) -> (N, n_classes), 1 at the label and 0 elsewhere."""
    labels = check_labels(labels, check_count("n_classes", n_classes))
    y = np.zeros((len(labels), n_classes), dtype=check_dtype(dtype))
    y[np.arange(len(labels)), labels] = 1
    return y


def quadratic(outputs, targets):
    """sum((f - y)^2) / (2 N), with gradient (f - y) / N.

    Summed over the n_out outputs, averaged over the N images: this scale gives `lr` and
    `l2` their meaning.
    """
    f, y = as_pair(outputs, targets)
    difference = f - y
    return float(np.sum(difference**2)) / (2 * len(f)), difference / len(f)


def softmax_cross_entropy(outputs, targets):
    """-sum(y log p) / N with p = softmax(f), gradient (p - y) / N.

    Float targets are probabilities: every row sums to 1.
    """
    f, y = as_pair(outputs, targets)
    if not np.allclose(y.sum(axis=1), 1, atol=1e-3):
        raise ValueError(
            f"the targets of softmax_cross_entropy are probabilities and each row must sum "
            f"to 1; row sums run from {y.sum(axis=1).min():.4g} to {y.sum(axis=1).max():.4g}"
        )
    f = f - f.max(axis=1, keepdims=True)  # p is the same, and exp cannot overflow
    log_p = f - np.log(np.exp(f).sum(axis=1, keepdims=True))
    return -float(np.sum(y * log_p)) / len(f), (np.exp(log_p) - y) / len(f)


def as_pair(outputs, targets):
    """Outputs and targets as two float arrays of shape (N, n_out) and one dtype."""
    outputs, targets = as_array(outputs, "outputs"), as_array(targets, "targets")
    if outputs.dtype.kind != "f" or outputs.ndim != 2 or len(outputs) == 0:
        raise ValueError(
            f"outputs have dtype {outputs.dtype} and shape {outputs.shape}; "
            f"floating-point values of shape (N, n_out) with N >= 1 are expected"
        )
    if targets.ndim == 1 and len(targets) == len(outputs):
        targets = one_hot(targets, outputs.shape[1])
    if targets.dtype.kind != "f" or targets.shape != outputs.shape:
        raise ValueError(
            f"targets have dtype {targets.dtype} and shape {targets.shape}; expected are "
            f"integer labels of shape ({len(outputs)},) or floats of shape {outputs.shape}"
        )
    return outputs, targets.astype(outputs.dtype, copy=False)
