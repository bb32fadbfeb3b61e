"""The look of the figures: ten classes and six limits that every reader can tell apart."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from nnlite.plots.style import COLORS, LINES, class_look, limit_style

# Linear RGB as seen without one kind of cones (Machado, Oliveira, Fernandes 2009, severity 1).
EYES = {
    "all": np.eye(3),
    "no red": [
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ],
    "no green": [
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ],
    "no blue": [
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ],
}
XYZ = [(0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505)]


def seen(color, eyes):
    """CIE L*, a*, b* of a colour: distances of 2 are just visible, of 20 plain."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    linear = np.clip(EYES[eyes] @ linear, 0, 1)
    x, y, z = np.cbrt(np.maximum(XYZ @ linear / (0.9505, 1, 1.089), 1e-3))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eyes", EYES)
def test_colors_are_told_apart_from_each_other_and_from_black_and_white(eyes):
    points = [seen(color, eyes) for color in (*COLORS, "black")]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(points, 2)) > 20
    assert all(point[0] < 80 for point in points)  # white is 100


def test_the_usual_colors_would_not_be():
    usual = [seen(f"C{k}", "no green") for k in range(10)]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(usual, 2)) < 10


def test_a_class_is_known_by_its_marker_and_a_limit_by_its_line():
    assert len({class_look(k)["marker"] for k in range(10)}) == 10
    assert len({str(limit_style(limit)) for limit in LINES}) == len(LINES)
    assert class_look(None)["color"] == "black"
    assert limit_style(0.05) == limit_style(0.1) and limit_style(0.5) == "-"


def test_stronger_noise_has_a_fuller_line():
    def inked(style):
        lengths = np.array(style[1] if style != "-" else (1, 0))
        return lengths[::2].sum() / lengths.sum()

    filled = [inked(limit_style(limit)) for limit in sorted(LINES)]
    assert filled == sorted(filled)
