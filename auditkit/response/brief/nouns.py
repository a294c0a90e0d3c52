"""The nouns of a brief: what it is made of, and what it says, section by section."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditkit.model import Office
from auditkit.response.nouns import Journal

Local = Callable[[datetime], datetime]
"""A moment with the offset that clocks here have at that time."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report of auditkit that is kept in the case."""

    entry: int
    """Of the journal, which tells of it."""
    where: str
    """The machine that auditkit ran on: what its document calls `local`."""
    document: Mapping[str, Any]
    """As report/schema.json has it."""


@dataclass(frozen=True, slots=True)
class Material:
    """All that a brief is made of."""

    case: str
    journal: Journal
    reports: tuple[Report, ...]
    author: str
    made: datetime
    local: Local
    inventory: tuple[str, ...] | None = None
    """Hosts of auditkit.yaml; None where there is none."""
    networks: tuple[str, ...] = Office().networks
    """Our own: an address in them is a machine of ours."""
    recommend: str = ""
    decide: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence; what a host, a log or a person wrote stands in it as printable() shows it."""

    text: str
    entries: tuple[int, ...] = ()
    """Entries of the journal that it rests on."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something that can be done now."""

    name: str
    effort: str
    risk: str
    undo: str
    """Whether and how it can be taken back."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page; the most important stands first."""

    title: str
    statements: tuple[Statement, ...] = ()
    options: tuple[Option, ...] = ()
    latest: bool = False
    """Whether it is in the order of time, so that what is left out of it is the earliest."""
    left_out: int = 0
    """Sentences that had no room."""


@dataclass(frozen=True, slots=True)
class Brief:
    """The page."""

    case: str
    title: str
    head: str
    """By whom, when, of what, and in which zone its times are."""
    sections: tuple[Section, ...]
