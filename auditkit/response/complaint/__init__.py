"""What a letter to an abuse desk may say, and whether our own logs support one at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Document = Mapping[str, Any]
"""A report of auditkit, as schema.json has it."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who complains; an empty word is what was not said."""

    name: str = ""
    contact: str = ""
    """An e-mail address, checked."""
    organisation: str = ""

    @property
    def domain(self) -> str:
        """Where the organisation is found."""
        return self.contact.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the attempts went; None is what is not known, and is left out."""

    address: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom the letter is for, as a registry says."""

    mail: str
    guess: bool = False
    """Whether it is only what RFC 2142 says that everybody should have."""
    network: str = ""
    """Of which network it is the contact."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A line of a log, with the names of ours taken out."""

    text: str
    time: datetime
    port: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a letter is to be made of, besides reports."""

    address: str
    networks: tuple[str, ...] = ()
    """Own ones, as auditkit.yaml has them."""
    hosts: tuple[str, ...] = ()
    """Addresses of the inventory."""
    destination: Destination = Destination()
    keep_names: bool = False


@dataclass(frozen=True, slots=True)
class Complaint:
    """What may be said, each word of it supported by the logs."""

    address: str
    service: str
    """`SSH`, or what the log calls it."""
    attempts: int
    first: datetime
    last: datetime
    """Both in UTC."""
    offsets: tuple[str, ...]
    """Of the local time of our machines, where the lines show it: `+01:00`."""
    ports: tuple[int, ...]
    """Those that the lines name."""
    lines: tuple[Evidence, ...]
    stamps: str
    """What the stamps of the lines mean."""
    redacted: bool
    destination: Destination
    machines: int
    outcome: str
    """What is known of whether a login succeeded; empty where nothing can be said."""
    checks: tuple[str, ...]
    """What a person is to look at before the letter is sent."""

    @property
    def marked(self) -> Evidence | None:
        """The latest line with a port: both together find a customer behind a shared address."""
        return next((line for line in reversed(self.lines) if line.port), None)
