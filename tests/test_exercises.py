"""Exercises: right answers are green, typical mistakes red with their reason, blanks not begun."""

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import check
import numpy as np
import pytest
import solutions
from checks import compare, timing, training

import nnlite

FOLDER = Path(check.__file__).parent
MODULES = {name: importlib.import_module(f"checks.{name}") for name in check.FILES}
CHECKS = {c.name: c for module in MODULES.values() for c in module.CHECKS}
MISTAKES = [
    pytest.param(c, *mistake, id=f"{c.name}-{i}")
    for c in CHECKS.values()
    for i, mistake in enumerate(c.mistakes)
]


def exercise_of(**functions):
    """What a file with these functions would be as a module."""
    return SimpleNamespace(__file__=__file__, **functions)


def judged(**functions):
    """The verdict on one function."""
    ((name, function),) = functions.items()
    return compare.judge(CHECKS[name], exercise_of(**{name: function}))


@pytest.mark.parametrize("name", check.FILES)
def test_a_blank_is_not_yet_begun(name):
    verdict = check.judge_exercise(check.load(check.FILES[name]), MODULES[name])
    assert verdict == compare.Verdict("not yet begun")


@pytest.mark.parametrize("name", CHECKS)
def test_nnlites_own_and_a_learners_functions_are_right(name):
    for function in (CHECKS[name].right, getattr(solutions, name)):
        assert judged(**{name: function}) == compare.Verdict("green", "right to 1e-12")


@pytest.mark.parametrize("checked, mistake, sentence", MISTAKES)
def test_a_typical_mistake_is_red_with_its_reason(checked, mistake, sentence):
    verdict = judged(**{checked.name: mistake})
    assert verdict.state == "red" and verdict.notes[-1] == sentence
    assert "should be" in verdict.text or "raises" in verdict.text


def test_typical_mistakes_are_known_however_they_are_written(rng):
    """As learners write them, not as the checks do."""

    def transposed_filter(x, w, b, stride, zeros):
        return solutions.conv2d(x, np.swapaxes(w, 0, 1), b, stride, zeros)

    def forgotten_padding(x, w, b, stride, zeros):
        return solutions.conv2d(x, w, b, stride, ((0, 0), (0, 0)))

    def forgotten_in_backward(x, dy, kernel, stride, zeros):
        return solutions.conv2d_filter_gradient(x, dy, kernel, stride, ((0, 0), (0, 0)))

    def mean_for_sum(x, w, dy):
        return dy @ w.T, x.T @ dy, np.mean(dy, axis=0)  # in db alone

    def all_pixels(input_gradient, images, limit, step_size, steps):
        v = np.zeros(images.shape[1:])
        for _ in range(steps):
            g = input_gradient((images + v).clip(0, 1)).mean(axis=0)
            v = (v - step_size * g / abs(g).max()).clip(-limit, limit)
        return v

    def ties_go(scores, sparsity):
        n = round(sparsity * scores.size)
        return scores > np.sort(scores.ravel())[n - 1] if n else np.ones(scores.shape, bool)

    def one_too_few(scores, keep):
        return np.sort(scores[~np.isnan(scores)])[
            len(scores) - int(np.ceil(keep * len(scores))) + 1
        ]

    def overwritten(dy, w, stride, zeros, size):
        dx = np.zeros((len(dy), size[0] + sum(zeros[0]), size[1] + sum(zeros[1]), w.shape[2]))
        for r, c in np.ndindex(dy.shape[1:3]):
            for i, j in np.ndindex(w.shape[:2]):
                dx[:, r * stride[0] + i, c * stride[1] + j] = dy[:, r, c] @ w[i, j].T
        (top, _), (left, _) = zeros
        return dx[:, top : top + size[0], left : left + size[1]]

    for reason, functions in {
        "filters are transposed": {"conv2d": transposed_filter},
        "padding is forgotten: zeros": {"conv2d": forgotten_padding},
        "padding is forgotten: the windows": {"conv2d_filter_gradient": forgotten_in_backward},
        "A mean over the images": {"dense_backward": mean_for_sum},
        "gradient of clipped pixels": {"universal_noise": all_pixels},
        "Too many go where scores are equal": {"keep_mask": ties_go},
        "One too few is kept": {"threshold_at": one_too_few},
        "Windows overlap": {"conv2d_input_gradient": overwritten},
    }.items():
        verdict = judged(**functions)
        assert verdict.state == "red" and reason in verdict.notes[-1], verdict


