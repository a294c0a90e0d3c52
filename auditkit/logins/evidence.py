"""Lines that tell of an address, by their own words: what whoever is told of it can be shown.

Which lines these are is judged with everything else; whoever can meet the logs fetches their words, and `told` puts them into
the `logins` of the report.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from auditkit.logins.formats import FORMATS, syslog
from auditkit.logins.guesses import Attacker
from auditkit.logins.nouns import Event, Format, Log, Notes, Setting
from auditkit.logins.patterns import Pattern
from auditkit.logins.seen import Seen, Verdict, Wanted
from auditkit.logins.streams import JOURNAL
from auditkit.words import written

SOURCES = 50
"""Addresses whose lines are fetched: those of the most guesses."""
LINES = 10
"""Of each of them."""
LONGEST = 1000
"""Characters of a line that a report has."""
NO_LOG = Log("a line")
LATEST = Setting(now=4_102_444_800 * 10**9)
"""Nothing is later: where a line by itself is read for its words, the year does not matter."""


class Words(NamedTuple):
    """A line by its own words."""

    text: str
    """Of an entry of a journal, as `journalctl -o short-iso-precise --utc` shows it."""
    form: Format
    log: Log
    forged: bool | None = None
    """As Event has it."""


def wanted(looks: Pattern) -> tuple[tuple[Wanted, ...], ...]:
    """Which lines of which address: those of a journal first, which shows who wrote them."""
    return tuple(tuple(_of(one)) for one in looks.active[:SOURCES])


def _of(one: Attacker) -> Iterator[Wanted]:
    witnesses = [each for each in one.witnesses if each.kind in ("text", JOURNAL) and each.guesses]
    witnesses.sort(key=lambda each: each.kind != JOURNAL)
    lines = [at for each in witnesses for at in each.lines]
    yield from (Wanted(source, line, offset) for source, line, offset in lines[:LINES] if line)


def existing(seen: Seen, looks: Pattern) -> Mapping[str, bool]:
    """Whether there is an account of each name that was tried, as far as it is known: of no such name is it False by guess.

    A name that neither /etc/passwd has nor the log calls unknown may be one of a directory (LDAP), so it is not in here.
    """
    unknown = {name for reading in seen.readings for name in reading.tally.unknown}
    known = {name: False for one in looks.active[:SOURCES] for name in one.names if name in unknown}
    return known | dict.fromkeys(looks.existing, True) | dict.fromkeys(seen.accounts or (), True)


def told(verdict: Verdict, words: Mapping[tuple[str, int], Words], setting: Setting) -> Verdict:
    """The verdict with the words of these lines, by name of the source and number of the line, beside its sources."""
    sources = verdict.logins["sources"]
    assert isinstance(sources, list)
    made = [
        {**source, "lines": [_line(one, words[one.source, one.line], setting, verdict.exists) for one in found]}
        if (found := [one for one in lines if (one.source, one.line) in words])
        else source
        for source, lines in zip(sources, verdict.evidence, strict=False)
    ]
    return replace(verdict, logins={**verdict.logins, "sources": [*made, *sources[len(made) :]]})


def _line(one: Wanted, words: Words, setting: Setting, exists: Mapping[str, bool]) -> Mapping[str, object]:
    """A line as the report has it, with what it says by itself."""
    event = event_of(words.text, words.form, setting, words.log)
    user = event.user if event else None
    return {
        "source": one.source,
        "line": one.line,
        "offset": one.offset,
        "text": words.text[:LONGEST],
        "time": written(event.time) if event else None,
        "port": event.port if event else None,
        "user": user,
        "exists": exists.get(user) if user is not None else None,
        "forged": words.forged,
    }


class Line(NamedTuple):
    """The bytes of a source that is a single line."""

    data: bytes

    def chunks(self) -> Iterator[bytes]:
        """Yield them."""
        yield self.data

    def whole(self) -> bytes:
        """All of them."""
        return self.data


def event_of(text: str, form: Format, setting: Setting, log: Log = NO_LOG) -> Event | None:
    """What a line says by itself, without those around it; None where that is not one event."""
    data = Line(text.encode("utf-8", "surrogateescape") + b"\n")
    events = list(form.read(log, data, setting, Notes()))
    return events[0] if len(events) == 1 else None


def form_of(text: str, name: str) -> Format:
    """The format of a line of a source, by the name of that one's; lines of journals are shown as syslogd would write them."""
    forms = [form for form in FORMATS if form.name == name and form.kind == "text"]
    return next((form for form in forms if event_of(text, form, LATEST)), syslog.FORMAT)
