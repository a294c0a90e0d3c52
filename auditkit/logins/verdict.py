"""From what the sources of a machine say to a verdict on three axes that are never merged: access, pattern, coverage.

`Verdict.wanted` names lines of text logs: once somebody fetched their words, `quoted` puts these into the findings.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from auditkit.logins import entered, evidence, losing, sentence, telling, trying
from auditkit.logins.covering import MINUTE
from auditkit.logins.joining import Joined, joined, requoted
from auditkit.logins.nouns import Condition, What, YearBy
from auditkit.logins.patterns import Pattern, pattern
from auditkit.logins.seen import Account, Head, KeyLine, Login, Past, Seen, Verdict, Verified, Wanted
from auditkit.logins.signals import signals
from auditkit.logins.successes import Success
from auditkit.logins.tally import HOUR
from auditkit.logins.wording import listed, moment, plural
from auditkit.model import Finding, Gap, Rule, Severity
from auditkit.printable import printable

__all__ = ["RULES", "Account", "Head", "KeyLine", "Past", "Seen", "Verdict", "Verified", "Wanted", "judged", "quoted"]

RULES: tuple[Rule, ...] = (*entered.RULES, *trying.RULES, *losing.RULES)
WANTED = 200
"""Lines whose words are asked for."""


def judged(seen: Seen) -> Verdict:
    """Judge what is known of a machine."""
    all_of_it = joined(seen)
    looks = pattern(seen, all_of_it.streams, all_of_it.attackers, _credential(all_of_it))
    of_logins = tuple(entered.judge(all_of_it))
    ask = _to_ask(of_logins)
    findings = (*(finding for _, finding in of_logins), *trying.judge(all_of_it, looks), *losing.judge(all_of_it))
    logins = telling.told(all_of_it, looks, signals(all_of_it, looks), ask)
    gaps = tuple(dict.fromkeys(_gaps(all_of_it)))
    return Verdict(
        findings, gaps, logins, tuple(_notes(all_of_it)), _wanted(all_of_it, findings, looks), evidence.wanted(looks),
        evidence.existing(seen, looks), _entered(all_of_it),
    )  # fmt: skip


def _to_ask(of_logins: Iterable[tuple[Success, Finding]]) -> list[tuple[Success, Severity]]:
    """Logins that something speaks against, each once: the worst first, those that most speaks against, and the latest."""
    against: dict[int, tuple[Success, list[Severity]]] = {}
    for success, finding in of_logins:
        if finding.severity >= Severity.MEDIUM:
            against.setdefault(id(success), (success, []))[1].append(finding.severity)
    ordered = sorted(against.values(), key=lambda one: (max(one[1]), len(one[1]), one[0].time or 0), reverse=True)
    return [(success, max(severities)) for success, severities in ordered]


def quoted(verdict: Verdict, texts: Mapping[tuple[str, int], str]) -> Verdict:
    """A verdict that quotes lines by their own words; `texts` has these by name of the source and number of the line."""
    shown = {(printable(source), line): text for (source, line), text in texts.items()}
    return replace(verdict, findings=tuple(requoted(finding, shown) for finding in verdict.findings))


def _credential(all_of_it: Joined) -> str:
    """Why somebody knows a credential: he was let in after guessing, or was right and refused."""
    for success in all_of_it.successes:
        if success.real:
            came = all_of_it.before(success)
            if entered.guessed(all_of_it, success, came):
                return f"{plural(came.guesses, 'guess')} from {printable(success.address or '')}, and then a login"
    return trying.known(all_of_it)


def _gaps(all_of_it: Joined) -> Iterator[Gap]:
    """Yield what could not be seen: sources, parts of them, lines that may matter, and time that none covers."""
    seen, coverage = all_of_it.seen, all_of_it.coverage
    for log in (*seen.asked, *(reading.log for reading in seen.readings)):
        if log.condition in (Condition.UNREADABLE, Condition.TRUNCATED):
            yield Gap(log.name, log.reason or f"is {log.condition}")
    if not coverage.telling:
        anybody = "anybody else" if any(one.real for one in all_of_it.successes) else "anybody"
        yield Gap("logins", f"whether {anybody} got in cannot be told: {sentence.without(all_of_it)}")
    readings = [reading for stream in all_of_it.streams for reading in stream.readings]
    named = {event.host for reading in readings for event in reading.tally.kept}
    hosts = sorted({host.partition(".")[0] for host in named} - {""})
    if len(hosts) > 1:
        together = "guesses are counted of all together, and whether one of them fell silent is not known"
        yield Gap("logins", f"the logs have lines of {len(hosts)} machines ({listed(hosts)}): {together}")
    if coverage.start is not None and coverage.end is not None and coverage.start > coverage.end:
        yield Gap("logins", f"no log tells of what is after {moment(coverage.end)}, when they were taken")
    for start, end in coverage.gaps[:20]:
        yield Gap("logins", f"no log tells of {moment(start)} to {moment(end)}")
    for reading in seen.readings:
        if shapes := sentence.may_tell(reading):
            times = sum(reading.notes.unknown[shape] for shape in shapes)
            yield Gap(reading.log.name, f"{plural(times, 'line')} not understood that may tell of a login: {listed(shapes, 2)}")
        if reading.tally.lost:
            yield Gap(reading.log.name, f"{plural(reading.tally.lost, 'event')} beyond what is kept were only counted")


def _notes(all_of_it: Joined) -> Iterator[str]:
    """Yield what a reader should know of how it was read."""
    seen = all_of_it.seen
    unknown = sum(sum(reading.notes.unknown.values()) for reading in seen.readings)
    if unknown:
        yield f"{plural(unknown, 'line')} of programs that tell of logins not understood; the report lists them by kind"
    yield from _overlaps(all_of_it)
    for reading in seen.readings:
        if reading.notes.malformed and reading.format is not None and reading.format.kind == "text":
            of = f"{reading.notes.malformed} of {plural(reading.notes.lines, 'line')}"
            yield f"{printable(reading.log.name)}: {of} have no time or no program, and were not read"
    guessed = [reading.log.name for reading in seen.readings if reading.notes.year_by is YearBy.ASSUMED and reading.notes.lines]
    if guessed:
        yield f"the year of {listed(guessed)} is assumed: its stamps have none, and nothing else tells it"
    if not seen.setting.zone_known and any(one.notes.zoneless for one in seen.readings):
        yield "the zone of the machine is not known: stamps without one are taken for UTC"
    if any(end is not None and end % HOUR for end in (seen.since, seen.until)):
        yield "guesses are counted by the hour: those of an hour that --since or --until cuts are counted whole"
    if all_of_it.outside:
        others = f"{plural(len(all_of_it.outside), 'login')} outside of the time that was asked for"
        yield f"{others}, the latest of {moment(all_of_it.outside[-1].time)}: without --since and --until they are told of"
    for one in seen.verified:
        if one.passed:
            yield f"{one.name}: journalctl --verify passes: it is well-formed, which does not show that nothing was left out"
        elif one.passed is None:
            yield f"{one.name}: journalctl --verify could not look it through: {one.words}"
    if sum(stream.count(What.SCANNED) for stream in all_of_it.streams):
        scanned = sum(stream.count(What.SCANNED) for stream in all_of_it.streams)
        yield f"{plural(scanned, 'connection')} that spoke something else or nothing are no guesses, and not counted as such"


def _overlaps(all_of_it: Joined) -> Iterator[str]:
    """Yield where two parts of one log have lines of the same time: a copy that was taken in between, named beside them."""
    for stream in all_of_it.streams:
        dated = [one for one in stream.readings if one.notes.first is not None and one.notes.last is not None]
        for one, other in pairwise(dated if stream.kind == "text" else ()):
            start, end = other.notes.first or 0, one.notes.last or 0
            if end - start > MINUTE:
                both = listed([one.log.name, other.log.name])
                yield f"{both} both have lines of {moment(start)} to {moment(end)}: guesses of that time may count twice"


def _wanted(all_of_it: Joined, findings: Sequence[Finding], looks: Pattern) -> tuple[Wanted, ...]:
    """Lines of texts that findings quote."""
    quoted: dict[str, set[int]] = {}
    for quote in (quote for finding in findings for quote in finding.quotes):
        quoted.setdefault(quote.source, set()).add(quote.line)
    readings = [reading for stream in all_of_it.streams if stream.kind == "text" for reading in stream.readings]
    lines = {reading.log.name: quoted.get(printable(reading.log.name), set()) for reading in readings}
    found: dict[tuple[str, int], int] = {}
    for reading in readings:
        name, mine = reading.log.name, lines[reading.log.name]
        found |= {(name, event.line): event.offset for event in reading.tally.kept if event.line in mine}
    for source, line, offset in (at for one in looks.active for at in one.lines):
        if line in lines.get(source, ()):
            found[source, line] = offset
    return tuple(Wanted(source, line, offset) for (source, line), offset in list(found.items())[:WANTED])


def _entered(all_of_it: Joined) -> Mapping[Login, int | None]:
    return entered.confirmed(all_of_it.successes)


ACCESS = (sentence.NONE_SEEN, sentence.SEEN, sentence.UNSUPPORTED, sentence.CANNOT_TELL)
"""Words of the first axis."""
