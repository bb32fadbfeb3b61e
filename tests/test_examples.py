"""The examples run, print what they promise, leave a figure, and stay short."""

import re
import runpy
from pathlib import Path

import pytest

import nnlite

EXAMPLES = {path.stem: path for path in (Path(__file__).parents[1] / "examples").glob("*.py")}
# Of the percents that are printed, the highest is at least
LEAST_RIGHT = {"first_network": 60, "own_layer": 20, "own_images": 80, "fool": 50}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_runs_and_draws_its_figure(name, few_digits, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(nnlite.data, "load", {"strokes": few_digits}.__getitem__)
    runpy.run_path(str(EXAMPLES[name]))
    figure = tmp_path / "results" / f"{name.replace('_', '-')}.png"
    assert 5_000 < figure.stat().st_size < 150_000
    percents = [float(number) for number in re.findall(r"([\d.]+)%", capsys.readouterr().out)]
    assert max(percents, default=0) >= LEAST_RIGHT.get(name, 0)


def test_there_are_six_of_under_forty_lines_that_say_how_to_run_them():
    assert len(EXAMPLES) == 6
    for name, path in EXAMPLES.items():
        text = path.read_text()
        assert len(text.splitlines()) < 40, name
        assert f"python examples/{name}.py" in text
