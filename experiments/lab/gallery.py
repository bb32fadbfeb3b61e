"""The digits that a network is least and most sure of, and what noise does to them."""

import numpy as np

from nnlite.confidence import continuous_ratio, top_two_ratio


def both_ends(network, test, limits, classes=range(1, 10)):
    """{"lowest": a dict for each class, "highest": the same}, see `describe`.

    Of the images of each class that are read right, those of the lowest and of the highest ratio.
    """
    outputs = network.model.predict(test.images)
    return {
        end: describe(network, test.images[places], outputs[places], limits)
        for end, places in extremes(outputs, test.labels, classes).items()
    }


def extremes(outputs, labels, classes):
    """{"lowest": a place for each class, "highest": the same}; none where none is read right.

    By -second / first, which goes on where the ratio is infinite.
    """
    right, score = outputs.argmax(axis=1) == labels, continuous_ratio(outputs)
    of_classes = [np.flatnonzero(right & (labels == k)) for k in classes]
    return {
        "lowest": [places[score[places].argmin()] for places in of_classes if places.size],
        "highest": [places[score[places].argmax()] for places in of_classes if places.size],
    }


def describe(network, images, outputs, limits):
    """A dict for each image, without and with noise that asks for its second class.

    image           (28, 28), 0 to 255
    first, second   classes of the two largest outputs
    outputs         these two
    ratio           of these, as text
    noise           a dict for each limit: limit, read (the class it is read as then), ratio
    """
    first, second = outputs.argmax(axis=1), second_class(outputs)
    digits = [
        {
            "image": np.round(images[i, ..., 0] * 255).astype(int),
            "first": first[i],
            "second": second[i],
            "outputs": outputs[i, [first[i], second[i]]],
            "ratio": text_of(ratio),
            "noise": [],
        }
        for i, ratio in enumerate(top_two_ratio(outputs))
    ]
    for limit in limits:
        after = network.model.predict(network.with_noise(images, second, limit))
        for digit, read, ratio in zip(digits, after.argmax(axis=1), top_two_ratio(after)):
            digit["noise"].append({"limit": limit, "read": read, "ratio": text_of(ratio)})
    return digits


def second_class(outputs):
    """(N,): the class of the second largest output."""
    others = outputs.copy()
    others[np.arange(len(outputs)), outputs.argmax(axis=1)] = -np.inf
    return others.argmax(axis=1)


def text_of(ratio):
    """ "13.25", "inf" or "nan": JSON has no infinity."""
    return f"{ratio:.2f}" if np.isfinite(ratio) else str(ratio)
