"""/run/systemd/sessions/ID: one file for each session that systemd-logind knows of now, also of those without a terminal.

Only root writes them; where from is what PAM was told by the service. logind removes them when a session has ended.
"""

import re
from collections.abc import Iterator

from auditkit.logins.formats.records import spelled
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting, What

FIRST = b"# This is private data. Do not parse.\n"
FIELD = re.compile(rb"(?m)^([A-Z_]+)=(.*)$")
NAME = re.compile(r"(?:^|/)sessions/[^/]+$")
LARGEST = 1 << 16
ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|([0-7]{3})|(.))")
LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "s": " "}
PEOPLE = ("user", "user-early", "user-light", "user-early-light", "user-incomplete")
"""Classes of sessions in which somebody is; others are of greeters and of programs."""
LATEST = 2**63


def recognises(name: str, beginning: bytes) -> bool:
    """Whether it lies among the sessions, or is written as they are."""
    return beginning.startswith(FIRST) and (NAME.search(name) is not None or b"\nLEADER=" in beginning)


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield that the session began, if somebody is in it."""
    taken = bytes(data.whole()[:LARGEST])
    fields = {name.decode(): plain(value) for name, value in FIELD.findall(taken)}
    notes.lines = notes.of_interest = 1
    began = number(fields.get("REALTIME", ""))
    if not fields.get("USER") or began is None or began * 1000 >= LATEST:
        notes.malformed = 1
        notes.broken = "it does not say whose session it is, or since when"
        return
    pulse = Pulse(notes)
    pulse.beat(began * 1000, 1)
    pulse.done()
    what = What.OPENED if fields.get("CLASS", "user") in PEOPLE else What.NOISE
    host, leader = fields.get("REMOTE_HOST", ""), number(fields.get("LEADER", ""))
    service, user, line = fields.get("SERVICE", ""), fields["USER"], fields.get("TTY", "")
    yield Event(what, began * 1000, "", service, leader, user, spelled(host) if host else None, None, detail=line, line=1)


def number(word: str) -> int | None:
    """A number, if it is one of 64 bits."""
    return int(word) if word.isascii() and word.isdigit() and len(word) < 20 else None


def plain(value: bytes) -> str:
    """A value without the escapes that systemd writes."""
    return ESCAPED.sub(unescaped, value.decode("utf-8", "surrogateescape"))


def unescaped(found: re.Match[str]) -> str:
    """What one escape stands for."""
    if found[3] is not None:
        return LETTERS.get(found[3], found[3])
    byte = int(found[1], 16) if found[1] else int(found[2], 8) & 0xFF
    return bytes([byte]).decode("ascii", "surrogateescape")


FORMAT = Format("logind", "session of systemd-logind", "wtmp", recognises, read)
