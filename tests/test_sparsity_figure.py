"""Figures of pruning: what is drawn are the numbers, in percent, against the weights kept."""

import json
from pathlib import Path

import numpy as np
import pytest
from lab.figures.pruning import other_ways, published_points, time_and_accuracy
from matplotlib.colors import to_hex

from nnlite.plots import accuracy_against_sparsity
from nnlite.plots.sparsity import spread
from nnlite.plots.style import COLORS

VECTORS = [(3, 0.25), (5, 0.35)]
SPARSITIES = [0.0, 0.5, 0.9]
ROWS = np.array([(0.98, 0.2, 0.1), (0.97, 0.3, 0.1), (0.6, 0.4, 0.2)])
RESULTS = Path(__file__).parents[1] / "docs" / "results"


def lines_of(axes, color, marker):
    """[(x, y), ...] of the lines of that look that lie in the axes."""
    return [
        (line.get_xdata(), line.get_ydata())
        for line in axes.lines
        if to_hex(line.get_color()) == color and line.get_marker() == marker and line.get_clip_on()
    ]


def test_each_curve_is_the_mean_in_percent_and_the_first_network_is_thin():
    finer = np.insert(ROWS, 1, (0.975, 0.25, 0.1), axis=0)
    networks = [([0.0, 0.3, 0.5, 0.9], finer), (SPARSITIES, ROWS + 0.02)]
    figure = accuracy_against_sparsity({"two": networks}, VECTORS)
    ((kept, mean),) = lines_of(figure.axes[0], COLORS[3], "^")
    assert np.allclose(kept, (100, 50, 10)) and np.allclose(mean, (21, 31, 41))
    ((kept, first),) = lines_of(figure.axes[0], COLORS[3], "None")
    assert np.allclose(kept, (100, 70, 50, 10)) and np.allclose(first, (20, 25, 30, 40))
    assert figure.axes[0].get_xlim() == pytest.approx((100, 10))
    bands = figure.axes[0].collections
    assert len(bands) == 3
    assert np.ptp(bands[1].get_paths()[0].vertices[:, 1]) == pytest.approx(22)  # 20 to 42


def test_the_first_network_is_not_drawn_again_where_it_was_measured_as_often():
    networks = [(SPARSITIES, ROWS), (SPARSITIES, ROWS + 0.02)]
    figure = accuracy_against_sparsity({"two": networks}, VECTORS)
    assert lines_of(figure.axes[0], COLORS[3], "None") == []
    assert "finer" not in " ".join(text.get_text() for text in figure.legends[0].get_texts())


def test_the_line_is_the_limit_and_a_network_alone_has_no_range():
    axes = accuracy_against_sparsity({"one": [(SPARSITIES, ROWS)]}, VECTORS).axes[0]
    drawn = {to_hex(line.get_color()): line for line in axes.lines if line.get_marker() in "^o"}
    assert drawn[COLORS[3]].is_dashed() and not drawn[COLORS[5]].is_dashed()
    assert len(axes.collections) == 0


def test_more_than_four_vectors_of_one_panel_are_drawn_in_two():
    rows = np.full((3, 7), 0.5)
    vectors = [(k, 0.2) for k in range(6)]
    figure = accuracy_against_sparsity({"one": [(SPARSITIES, rows)]}, vectors)
    above, below = figure.axes
    drawn = [{to_hex(line.get_color()) for line in axes.lines} for axes in (above, below)]
    assert set(COLORS[:3]) <= drawn[0] and set(COLORS[3:6]) <= drawn[1]
    assert not set(COLORS[3:6]) & drawn[0]


def test_published_points_stand_at_what_the_post_keeps():
    points = published_points("mean_activation")
    assert [sparsity for sparsity, _ in points] == [0, 0.81]
    assert [sparsity for sparsity, _ in published_points("combined")] == [0, 0.85]
    assert len(published_points("random")) == 1
    panels, published = {"one": [(SPARSITIES, ROWS)]}, {"one": [(0.8, (0.98, 0.5, 0.6))]}
    axes = accuracy_against_sparsity(panels, VECTORS, published).axes[0]
    hollow = [line for line in axes.lines if line.get_markerfacecolor() == "white"]
    found = [(line.get_xdata()[0], line.get_ydata()[0]) for line in hollow]
    assert np.allclose(found, [(20, 98), (20, 50), (20, 60)])


def test_a_network_without_weights_is_refused():
    with pytest.raises(ValueError, match="keeps no weight"):
        accuracy_against_sparsity({"one": [([0.0, 0.5, 1.0], ROWS)]}, VECTORS)


def test_names_keep_their_order_and_distance():
    heights = np.array([98.5, 23.0, 97.0, 24.0, 96.5, 60.0])
    places = spread(heights, 6, 100)
    assert np.array_equal(np.argsort(places), np.argsort(heights))
    assert np.diff(np.sort(places)).min() > 6 - 1e-9 and places.max() <= 100
    assert places[5] == 60 and places[[1, 3]].mean() == pytest.approx(23.5)  # moved alike


def test_times_stand_beside_those_that_were_measured_of_others():
    cases = json.loads((RESULTS / "bench-sparse.json").read_text())["cases"]
    references = other_ways(cases)
    scipy = references["SciPy, decoupled"]
    assert (
        scipy[0.8]
        == cases["cnn, decoupled, convolutions 80 % pruned, batch 1000"]["SciPy"]["median_ms"]
    )
    curve = {0.0: 0.8, 0.5: 0.7}
    figure = time_and_accuracy({"random": {0.0: 100, 0.5: 50}}, {"random": curve}, references)
    above, below = figure.axes
    assert {text.get_text() for text in above.texts} == set(references)
    drawn = [list(line.get_ydata()) for line in above.lines]
    assert [100, 50] in drawn and list(scipy.values()) in drawn
    assert list(below.lines[0].get_ydata()) == [80, 70]
