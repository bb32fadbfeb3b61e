"""`python -m nnlite.data`: what it writes is what was loaded."""

import re
import subprocess
import sys

import numpy as np
import pytest

from nnlite import data
from nnlite.data import idx
from nnlite.data.__main__ import as_bytes, main


@pytest.fixture
def digits(digits_folder):
    return data.load(digits_folder)


def test_four_idx_files_are_the_same_data_set(digits_folder, digits, tmp_path, capsys):
    main([str(digits_folder), "--out", str(tmp_path / "new" / "folder")])
    assert sorted(path.name for path in (tmp_path / "new/folder").iterdir()) == sorted(idx.AXES)
    assert data.load(tmp_path / "new/folder").digest == digits.digest
    assert capsys.readouterr().out.endswith("folder: 1,375 train, 125 validation, 200 test\n")


def test_an_npz_has_six_arrays_of_bytes(digits_folder, digits, tmp_path):
    main([str(digits_folder), "--out", str(tmp_path / "digits.npz")])
    with np.load(tmp_path / "digits.npz", allow_pickle=False) as arrays:
        assert len(arrays) == 6
        for part in ("train", "validation", "test"):
            images, labels = getattr(digits, part)
            pixels = arrays[f"{part}_images"]
            assert pixels.dtype == np.uint8 and pixels.shape == images.shape[:3]
            assert np.array_equal(np.divide(pixels, 255, dtype="f"), images[..., 0])
            assert np.array_equal(arrays[f"{part}_labels"], labels)


def test_drawn_digits_are_rounded_to_bytes(few_digits):
    images, _ = as_bytes(few_digits)["test"]
    assert np.abs(images / 255 - few_digits.test.images[..., 0]).max() <= 0.5001 / 255


def test_what_bytes_cannot_hold_is_refused(rng):
    part = rng.random((12, 2, 2, 3)), np.arange(12)
    colours = data.from_arrays("colours", part, part, part)
    with pytest.raises(ValueError, match="colours has 3 channels and 12 classes"):
        as_bytes(colours)


@pytest.mark.parametrize(
    "name, out, message",
    [
        ("digids", "digits.npz", "data set 'digids' is unknown"),
        ("strokes", "nowhere/digits.npz", "the folder .*nowhere does not exist"),
    ],
)
def test_errors_are_a_line(name, out, message, tmp_path, capsys, monkeypatch, few_digits):
    if name == "strokes":
        monkeypatch.setattr("nnlite.data.__main__.load", lambda name, seed: few_digits)
    with pytest.raises(SystemExit):
        main([name, "--out", str(tmp_path / out)])
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("python -m nnlite.data: error: ")
    assert re.search(message, last)


def test_it_is_a_command(digits_folder, tmp_path):
    command = [sys.executable, "-m", "nnlite.data", str(digits_folder), "--out", "digits.npz"]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert (tmp_path / "digits.npz").is_file()
