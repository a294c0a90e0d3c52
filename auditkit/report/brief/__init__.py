"""The brief told: FORMS has one line for each format, and each is given what fits on a page."""

from collections.abc import Callable, Iterator, Mapping

from auditkit.report.brief import fitting, html, markdown, text
from auditkit.response.brief.nouns import Brief

FORMS: Mapping[str, Callable[[Brief], Iterator[str]]] = {
    "html": html.pieces,
    "markdown": markdown.pieces,
    "text": text.pieces,
}
ENDINGS: Mapping[str, str] = {".html": "html", ".htm": "html", ".md": "markdown", ".markdown": "markdown", ".txt": "text"}
"""Which format the name of a file asks for."""


def render(brief: Brief, form: str) -> Iterator[str]:
    """Yield a brief in one of FORMS, piece by piece; all of them say the same."""
    return FORMS[form](fitting.fitted(brief))
