"""The words of a notice: a subject that says it all, and a short text, the worst first, with what to do next."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from auditkit.model import Severity, State
from auditkit.notices import Night, Notice, Trouble, Verdict
from auditkit.notices.alike import Shared, folded
from auditkit.notices.news import HostNews, forgotten, of_hosts
from auditkit.printable import clipped, counted, few, grouped, printable, said
from auditkit.report import verdict
from auditkit.report.items import Item, Sort
from auditkit.report.pasting import command_line

Dict = Mapping[str, Any]
WIDEST = 140
"""Characters of a subject."""
LONGEST_NAME = 40
LONGEST_LINE = 300
MOST_HOSTS, MOST_ITEMS, MOST_GAPS, MOST_NAMES, MOST_NEXT = 20, 10, 5, 5, 6
FORGOTTEN = "no history to hold it against"
UNTOLD = "No earlier notice is known: all that there is counts as new."
MISSED = {State.UNREACHABLE: "not reached", State.TIMEOUT: "not asked to the end", State.PARTIAL: "not asked to the end"}
"""What is said of a host in such a state; others are said by their own words."""


def judged(document: Dict, night: Night) -> Verdict:
    """What a night comes to: the notice, whether it is to be sent now, and what will have been told by then."""
    found, told = of_hosts(document, night)
    if why := forgotten(document):
        night = replace(night, troubles=(*night.troubles, Trouble(FORGOTTEN, f"So everything counts as new: {why}")))
    speaking = [news for news in found if news.speaks]
    urgent = bool(speaking or night.troubles or not found)
    due = urgent or not night.quiet or _is_beat(night)
    subject = _subject(speaking, night) if urgent else _calm(found, night)
    body = "\n\n".join("\n".join(lines) for lines in _paragraphs(document, found, night, urgent) if lines)
    return Verdict(Notice(subject, f"{body}\n", urgent), due, told)


def _is_beat(night: Night) -> bool:
    """Whether nothing was said for so long that somebody may wonder; at first he does."""
    return night.heartbeat is not None and (night.last is None or not night.last <= night.now < night.last + night.heartbeat)


def of_trouble(trouble: Trouble, night: Night) -> Notice:
    """A notice of a night that has no report."""
    lines = [f"{said(trouble.long)}.", "", f"Told by auditkit on {printable(night.place)}, {_when(night.now)}."]
    return Notice(clipped(said(trouble.short), WIDEST, "..."), "\n".join(lines) + "\n", urgent=True)


def _subject(speaking: Sequence[HostNews], night: Night) -> str:
    """`2 new on srv-01 (1 critical), ws-03 not reached`."""
    parts = [
        _untrusted([news for news in speaking if news.untrusted]),
        _new([news for news in speaking if news.new and not news.untrusted]),
        *_missed([news for news in speaking if news.missed and not news.sleeps]),
        _gaps([news for news in speaking if news.gaps]),
        *(said(trouble.short) for trouble in night.troubles),
    ]
    return clipped(", ".join(filter(None, parts)) or "no host was asked", WIDEST, "...")


def _untrusted(hosts: Sequence[HostNews]) -> str:
    return f"UNTRUSTED: {_named(hosts)}" if hosts else ""


def _new(hosts: Sequence[HostNews]) -> str:
    if not hosts:
        return ""
    found = [item for news in hosts for item in news.new]
    return f"{grouped(len(found))} new on {_named(hosts)} ({_severities(found)})"


def _severities(found: Sequence[Item]) -> str:
    """The two worst severities with their numbers."""
    numbers = Counter(item.severity for item in found)
    return ", ".join(f"{grouped(numbers[how])} {how.word}" for how in sorted(numbers, reverse=True)[:2])


def _missed(hosts: Sequence[HostNews]) -> Iterator[str]:
    for word in sorted({news.missed for news in hosts}):
        alike = [news for news in hosts if news.missed == word]
        yield f"{_named(alike)} {MISSED.get(State(word), word)}"


def _gaps(hosts: Sequence[HostNews]) -> str:
    number = sum(len(news.gaps) for news in hosts)
    return f"{grouped(number)} new {'gap' if number == 1 else 'gaps'} on {_named(hosts)}" if hosts else ""


def _named(hosts: Sequence[HostNews]) -> str:
    """`srv-01`, or `3 hosts`."""
    return clipped(hosts[0].name, LONGEST_NAME, "...") if len(hosts) == 1 else counted(len(hosts), "host")


def _calm(found: Sequence[HostNews], night: Night) -> str:
    """The subject of a notice that says that all is as before."""
    asleep = sum(news.sleeps for news in found)
    since = f" since {night.last:%Y-%m-%d}" if night.last else ""
    still = sum(news.still for news in found)
    rest = [(still, "still there"), (asleep, "switched off")]
    more = "".join(f", {grouped(number)} {what}" for number, what in rest if number)
    return f"nothing new on {_named(found)}{since}{more}"


def _paragraphs(document: Dict, found: Sequence[HostNews], night: Night, urgent: bool) -> Iterator[Sequence[str]]:
    """Yield what the text is made of: the night, each host that speaks, what is left, what to do, where the report is."""
    first = [UNTOLD] if night.told is None and urgent else []
    calm = [] if urgent else ["Nothing new. You get this so that you know that auditkit still looks."]
    head = f"{said(document['command']).capitalize()} of {counted(len(found), 'host')}, {_times(document)}."
    yield [head, *(f"{said(trouble.long)}." for trouble in night.troubles), *first, *calm]
    shared, speaking = folded([news for news in found if news.speaks])
    told: list[HostNews | Shared] = [*shared, *speaking]
    told.sort(key=_rank, reverse=True)
    yield from (list(_of_several(one) if isinstance(one, Shared) else _of_host(one)) for one in told[:MOST_HOSTS])
    if len(told) > MOST_HOSTS:
        yield [f"... and {counted(len(told) - MOST_HOSTS, 'more host')}: see the report"]
    yield list(_rest(found))
    yield list(_following(document))
    yield [*([f"Report: {printable(night.report)}"] if night.report else []), f"Told by auditkit on {printable(night.place)}."]


def _rank(news: HostNews | Shared) -> tuple[bool, Severity, bool, int]:
    worst = max((item.severity for item in news.new), default=Severity.INFO)
    if isinstance(news, Shared):
        return False, worst, bool(news.missed), len(news.new)
    return news.untrusted, worst, bool(news.missed), len(news.new)


def _of_several(shared: Shared) -> Iterator[str]:
    yield f"On {counted(len(shared.names), 'host')} alike: {few(list(shared.names), MOST_NAMES)}"
    if shared.missed:
        yield clipped(f"  {shared.missed}", LONGEST_LINE, "...")
    yield from _news(shared.new, frozenset())
    yield from _unseen(shared.gaps)


def _of_host(news: HostNews) -> Iterator[str]:
    yield f"{news.name}: {verdict.of_host(news.host)}"
    if any(item.sort in (Sort.LOGIN, Sort.LOGINS) for item in news.new):
        yield clipped(f"  logins: {said(news.host['logins']['verdict'])}", LONGEST_LINE, "...")
    yield from _news(news.new, news.again)
    if news.missed:
        yield from (clipped(f"  {said(gap['reason'])}", LONGEST_LINE, "...") for gap in news.host["gaps"][:1])
    yield from _unseen(news.gaps)
    if news.alike:
        yield f"  {grouped(news.alike)} more new as on other hosts"
    if news.still:
        yield f"  {grouped(news.still)} more still there from before"


def _news(new: Sequence[Item], again: frozenset[str]) -> Iterator[str]:
    for item in new[:MOST_ITEMS]:
        line = f"  {'again' if item.id in again else 'new':5}  {item.severity.word:8}  {item.line}"
        yield clipped(line, LONGEST_LINE, "...")
    yield from _more(len(new) - MOST_ITEMS, "")


def _unseen(gaps: Sequence[Item]) -> Iterator[str]:
    for item in gaps[:MOST_GAPS]:
        yield clipped(f"  new    {item.message}", LONGEST_LINE, "...")
    yield from _more(len(gaps) - MOST_GAPS, " not seen")


def _more(number: int, what: str) -> Iterator[str]:
    if number > 0:
        yield f"  ... and {grouped(number)} more{what}"


def _rest(found: Sequence[HostNews]) -> Iterator[str]:
    """Yield a line each on what is not new: what is still there, what was fixed, who sleeps."""
    silent = [news for news in found if not news.speaks]
    left = sum(news.still for news in silent)
    if left:
        yield f"Still there from before on other hosts: {grouped(left)}."
    if fixed := sum(len(news.host.get("since", {}).get("fixed", ())) for news in found):
        yield f"Gone since the last run: {grouped(fixed)}."
    if sleeping := [news.name for news in found if news.sleeps]:
        yield f"Switched off, so that nothing is known of it: {few(sleeping, MOST_NAMES)}."
    gaps = sum(len(news.host["gaps"]) for news in found)
    if gaps:
        yield f"Not everything could be seen: {counted(gaps, 'gap')} in all."


def _following(document: Dict) -> Iterator[str]:
    if document["next"]:
        yield "Next:"
        yield from (f"  {command_line(command)}" for command in document["next"][:MOST_NEXT])


def _times(document: Dict) -> str:
    """`2026-11-30 01:00:07Z to 01:04:11Z`."""
    begun, ended = (said(document[name]).replace("T", " ") for name in ("started", "finished"))
    return f"{begun} to {ended.removeprefix(begun[:11])}"


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"
