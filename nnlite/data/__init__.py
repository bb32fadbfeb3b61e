"""Images and labels, in three parts: training, validation, test."""

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nnlite.checks import as_array, check_count
from nnlite.data import idx, strokes
from nnlite.files import as_path


class Split(NamedTuple):
    """images (N, H, W, C) float32 in [0, 1], labels (N,) int64 from 0 on."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class Dataset:
    """Weights come from `train`, every choice from `validation`, every result from `test`."""

    name: str
    train: Split
    validation: Split
    test: Split

    @property
    def image_shape(self):
        """(H, W, C) of every image."""
        return self.train.images.shape[1:]

    @cached_property
    def n_classes(self):
        """Largest label, plus 1."""
        return 1 + max(int(part.labels.max()) for part in (self.train, self.validation, self.test))

    @cached_property
    def digest(self):
        """Sixteen hexadecimal digits that stand for all images and labels, whatever the name."""
        sha256 = hashlib.sha256()
        for array in (*self.train, *self.validation, *self.test):
            sha256.update(f"{array.shape} {array.dtype}".encode())
            sha256.update(np.ascontiguousarray(array))
        return sha256.hexdigest()[:16]


def load(name, seed=0):
    """The data set "mnist", "strokes", or that of a folder.

    mnist      the 60,000 + 10,000 images of LeCun, Cortes and Burges, the first 5,000 of
               the 60,000 being the validation images.  They are read from the folder
               NNLITE_DATA if that is set, else from the user's cache folder, into which
               they are downloaded if need be
    strokes    40,000 digits drawn by nnlite: 30,000 + 5,000 + 5,000; the same seed gives
               the same images
    a folder   see from_folder

    Raises ValueError for an unknown name or a file with the wrong content,
    FileNotFoundError where a file is nowhere to be had.
    """
    if isinstance(name, str) and name == "mnist":
        from nnlite.data import mnist  # with what downloads it, which takes long to import

        return from_files(name, {file: mnist.read(file) for file in idx.AXES})
    if isinstance(name, str) and name == "strokes":
        rng = np.random.default_rng(check_count("seed", seed, 0))
        sizes = {"train": 30_000, "validation": 5_000, "test": 5_000}
        parts = {part: Split(*strokes.make_digits(n, rng)) for part, n in sizes.items()}
        return Dataset(name, **parts)
    if os.path.isdir(os.path.expanduser(as_path(name))):
        return from_folder(name)
    raise ValueError(
        f'data set {name!r} is unknown; there are "mnist" and "strokes", and no such folder'
    )


def from_folder(path):
    """Dataset of four IDX files under the names of MNIST's, gzipped or not, such as Fashion-MNIST.

    The first twelfth of the training images are the validation images.  Its name is the folder's.
    Raises FileNotFoundError for a file that is missing, ValueError for one that is no IDX file
    of its kind, and for labels and images that do not belong together.
    """
    folder = Path(os.path.expanduser(as_path(path))).resolve()
    files = {name: read(folder, name) for name in idx.AXES}
    try:
        return from_files(folder.name, files)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from error


def read(folder, name):
    """Array of one IDX file."""
    path = idx.find(folder, name)
    if path is None:
        raise FileNotFoundError(f"there is neither {name} nor {name}.gz in {folder}")
    return idx.parse(idx.content(path, idx.AXES[name]))


def from_files(name, files):
    """Dataset of {file name: array}."""
    pairs = {}
    for part in ("train", "t10k"):
        images, labels = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
        pairs[part] = files[images], files[labels]
        if len(files[images]) != len(files[labels]):
            raise ValueError(
                f"{images} has {len(files[images])} images, {labels} {len(files[labels])} labels"
            )
    images, labels = pairs["train"]
    n = len(images) // 12  # 5,000 of 60,000
    return from_arrays(
        name, (images[n:], labels[n:]), pairs["t10k"], validation=(images[:n], labels[:n])
    )


def from_arrays(name, train, test, validation):
    """Dataset of your own images; each part is a pair (images, labels).

    images   (N, H, W) or (N, H, W, C), bytes from 0 to 255 (uint8) or floats in [0, 1]
    labels   (N,) integers from 0 on
    Raises ValueError, naming the part, for images or labels of another kind or number, and for
    a part without images.
    """
    parts = {"train": train, "validation": validation, "test": test}
    splits = {part: checked_split(part, pair) for part, pair in parts.items()}
    shapes = {part: split.images.shape[1:] for part, split in splits.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"images must have the same shape in all parts, got {shapes}")
    return Dataset(name, **splits)


def checked_split(part, pair):
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(f"{part} must be a pair (images, labels)")
    images, labels = as_images(part, pair[0]), as_array(pair[1], f"{part}: labels")
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{part}: labels have dtype {labels.dtype} and shape {labels.shape}; "
            f"one integer for each image is expected"
        )
    if len(labels) != len(images):
        raise ValueError(f"{part}: {len(images)} images but {len(labels)} labels")
    labels = labels.astype(np.int64)  # a copy
    if labels.min() < 0:
        raise ValueError(f"{part}: the smallest label is {labels.min()}; number classes from 0 on")
    return Split(images, labels)


def as_images(part, images):
    """A copy of images, (N, H, W, C) float32 in [0, 1]."""
    images = as_array(images, f"{part}: images")
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise ValueError(
            f"{part}: images have shape {images.shape}; (N, H, W) or (N, H, W, C) is expected, "
            f"with at least one image"
        )
    if images.dtype == np.uint8:
        images = np.divide(images, 255, dtype=np.float32)
    else:
        check_pixels(part, images)
        images = images.astype(np.float32)
    return images.reshape(*images.shape[:3], -1)


def check_pixels(part, images):
    if images.dtype.kind != "f":
        raise ValueError(
            f"{part}: images have dtype {images.dtype}; bytes from 0 to 255 (uint8) or floats in "
            f"[0, 1] are expected"
        )
    if np.isnan(images).any():
        raise ValueError(f"{part}: some pixels are nan")
    if images.min() < 0 or images.max() > 1:
        raise ValueError(
            f"{part}: pixels run from {images.min():.4g} to {images.max():.4g}; floats must lie "
            f"in [0, 1]: divide by 255"
        )
