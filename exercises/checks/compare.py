"""An answer beside the right one: equal, or where not, and what is usually the reason."""

import inspect
import reprlib
import textwrap
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import nnlite

TOLERANCE = 1e-12  # beside the largest entry
GREEN, RED, BLANK = "green", "red", "not yet begun"
NO_REASON = "None of the usual mistakes gives this. The hint is at the end of the file."


@dataclass(frozen=True)
class Check:
    """One function of an exercise.

    right      a function of the same name and arguments; nnlite's own does the work
    returns    the names of what it returns, one or more
    cases      a function of a Generator that returns the arguments to try, a tuple for each call
    mistakes   pairs (a function that makes the mistake, what is to be said of it)
    """

    right: Callable
    returns: tuple
    cases: Callable
    mistakes: tuple

    @property
    def name(self):
        return self.right.__name__


@dataclass(frozen=True)
class Verdict:
    """What is said of an exercise: GREEN, RED or BLANK, in what, and lines that explain it."""

    state: str
    text: str = ""
    notes: tuple = ()


def judge(check, exercise):
    """Verdict on the function of an exercise, from the first case in which it is not right."""
    answer = getattr(exercise, check.name, None)
    if not callable(answer):
        return Verdict(RED, f"there is no function {check.name} in the file")
    for args in check.cases(np.random.default_rng(0)):
        given = copies(args)
        try:
            with np.errstate(all="ignore"):
                result = answer(*given)
        except NotImplementedError:
            return Verdict(BLANK)
        except Exception as error:
            text = f"{check.name} raises {describe_error(error, exercise.__file__)}"
            reason = find_reason(check, answer, args, check.returns[0])
            return Verdict(RED, text, (describe_case(check, args), reason))
        verdict = judge_result(check, answer, args, result) or judge_arguments(check, args, given)
        if verdict:
            return verdict
    return Verdict(GREEN, f"right to {TOLERANCE:.0e}")


def judge_result(check, answer, args, result):
    """Verdict on what a function returned, None if it is right."""
    if result is None:
        return Verdict(RED, f"{check.name} returns nothing", ("Its `return` is missing.",))
    values = as_values(check, result)
    if values is None:
        wanted = " and ".join(check.returns)
        return Verdict(RED, f"{check.name} returns {reprlib.repr(result)}, should be {wanted}")
    with nnlite.plain():
        right = outcome(check, check.right, args)
    for name in check.returns:
        value, wanted = values[name], right[name]
        if not equal(value, wanted):
            reason = find_reason(check, answer, args, name)
            notes = describe_case(check, args), reason or general_reason(name, value, wanted)
            return Verdict(RED, first_difference(name, value, wanted), notes)
    return None


def judge_arguments(check, args, given):
    """Verdict on a function that wrote into its arguments, else None."""
    for name, before, after in zip(inspect.signature(check.right).parameters, args, given):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=True):
            note = f"Others still need {name}. Compute a new array, or work on a copy."
            return Verdict(RED, f"{check.name} writes into its argument {name}", (note,))
    return None


def find_reason(check, answer, args, name):
    """The sentence of the mistake that gives the same wrong value, or raises the same error.

    If several do, that of the one which agrees most often with the answer, over all cases.
    """
    cases = check.cases(np.random.default_rng(0))
    wrong, answers = outcome(check, answer, args), [outcome(check, answer, case) for case in cases]
    best, reason = 0, ""
    for mistake, sentence in check.mistakes:
        if not same(outcome(check, mistake, args)[name], wrong[name]):
            continue
        mistaken = [outcome(check, mistake, case) for case in cases]
        agree = sum(same(a[key], b[key]) for a, b in zip(answers, mistaken) for key in a)
        if agree > best:
            best, reason = agree, sentence
    return reason


def outcome(check, function, args):
    """{name: array} of what a function returns; the error in the place of all if it raises one."""
    try:
        with np.errstate(all="ignore"):
            values = as_values(check, function(*copies(args)))
    except Exception as error:
        return dict.fromkeys(check.returns, error)
    return values or dict.fromkeys(check.returns, ValueError("no arrays"))


def same(value, other):
    """Whether two outcomes are equal arrays, or the same error."""
    if isinstance(value, Exception) or isinstance(other, Exception):
        return type(value) is type(other) and str(value) == str(other)
    return equal(value, other)


def general_reason(name, value, right):
    """What can be said of any array: of another precision, or a multiple of the right one."""
    if value.shape != right.shape or right.dtype == bool:
        return NO_REASON
    if not np.isfinite(value).all() or not np.isfinite(right).all():
        return NO_REASON
    if np.allclose(value, right, rtol=0, atol=1e-5 * np.abs(right).max(initial=0)):
        return "It is nearly right. Is something computed in float32, or an eps missing?"
    factor = np.sum(value * right) / max(np.sum(right**2), np.finfo(float).tiny)
    if equal(value, factor * right):
        return f"All of {name} is {factor:.4g} times what it should be."
    return NO_REASON


def copies(args):
    return [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]


def as_values(check, result):
    """{name: array} of what a function returned, None where it is something else."""
    results = (result,) if len(check.returns) == 1 else result
    if not isinstance(results, (tuple, list)) or len(results) != len(check.returns):
        return None
    try:
        arrays = [np.asarray(value) for value in results]
    except ValueError:  # rows of different lengths
        return None
    known = all(array.dtype.kind in "biuf" for array in arrays)
    return dict(zip(check.returns, arrays)) if known else None


def equal(value, right):
    if value.shape != right.shape or (value.dtype == bool) != (right.dtype == bool):
        return False
    return bool(np.all(close(value, right)))


def close(value, right):
    """Where two arrays of one shape agree; nan agrees with nan, and inf with inf."""
    finite = np.abs(right[np.isfinite(right)])
    atol = TOLERANCE * finite.max(initial=0)
    return np.isclose(value, right, rtol=0, atol=atol, equal_nan=True)


def first_difference(name, value, right):
    """'dw[0, 2] is 0.31, should be 1.24; wrong: 15 of 15'."""
    if value.shape != right.shape:
        return f"{name} has shape {value.shape}, should be {right.shape}"
    if (value.dtype == bool) != (right.dtype == bool):
        return f"{name} has dtype {value.dtype}, should be {right.dtype}"
    wrong = ~close(value, right)
    index = tuple(map(int, np.argwhere(wrong)[0]))
    place = f"[{', '.join(map(str, index))}]" if index else ""
    found, wanted = (f"{array[index]:.6g}" for array in (value, right))
    if found == wanted:
        found, wanted = (f"{array[index]:.16g}" for array in (value, right))
    count = f"; wrong: {wrong.sum()} of {wrong.size}" if index else ""
    return f"{name}{place} is {found}, should be {wanted}{count}"


def describe_case(check, args):
    """'With x (4, 3), keep=0.8.': shapes of arrays, values of what is small."""
    parts = []
    for name, arg in zip(inspect.signature(check.right).parameters, args):
        if isinstance(arg, np.ndarray) and arg.size > 6:
            parts.append(f"{name} {arg.shape}")
        elif not callable(arg):
            shown = arg.round(3).tolist() if isinstance(arg, np.ndarray) else arg
            parts.append(f"{name}={shown}")
    return f"With {', '.join(parts)}."


def describe_error(error, path):
    """'IndexError: ... in line 20', the line being the last one in the file of that path."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    text = textwrap.shorten(str(error), 200, placeholder=" ...")
    return f"{type(error).__name__}: {text}" + (f" in line {lines[-1]}" if lines else "")
