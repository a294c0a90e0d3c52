"""Large text logs in parts, which are read side by side and joined as if they were read in one go.

`parts` cuts, `reading.read(part.log, part.data, setting)` reads each, wherever, `joined` puts one reading to those before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from auditkit.logins.formats import BEGINNING, recognised
from auditkit.logins.formats.stamps import STAMP, Clock
from auditkit.logins.nouns import Bytes, Condition, Log, Notes, Setting
from auditkit.logins.reading import Reading

PIECE = 1 << 20
LOOKED_AT = 1 << 16
"""Bytes of the beginning of a part in which a line with a stamp is searched for."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some bytes of a source; they begin and end with a line."""

    data: Bytes
    start: int
    stop: int

    def chunks(self) -> Iterator[bytes]:
        """Yield them, in pieces of PIECE."""
        whole = self.data.whole()
        for at in range(self.start, self.stop, PIECE):
            yield bytes(whole[at : min(at + PIECE, self.stop)])

    def whole(self) -> bytes | memoryview:
        """All of them."""
        return self.data.whole()[self.start : self.stop]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a source, to be read as one by itself."""

    log: Log
    data: Stretch


def parts(log: Log, data: Bytes, setting: Setting, number: int) -> list[Part]:
    """Cut a text log into so many parts of whole lines, or less; one part where it cannot be cut."""
    whole = data.whole()
    form = recognised(log.name, bytes(whole[:BEGINNING]))
    cuts = [0]
    if form and form.count:
        for at in range(1, number):
            cuts.append(after_line(whole, max(at * len(whole) // number, cuts[-1])))
    stretches = [Stretch(data, start, stop) for start, stop in zip(cuts, [*cuts[1:], len(whole)], strict=True) if start < stop]
    made: list[Part] = []
    for stretch in reversed(stretches):
        until = begins(made[0], setting) if made else log.until
        made.insert(0, Part(replace(log, until=until), stretch))
    return made


def after_line(whole: bytes | memoryview, at: int) -> int:
    """Where the first line begins behind a place."""
    for start in range(at, len(whole), PIECE):
        found = bytes(whole[start : start + PIECE]).find(b"\n")
        if found >= 0:
            return start + found + 1
    return len(whole)


def begins(part: Part, setting: Setting) -> int | None:
    """When a part begins: the part before it ends no later, which tells the year of stamps that have none."""
    clock = Clock(part.log, part.data, setting, Notes())
    text = bytes(part.data.whole()[:LOOKED_AT]).replace(b"\0", b"").decode("utf-8", "replace")
    for line in text.split("\n"):
        found = STAMP.match(line)
        time = clock.of(found) if found else None
        if time is not None:
            return time
    return part.log.until


def joined(before: Reading, part: Part, reading: Reading) -> Reading:
    """The reading of all parts up to this one, of that of those before it, which is not to be used any more, and its own."""
    before.tally.joined(reading.tally, before.notes.lines, part.data.start)
    before.notes.joined(reading.notes, part.data.start)
    logs = before.log, reading.log
    lost = next((log for log in logs if log.condition not in (Condition.READ, Condition.EMPTY)), before.log)
    return replace(before, log=replace(before.log, condition=lost.condition, reason=lost.reason))
