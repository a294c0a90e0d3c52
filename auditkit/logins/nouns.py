"""The nouns of logins: what a source of them says, line by line, and what is left of it when all of it was read.

A source (auth.log, a journal, wtmp) is read as a stream of events; of these a Tally keeps what the verdict needs, so that
memory does not grow with the log. Times are nanoseconds since 1970 in UTC.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import Any, NamedTuple, Protocol


class What(StrEnum):
    """What one line or record tells; the words stand in timelines."""

    __hash__ = str.__hash__  # that of Enum is a function of Python, and events are counted by the million

    ACCEPTED = "accepted"
    """A service let somebody in, by its own word."""
    FAILED = "failed"
    """A credential was refused; whether it was a guess, its method says: see PROBES and PAM."""
    INVALID_USER = "invalid-user"
    """There is no account of that name; a guess at it has a line of its own."""
    PARTIAL = "partial"
    """One of several methods was passed: nobody is in yet."""
    EXCEEDED = "exceeded"
    """Too many guesses on one connection."""
    CLOSED = "closed"
    """A connection ended before anybody was in; often the only trace of a key that was offered."""
    SCANNED = "scanned"
    """Somebody connected and spoke something else, or nothing: no guess."""
    REFUSED = "refused"
    """Turned away before any guess: MaxStartups, a penalty, tcp wrappers."""
    UNLOGGED = "unlogged"
    """`times` events were not logged: a rate limit."""
    KEY_HELD = "key-held"
    """Somebody holds a key that opens the account, and was refused for where he came from."""
    DENIED = "denied"
    """The account is closed to logins, whether the credential was right or was not asked for."""
    CREDENTIAL_HELD = "credential-held"
    """The credential was right, and the account is closed."""
    CONNECTED = "connected"
    KEY_FOUND = "key-found"
    """The line of authorized_keys that a key was found on; `detail` is FILE:LINE."""
    OPENED = "opened"
    """A session began: PAM, logind, wtmp."""
    ENDED = "ended"
    BECAME = "became"
    """Somebody on the machine became another account: su, sudo -i, a shell of root."""
    RAN = "ran"
    """A command through sudo or doas; `detail` is the command."""
    ACCOUNT = "account"
    """An account, group or password was made or changed; `detail` says how."""
    SCHEDULED = "scheduled"
    """A crontab was changed."""
    BOOTED = "booted"
    STOPPED = "stopped"
    """The machine went down."""
    LOG_BEGAN = "log-began"
    LOG_ENDED = "log-ended"
    LOG_CLEARED = "log-cleared"
    CLOCK = "clock"
    """The clock was set; `detail` says by how much where that is known."""
    LISTENING = "listening"
    NOISE = "noise"
    """Understood, and of no interest."""
    UNKNOWN = "unknown"
    """A line of a program that tells of logins, and not understood: counted and shown by kind."""


PAM = "pam"
"""The method of a FAILED event that PAM wrote beside the service: it counts where the service itself wrote nothing."""
PROBES = frozenset(("none", "publickey", "hostbased", "gssapi-with-mic"))
"""Methods of a FAILED event that are no guesses at a secret."""


NOBODY = frozenset(("no such account", "no such user"))
"""Details of a FAILED event by which there is no account of that name."""


class Event(NamedTuple):
    """What one line or record says, in the terms of all sources; an empty word or None is what it does not say.

    A NamedTuple and no dataclass: a million of them are made of a log.
    """

    what: What
    time: int | None
    host: str
    """The name that the line gives the machine."""
    program: str
    """As the line has it: `sshd`, `sshd-session`, `sudo`."""
    pid: int | None
    user: str | None
    """The account that is tried or entered, with blanks and escapes as the line has them."""
    address: str | None
    """Where it came from: an IP address in its usual spelling, or the name that the source gives instead."""
    port: int | None
    method: str = ""
    key: str = ""
    """`SHA256:...` of the key, as `ssh-keygen -l` shows it."""
    times: int = 1
    """How often: `message repeated 2 times` is one event with 2."""
    detail: str = ""
    line: int = 0
    """Number of the line or record in its source, from 1."""
    offset: int = 0
    """Bytes before it in the source, once unpacked."""
    actor: str | None = None
    """Who did it, where that is somebody else than `user`: who called sudo."""
    forged: bool | None = None
    """Whether another program than the named one wrote it; None where the source cannot tell: a text log."""

    @property
    def is_guess(self) -> bool:
        """Whether it tells of guesses at a secret."""
        return self.what is What.FAILED and self.method not in PROBES

    def moved(self, lines: int, offset: int) -> "Event":
        """The same in a source that has so many lines and bytes more before it."""
        return Event(*self[:12], self.line + lines, self.offset + offset, self.actor, self.forged)


class Said(NamedTuple):
    """What one message of a program says; the fields are those of Event."""

    what: What
    user: str | None = None
    address: str | None = None
    port: int | None = None
    method: str = ""
    key: str = ""
    times: int = 1
    detail: str = ""
    actor: str | None = None


Parse = Callable[[str], Said | None]
"""What a message of a program says; None where it is not understood. Never raises."""


class Condition(StrEnum):
    """How a source was found; four ways of having no events are four different things."""

    READ = "read"
    ABSENT = "absent"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    """It breaks off, or its packing does: what comes before counts."""


class YearBy(StrEnum):
    """How the year of a stamp without one is known."""

    STAMP = "stamp"
    """It says so itself."""
    NAME = "name"
    """By the date in the name of a rotated file."""
    MTIME = "mtime"
    """By when the file was last written."""
    ANCHOR = "anchor"
    """By another source of the same machine."""
    ASSUMED = "assumed"
    """By when it is read: nothing better is known."""


@dataclass(frozen=True, slots=True)
class Log:
    """One source as it was touched, before anybody read it; None is what is not known."""

    name: str
    """Its path on the machine, or as it was given."""
    size: int | None = None
    """Bytes as it lies there, packed or not."""
    mtime: int | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    inode: int | None = None
    packed: str = ""
    """`gz`, `xz`, `bz2`, `zst`; the bytes that are read are unpacked."""
    condition: Condition = Condition.READ
    reason: str = ""
    """Why it could not be read, or where it breaks off."""
    until: int | None = None
    """The time of what follows, where this is a part of a source; see auditkit.logins.parts."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What of a machine decides how its sources are read."""

    now: int
    """The time they were taken: nothing in them is later."""
    zone: tzinfo = UTC
    """Of stamps without a zone: that of the machine, and not of who reads."""
    zone_known: bool = False
    anchor: int | None = None
    """A time that another source of the machine gives for its newest entries."""
    accounts: Mapping[str, int] | None = None
    """Names of the accounts that exist there, and their numbers; None if they are not known."""


