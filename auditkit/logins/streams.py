"""Sources that continue each other are one stream: auth.log and what it was rotated to, all files of the journal."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple

from auditkit.logins.nouns import Event, What
from auditkit.logins.reading import Reading

JOURNAL = "journal"
PRIMARY = ("text", "journal", "windows")
"""Kinds that tell of every login and of guesses, and in whose lines the server itself speaks; audit tells of both, too."""
PARTLY = {
    "btmp": "failures only",
    "tally": "failures only",
    "wtmp": "sessions at terminals only",
    "lastlog": "the last login of each account only",
}
"""Kinds that do not tell of every login, and what they hold of it."""
AUTH = ("auth.log", "authlog", "auth", "secure", "sshd.log", "sshd-session.log")
"""Names of logs that are there to tell of logins, also where no line of them does."""
_PACKED = re.compile(r"\.(?:gz|xz|bz2|zst|lz4|Z)$")
_ROTATED = re.compile(r"(?:\.(?P<number>[0-9]{1,4})|[-.](?P<date>[0-9]{8}(?:[-T]?[0-9]{2,6})?))$")


class Told(NamedTuple):
    """An event, and what told of it."""

    source: str
    kind: str
    stream: str
    event: Event


@dataclass(frozen=True)
class Stream:
    """Sources of one kind that continue each other, the oldest first."""

    name: str
    kind: str
    readings: tuple[Reading, ...]

    @cached_property
    def first(self) -> int | None:
        """The time of its first line."""
        return min((one.notes.first for one in self.readings if one.notes.first is not None), default=None)

    @cached_property
    def last(self) -> int | None:
        """The time of its last line."""
        return max((one.notes.last for one in self.readings if one.notes.last is not None), default=None)

    @property
    def dated(self) -> bool:
        """Whether it is known from when to when it has lines."""
        return self.first is not None and self.last is not None

    @property
    def partial(self) -> bool:
        """Whether it holds what was asked for alone, so that nothing is meant by a silence of it."""
        return bool(self.readings) and all(one.notes.partial for one in self.readings)

    @property
    def short(self) -> str:
        """As a sentence calls it: `auth.log`, `journal`."""
        return self.name.rpartition("/")[2] or self.name

    @cached_property
    def tells(self) -> bool:
        """Whether it would tell of a login: a log of cron alone says nothing by its silence."""
        if self.kind == "audit":
            return self.of_ssh
        if self.kind not in PRIMARY:
            return False
        return self.kind != "text" or self.short in AUTH or any(_of_logins(one) for one in self.readings)

    @property
    def tells_of_guesses(self) -> bool:
        """Whether it would tell of guesses."""
        return self.tells or self.kind == "btmp"

    @cached_property
    def of_ssh(self) -> bool:
        """Whether servers of SSH write into it."""
        return any(_of_logins(one) for one in self.readings)

    def covers(self, time: int) -> bool:
        """Whether a moment lies between its first and its last line."""
        return self.first is not None and self.last is not None and self.first <= time <= self.last

    def told(self, *whats: What) -> Iterator[Told]:
        """Yield what was kept of it of these kinds; a log may have so much that nobody goes through all of it."""
        found = [self._by_what.get(what, ()) for what in whats]
        several = sorted((one for each in found for one in each), key=itemgetter(0)) if len(found) > 1 else found[0]
        return map(itemgetter(1), several)

    @cached_property
    def _by_what(self) -> Mapping[What, Sequence[tuple[int, Told]]]:
        """What was kept of it of each kind, with its place among all: rules ask for them again and again."""
        found: dict[What, list[tuple[int, Told]]] = defaultdict(list)
        every = ((reading.log.name, event) for reading in self.readings for event in reading.tally.kept)
        for at, (source, event) in enumerate(every):
            found[event.what].append((at, Told(source, self.kind, self.name, event)))
        return found

    def count(self, what: What) -> int:
        """How often it tells of something."""
        return sum(reading.tally.counts[what] for reading in self.readings)


def streams(readings: Iterable[Reading]) -> tuple[Stream, ...]:
    """The streams of a machine, by kind and name; of two copies of one source the first counts."""
    found: dict[tuple[str, str], list[Reading]] = {}
    for reading in readings:
        if reading.format is not None:
            kind = reading.format.kind
            of_kind = found.setdefault((kind, _of(reading)), [])
            if not any(_copies(reading, other) for other in of_kind):
                of_kind.append(reading)
    return tuple(Stream(name, kind, tuple(sorted(parts, key=_begins))) for (kind, name), parts in sorted(found.items()))


def _of(reading: Reading) -> str:
    """What a source is a part of: the journal, the sessions of logind, a file each, or a log that was rotated."""
    if reading.format is not None and reading.format.name == "logind":
        return reading.log.name.rpartition("/")[0]
    return JOURNAL if reading.format is not None and reading.format.kind == JOURNAL else family(reading.log.name)[0]


def family(name: str) -> tuple[str, int | None]:
    """The name of a log without what rotation and packing add to it, and the number that rotation gave it."""
    bare = _PACKED.sub("", name)
    match = _ROTATED.search(bare)
    if match is None:
        return bare, None
    return bare[: match.start()], int(match["number"]) if match["number"] else None


def _begins(reading: Reading) -> int:
    return reading.notes.first or 0


def _copies(one: Reading, other: Reading) -> bool:
    """Whether two sources are the same one: of one of them that was edited, what it tells is not."""
    return _looks(one) == _looks(other) and _tells(one) == _tells(other)


def _tells(reading: Reading) -> list[tuple[object, ...]]:
    """Who did what and when, by the events that were kept."""
    return [(one.what, one.time, one.user, one.address, one.port) for one in reading.tally.kept]


def _looks(reading: Reading) -> tuple[object, ...]:
    """What two copies of a log have in common, packed or not; one without a line has nothing."""
    notes = reading.notes
    if not notes.lines:
        return (reading.log.name,)
    return notes.lines, notes.first, notes.last, tuple(sorted(reading.tally.counts.items()))


def _of_logins(reading: Reading) -> bool:
    services = {service for service, _address in reading.tally.sources}
    return any(map(is_ssh, services)) or any(is_ssh(event.program) for event in reading.tally.kept)


SSH = frozenset(("sshd", "sshd-session", "sshd-auth", "dropbear"))
_OTHER_SERVICES = ("dovecot", "postfix", "exim", "sendmail", "saslauthd", "vsftpd", "proftpd", "pure-ftpd", "imap", "pop3")
"""How programs begin whose logins open a mailbox or files, and no shell."""


def is_ssh(program: str) -> bool:
    """Whether a program is a server of SSH."""
    return program in SSH or "sshd" in program


def opens_no_shell(program: str) -> bool:
    """Whether a login of a program is one to mail or files alone."""
    return program.lower().startswith(_OTHER_SERVICES)


def is_numeric(address: str | None) -> bool:
    """Whether it is an address, and no name of a machine that another source may know by its address."""
    return bool(address) and (":" in str(address) or str(address).replace(".", "").isdigit())
