"""Every script about the posts, whole: its second run computes nothing, tables and figures come
from the file alone, and what is wrong is told in one line."""

import argparse
import dataclasses
import json
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import confidence_curves
import longer
import noise_on_pruned
import noise_ways
import one_convolution
import prune_ann
import prune_cnn_dense
import pytest
import score_table
from lab import attackers, banks, cache, nets, script
from small import NETS, NOISE

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
SCRIPTS = [*EXPERIMENTS.glob("*.py"), *EXPERIMENTS.glob("bench/*.py")]
WHOLE = (
    noise_ways,
    prune_ann,
    prune_cnn_dense,
    noise_on_pruned,
    confidence_curves,
    score_table,
    longer,
    one_convolution,
)
SHORTER = {  # fields of a Config, whatever the script
    "first_sparsities": (0.0, 0.01, 0.9),
    "ways": (("plain", 0.1, (2,)), ("chain", 0.1, (1, 2))),
    "lengths": (0.5, 1),
    "resamples": 3,
}


def small(value):
    """A Config, or what is in one, with small networks and little noise."""
    if isinstance(value, nets.Config):
        kind = "cnn" if value.convolutions else "ann"
        return NETS[f"{kind}-sce" if value.after_softmax else f"{kind}-lq"]
    if isinstance(value, banks.Config):
        return dataclasses.replace(NOISE, steps=1, batch_size=20)
    if isinstance(value, attackers.Config):
        return dataclasses.replace(value, noise_steps=1, batch_size=20)
    if isinstance(value, tuple):
        return tuple(map(small, value))
    if dataclasses.is_dataclass(value):
        fields = {f.name: small(getattr(value, f.name)) for f in dataclasses.fields(value)}
        of_tuples = {k: v for k, v in SHORTER.items() if isinstance(fields.get(k), type(v))}
        return dataclasses.replace(value, **fields | of_tuples)
    return value


def contents(path, study):
    """What a script found, without times."""
    results = script.Results(**json.loads(path.read_text()))
    timed = {kind.__name__ for kind in vars(study).values() if getattr(kind, "kept", True) is False}
    rows = [row for row in results.rows if row["kind"] not in timed]
    return dataclasses.replace(results, rows=rows)


@pytest.mark.parametrize("study", WHOLE, ids=script.name_of)
def test_a_script_runs_twice_and_shows_what_it_wrote(
    study, few_digits, runs, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(cache, "ROOT", tmp_path)
    monkeypatch.setitem(study.PRESETS, "quick", small(study.PRESETS["quick"]))
    path = tmp_path / "results" / "strokes-quick-1-seeds" / f"{script.name_of(study)}.json"
    with monkeypatch.context() as patch:
        patch.setattr(study, "draw", lambda results, out: None)  # once is enough
        script.report(study, few_digits, "quick", runs, seeds=(0,))
    first = contents(path, study)

    monkeypatch.setattr(nets, "fit", None)  # the second time there is nothing left to do
    monkeypatch.setattr(banks, "noise_chain", None)
    script.report(study, few_digits, "quick", runs, seeds=(0,))
    assert contents(path, study) == first
    assert list(path.parent.glob("*.png")) or study is noise_ways
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 5
    for line in lines:
        assert line == "" or line.count("|") > 3


def test_results_of_another_config_are_not_replaced_without_a_word(tmp_path, caplog):
    caplog.set_level("INFO", "lab")
    path = tmp_path / "prune-ann.json"
    script.say_what_changed(path, {"seeds": 1})
    cache.write_json(path, {"config": {"seeds": 1, "images": 2000}})
    script.say_what_changed(path, {"seeds": 1, "images": 2000})
    assert not caplog.messages
    script.say_what_changed(path, {"seeds": 1, "images": 500})
    assert caplog.messages == [f"{path} is replaced: images was 2000, and is 500"]


def test_figures_of_the_docs_are_small():
    figures = [*(EXPERIMENTS.parent / "docs").rglob("*.png")]
    assert figures and all(figure.stat().st_size < 150_000 for figure in figures)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_help_says_what_every_option_does(path, monkeypatch):
    parsers = []

    def stop(parser):
        parsers.append(parser)
        raise SystemExit

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    monkeypatch.syspath_prepend(str(path.parent))
    with pytest.raises(SystemExit):
        runpy.run_path(str(path), run_name="__main__")
    (parser,) = parsers
    assert parser.description and all(action.help for action in parser._actions)


@pytest.mark.parametrize(
    "name", ["reproduce.py", "train.py", "strokes_on_mnist.py", "bench/sparse.py"]
)
def test_ctrl_c_while_a_script_is_imported_is_one_line(name, tmp_path, heeding_ctrl_c):
    """tqdm is imported by all of them: here it is Ctrl-C."""
    (tmp_path / "tqdm.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{EXPERIMENTS.parent}"}
    command = [sys.executable, EXPERIMENTS / name]
    options = {"capture_output": True, "text": True, "preexec_fn": heeding_ctrl_c}
    run = subprocess.run(command, env=environment, **options)
    assert run.returncode == -signal.SIGINT and run.stderr == "\nStopped.\n" and not run.stdout


def test_tracked_results_are_written_with_docs_only():
    assert script.folder("mnist", "standard") == cache.ROOT / "results" / "mnist-standard"
    assert script.folder("mnist", "standard", docs=True) == cache.ROOT / "docs" / "results"
    for other in (("strokes", "standard"), ("mnist", "quick"), ("mnist", "standard", (0,))):
        with pytest.raises(ValueError, match="--docs takes --data mnist --preset standard"):
            script.folder(*other, docs=True)


@pytest.mark.parametrize("name", ["reproduce", "prune_ann", "train", "report"])
def test_a_script_says_what_it_does_from_any_folder(name):
    command = [sys.executable, EXPERIMENTS / f"{name}.py", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert said.returncode == 0 and "usage:" in said.stdout and not said.stderr


@pytest.mark.parametrize(
    "args, message",
    [
        (["--data", "nowhere"], "nowhere"),
        (["--seeds", "-1"], "--seeds is -1"),
        (["--workers", "0"], "--workers is 0"),
        (["--docs", "--so-far"], "--docs takes all rows of a study"),
        (["--table", "--data", "mnist", "--seeds", "77"], r"there is no .*mnist-quick-77-seeds"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(args, message, tmp_path):
    command = [sys.executable, EXPERIMENTS / "prune_ann.py", "--runs", tmp_path, *args]
    run = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1 and message.split(".*")[-1] in run.stderr