class Bytes(Protocol):
    """The unpacked bytes of a source."""

    def chunks(self) -> Iterator[bytes]:
        """Yield them from the beginning, in pieces of any length; may be called again."""
        ...

    def whole(self) -> bytes | memoryview:
        """All of them at once, for formats that are no streams; mapped, where they lie in a file."""
        ...


MOST = 64
"""Silences, steps of the clock and stretches of zeros that are noted of a source."""


@dataclass(slots=True)
class Notes:
    """What reading a source shows besides its events; a reader fills it as it goes."""

    lines: int = 0
    """Lines or records."""
    of_interest: int = 0
    """Those of programs that tell of logins."""
    unknown: dict[str, int] = field(default_factory=dict)
    """Shape of a line that was not understood (its words, with numbers and names left out) to how often."""
    examples: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Shape to the number and text of one such line."""
    malformed: int = 0
    """Lines without a stamp or a program, records that cannot be."""
    first: int | None = None
    last: int | None = None
    hours: dict[int, int] = field(default_factory=dict)
    """Hour since 1970 to lines of any program: the heartbeat."""
    partial: bool = False
    """Whether it holds what was asked for alone, so that a silence of it is none of the machine."""
    silences: list[tuple[int, int]] = field(default_factory=list)
    """The longest stretches between two lines, from and to, longest first: at most 64."""
    backward: list[tuple[int, int, int]] = field(default_factory=list)
    """Line, its time and the later time before it, where time runs backwards by more than a second; at most 64."""
    nul_runs: list[tuple[int, int]] = field(default_factory=list)
    """Offset and length of stretches of zero bytes; at most 64."""
    zeroed: int = 0
    """Records that are nothing but zeros, where the format has none such."""
    numbering: str = ""
    """Identity of the count that numbers its records, where there is one: files of one journal share it."""
    runs: Sequence[tuple[int, int, int, int]] = ()
    """Records whose numbers follow each other: first and last number, first and last time; see journals/numbers.py."""
    year_by: YearBy = YearBy.STAMP
    zoneless: bool = False
    """Whether it has stamps without a zone."""
    host: str = ""
    """The name that most lines give the machine."""
    hosts: set[str] = field(default_factory=set, compare=False)
    """Names of machines in its lines, as far as they were met: 4096 at the most."""
    broken: str = ""
    """Why reading stopped before the end, if it did."""
    remarks: list[str] = field(default_factory=list)
    """What a person should know of it: a header that says it was not closed, records that were skipped."""
    odd: list[str] = field(default_factory=list)
    """Those of the remarks that tell of what no daemon does: signs that somebody was at it."""
    size: int = 0
    """Bytes that were read of it, once unpacked; whoever hands them out counts them."""

    def smells(self, *remarks: str) -> None:
        """Remark what no daemon does."""
        self.remarks += remarks
        self.odd += remarks

    def joined(self, other: "Notes", offset: int) -> "Notes":
        """These with the notes of the part of the source that comes behind so many bytes."""
        self._heard(other)
        for shape, times in other.unknown.items():
            self.unknown[shape] = self.unknown.get(shape, 0) + times
        for shape, (line, text) in other.examples.items():
            self.examples.setdefault(shape, (line + self.lines, text))
        self.backward += [(line + self.lines, time, before) for line, time, before in other.backward]
        self.nul_runs += [(at + offset, length) for at, length in other.nul_runs]
        self.remarks += [remark for remark in other.remarks if remark not in self.remarks]
        self.odd += [remark for remark in other.odd if remark not in self.odd]
        self.hosts |= other.hosts
        self.host = self.host if self.lines >= other.lines else other.host
        self.lines, self.of_interest = self.lines + other.lines, self.of_interest + other.of_interest
        self.malformed, self.zeroed = self.malformed + other.malformed, self.zeroed + other.zeroed
        self.year_by, self.broken, self.zoneless = other.year_by, other.broken, self.zoneless or other.zoneless
        del self.backward[MOST:], self.nul_runs[MOST:]
        return self

    def _heard(self, other: "Notes") -> None:
        """Join the heartbeat, and the silence between the two."""
        for hour, lines in other.hours.items():
            self.hours[hour] = self.hours.get(hour, 0) + lines
        silences = self.silences + other.silences
        if self.last is not None and other.first is not None and other.first > self.last:
            silences.append((self.last, other.first))
        self.silences = sorted(silences, key=lambda silence: silence[0] - silence[1])[:MOST]
        times = [time for time in (self.first, self.last, other.first, other.last) if time is not None]
        self.first, self.last = min(times, default=None), max(times, default=None)


Read = Callable[[Log, Bytes, Setting, Notes], Iterator[Event]]
"""Reads a source of one format: yields its events in its order, and fills the notes.

It never raises on bytes, whatever they are: what cannot be read ends in `notes.broken` or `notes.malformed`.
"""


@dataclass(frozen=True, slots=True)
class Format:
    """One format of sources: how to know it, and how to read it."""

    name: str
    title: str
    """As a person calls it: `systemd journal`."""
    kind: str
    """`text`, `journal`, `wtmp`, `btmp`, `lastlog`, `tally`, `audit`, `windows`.

    Two of one kind do not tell the same twice.
    """
    recognises: Callable[[str, bytes], bool]
    """Whether a source is of it, by its name and its first 4 KiB."""
    read: Read
    count: "Callable[[Log, Bytes, Setting, Notes, Any], None] | None" = None
    """Reads a source as `read` does, but right into a Tally: for formats of so many events that making them takes long."""