def test_the_first_wrong_entry_is_named_and_the_case():
    def third_bias(x, w, dy):
        dx, dw, db = solutions.dense_backward(x, w, dy)
        db[2] += 1
        return dx, dw, db

    *_, dy = CHECKS["dense_backward"].cases(np.random.default_rng(0))[0]
    db = dy.sum(axis=0)[2]
    verdict = judged(dense_backward=third_bias)
    assert verdict.text == f"db[2] is {db + 1:.6g}, should be {db:.6g}; wrong: 1 of 3"
    assert verdict.notes == ("With x (4, 3), w (3, 3), dy (4, 3).", compare.NO_REASON)
    verdict = judged(threshold_at=lambda scores, keep: 7.0)
    assert verdict.text == "threshold is 7, should be 8"
    assert verdict.notes[0] == "With scores=[30.0, 8.0, 50.0, 2.0, 12.0], keep=0.8."


def test_small_differences_are_shown_with_all_digits():
    verdict = judged(threshold_at=lambda scores, keep: 8 + 1e-9)
    assert verdict.text == "threshold is 8.000000001, should be 8"


@pytest.mark.parametrize(
    "answer, text, note",
    [
        (lambda x: None, "relu returns nothing", "Its `return` is missing."),
        (lambda x: "y", "relu returns 'y', should be y", None),
        (lambda x: [[1], [1, 2]], "relu returns [[1], [1, 2]], should be y", None),
        (lambda x: np.maximum(x, 0)[0], "y has shape (5,), should be (4, 5)", compare.NO_REASON),
        (lambda x: np.maximum(x, 0, out=x), "relu writes into its argument x", "work on a copy"),
        (lambda x: np.maximum(x, 0).astype("f4"), "; wrong: ", "Is something computed in float32"),
        (lambda x: -3 * np.maximum(x, 0), "; wrong: ", "All of y is -3 times what it should be."),
        (lambda x: x / 0, "y[0, 0] is ", compare.NO_REASON),
        (lambda x: x[99], "relu raises IndexError: index 99 is out of bounds", "With x (4, 5)."),
    ],
)
def test_what_can_be_wrong_with_any_answer(answer, text, note):
    verdict = judged(relu=answer)
    assert verdict.state == "red" and text in verdict.text
    assert note is None or any(note in line for line in verdict.notes)


def test_an_error_names_the_line():
    verdict = judged(relu=lambda x: x.no_such_thing)
    lines = Path(__file__).read_text().splitlines()
    line = 1 + next(i for i, text in enumerate(lines) if "x.no_such_thing" in text)
    assert verdict.text.endswith(f"'no_such_thing' in line {line}")


def test_of_two_functions_the_red_one_counts_then_the_blank_one():
    def blank(*args):
        raise NotImplementedError

    relu, gradient = solutions.relu, solutions.relu_gradient
    for functions, state, text in [
        ((blank, abs), "red", "relu_gradient raises TypeError"),
        ((relu, lambda y, dy: y), "red", "dx[0, 0]"),
        ((relu, blank), "not yet begun", "relu_gradient; the rest is right"),
        ((blank, gradient), "not yet begun", "relu; the rest is right"),
        ((relu, gradient), "green", "right to 1e-12"),
        ((relu, None), "red", "there is no function relu_gradient in the file"),
    ]:
        exercise = exercise_of(relu=functions[0], relu_gradient=functions[1])
        verdict = check.judge_exercise(exercise, MODULES["relu"])
        assert verdict.state == state and text in verdict.text


IN_USE = {
    "dense_backward": r"agrees with differences to \de-(0[89]|1\d) ",
    "relu": r"agrees with differences to \de-(0[89]|1\d)\.",
    "softmax_cross_entropy": r"agrees with differences to \de-(0[89]|1\d) ",
    "adam": r"60 batches in .* s, reads ([6-9]\d)% of new digits right",
    "conv2d": r"60 batches in .* s, reads ([6-9]\d)% of new digits right",
    "conv_backward": r"to \de-(0[89]|1\d)\..*60 batches in .* s, reads ([6-9]\d)% of new",
    "mask": r"100 steps later: 80% zeros; with masked gradients instead, 0%\.",
    "mean_activation": r"takes \d.* times as long",
    "universal_noise": r"read [5-9]\d% of other digits as a 3; random signs do with 1?\d%\.",
    "ratio_and_threshold": r"a tenth .*: of those read wrong [2-6]\d%, .* read right \d%\.",
    "decouple": r"18 weights, is a matrix of 1,568 x 784 for a digit, 9[89]\.\d% zeros",
    "sparse_product": r"and 1000 images: .* ms, SciPy .* ms: .* times as fast as SciPy",
}


