"""The site is built without a warning, and every link and anchor in it leads somewhere."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

for package in ("sphinx", "myst_parser", "furo"):
    pytest.importorskip(package, reason="pip install -e '.[docs]'")

DOCS = Path(__file__).parents[1] / "docs"


class Page(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src"):
                self.links.add(value)
            elif name == "id":
                self.anchors.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    path = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", DOCS, path]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return path


def test_every_link_and_anchor_leads_somewhere(site):
    pages = {path: Page(path) for path in site.rglob("*.html")}
    for path, page in pages.items():
        for link in page.links:
            target, anchor = urldefrag(unquote(link))
            if "://" in target or target.startswith("data:"):
                continue
            file = (path.parent / target.partition("?")[0]).resolve() if target else path
            assert file.exists(), f"{path.name}: {link}"
            if anchor and file in pages:
                assert anchor in pages[file].anchors, f"{path.name}: {link}"


def test_every_page_is_there_and_nothing_comes_from_the_net(site):
    for page in DOCS.glob("*.md"):
        html = (site / page.with_suffix(".html").name).read_text()
        assert html.count('class="reference internal"') > 10  # the list of pages
        assert '<script src="http' not in html and 'rel="stylesheet" href="http' not in html
    assert (site / "searchindex.js").exists()


def test_the_reference_has_what_the_package_offers(site):
    import nnlite

    html = (site / "api.html").read_text()
    modules = {
        "numbers",
        "attack_losses",
        "attacks",
        "confidence",
        "data",
        "noise",
        "prune",
        "robustness",
    }
    for name in set(nnlite.__all__) - modules:
        module = getattr(nnlite, name).__module__
        assert f'id="{module}.{name}"' in html, name
