"""To how many digits two arrays agree, for the scripts beside this file."""

import numpy as np


def digits(found, expected):
    """Minus log10 of the largest difference, relative to the largest number: "6.9 digits"."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    if found.shape != expected.shape:
        raise ValueError(f"arrays of shape {found.shape} and {expected.shape} cannot agree")
    difference = np.abs(found - expected).max()
    if difference == 0:
        return "every bit"
    return f"{-np.log10(difference / np.abs(expected).max()):.1f} digits"
