"""What every training loop needs: minibatches, accuracy, and a stop where it goes wrong."""

import numbers

import numpy as np

from nnlite.checks import (
    as_array,
    check_count,
    check_labels,
    check_model,
    check_number,
    check_outputs,
    check_rng,
    warn_of_bytes,
)
from nnlite.model import layer_text


def minibatches(images, labels, batch_size=None, rng=None):
    """One epoch: yields (images, labels) of batch_size each, every image once, shuffled.

    All four are needed.  The last batch holds what is left over.  Raises ValueError if images and
    labels differ in number; warns of images (N, H, W, C) of 0 to 255.
    """
    images = as_array(images, "images")  # says so if it was given a Split, and therefore no labels
    labels = as_array(labels, "labels")
    warn_of_bytes(images)
    batch_size = check_count("batch_size", batch_size)
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images but {len(labels)} labels")
    order = check_rng(rng).permutation(len(images))
    for i in range(0, len(order), batch_size):
        batch = order[i : i + batch_size]
        yield images[batch], labels[batch]


def accuracy(model, images, labels=None, batch_size=500):
    """Fraction of images, in [0, 1], whose largest output is the one of their label.

    Raises ValueError for a model whose outputs are not (N, n_out), and for labels that do not fit.
    """
    images = as_array(images, "images")  # says so if it was given a Split, and therefore no labels
    if labels is None:
        raise ValueError("accuracy needs labels: accuracy(model, images, labels)")
    outputs = check_outputs(check_model(model, "predict").predict(images, batch_size))
    labels = check_labels(labels, outputs.shape[1])
    if len(labels) == 0:
        raise ValueError("no images given; an accuracy needs at least one")
    if len(labels) != len(outputs):
        raise ValueError(f"{len(outputs)} images but {len(labels)} labels")
    if not np.isfinite(outputs).all():
        raise ValueError("some outputs are not finite; are weights and images?")
    return float(np.mean(outputs.argmax(axis=1) == labels))


def check_finite(model, loss, images, lr, step):
    """Raise FloatingPointError if the loss or a weight is nan or infinite.

    images   the batch of the loss, to find the layer in which it began
    lr, step   the learning rate and the number of the step, for the message
    """
    check_model(model, "params", "layers")
    lr = check_number("lr", lr)
    if not isinstance(loss, numbers.Real):
        raise ValueError(f"loss is {loss!r}; a number is needed")
    if np.isfinite(loss) and all(np.isfinite(p.value).all() for p in model.params):
        return
    raise FloatingPointError(
        f"step {step}: the loss is {loss:.4g}; not finite: {first_not_finite(model, images)}. "
        f"Try a learning rate below {lr:.3g}, or more l2, and look at the images"
    )


def first_not_finite(model, x):
    """'the weights of layer 3, Dense(100, 10)', or wherever it first shows."""
    if not np.isfinite(x).all():
        return "the images"
    for i, layer in enumerate(model.layers):
        if not all(np.isfinite(p.value).all() for p in layer.params):
            return f"the weights of layer {i}, {layer_text(layer)}"
        x = layer.forward(x)
        if not np.isfinite(x).all():
            return f"the outputs of layer {i}, {layer_text(layer)}"
    return "what the loss made of the outputs"
