"""The README's first network runs, its links lead somewhere, and tables show what was measured."""

import json
import re
from pathlib import Path

import longer
import noise_ways
import one_convolution
import pytest
import reproduce
import training_study
from lab import cache, script

README = Path(__file__).parents[1] / "README.md"
DOCS = README.parent / "docs"
WITHOUT_FIGURES = (noise_ways,)
RESULTS = DOCS / "results"
DOUBTS = (*reproduce.DOUBTS, longer, one_convolution)
COMPUTED = (*reproduce.POST_1, *reproduce.POST_2, *DOUBTS, training_study)


def test_first_network_runs_learns_and_is_fooled(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    exec(compile("".join(blocks), str(README), "exec"), {})
    said = re.findall(r"([\d.]+)% right", capsys.readouterr().out)
    *_, validation, test, under_noise = map(float, said)
    assert validation > 90 and test > 90 and under_noise < 60
    assert (tmp_path / "first.npz").exists()


def test_every_file_is_in_the_table():
    table, root = (DOCS / "files.md").read_text(), README.parent
    for path in [*root.glob("nnlite/*.py"), *root.glob("experiments/*.py")]:
        if path.stem != "__init__":
            assert f"(../{path.relative_to(root)})" in table, path


def test_the_core_has_as_many_files_and_lines_as_the_readme_says():
    to_learn = (DOCS / "files.md").read_text().split("## The rest")[0]
    files = [DOCS / link for link in re.findall(r"\]\(([^)]+\.py)\)", to_learn)]
    lines = sum(len(path.read_text().splitlines()) for path in files)
    assert len(files) == 17
    assert f"[seventeen files and {round(lines, -2):,} lines]" in README.read_text()
    assert f"some {round(lines, -2):,}\nlines" in to_learn


def test_every_link_leads_somewhere():
    for page in [README, *(README.parent / "docs").glob("*.md")]:
        for link, anchor in re.findall(r"\]\(([^)#]*)(#[^)]*)?\)", page.read_text()):
            if "://" in link:
                continue
            target = page.parent / link if link else page
            assert target.exists(), f"{page.name}: {link}"
            assert not anchor or anchor in anchors(target), f"{page.name}: {link}{anchor}"


def anchors(page):
    """{"#in-short", ...}: what GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.*)", page.read_text(), flags=re.MULTILINE)
    words = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {f"#{word.replace(' ', '-')}" for word in words}


def test_the_anchors_of_headings_are_those_of_github(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A title, with `code`\n\n## In short\n")
    assert anchors(page) == {"#a-title-with-code", "#in-short"}


def test_the_tables_of_the_docs_are_those_of_the_results():
    page = (DOCS / "training.md").read_text()
    assert training_study.table(results_of(training_study)) in page


@pytest.mark.parametrize(
    "page, studies",
    [
        ("post-1-pruning.md", reproduce.POST_1),
        ("post-2-outputs.md", reproduce.POST_2),
        ("does-it-hold.md", DOUBTS),
    ],
)
def test_the_pages_have_the_tables_of_their_results(page, studies):
    text = (DOCS / page).read_text()
    for study in studies:
        for block in study.table(results_of(study)).split("\n\n"):
            assert block in text, f"{study.__name__}: the page has another table than\n{block}"


@pytest.mark.parametrize("study", COMPUTED, ids=script.name_of)
def test_the_results_of_the_docs_are_those_of_the_configs(study):
    """Whoever changes a Config computes the results again."""
    results = results_of(study)
    assert (results.data, results.preset) == ("mnist", "standard")
    assert results.config == cache.plain(study.PRESETS["standard"])
    wanted = [
        script.record(row, {}) for row in study.rows(study.PRESETS["standard"], results.seeds)
    ]
    fields = {row["kind"]: row.keys() for row in wanted}
    found = [{key: row[key] for key in fields[row["kind"]]} for row in results.rows]
    missing = [row for row in wanted if row not in found]
    assert all(row in wanted for row in found)
    for row in missing:  # not all networks have a form that is pruned less
        assert row.get("form") == "pruned less", row


@pytest.mark.parametrize("study", COMPUTED, ids=script.name_of)
def test_the_figures_of_the_docs_are_drawn_from_the_results_alone(study, tmp_path):
    study.draw(results_of(study), tmp_path)
    drawn = {path.name for path in tmp_path.iterdir()}
    assert bool(drawn) == (study not in WITHOUT_FIGURES)
    assert drawn <= {path.name for path in RESULTS.iterdir()}


def results_of(study):
    path = RESULTS / f"{script.name_of(study)}.json"
    return script.Results(**json.loads(path.read_text()))
