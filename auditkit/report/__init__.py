"""Telling: FORMATS has one line per format; every one is rendered from the report's document, never from the dataclasses."""

from collections.abc import Callable, Iterator, Mapping

from auditkit.report import csv, ecs, json, junit, markdown, ocsf, prometheus, sarif, text
from auditkit.report.document import Document
from auditkit.report.look import Options

__all__ = ["FORMATS", "Options", "render"]


def _html(document: Document, options: Options) -> Iterator[str]:
    from auditkit.report import html  # noqa: PLC0415 - a large part of what is loaded, and seldom asked for

    return html.pieces(document, options)


FORMATS: Mapping[str, Callable[[Document, Options], Iterator[str]]] = {
    "text": text.pieces,
    "json": json.pieces,
    "html": _html,
    "markdown": markdown.pieces,
    "csv": csv.pieces,
    "sarif": sarif.pieces,
    "junit": junit.pieces,
    "prometheus": prometheus.pieces,
    "ecs": ecs.pieces,
    "ocsf": ocsf.pieces,
}


def render(document: Document, form: str, options: Options) -> Iterator[str]:
    """Yield the report in one of FORMATS, piece by piece, so that a big one is never one string."""
    return FORMATS[form](document, options)