@pytest.mark.parametrize("name", IN_USE)
def test_what_is_right_does_something_in_nnlite(name, monkeypatch):
    monkeypatch.setattr(training, "PASSES", 1)
    monkeypatch.setattr(training, "SECONDS", 1000)  # so that busy machines train as far
    verdict = check.use(solutions, MODULES[name])
    assert verdict.state == "green" and re.search(IN_USE[name], verdict.text), verdict.text


def test_every_exercise_but_im2col_is_used():
    assert set(IN_USE) == {name for name in MODULES if hasattr(MODULES[name], "in_use")}
    assert check.use(solutions, MODULES["im2col"]) == compare.Verdict("green")


def test_the_network_is_trained_with_the_learners_function(monkeypatch):
    """One that answers nonsense is noticed, and a failure in training is no traceback."""
    monkeypatch.setattr(training, "PASSES", 1)

    def nothing(x, w, b, stride, zeros):
        return 0 * solutions.conv2d(x, w, b, stride, zeros)

    verdict = check.use(exercise_of(conv2d=nothing), MODULES["conv2d"])
    assert int(re.search(r"reads (\d+)%", verdict.text)[1]) < 30
    verdict = check.use(exercise_of(conv2d=lambda *args: 1 / 0), MODULES["conv2d"])
    assert (
        verdict.state == "red"
        and "Red after all: in nnlite it raises ZeroDivisionError" in verdict.text
    )
    assert nnlite.replaceable()["conv2d"].startswith("nnlite.fast")


def test_a_slow_function_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(training, "SECONDS", 0)
    assert "1 batches" in training.report(training.dense_layers())
    module = MODULES["sparse_product"]
    monkeypatch.setattr(module, "TOO_SLOW", 0)
    assert "and 10 images" in module.in_use(solutions)


def test_the_fastest_call_counts(monkeypatch):
    clock = iter([0, 5, 10, 12, 20, 29])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    assert timing.fastest(lambda: None) == 2


@pytest.fixture
def own_copy(tmp_path):
    """A copy of the exercises that a test may solve."""
    folder = tmp_path / "exercises"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(folder, *names):
    command = [sys.executable, folder / "check.py", *names]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder.parent.parent)


def test_the_command_line(own_copy):
    path = own_copy / "01_dense_backward.py"
    solution = "return dy @ w.T, x.T @ dy, dy.sum(axis=0)"
    path.write_text(path.read_text().replace('raise NotImplementedError("your turn")', solution))
    path = own_copy / "02_relu.py"
    path.write_text(
        path.read_text().replace('raise NotImplementedError("your turn")', "return x x")
    )
    done = run(own_copy, "dense_backward", "exercises/02_relu.py", "04_adam.py")
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "01  dense_backward         green          right to 1e-12"
    assert "agrees with differences" in lines[1]
    assert lines[2].startswith(
        "02  relu                   red            cannot be read: SyntaxErr"
    )
    assert lines[3] == "04  adam                   not yet begun"


def test_the_command_line_checks_all_and_knows_the_names(own_copy):
    done = run(own_copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        [path.stem[:2], name] for name, path in check.FILES.items()
    ]
    done = run(own_copy, "convolution")
    assert done.returncode == 2 and "there is no 'convolution'; there are dense_ba" in done.stderr


def test_the_red_one_in_the_readme(own_copy, monkeypatch, capsys):
    path = own_copy / "01_dense_backward.py"
    mistake = "return dy @ w.T, x.T @ dy / len(x), dy.sum(axis=0)"
    path.write_text(path.read_text().replace('raise NotImplementedError("your turn")', mistake))
    monkeypatch.setitem(check.FILES, "dense_backward", path)
    assert check.report("dense_backward", colour=False)
    assert f"```\n{capsys.readouterr().out}```\n" in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("colour", [True, False])
def test_colour_is_beside_the_word(colour, capsys):
    assert not check.report("adam", colour)
    out = capsys.readouterr().out
    assert "not yet begun" in out and ("\033[" in out) == colour


def heading(line):
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")


@pytest.mark.parametrize("name", check.FILES)
def test_pages_and_commands_of_an_exercise_are_there(name):
    text = check.FILES[name].read_text()
    assert f"python exercises/check.py {name}\n" in text and "\n# Hint: " in text
    links = re.findall(r"(docs/[\w-]+\.md)#([\w-]+)", text)
    assert links
    for page, anchor in links:
        lines = (FOLDER.parent / page).read_text().splitlines()
        assert anchor in [heading(line) for line in lines if line.startswith("#")]
        assert f"(../{page}#{anchor})" in (FOLDER / "README.md").read_text()


def test_the_readme_lists_the_exercises_in_order():
    found = re.findall(r"\]\((\d\d_\w+\.py)\)", (FOLDER / "README.md").read_text())
    assert found == [path.name for path in check.FILES.values()]
