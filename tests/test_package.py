"""What is said of the package in several files is the same in all."""

import re
from pathlib import Path

import nnlite

ROOT = Path(__file__).parents[1]


def text(name):
    return (ROOT / name).read_text()


def test_the_version_is_the_same_everywhere():
    (cited,) = re.findall(r"^version: (.*)$", text("CITATION.cff"), flags=re.MULTILINE)
    latest = re.search(r"^## ([\d.]+)", text("CHANGELOG.md"), flags=re.MULTILINE)[1]
    assert cited == latest == nnlite.__version__


def test_every_link_of_contributing_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", text("CONTRIBUTING.md"))
    assert links and all((ROOT / link).exists() for link in links)
