"""Who imports whom: scripts no scripts, nobody in a circle, the plain files NumPy alone, and what
takes long to import only who uses it."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

import nnlite
from nnlite.replace import FAST
from nnlite.replace import PLAIN as PLAIN_FUNCTIONS

ROOT = Path(__file__).parents[1]
EXPERIMENTS = ROOT / "experiments"
SCRIPTS = {path.stem: path for path in EXPERIMENTS.glob("*.py")}
LAB = {f"lab.{path.stem}": path for path in (EXPERIMENTS / "lab").glob("*.py")}
for folder in ("figures", "claims"):
    paths = (EXPERIMENTS / "lab" / folder).glob("*.py")
    LAB |= {f"lab.{folder}.{path.stem}": path for path in paths}
LIBRARY = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in (ROOT / "nnlite").rglob("*.py")
    if path.stem != "__init__"
}
MOST_IMPORTS = 4  # from a script down to the last file of lab/


def imported(path):
    """Names of all modules that a file may import: "lab", "lab.cache", "numpy", ..."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def imports_within(files):
    """{module: the modules among `files` that it imports}"""
    return {name: imported(path) & files.keys() - {name} for name, path in files.items()}


def longest_chain(files):
    """The longest chain of modules of which each imports the next; ValueError for a circle."""
    imports = imports_within(files)

    @functools.cache
    def chain(name):
        below = max((chain(other) for other in sorted(imports[name])), key=len, default=())
        return (name, *below)

    try:
        return max(map(chain, files), key=len)
    except RecursionError:
        raise ValueError(f"there is a circle in {imports}") from None


@pytest.mark.parametrize("name", sorted(SCRIPTS.keys() - {"reproduce"}))
def test_no_script_imports_a_script(name):
    assert not imports_within(SCRIPTS)[name]


def test_nothing_in_lab_has_a_command_line_or_imports_a_script():
    for name, path in LAB.items():
        assert "__main__" not in path.read_text(), name
        assert not imported(path) & SCRIPTS.keys(), name


def test_chains_of_imports_are_short_and_never_closed():
    without = {name: path for name, path in SCRIPTS.items() if name != "reproduce"}
    assert len(longest_chain({**without, **LAB})) - 1 <= MOST_IMPORTS
    assert len(longest_chain(LIBRARY)) > 3


def test_a_circle_is_noticed(tmp_path):
    files = {name: tmp_path / f"{name}.py" for name in ("a", "b")}
    files["a"].write_text("import b")
    files["b"].write_text("from a import thing")
    with pytest.raises(ValueError, match="circle"):
        longest_chain(files)


PLAIN = ("layers", "conv", "losses", "optim", "model", "parameter", "init", "batches", "replace")


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_file_knows_nothing_of_numba(name):
    names = imported(LIBRARY[f"nnlite.{name}"])
    assert not any(other.startswith(("numba", "nnlite.fast")) for other in names)


def test_only_fast_knows_of_numba():
    for name, path in LIBRARY.items():
        if not name.startswith("nnlite.fast."):
            others = imported(path)
            assert not any(other.startswith(("numba", "nnlite.fast")) for other in others), name


SLOW = ("scipy.sparse", "scipy.special", "matplotlib", "pooch", "tqdm")
WITHOUT_SLOW = f"""
import sys
import nnlite
assert not set({SLOW}) & set(sys.modules), set({SLOW}) & set(sys.modules)
assert {{"sparse", "plots"}} <= set(dir(nnlite)) and not hasattr(nnlite, "sparce")
"""


def python(code):
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    "use, loaded",
    [
        ("nnlite.sparse.SparseNetwork", "scipy.sparse"),
        ("from nnlite.sparse import csr_matmul", "scipy.sparse"),
        ("nnlite.plots.training_curves", "matplotlib"),
    ],
)
def test_what_takes_long_to_import_is_when_it_is_used(use, loaded):
    python(f"{WITHOUT_SLOW}\n{use}\nassert {loaded!r} in sys.modules")


def test_fast_versions_are_in_place_however_sparse_is_first_used():
    product = "nnlite.sparse.csr_matmul(scipy.sparse.eye_array(3, format='csr'), np.ones((3, 2)))"
    declining = f"""
import numpy as np
import scipy.sparse
called = []
def mine(a, x):
    called.append(1)
    return NotImplemented
assert nnlite.replaceable()["csr_matmul"].startswith("nnlite.fast")
{product}
assert "nnlite.fast.sparse" in sys.modules
with nnlite.replaced(csr_matmul=mine):
    {product}
print(len(called))
"""
    assert python(WITHOUT_SLOW + declining) == "1\n"
    inside = "with nnlite.replaced(csr_matmul=print):\n    pass\nprint(len(nnlite.replaceable()))"
    assert python(f"{WITHOUT_SLOW}\n{inside}") == "12\n"


def test_every_fast_version_has_a_plain_one():
    assert nnlite.replaceable().keys() == PLAIN_FUNCTIONS.keys() >= FAST.keys()
