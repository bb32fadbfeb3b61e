"""lab/tables.py: numbers and tables as text."""

import numpy as np
from lab import tables


def test_the_largest_step_counts_steps_of_its_size_only():
    curve = {0.0: [1, 0.1, 0.5], 0.01: [1, 0.2, 0.5], 0.02: [0, 0.2, 0.53], 0.5: [0, 1, 1]}
    assert tables.largest_step(curve, 0.01) == "10.0 to 0.01"
    assert tables.largest_step(curve, 0.05) == "-"
    assert tables.largest_step(curve, 0.01, up_to=0.0) == "-"


def test_the_largest_step_is_of_noise_not_of_clean_images():
    assert tables.largest_step({0.0: [0, 0.1, 0.3], 0.01: [1, 0.2, 0.1]}, 0.01) == "10.0 to 0.01"


def test_percentages():
    assert tables.percent(0.98449) == "98.4" and tables.percent([0.98449], 2) == "98.45"
    assert tables.percent([0.5, 0.6]) == "55.0 (50.0 to 60.0)"
    assert tables.percent(np.array([0.5, 0.6, 0.1]), 0) == "40 (10 to 60)"
    assert tables.percent([-0.01, 0.03], sign="+") == "+1.0 (-1.0 to +3.0)"


def test_a_table_in_markdown():
    text = tables.markdown(["a", "b"], [["1", ""], ["3", "4"]])
    assert text == "| a | b |\n| --- | --- |\n| 1 |  |\n| 3 | 4 |"


def test_a_table_has_no_negative_zero():
    cells = ["-0.0", "-0.04", "x -0.00 to 1.0", "-10.0", "+0.0"]
    assert tables.markdown(["a"] * 5, [cells]).endswith(
        "| 0.0 | -0.04 | x 0.00 to 1.0 | -10.0 | +0.0 |"
    )


def test_names_for_people():
    assert tables.name_noise((3, 0.25)) == tables.name_noise([3, 0.25]) == "class 3, limit 0.25"
    assert tables.describe(()) == "unpruned"
    settings = (("magnitude", 0.85), ("mean_activation", 0.8))
    assert tables.describe(settings) == "magnitude 85 %, mean activation 80 %"
