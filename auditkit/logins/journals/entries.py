"""What an entry of the journal tells: its fields, from wherever they were read, as an event."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from auditkit.logins import grammar
from auditkit.logins.grammar.wrapped import unwrapped
from auditkit.logins.journals import messages
from auditkit.logins.journals.trust import Fields, forged
from auditkit.logins.nouns import Event, Notes, Said, What

WANTED = frozenset(
    (b"MESSAGE", b"MESSAGE_ID", b"SYSLOG_IDENTIFIER", b"SYSLOG_PID", b"_COMM", b"_EXE", b"_UID", b"_PID", b"_SYSTEMD_UNIT",
     b"_HOSTNAME", b"_TRANSPORT", b"SYSLOG_FACILITY")
)  # fmt: skip
"""Fields that an event is made of."""
OF_SYSTEM = frozenset((What.UNLOGGED, What.LOG_BEGAN, What.LOG_ENDED, What.LOG_CLEARED, What.CLOCK, What.BOOTED, What.STOPPED))
"""What would explain a gap: only from who can know it."""
SHAPES, REMARKS, SHOWN = 1000, 64, 400
NAMES_AND_NUMBERS = re.compile(r"[^\s]*[0-9:/@\\'\"][^\s]*")


@dataclass(slots=True)
class Teller:
    """Turns the entries of one source into events, and counts in its notes what it meets."""

    notes: Notes
    _hosts: dict[bytes, int] = field(default_factory=dict)

    def tell(self, fields: Fields, time: int | None, line: int, offset: int = 0, sure: bool = True) -> Event | None:
        """The event of an entry; None if it is of a program that tells nothing of logins.

        `sure` is False for an entry that was searched for in a damaged file: its trusted fields are not trusted.
        The process is _PID, which the kernel gave; SYSLOG_PID, which anybody may claim, only where there is no other.
        """
        program = _text(fields.get(b"SYSLOG_IDENTIFIER") or fields.get(b"_COMM", b""))
        raw = fields.get(b"MESSAGE")
        message = _text(raw or b"")
        told = self._told(program, fields, message)
        if told is None or (program not in grammar.PROGRAMS and forged(program, told.what, fields)):
            # a root program that calls itself something else
            own = _text(fields.get(b"_COMM", b"")) if fields.get(b"_UID") == b"0" else ""
            by_own = grammar.said(own, message)
            if by_own is not None and by_own.what not in (What.UNKNOWN, What.NOISE):
                program, told = own, by_own
        if told is None:
            return None
        by_another = forged(program, told.what, fields) if sure else None
        if by_another is True and told.what in OF_SYSTEM:
            return None
        self.notes.of_interest += 1
        of_user = by_another and fields.get(b"_UID", b"0") != b"0"  # who could make it look as if a login were not understood
        if told.what is What.UNKNOWN and not of_user:
            self._unknown(program, message if raw is not None else "(the message cannot be read)", line)
        return Event(
            told.what, time, self._host(fields), program, _number(fields.get(b"_PID") or fields.get(b"SYSLOG_PID")), told.user,
            told.address, told.port, told.method, told.key, told.times, told.detail, line, offset, told.actor, by_another,
        )  # fmt: skip

    def _told(self, program: str, fields: Fields, message: str) -> Said | None:
        """What the message of an entry says, by the program that it names, or by its identity."""
        told = unwrapped(program, message, grammar.said)
        if (told is None or told.what is What.UNKNOWN) and b"MESSAGE_ID" in fields:
            told = self._by_identity(program, fields, message) or told
        if program == messages.JOURNALD:
            self._remark(program, fields, message)
        return told

    def _by_identity(self, program: str, fields: Fields, message: str) -> Said | None:
        meaning = messages.MEANINGS.get(fields[b"MESSAGE_ID"])
        if meaning is None or forged(meaning.program, meaning.what, fields) is not False or program != meaning.program:
            return None
        times = messages.suppressed(message) if meaning.what is What.UNLOGGED else 1
        return Said(meaning.what, times=times, detail=message[:SHOWN])

    def _remark(self, program: str, fields: Fields, message: str) -> None:
        remark = messages.remark(message)
        if remark and len(self.notes.remarks) < REMARKS and forged(program, What.LOG_ENDED, fields) is False:
            self.notes.remarks.append(remark)

    def _unknown(self, program: str, message: str, line: int) -> None:
        shape = f"{program}: {NAMES_AND_NUMBERS.sub('*', message)}"[:SHOWN]
        unknown = self.notes.unknown
        if shape in unknown or len(unknown) < SHAPES:
            unknown[shape] = unknown.get(shape, 0) + 1
            self.notes.examples.setdefault(shape, (line, f"{program}: {message}"[:SHOWN]))

    def _host(self, fields: Fields) -> str:
        host = fields.get(b"_HOSTNAME", b"")
        if host in self._hosts or len(self._hosts) < REMARKS:
            self._hosts[host] = self._hosts.get(host, 0) + 1
            if not self.notes.host:
                self.notes.host = _text(host)
        return _text(host)

    def done(self) -> None:
        """Bring the notes up to date."""
        if self._hosts:
            self.notes.host = _text(max(self._hosts, key=self._hosts.__getitem__))


def single(pairs: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Fields by name, where a name may be there more than once.

    Of what a client chose, the first one counts, and of identifiers the first that a program that we know has. What
    journald sets is never there twice: such a field is made to fit nothing.
    """
    pairs = list(pairs)
    fields = dict(reversed(pairs))
    if len(fields) < len(pairs):
        for name in [name for name in fields if name.startswith(b"_")]:
            values = {value for other, value in pairs if other == name}
            fields[name] = b"\0".join(sorted(values))
        names = [value for name, value in pairs if name == b"SYSLOG_IDENTIFIER"]
        fields[b"SYSLOG_IDENTIFIER"] = next((name for name in names if _text(name) in grammar.PROGRAMS), b"".join(names[:1]))
    return fields


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _number(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() and len(value) < 20 else None
