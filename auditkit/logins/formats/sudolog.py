"""The log that sudo writes itself (`Defaults logfile=`), as lines or as JSON: who ran what as whom. sudoers(5).

Lines are broken at 80 characters (`loglinelen`): `Nov 24 10:00:00 : anna : TTY=pts/0 ; PWD=/home/anna ; USER=root ;`, and what
follows begins with four blanks. The JSON is one object with a key of the same name for each event. Source: lib/eventlog of 1.9.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from auditkit.logins.formats.pieces import pieces
from auditkit.logins.formats.stamps import STAMP, Clock
from auditkit.logins.grammar import said
from auditkit.logins.grammar.shells import became
from auditkit.logins.journals.pulse import LATEST, Pulse
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Said, Setting, What

LINE = re.compile(
    r"(?P<stamp>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8})(?: (?P<year>[0-9]{4}))? : "
    r"(?P<who>\S.*? : )(?:HOST=(?P<host>\S+)(?: : | ; ))?(?P<rest>.*)",
    re.DOTALL,
)
GOES_ON = "    "
LONGEST = 1 << 16
"""Characters of one event."""
ENTRY = re.compile(r'^\s*\{?\s*"(accept|reject|alert)": (?=\{)', re.MULTILINE)
LARGEST = 64 << 20
"""Bytes of JSON that are looked at."""
SECOND = 10**9


class Call(NamedTuple):
    """What one event of the log says, before it is understood."""

    time: int
    host: str
    message: str
    """As sudo tells syslogd."""
    line: int
    offset: int


def read_lines(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield the events of a log of lines."""
    pulse = Pulse(notes)
    for call in _calls(log, data, setting, notes):
        pulse.beat(call.time, call.line)
        yield _event(call, said("sudo", call.message), notes)
    pulse.done()


def _calls(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Call]:
    """Yield each event, its lines put together."""
    clock, offset = Clock(log, data, setting, notes), 0
    call: Call | None = None
    for piece in pieces(data.chunks(), notes):
        for line, size in zip(piece.lines(), piece.lengths(), strict=True):
            notes.lines += 1
            if call and line.startswith(GOES_ON):
                call = call._replace(message=f"{call.message} {line[len(GOES_ON) :]}"[:LONGEST])
            else:
                if call:
                    yield call
                call = _begun(line, clock, notes.lines, offset)
                notes.malformed += call is None and bool(line)
            offset += size + 1
    if call:
        yield call


def _begun(line: str, clock: Clock, number: int, offset: int) -> Call | None:
    found = LINE.fullmatch(line)
    stamp = (
        STAMP.match(f"{found['stamp'][:6]} {found['year']} {found['stamp'][7:]}" if found["year"] else line) if found else None
    )
    time = clock.of(stamp) if stamp else None
    return Call(time, found["host"] or "", found["who"] + found["rest"], number, offset) if found and time is not None else None


def _event(call: Call, told: Said | None, notes: Notes) -> Event:
    """The event of a call; one that is not understood is counted."""
    notes.of_interest += 1
    if told is None or told.what is What.UNKNOWN:
        told = Said(What.UNKNOWN)
        notes.unknown["sudo: a call"] = notes.unknown.get("sudo: a call", 0) + 1
        notes.examples.setdefault("sudo: a call", (call.line, call.message[:300]))
    what, user, address, port, method, key, times, detail, actor = told
    return Event(
        what, call.time, call.host, "sudo", None, user, address, port, method, key, times, detail, call.line, call.offset, actor
    )  # fmt: skip


# --- JSON


def read_json(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield the events of a log of JSON."""
    whole = bytes(data.whole()[:LARGEST])
    text, pulse, decoder = whole.decode("utf-8", "surrogateescape"), Pulse(notes), json.JSONDecoder()
    line = at = place = 0
    for found in ENTRY.finditer(text):
        if found.start() < at:  # within the entry before: what somebody called his command
            continue
        line, place = line + text.count("\n", place, found.start(1)), found.start(1)
        notes.lines += 1
        try:
            entry, at = decoder.raw_decode(text, found.end())
            call, reason = _entry(entry, line + 1, found.start(1))
        except (ValueError, KeyError, TypeError, RecursionError):
            notes.malformed += 1
            continue
        pulse.beat(call.time, call.line)
        yield _event(call, _said(found[1], entry, reason), notes)
    pulse.done()
    if len(whole) == LARGEST:
        notes.broken = f"it is longer than the {LARGEST >> 20} MiB that are looked at"


def _entry(entry: Mapping[str, Any], line: int, offset: int) -> tuple[Call, str]:
    time = int(entry["server_time"]["seconds"]) * SECOND + int(entry["server_time"].get("nanoseconds", 0))
    if not 0 < time < LATEST:
        raise ValueError("no time")
    reason = str(entry.get("reason", ""))
    return Call(time, str(entry.get("submithost", "")), f"{entry.get('submituser')}: {reason}", line, offset), reason


def _said(kind: str, entry: Mapping[str, Any], reason: str) -> Said | None:
    """What an entry says, by the grammar of what sudo tells syslogd."""
    arguments = entry.get("runargv")
    given: Iterable[Any] = arguments[1:] if isinstance(arguments, list) else ()
    command = " ".join([str(entry.get("command", "")), *map(str, given)])
    user, caller = str(entry.get("runuser", "root")), str(entry.get("submituser", ""))
    if kind == "accept":
        return Said(became(command), user, detail=command, actor=caller)
    told = said("sudo", f"x : {reason} ; USER=x ; COMMAND=x")
    if told is None or told.actor is None:
        return None
    refused = f"{reason}: {command}" if told.what is What.DENIED else command
    return told._replace(user=caller if told.what is What.FAILED else user, detail=refused, actor=caller)


def _of_lines(name: str, beginning: bytes) -> bool:
    lines = beginning.replace(b"\0", b"").decode("utf-8", "replace").split("\n")[:20]
    return any(found and "COMMAND=" in beginning.decode("utf-8", "replace") for found in map(LINE.fullmatch, lines))


def _of_json(name: str, beginning: bytes) -> bool:
    return beginning.lstrip().startswith(b"{") and b'"submituser"' in beginning and b'"server_time"' in beginning


FORMAT = Format("sudolog", "log of sudo", "text", _of_lines, read_lines)
JSON = Format("sudojson", "log of sudo in JSON", "text", _of_json, read_json)
