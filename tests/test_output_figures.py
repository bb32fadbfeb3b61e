"""Figures of what outputs tell: what they draw is what was measured, and what was published."""

import base64

import numpy as np
from confidence_curves import published
from lab import gallery
from lab.figures.confidence import largest_outputs, score_dots, success_against_ratio
from lab.figures.look import NETWORKS

from nnlite import plots
from nnlite.plots.confidence import GROUPS

GROUPED = {group: [1.0, 0.6, 0.25] for group in GROUPS}


def panel(infinite=0):
    return {
        "thresholds": [1, 10, 100],
        "curves": GROUPED,
        "at": [{"keep": 0.9, "threshold": 6.5, "corrupted_kept": 0.527}],
        "images": dict.fromkeys(GROUPS, 200),
        "only_first_positive": dict.fromkeys(GROUPS, infinite),
        "published": [(6.6, 0.44), (18.2, 0.175)],
    }


def words(axes):
    return " ".join(text.get_text() for text in axes.texts)


def lines(axes):
    """{label: (x, y)}"""
    return {line.get_label(): line.get_data() for line in axes.lines}


def test_the_published_thresholds_of_a_network():
    assert published("ann-lq") == [(6.6, 0.44), (18.2, 0.175)]
    assert published("cnn-lq") == published("ann-sce, pruned") == []  # without a threshold, nothing


def test_ratio_curves_have_what_thresholds_keep_here_and_in_the_post():
    figure = plots.ratio_curves({"a": panel(), "b": panel(50)}, title="limit 0.35")
    assert figure.get_suptitle() == "limit 0.35"
    a, b = figure.axes
    assert np.allclose(lines(a)["clean, read right"], [[1, 10, 100], [100, 60, 25]])
    assert np.allclose(lines(a)["corrupted images kept"], [[6.5], [52.7]])
    assert np.allclose(lines(a)["published: corrupted images kept"], [[6.6, 18.2], [44, 17.5]])
    assert "52.7 % above 6.5" in words(a) and "published: 17.5 % above 18.2" in words(a)
    assert "90 % of the clean kept" in lines(a)
    assert "infinite: 25 % of clean,\n25 % of corrupted" in words(b) and "infinite" not in words(a)


def test_the_published_range_is_drawn_in_every_panel():
    row = {"grid": [0.0, 0.5, 1.2], "curves": GROUPED, "range": [0.4, 1.0]}
    figure = largest_outputs({"a": row, "b": row, "c": row}, "curves", (0.5, 1.1))
    for axes in figure.axes[:3]:
        assert [line.get_xdata()[0] for line in axes.lines[-2:]] == [0.5, 1.1]


def test_a_bar_of_a_histogram_is_four_steps_of_the_curve():
    below = {group: [0.0, 0.1, 0.1, 0.2, 0.7] for group in GROUPS}
    row = {"grid": range(5), "curves": below, "range": [0.4, 1.0]}
    axes = largest_outputs({"a": row}, "histograms").axes[0]
    values, edges, _ = axes.patches[0].get_data()
    assert np.allclose(values, [70]) and np.allclose(edges, [0, 4])
    assert axes.get_xlabel() == "largest output"


def test_whole_networks_stand_left_and_pruned_ones_right():
    forms = ("ann-lq", "whole", 0.9), ("ann-lq", "pruned", 0.8), ("cnn-sce", "pruned less", 0.7)
    dots = [{"network": n, "form": f, "auroc": [value, 0.5]} for n, f, value in forms]
    whole, pruned = score_dots({"right": dots}, ["ratio", "margin"]).axes
    assert [line.get_xdata()[0] for line in whole.lines] == [90]
    assert [line.get_xdata()[0] for line in pruned.lines] == [80, 70]
    assert whole.lines[0].get_color() == pruned.lines[0].get_color() == NETWORKS["ann-lq"]["color"]
    assert pruned.lines[0].get_markerfacecolor() == "white"


def test_lines_differ_without_colour():
    kinds = {kind: {"success": [[0.5]], "ratio": [[3]]} for kind in ("second", "random", "least")}
    axes = success_against_ratio({"limit 0.15": kinds}).axes[0]
    assert len({(line.get_marker(), line.get_linestyle()) for line in axes.lines}) == 3
    assert [line.get_ydata()[0] for line in axes.lines] == [50, 50, 50]
    assert len({look["ls"] for look in GROUPS.values()}) == 3
    assert len({look["marker"] for look in NETWORKS.values()}) == 4


def test_weak_noise_is_paler_and_a_bar_says_how_much_it_is():
    weak, strong = np.full((10, 28, 28), 0.1), np.full((10, 28, 28), -0.35)
    titles = dict.fromkeys(("weak", "strong"), ["4 %"] * 10)
    *pictures, bar = plots.noise_grid({"weak": weak, "strong": strong}, titles).axes
    assert {axes.images[0].get_clim() for axes in pictures} == {(-0.35, 0.35)}
    assert np.allclose(bar.get_xticks(), [-0.35, 0, 0.35])


def test_a_digit_of_the_gallery_stands_beside_itself_under_noise():
    text = base64.b64encode(bytes(range(196)) * 4).decode()
    noise = {"limit": 0.15, "read": 3, "image": text, "outputs": [0.9, -0.1], "ratio": "inf"}
    digit = {"first": 1, "second": 3, "image": text, "outputs": [0.56, 0.44], "ratio": "1.27"}
    figure = plots.digit_gallery(gallery.with_pictures([digit | {"noise": [noise]}]))
    clean, noisy = figure.axes
    assert (clean.get_title(), noisy.get_title()) == ("1, then 3", "0.15: read as 3")
    assert clean.get_xlabel() == "0.56 / 0.44\nratio 1.27"
    assert noisy.get_xlabel() == "0.90 / -0.10\nratio ∞"
    assert np.allclose(255 * noisy.images[0].get_array(), np.resize(np.arange(196), (28, 28)))


def test_an_image_as_text_and_back(rng):
    image = rng.integers(0, 256, (28, 28, 1)) / 255
    assert np.allclose(gallery.from_text(gallery.as_text(image)), image[..., 0])
