"""Images that are easily told apart, and a linear model, for tests of what fools a network."""

import numpy as np

from nnlite import Dense, Flatten, Sequential

CLASSES, SIDE = 4, 6


def easy_images(n, rng):
    """Labels, and images with one bright quarter, which is the label."""
    labels = rng.integers(CLASSES, size=n)
    images = rng.uniform(0, 0.3, (n, SIDE, SIDE, 1)).astype(np.float32)
    for image, label in zip(images, labels):
        row, column = 3 * (label // 2), 3 * (label % 2)
        image[row : row + 3, column : column + 3] += 0.5
    return images, labels


def linear_model(w):
    """Two classes of images of len(w) pixels; the outputs are 0 and x @ w."""
    model = Sequential([Flatten(), Dense(len(w), 2, rng=np.random.default_rng(0))])
    model.params[0].value = np.array([np.zeros(len(w)), w], np.float32).T
    model.params[1].value = np.zeros(2, np.float32)
    return model


def as_images(*rows):
    return np.array(rows, np.float32)[:, None, :, None]
