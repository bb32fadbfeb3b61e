"""The digits that a network is least and most sure of, and what noise does to them."""

import base64

import numpy as np

from nnlite.attack_losses import best_other
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

    first, second           classes of the two largest outputs
    image, outputs, ratio   see `seen`
    noise                   a dict for each limit: limit, read (the class it is read as then), and
                            image, outputs, ratio again
    """
    second = second_class(outputs)
    digits = [
        {"first": first, "second": other, **shown, "noise": []}
        for first, other, shown in zip(outputs.argmax(axis=1), second, seen(images, outputs))
    ]
    for limit in limits:
        noisy = network.with_noise(images, second, limit)
        after = network.model.predict(noisy)
        for digit, read, shown in zip(digits, after.argmax(axis=1), seen(noisy, after)):
            digit["noise"].append({"limit": limit, "read": read, **shown})
    return digits


def seen(images, outputs):
    """A dict for each image: image, as text; outputs, the two largest; ratio of these, as text."""
    largest, ratios = np.sort(outputs, axis=1)[:, :-3:-1], top_two_ratio(outputs)
    return [
        {"image": as_text(image), "outputs": two, "ratio": text_of(ratio)}
        for image, two, ratio in zip(images, largest, ratios)
    ]


def second_class(outputs):
    """(N,): the class of the second largest output."""
    return best_other(outputs, outputs.argmax(axis=1))


def text_of(ratio):
    """ "13.25", "inf" or "nan": JSON has no infinity."""
    return f"{ratio:.2f}" if np.isfinite(ratio) else str(ratio)


def as_text(image):
    """An image (28, 28, 1) of 0 to 1 as bytes, in base64."""
    return base64.b64encode(np.rint(255 * image).astype(np.uint8).tobytes()).decode()


def from_text(text):
    """(28, 28), 0 to 1"""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(28, 28) / 255


def with_pictures(digits):
    """The digits, their images no longer texts: as plots.digit_gallery takes them."""
    return [
        digit
        | {"image": from_text(digit["image"])}
        | {"noise": [noise | {"image": from_text(noise["image"])} for noise in digit["noise"]]}
        for digit in digits
    ]
