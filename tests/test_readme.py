"""The README's first network runs, its links lead somewhere, and tables show what was measured."""

import json
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
import reproduce
import training_study
from lab.script import Results

README = Path(__file__).parents[1] / "README.md"
DOCS = README.parent / "docs"


def test_first_network_runs_and_learns(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    exec(compile(code, str(README), "exec"), {})
    last = capsys.readouterr().out.splitlines()[-1]
    assert float(re.search(r"([\d.]+)%", last)[1]) > 90


def test_every_file_of_the_library_is_in_the_table():
    table = README.read_text()
    files = [path for path in (README.parent / "nnlite").glob("*.py") if path.stem != "__init__"]
    assert files and all(f"(nnlite/{path.name})" in table for path in files)


def test_every_link_leads_somewhere():
    for page in [README, *(README.parent / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_tables_of_the_docs_are_those_of_the_results():
    page = (DOCS / "training.md").read_text()
    study = Results(**json.loads((DOCS / "results" / "training-study.json").read_text()))
    assert training_study.table(study) in page


@pytest.mark.parametrize(
    "page, scripts",
    [("post-1-pruning.md", reproduce.POST_1), ("post-2-outputs.md", reproduce.POST_2)],
)
def test_the_pages_of_the_posts_have_the_tables_of_their_results(page, scripts):
    text = (DOCS / page).read_text()
    for name, (script, _) in scripts.items():
        results = json.loads((DOCS / "results" / f"{name}.json").read_text())
        for block in script.table(results).split("\n\n"):
            assert block in text, f"{name}: the page has another table than\n{block}"
