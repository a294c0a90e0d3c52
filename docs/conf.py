"""How the pages become a site, by the command that index.md names; it is run from the top of a checkout."""

import os
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"docs", "README.md", "CHANGELOG.md", "benchmarks", "baselines"}
"""What of the checkout holds pages. The source is all of it, so that a link means here what it means on a forge."""
NAMED = {
    'role="heading"': 'role="heading" aria-level="2"',
    '<aside class="sidebar-drawer"': '<aside aria-label="All pages" class="sidebar-drawer"',
    '<aside class="toc-drawer': '<aside aria-label="On this page" class="toc-drawer',
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
}
"""What the theme lacks for readers with a screen reader, or without a mouse: levels, names, and what can be scrolled."""

project = "auditkit"
root_doc = "docs/index"
extensions = ["myst_parser"]
include_patterns = ["*.md", "docs/**.md", "benchmarks/**.md", "baselines/*.md"]
exclude_patterns = [*sorted(set(os.listdir(ROOT)) - PAGES), "benchmarks/.work"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "auditkit"
html_use_index = False
html_show_copyright = False
html_copy_source = False
html_additional_pages = {"index": "start.html"}
html_show_search_summary = False  # it would fetch pages, which a browser refuses to pages of a disk
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path = ["_templates"]


def setup(app: Sphinx) -> None:
    """Have each page named as said above once all are written."""
    app.connect("build-finished", name)


def name(app: Sphinx, exception: Exception | None) -> None:
    """Write the names into the pages."""
    for page in [] if exception else app.outdir.rglob("*.html"):
        text = page.read_text("utf-8")
        for there, named in NAMED.items():
            text = text.replace(there, named)
        page.write_text(text, "utf-8")
