"""What a person is told of a night, and with which words: a report's document in, a notice out, or none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from auditkit.model import Severity

Told = Mapping[str, Mapping[str, str]]
"""What notices told of before: by host, what was told to what it said then, each as a digest."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong with the night itself."""

    short: str
    """For the subject, a few words."""
    long: str
    """In a sentence."""


@dataclass(frozen=True, slots=True)
class Night:
    """What is known of a night besides its report."""

    place: str
    """The name of this machine."""
    now: datetime
    at: Severity = Severity.MEDIUM
    """From which severity on something is told."""
    told: Told | None = None
    """None: no notice is known."""
    last: datetime | None = None
    """When the last notice was made."""
    heartbeat: timedelta | None = None
    asleep: frozenset[str] = frozenset()
    """Hosts that may be switched off."""
    quiet: bool = True
    """Whether nothing is told when there is nothing new."""
    troubles: tuple[Trouble, ...] = ()
    report: str = ""
    """Where the whole report lies."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told of a night: a subject, a text, and whether it is urgent."""

    subject: str
    """One line, without the name of the program."""
    body: str
    urgent: bool
    """Whether there is something to do; else it only says that all is as before."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a night comes to."""

    notice: Notice
    due: bool
    """Whether somebody is to be told now."""
    told: Told = field(default_factory=dict)
    """What will have been told by then."""
