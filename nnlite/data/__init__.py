"""Images and labels, in three parts: training, validation, test."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nnlite.checks import check_count
from nnlite.data import mnist, strokes


class Split(NamedTuple):
    """images (N, 28, 28, 1) float32 in [0, 1], labels (N,) int64 in 0 to 9."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """Weights come from `train`, every choice from `validation`, every result from `test`."""

    name: str
    train: Split
    validation: Split
    test: Split


def load(name, seed=0):
    """The data set "mnist" or "strokes".

    mnist     the 60,000 + 10,000 images of LeCun, Cortes and Burges, the first 5,000 of
              the 60,000 being the validation images.  They are read from the folder
              NNLITE_DATA if that is set, else from the user's cache folder, into which
              they are downloaded if need be.  `seed` plays no part
    strokes   40,000 digits drawn by nnlite: 30,000 + 5,000 + 5,000; the same seed gives
              the same images

    Raises ValueError for an unknown name or a file with the wrong content,
    FileNotFoundError where MNIST is nowhere to be had.
    """
    if name == "mnist":
        images, labels = mnist.read("train")
        return Dataset(
            name,
            train=Split(images[5000:], labels[5000:]),
            validation=Split(images[:5000], labels[:5000]),
            test=Split(*mnist.read("t10k")),
        )
    if name == "strokes":
        rng = np.random.default_rng(check_count("seed", seed, 0))
        sizes = {"train": 30_000, "validation": 5_000, "test": 5_000}
        parts = {part: Split(*strokes.make_digits(n, rng)) for part, n in sizes.items()}
        return Dataset(name, **parts)
    raise ValueError(f'data set {name!r} is unknown; there are "mnist" and "strokes"')
