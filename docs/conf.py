"""The site of these pages: see index.md for the command."""

import re
from pathlib import Path

import nnlite

project, release = "nnlite", nnlite.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
html_theme, html_title, html_show_copyright = "furo", "nnlite", False
highlight_language = "none"  # what is indented is a formula or a command
smartquotes = False
myst_heading_anchors = 4  # the anchors that GitHub gives headings
autodoc_member_order = "bysource"


def without_folders(app, name, source):
    """On GitHub a link may lead to a folder; here its text is left.  Files become downloads."""

    def text_of(link):
        target = Path(app.srcdir, link[2])
        return link[1] if target.is_dir() else link[0]

    source[0] = re.sub(r"\[([^\]]+)\]\(([^)#]+)\)", text_of, source[0])


def as_written(app, what, name, obj, options, lines):
    """Docstrings are plain text: the first paragraph is one here too, the rest stays as it is."""
    end = lines.index("") if "" in lines else len(lines)
    first = re.sub(r"([\\*`|_<])", r"\\\1", " ".join(lines[:end]))
    rest = ["", "::", "", *(f"    {line}" for line in lines[end:])]
    lines[:] = [first, *(rest if any(lines[end:]) else []), ""]


def without_checks(app, what, name, obj, skipped, options):
    """Checks of arguments are not for readers, but those that the package itself offers."""
    return skipped or (name.startswith("check_") and name not in nnlite.__all__)


def setup(app):
    app.connect("source-read", without_folders)
    app.connect("autodoc-process-docstring", as_written)
    app.connect("autodoc-skip-member", without_checks)
