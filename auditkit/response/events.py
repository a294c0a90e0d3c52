"""What the reports kept in a case say happened, as moments of its timeline: logins, attack windows, changes. Pure.

Of each host and command the newest report counts. Texts come from hosts, and are shown as foreign text is.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from auditkit.lenient import Object, mapping, mappings, severity, text
from auditkit.response.summary import Kept
from auditkit.response.timeline import Moment
from auditkit.words import read

MOST = 60
"""Moments of one kind that one host and command have in a timeline."""


def events(kept: Iterable[Kept]) -> tuple[Moment, ...]:
    """The moments that reports tell of, in the order of the reports; a time that is none is left out."""
    newest: dict[tuple[str, str], tuple[int, Object]] = {}
    for one in kept:
        for host in mappings(one.document.get("hosts")):
            newest[text(host.get("host")), text(one.document.get("command"))] = (one.entry.seq, host)
    return tuple(moment for seq, host in newest.values() for moment in _of_host(seq, host))


def _of_host(seq: int, host: Object) -> Iterator[Moment]:
    logins, facts = mapping(host.get("logins")), mapping(host.get("facts"))
    for told in (
        _logins(mappings(logins.get("timeline"))),
        _silences(mappings(logins.get("gaps"))),
        _changes(mappings(host.get("changes"))),
        _touched(mappings(facts.get("timeline"))),
    ):
        yield from _few(seq, text(host.get("host")), [(time, what) for time, what in told if time])


def _few(seq: int, host: str, told: list[tuple[datetime | None, str]]) -> Iterator[Moment]:
    """Yield the first of what is told, and how many more there are."""
    for number, (time, what) in enumerate(told[:MOST], 1):
        left = len(told) - MOST if number == MOST else 0
        more = f"; and {left} more: see the report" if left > 0 else ""
        if time:
            yield Moment(time, seq, "event", host, what + more)


def _logins(told: Iterable[Object]) -> Iterator[tuple[datetime | None, str]]:
    for one in told:
        line = mapping(one.get("line"))
        place = f" ({text(line.get('source')).rpartition('/')[2]}, line {line.get('line')})" if line else ""
        yield read(one.get("time")), text(one.get("what")) + place


def _silences(told: Iterable[Object]) -> Iterator[tuple[datetime | None, str]]:
    for one in told:
        until = read(one.get("to"))
        end = f"until {until:%Y-%m-%d %H:%M:%S}Z" if until else "to its end"
        yield read(one.get("from")), f"no log tells of the time from here {end}"


def _changes(told: Iterable[Object]) -> Iterator[tuple[datetime | None, str]]:
    """Yield changes that nothing explains, the worst first; when a path was removed nobody can tell."""
    unexplained = [one for one in told if not one.get("explanation")]
    for one in sorted(unexplained, key=lambda one: -severity(one.get("severity"))):
        after = mapping(one.get("after"))
        word = "came" if one.get("change") == "added" else "changed"
        yield read(after.get("ctime")), f"{text(one.get('path'))} {word} ({text(one.get('rule'))})"


def _touched(told: Iterable[Object]) -> Iterator[tuple[datetime | None, str]]:
    """Yield what changed its status in the window of --since."""
    for one in told:
        back = ", though its time of modification says otherwise" if one.get("backdated") is True else ""
        yield read(one.get("time")), f"the status of {text(one.get('path'))} changed{back}"
