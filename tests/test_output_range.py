"""experiments/output_range.py on a small scale."""

from dataclasses import replace

import numpy as np
import output_range
from lab import forms
from output_range import Config, Range
from small import NETS, NOISE

CONFIG = Config(forms.Config((("ann-lq", NETS["ann-lq"]),), NOISE))


def test_outside_a_range():
    assert output_range.outside(np.array([0.4, 0.5, 1.1, 1.2]), (0.5, 1.1)) == 0.5


def test_the_range_comes_from_validation_images_and_curves_say_what_lies_outside(few_digits, runs):
    model = forms.network("ann-lq", "whole", 0, CONFIG.forms, few_digits, runs).model
    result = Range("ann-lq", "whole", 0, with_curves=True).compute(CONFIG, few_digits, runs)
    images, labels = few_digits.validation
    outputs = model.predict(images)
    largest = outputs.max(axis=1)[outputs.argmax(axis=1) == labels]
    assert output_range.outside(largest, result["range"]) < 0.02
    low, high = np.searchsorted(result["grid"], result["range"])  # the grid begins and ends beyond
    for group, below in result["curves"].items():
        least, most = below[low - 1] + 1 - below[high], below[low] + 1 - below[high - 1]
        assert least - 1e-3 < result["outside"][group] < most + 1e-3
    assert result["all_outputs"][-1] >= result["clean_extremes"][1]


def test_test_images_do_not_move_the_range(few_digits, runs):
    others = replace(few_digits, test=few_digits.test._replace(images=1 - few_digits.test.images))
    row = Range("ann-lq", "pruned", 0, with_curves=False)
    result, other = (row.compute(CONFIG, data, runs) for data in (few_digits, others))
    assert np.array_equal(result["range"], other["range"])
    assert result["outside"] != other["outside"]
    assert "curves" not in result
