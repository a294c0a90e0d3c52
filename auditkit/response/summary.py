"""The nouns of what the reports in a case come to; each says which entry it is from.

Texts come from hosts and logs, as they were: they are shown through printable(), or escaped. Times are as documents have
them: `2026-11-24T09:54:54.874198000Z`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditkit.response.nouns import Entry

ACCESS = ("none-seen", "cannot-tell", "unsupported", "seen")
"""What the logs say of logins, from what one hopes for on."""
COVERAGE = ("complete", "gap", "source-missing", "tamper")
STATUS = ("clean", "incomplete", "findings", "untrusted")
ASKING = ("logins", "check", "audit", "collect")
"""What an incident wants to have asked; `scan` asks the first three."""
WORST = 20
"""Changes and findings of a host that are named one by one."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A report of auditkit in the evidence of a case, whose digest is what the journal says."""

    entry: Entry
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Usual:
    """What a day of guesses is like on a host."""

    days: int
    per_day: int
    busiest: int


@dataclass(frozen=True, slots=True)
class Source:
    """An address that guessed."""

    address: str
    attempts: int
    names: int
    """How many names it tried."""
    existing: tuple[str, ...]
    """Those that exist."""
    first: str | None
    """As documents have times: `2026-11-24T09:54:54.874198000Z`."""
    last: str | None
    logins: int


@dataclass(frozen=True, slots=True)
class Success:
    """A login, or what claims to be one."""

    time: str
    user: str
    address: str | None
    method: str | None
    state: str
    """`supported`, `bare`, `unsupported`, `forged`, `sourceless`; "" where the report does not say."""
    ask: str | None
    """How much speaks against it: `medium`, `high`, `critical`; None for nothing that was seen."""
    support: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Logins:
    """The newest verdict on the logins of a host."""

    entry: int
    host: str
    access: str
    pattern: str
    coverage: str
    verdict: str
    start: str | None
    """Of the window that was judged."""
    end: str | None
    attempts: int | None
    sources: tuple[Source, ...]
    more_sources: int
    successes: tuple[Success, ...]
    more_successes: int
    usual: Usual | None
    gaps: tuple[tuple[str | None, str | None], ...]
    tamper: tuple[str, ...]
    read: tuple[str, ...]
    """The logs that tell of logins."""
    would_change: tuple[str, ...]
    worse_before: tuple[int, ...] = ()
    """Earlier reports of this host, by their entries, that say worse of access or coverage: this one does not undo them."""


@dataclass(frozen=True, slots=True)
class Matter:
    """A change that nothing explains, or a finding."""

    severity: str
    rule: str
    subject: str
    message: str
    """Of a change: `added`, `removed`, `changed`."""
    is_change: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """What the newest report of a command says of a host."""

    entry: int
    command: str
    host: str
    status: str
    untrusted: str | None
    """Why nothing that was compared can be believed."""
    baseline: str | None
    """When the baseline was made that it was compared with; None where there was none."""
    changes: Mapping[str, int]
    """Changes that nothing explains, by severity."""
    explained: int
    findings: Mapping[str, int]
    """Those that do not say once more what a change says."""
    worst: tuple[Matter, ...]
    """The worst first; `changes` and `findings` count all."""
    worse_before: tuple[int, ...] = ()
    """Earlier reports of the command on this host, by their entries, that show worse: what was put right is no less true."""


@dataclass(frozen=True, slots=True)
class Door:
    """An account that a password opens, from somewhere."""

    entry: int
    host: str
    account: str
    origin: str
    method: str
    set_by: str


@dataclass(frozen=True, slots=True)
class Lack:
    """What a report could not see."""

    entry: int
    host: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that was run on the case."""

    entry: int
    command: str
    exit: int | None
    status: str
    """Of its report; "" where it made none."""
    hosts: tuple[str, ...]
    error: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What all reports of a case come to."""

    logins: tuple[Logins, ...]
    judged: tuple[Judged, ...]
    doors: tuple[Door, ...]
    doors_known: bool
    """Whether any report looked at which accounts a password opens."""
    lacks: tuple[Lack, ...]
    ran: tuple[Ran, ...]
    not_run: tuple[str, ...]
    """Commands of ASKING that no report is of: nothing can be said of what they ask."""
