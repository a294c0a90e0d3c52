"""Lines that tell of an address, by their own words: what whoever is told of it can be shown.

Which lines these are is judged with everything else; whoever can meet the logs fetches their words, and `told` puts them into
the `logins` of the report.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from auditkit.logins.formats import FORMATS, syslog
from auditkit.logins.guesses import Attacker
from auditkit.logins.nouns import PROBES, Event, Format, Log, Notes, Setting, What
from auditkit.logins.patterns import Pattern
from auditkit.logins.seen import Seen, Verdict, Wanted
from auditkit.logins.streams import JOURNAL
from auditkit.words import written

SOURCES = 50
"""Addresses whose lines are fetched: those of the most guesses."""
LINES = 10
"""Of each of them."""
FEW = 5
"""Lines of guesses below which more are looked for behind each line of the address: a connection has its guesses there."""
LONGEST = 1000
"""Characters of a line that a report has."""
Place = tuple[str, int]
"""Name of a source and number of a line in it."""
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


def lacking(verdict: Verdict, words: Mapping[Place, Words], setting: Setting) -> tuple[Wanted, ...]:
    """Lines of addresses of which few are guesses, as where sshd tells of each connection: behind them more are looked for."""
    sources = (_met(lines, words, setting) for lines in verdict.evidence)
    return tuple(met.at for one in sources if sum(map(_is_guess, one)) < FEW for met in one)


def told(verdict: Verdict, words: Mapping[Place, Words], behind: Mapping[Place, Sequence[Wanted]], setting: Setting) -> Verdict:
    """The verdict with the words of these lines, by name of the source and number of the line, beside its sources.

    `behind` has which lines follow those that were `lacking`; their words are in `words` too.
    """
    sources = verdict.logins["sources"]
    assert isinstance(sources, list)
    made = []
    for source, lines in zip(sources, verdict.evidence, strict=False):
        met = _met(lines, words, setting)
        more = [one for line in met for one in behind.get((line.at.source, line.at.line), ())]
        chosen = _chosen(met, _guesses(more, words, source["address"], setting))
        made.append({**source, "lines": [_line(one, verdict.exists) for one in chosen]} if chosen else source)
    return replace(verdict, logins={**verdict.logins, "sources": [*made, *sources[len(made) :]]})


class _Met(NamedTuple):
    """A line, its words, and what it says by itself."""

    at: Wanted
    words: Words
    event: Event | None


def _met(lines: Sequence[Wanted], words: Mapping[Place, Words], setting: Setting) -> list[_Met]:
    """Those of the lines whose words were had."""
    there = ((one, words[one.source, one.line]) for one in lines if (one.source, one.line) in words)
    return [_Met(one, its, event_of(its.text, its.form, setting, its.log)) for one, its in there]


def _is_guess(met: _Met) -> bool:
    return met.event is not None and met.event.what is What.FAILED and met.event.method not in PROBES


def _guesses(lines: Sequence[Wanted], words: Mapping[Place, Words], address: str, setting: Setting) -> Iterator[_Met]:
    """Yield the lines that tell of a guess from an address; of others not even the words are read."""
    of_it = [one for one in lines if address in words[one.source, one.line].text]
    half, seen = LINES // 2, 0
    for one in (*of_it[: 8 * half], *of_it[max(8 * half, len(of_it) - 8 * half) :]):
        for met in _met((one,), words, setting):
            if _is_guess(met) and met.event is not None and met.event.address == address and seen < 2 * LINES:
                seen += 1
                yield met


def _chosen(own: Sequence[_Met], more: Iterable[_Met]) -> list[_Met]:
    """The lines that are shown, in their order: guesses from the beginning and the end, and others where there are few."""
    guesses = {(met.at.source, met.at.line): met for met in (*filter(_is_guess, own), *more)}
    names = [*dict.fromkeys(met.at.source for met in own)]
    order = sorted(guesses.values(), key=lambda met: (names.index(met.at.source), met.at.line))
    arrived = [met for met in own if met.event is not None and met.event.what is What.CONNECTED][:1]  # says where it came to
    room = LINES - len(arrived)
    kept = order if len(order) <= room else [*order[: room // 2], *order[room // 2 - room :]]
    others = [*arrived, *(met for met in own if met not in arrived and not _is_guess(met))][: LINES - len(kept)]
    return sorted((*kept, *others), key=lambda met: (names.index(met.at.source), met.at.line))


def _line(met: _Met, exists: Mapping[str, bool]) -> Mapping[str, object]:
    """A line as the report has it, with what it says by itself."""
    user = met.event.user if met.event else None
    return {
        "source": met.at.source,
        "line": met.at.line,
        "offset": met.at.offset,
        "text": met.words.text[:LONGEST],
        "time": written(met.event.time) if met.event else None,
        "port": met.event.port if met.event else None,
        "user": user,
        "exists": exists.get(user) if user is not None else None,
        "forged": met.words.forged,
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
