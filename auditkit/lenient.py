"""JSON that anybody may have written, read leniently: what is not of the sort that is asked for counts as not there.

A report in a case and facts of another host are read so; where a wrong field has to be an error, `fields` reads.
"""

from collections.abc import Mapping
from typing import Any

from auditkit.model import Severity

Object = Mapping[str, Any]


def mapping(value: object) -> Object:
    """An object; an empty one for what is none."""
    return value if isinstance(value, Mapping) else {}


def mapping_or_none(value: object) -> Object | None:
    """An object; None for what is none, where an empty one would say something."""
    return value if isinstance(value, Mapping) else None


def mappings(value: object) -> list[Object]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def text(value: object) -> str:
    """A text; the empty one for what is none."""
    return value if isinstance(value, str) else ""


def text_or_none(value: object) -> str | None:
    """A text; None for what is none."""
    return value if isinstance(value, str) else None


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def number(value: object) -> int | None:
    """A count; what is none is unknown."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def severity(value: object) -> Severity:
    """How much something matters; what is no severity matters much, for it was written by nobody we know."""
    return Severity.__members__.get(text(value).upper(), Severity.HIGH)
