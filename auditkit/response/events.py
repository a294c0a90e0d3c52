"""What the reports kept in a case say happened, as moments of its timeline: logins, attack windows, changes. Pure.

Of each host and command the newest report counts. Texts come from hosts, and are shown as foreign text is.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from auditkit.model import Severity
from auditkit.response.summary import Kept
from auditkit.response.timeline import Moment
from auditkit.words import read

MOST = 60
"""Moments of one kind that one host and command have in a timeline."""
Told = Mapping[str, Any]


def events(kept: Iterable[Kept]) -> tuple[Moment, ...]:
    """The moments that reports tell of, in the order of the reports; a time that is none is left out."""
    newest: dict[tuple[str, str], tuple[int, Told]] = {}
    for one in kept:
        for host in _objects(one.document.get("hosts")):
            newest[_text(host.get("host")), _text(one.document.get("command"))] = (one.entry.seq, host)
    return tuple(moment for seq, host in newest.values() for moment in _of_host(seq, host))


def _of_host(seq: int, host: Told) -> Iterator[Moment]:
    logins, facts = _object(host.get("logins")), _object(host.get("facts"))
    for told in (
        _logins(_objects(logins.get("timeline"))),
        _silences(_objects(logins.get("gaps"))),
        _changes(_objects(host.get("changes"))),
        _touched(_objects(facts.get("timeline"))),
    ):
        yield from _few(seq, _text(host.get("host")), [(time, text) for time, text in told if time])


def _few(seq: int, host: str, told: list[tuple[datetime | None, str]]) -> Iterator[Moment]:
    """Yield the first of what is told, and how many more there are."""
    for number, (time, text) in enumerate(told[:MOST], 1):
        left = len(told) - MOST if number == MOST else 0
        more = f"; and {left} more: see the report" if left > 0 else ""
        if time:
            yield Moment(time, seq, "event", host, text + more)


def _logins(told: Iterable[Told]) -> Iterator[tuple[datetime | None, str]]:
    for one in told:
        line = _object(one.get("line"))
        place = f" ({_text(line.get('source')).rpartition('/')[2]}, line {line.get('line')})" if line else ""
        yield read(one.get("time")), _text(one.get("what")) + place


def _silences(told: Iterable[Told]) -> Iterator[tuple[datetime | None, str]]:
    for one in told:
        until = read(one.get("to"))
        end = f"until {until:%Y-%m-%d %H:%M:%S}Z" if until else "to its end"
        yield read(one.get("from")), f"no log tells of the time from here {end}"


def _changes(told: Iterable[Told]) -> Iterator[tuple[datetime | None, str]]:
    """Yield changes that nothing explains, the worst first; when a path was removed nobody can tell."""
    unexplained = [one for one in told if not one.get("explanation")]
    for one in sorted(unexplained, key=lambda one: -_severity(one.get("severity"))):
        after = _object(one.get("after"))
        word = "came" if one.get("change") == "added" else "changed"
        yield read(after.get("ctime")), f"{_text(one.get('path'))} {word} ({_text(one.get('rule'))})"


def _touched(told: Iterable[Told]) -> Iterator[tuple[datetime | None, str]]:
    """Yield what changed its status in the window of --since."""
    for one in told:
        back = ", though its time of modification says otherwise" if one.get("backdated") is True else ""
        yield read(one.get("time")), f"the status of {_text(one.get('path'))} changed{back}"


def _severity(value: object) -> Severity:
    return Severity.__members__.get(_text(value).upper(), Severity.HIGH)


def _object(value: object) -> Told:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Told]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
