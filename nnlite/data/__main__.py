"""A data set as a file for others: python -m nnlite.data strokes --out digits.npz

digits.npz, or whatever ends in .npz, holds six arrays of bytes, train_images (N, 28, 28) from 0 to
255, train_labels (N,), and the same of validation and test.  Any other name is that of a folder for
four IDX files like MNIST's, in which the validation images are the first of the training images.
docs/drawn-digits.md says what the drawn digits are.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from nnlite.data import idx, load
from nnlite.files import replace_when_done


def main(arguments):
    """Write the data set that a command line asks for, and print what it holds."""
    parser = argparse.ArgumentParser("python -m nnlite.data", description="Write a data set.")
    parser.add_argument("name", help="strokes, the drawn digits; mnist; or a folder of IDX files")
    parser.add_argument("--out", required=True, type=Path, help="a file NAME.npz, or a folder")
    parser.add_argument("--seed", type=int, default=0, help="of the drawn digits (default: 0)")
    options = parser.parse_args(arguments)
    try:
        parts = as_bytes(load(options.name, options.seed))
        write = write_npz if options.out.suffix == ".npz" else write_idx
        write(options.out, parts)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    sizes = ", ".join(f"{len(labels):,} {part}" for part, (_, labels) in parts.items())
    print(f"{options.out}: {sizes}")


def as_bytes(data):
    """{"train": (images from 0 to 255, labels), "validation": ..., "test": ...}, all uint8."""
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    channels, n_classes = data.image_shape[2], data.n_classes
    if channels > 1 or n_classes > 256:
        raise ValueError(
            f"{data.name} has {channels} channels and {n_classes} classes; one channel and up to "
            f"256 classes can be written"
        )
    return {
        part: (np.rint(255 * images[..., 0]).astype(np.uint8), labels.astype(np.uint8))
        for part, (images, labels) in parts.items()
    }


def write_npz(path, parts):
    """Write six arrays to one .npz, complete or not at all."""
    arrays = {}
    for part, (images, labels) in parts.items():
        arrays |= {f"{part}_images": images, f"{part}_labels": labels}
    with replace_when_done(path) as file:
        np.savez_compressed(file, **arrays)


def write_idx(folder, parts):
    """Write four files under the names of MNIST's, validation images before those to train on."""
    folder.mkdir(parents=True, exist_ok=True)
    train = map(np.concatenate, zip(parts["validation"], parts["train"]))
    for name, array in zip(idx.AXES, (*train, *parts["test"])):
        idx.write(folder / name, array)


if __name__ == "__main__":
    main(sys.argv[1:])
