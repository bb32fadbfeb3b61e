"""One way to put a faster function in, or one's own.

What takes the time of training is a plain function in NumPy, marked where it is defined:

    @may_be_replaced
    def relu(x):
        return np.maximum(x, 0)

A call of `relu` goes to the function that was put in its place, if there is one, and that one may
decline what it does not take (another dtype, a size, a layout) by returning NotImplemented, as
Python's own operators do; then the plain function computes.  nnlite/fast/ puts its functions in
when nnlite is imported.  Nobody who calls `relu` knows of it.

    with nnlite.plain():                    NumPy only, whatever happens inside
    with nnlite.replaced(relu=mine):        the reader's own function in the same place
    nnlite.replaceable()                    what can be replaced, and what is in use

Both hold, like np.errstate, for the thread that enters them and end with the block.
"""

import contextlib
import contextvars
import functools
import importlib
from collections import ChainMap

PLAIN = {}  # name: the function in NumPy
FAST = {}  # name: the one that nnlite/fast/ put in its place
IN_USE = contextvars.ContextVar("in_use", default=FAST)


def may_be_replaced(function):
    """Mark a plain function as one that another may take the place of, by its name."""
    name = function.__name__
    if name in PLAIN:
        raise ValueError(f"{name} is the name of two functions: {PLAIN[name]}, {function}")
    PLAIN[name] = function

    @functools.wraps(function)
    def call(*args, **kwargs):
        other = IN_USE.get().get(name)
        if other is not None:
            result = other(*args, **kwargs)
            if result is not NotImplemented:
                return result
        return function(*args, **kwargs)

    return call


def put_in(**functions):
    """Put these in for good, each in the place of the plain function of its name.

    The plain function may be defined later: nnlite.sparse is loaded when it is first used.
    """
    FAST.update(functions)


@contextlib.contextmanager
def plain():
    """Use the plain functions only, inside the `with`."""
    token = IN_USE.set({})
    try:
        yield
    finally:
        IN_USE.reset(token)


@contextlib.contextmanager
def replaced(**functions):
    """Put functions in the places of those of the same name, inside the `with`.

    Each takes the arguments of the plain one; where it returns NotImplemented, the plain one
    computes.  Raises ValueError for a name that nothing replaceable has, or what is no function.
    """
    check_functions(functions)
    token = IN_USE.set(ChainMap(functions, IN_USE.get()))
    try:
        yield
    finally:
        IN_USE.reset(token)


def replaceable():
    """What can be replaced and what is in use: {"relu": "nnlite.fast.elementwise.relu", ...}."""
    importlib.import_module("nnlite.sparse")  # has some too
    functions = {**PLAIN, **IN_USE.get()}
    return {name: describe(functions[name]) for name in sorted(functions)}


def describe(function):
    """The module and name of a function; its repr where it has none."""
    parts = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    return ".".join(parts) if all(parts) else repr(function)


def check_functions(functions):
    if not functions.keys() <= PLAIN.keys():
        importlib.import_module("nnlite.sparse")  # may have them
    for name, function in functions.items():
        if name not in PLAIN:
            raise ValueError(f"{name} cannot be replaced; these can: {', '.join(sorted(PLAIN))}")
        if not callable(function):
            raise ValueError(f"{name} is {function!r}; a function is needed")
