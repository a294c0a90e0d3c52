"""Lines that tell of an address, by their own words: what whoever is told of it can be shown.

Which lines these are is judged with everything else; whoever can meet the logs fetches their words, and `told` puts them into
the `logins` of the report.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from auditkit.logins.formats import FORMATS, syslog
from auditkit.logins.guesses import Attacker
from auditkit.logins.nouns import Event, Format, Log, Notes, Setting, What
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
ENDS = 40
"""Lines behind those, from the beginning and from the end, that are read for guesses."""
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


Behind = tuple[Wanted, Words]
"""A line that follows one that was looked up."""


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


class Met(NamedTuple):
    """A line, its words, and what it says by itself."""

    at: Wanted
    words: Words
    event: Event | None

    @property
    def is_guess(self) -> bool:
        """Whether it tells of guesses."""
        return self.event is not None and self.event.is_guess


def met(at: Wanted, words: Words, setting: Setting) -> Met:
    """A line that is read by itself."""
    return Met(at, words, event_of(words.text, words.form, setting, words.log))


def of_sources(verdict: Verdict, words: Mapping[Place, Words], setting: Setting) -> tuple[tuple[Met, ...], ...]:
    """The lines of each address whose words were had, by name of the source and number of the line."""
    return tuple(
        tuple(met(one, words[one.source, one.line], setting) for one in lines if (one.source, one.line) in words)
        for lines in verdict.evidence
    )


def lacking(sources: Iterable[Sequence[Met]]) -> tuple[Wanted, ...]:
    """Lines of addresses of which few are guesses, as where sshd tells of each connection: behind them more are looked for."""
    return tuple(one.at for lines in sources if sum(each.is_guess for each in lines) < FEW for one in lines)


def told(
    verdict: Verdict, lines: Sequence[Sequence[Met]], behind: Mapping[Place, Sequence[Behind]], setting: Setting
) -> Verdict:
    """The verdict with lines of each address beside it; `behind` has what follows those that were `lacking`."""
    sources = verdict.logins["sources"]
    assert isinstance(sources, list)
    made = []
    for source, own in zip(sources, lines, strict=False):
        more = [each for one in own for each in behind.get((one.at.source, one.at.line), ())]
        chosen = _chosen(own, _guesses(more, source["address"], setting))
        made.append({**source, "lines": [_line(one, verdict.exists) for one in chosen]} if chosen else source)
    return replace(verdict, logins={**verdict.logins, "sources": [*made, *sources[len(made) :]]})


def _guesses(lines: Sequence[Behind], address: str, setting: Setting) -> Iterator[Met]:
    """Yield lines that tell of a guess from an address, of the first and the last ones; of others the words are not read."""
    of_it = [one for one in lines if address in one[1].text]
    some = of_it if len(of_it) <= 2 * ENDS else [*of_it[:ENDS], *of_it[-ENDS:]]
    found = (met(at, words, setting) for at, words in some)
    yield from islice((one for one in found if one.is_guess and one.event and one.event.address == address), 2 * LINES)


def _chosen(own: Sequence[Met], more: Iterable[Met]) -> list[Met]:
    """The lines that are shown, in their order: guesses from the beginning and the end, and others where there are few."""
    names = [*dict.fromkeys(one.at.source for one in own)]

    def place(one: Met) -> tuple[int, int]:
        return names.index(one.at.source), one.at.line

    guesses = sorted({place(one): one for one in (*(each for each in own if each.is_guess), *more)}.values(), key=place)
    others = [one for one in own if not one.is_guess]
    arrived = [one for one in others if one.event and one.event.what is What.CONNECTED][:1]  # says where it came to
    room = LINES - len(arrived)
    kept = guesses if len(guesses) <= room else [*guesses[: room // 2], *guesses[room // 2 - room :]]
    others = [*arrived, *(one for one in others if one not in arrived)][: LINES - len(kept)]
    return sorted((*kept, *others), key=place)


def _line(met: Met, exists: Mapping[str, bool]) -> Mapping[str, object]:
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
