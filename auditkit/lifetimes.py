"""What became of what a run tells of a host: new, still there, gone, or not known, held against what earlier runs told.

Pure: what is told now, what is known, and how far each run looked, in; what is new, gone and not known, and what the next
run is to know, out. Nothing is called gone that a run did not look for at least as far as the one that last saw it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from auditkit.model import Severity

INTEGRITY, LOGINS, TOGETHER = "integrity", "logins", "together"
"""Parts of a run: files held against a baseline, logs of logins, and hosts held against each other."""


class News(StrEnum):
    """Why something that is told is news."""

    NEW = "new"
    AGAIN = "again"
    """It was gone, or excused, and is back."""
    CHANGED = "changed"
    """It is not what it was when it was told before."""
    WORSE = "worse"
    """It is more severe than it was."""


class How(StrEnum):
    """How something ceased to speak against a host."""

    FIXED = "fixed"
    ACCEPTED = "accepted"
    """A newer baseline or an exception took it."""
    EXPLAINED = "explained"
    """It is still there, and is accounted for by now."""
    MILDER = "milder"
    """It is still there, and is no more than a remark by now."""
    ANEW = "anew"
    """Another version of auditkit does not tell it: mended, or judged otherwise."""
    PAST = "past"
    """An event that is told no more, or something that another rule tells by now: nothing that was mended."""


_NUMBERS = re.compile(r"[0-9]+")
TOLD = (How.FIXED, How.ACCEPTED, How.EXPLAINED, How.MILDER, How.ANEW)
"""What is worth a line."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that a run tells of a host."""

    key: str
    """The same in every run that tells the same of the same host."""
    sort: str
    """What it is, in a word of report/items.py."""
    rule: str
    subject: str
    message: str
    severity: Severity
    part: str
    """The part of the run that looks for it; empty for a gap, which may come from any."""
    counts: bool
    """Whether it speaks against the host, or is a gap."""
    excuse: str = ""
    """Why it does not, in a word of How."""
    mark: str = ""
    """What tells it from another one with the same key; empty where nothing is to be told."""
    event: bool = False
    """Whether it happened, and will not unhappen: it is never called fixed."""
    based: bool = False
    """Whether it is a difference to a baseline."""


@dataclass(frozen=True, slots=True)
class Base:
    """What a host was held against: the baseline, and where it lies."""

    place: str
    number: int
    made: str


@dataclass(frozen=True, slots=True)
class Look:
    """How far one run looked at one host."""

    number: int
    """Runs count up in the order in which they were kept, whatever their clocks say."""
    begun: datetime
    ended: datetime
    parts: frozenset[str]
    whole: bool
    """Whether the host was asked to the end, and is believed."""
    mends: bool
    """Whether what it does not see is gone: evidence, and disks of nobody knows which machine, mend nothing."""
    base: Base | None = None
    """None where no baseline is known."""
    gaps: frozenset[str] = frozenset()
    """`fingerprint` of each gap."""
    hosts: frozenset[str] = frozenset()
    """The hosts that were held against each other."""
    took: frozenset[str] = frozenset()
    """What it went by besides: files of advisories, that services were asked actively."""
    machine: str = ""
    """What tells this machine from another one of the same name; empty where that is not known."""
    tool: str = ""
    """Which auditkit looked, and judged; empty where that was not kept."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one thing from one run to the next."""

    thing: Thing
    first_seen: str
    last_seen: str
    last_run: int
    """The run that last told it."""
    open: bool
    """Whether it was told when it was last looked for."""
    news: str
    news_run: int
    """Which run it was news in."""
    left_run: int = 0
    """Which run it ceased to speak against the host in; 0 if it does."""
    how: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of all that is known of a host."""

    told: Mapping[str, Row]
    """What is told now, by key."""
    new: frozenset[str]
    still: int
    fixed: tuple[Row, ...]
    unknown: tuple[Row, ...]
    beyond: frozenset[str]
    """The keys of what is not known because this run was not asked about it: a check about logins, say."""
    changed: tuple[Row, ...]
    """The rows that are not as they were known."""
    held: bool
    """Whether there is an earlier run that it is held against: all is new in a first one, and none of it is news."""


def fingerprint(subject: str, reason: str) -> str:
    """What a gap is known by from one run to the next."""
    return sha256(f"{subject}\0{reason}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Night:
    """All that a host is judged by: how far this run looked, what it could not see, and what earlier runs left."""

    look: Look
    time: str
    """Of this run, as reports have it."""
    gaps: Mapping[str, str]
    """Fingerprint to subject of what it could not see."""
    rows: Mapping[str, Row]
    """What is known, by key."""
    looks: Mapping[int, Look]
    """How far the runs looked that last told each row."""
    has: Callable[[str], bool]
    """Whether this auditkit has a rule: of another one it cannot say whether it would still be broken."""
    since: int | None = None
    """The run that this one is held against; None where there is none."""


def judged(night: Night, things: Sequence[Thing]) -> Judged:
    """What became of what was known, and what is told now."""
    since = night.look.number - 1 if night.since is None else night.since
    told = {thing.key: _seen(thing, night.rows.get(thing.key), night) for thing in things}
    missed = [row for row in night.rows.values() if row.open and row.thing.key not in told]
    instead = _instead(things, night)
    became = [_missed(row, night, instead) for row in missed]
    left = [row for row in became if not row.open]
    gone_before = [row for row in night.rows.values() if not row.open and row.thing.key not in told]
    counting = [row for row in told.values() if row.thing.counts]
    new = frozenset(row.thing.key for row in counting if row.news_run > since)
    unknown = tuple(row for row in became if row.open and row.thing.counts)
    gone = (row for row in (*told.values(), *left, *gone_before) if row.left_run > since and row.news_run <= since)
    return Judged(
        told=told,
        new=new,
        still=len(counting) - len(new),
        fixed=tuple(row for row in gone if row.how in TOLD),
        unknown=unknown,
        beyond=frozenset(row.thing.key for row in unknown if _is_beyond(row, night)),
        changed=tuple(row for row in (*told.values(), *left) if night.rows.get(row.thing.key) != row),
        held=night.since is not None,
    )


def _is_beyond(row: Row, night: Night) -> bool:
    """Whether this run was not asked about it; about a gap it was where it was asked all that the run was that met the gap."""
    then = night.looks.get(row.last_run)
    asked = frozenset((row.thing.part,)) if row.thing.part else then.parts if then else frozenset[str]()
    return not asked <= night.look.parts


@dataclass(frozen=True, slots=True)
class Before:
    """The earlier runs that looked at a host, as far as they matter to this one."""

    last: Look | None = None
    """The newest of all."""
    held: Look | None = None
    """The newest that looked at least as far as this one, which it is held against."""
    another: bool = False
    """Whether they looked at another machine: then it is held against none."""


def before(now: Look, looks: Iterable[Look]) -> Before:
    """What matters of earlier runs, the newest first; no more of them are looked at than are needed."""
    last = held = None
    is_known = not now.machine
    for look in looks:
        last = last or look
        if not is_known and look.machine:
            if is_another(now, look):
                return Before(last, another=True)
            is_known = True
        if held is None and look.whole and look.parts >= now.parts:
            held = look
        if held and is_known:
            break
    return Before(last, held)


def is_another(now: Look, before: Look) -> bool:
    """Whether another machine answers to the name than in an earlier run."""
    return "" not in (now.machine, before.machine) and now.machine != before.machine


def _seen(thing: Thing, row: Row | None, night: Night) -> Row:
    """The row of what is told now."""
    number, time = night.look.number, night.time
    if row is None or not row.open:
        began = News.AGAIN if row and row.how in (How.FIXED, How.ANEW) else News.NEW
        return Row(thing, time, time, number, open=True, news=began, news_run=number, how=thing.excuse)
    if row.thing.counts and not thing.counts:
        how = How.PAST if thing.event else thing.excuse or How.MILDER
        return replace(row, thing=thing, last_run=number, left_run=number, how=str(how))
    last = time if thing.counts or not row.how else row.last_seen
    told = replace(row, thing=thing, last_seen=last, last_run=number)
    if not thing.counts:
        return replace(told, how=thing.excuse or row.how)
    word = _news(thing, row)
    return replace(told, news=word, news_run=number, left_run=0, how="") if word else replace(told, left_run=0, how="")


def _news(thing: Thing, row: Row) -> str:
    """Why something that was told before is news; the empty word where it is none."""
    if not row.thing.counts:
        return News.AGAIN if row.how else News.WORSE
    if thing.severity > row.thing.severity:
        return News.WORSE
    return News.CHANGED if thing.mark and thing.mark != row.thing.mark else ""


def _instead(things: Iterable[Thing], night: Night) -> dict[tuple[str, ...], Thing]:
    """What may tell now of what was known by another key: a path by another rule, or the same words with other numbers."""
    found = {_alike(thing): thing for thing in things if thing.key not in night.rows}
    return found | {("change", thing.subject): thing for thing in things if thing.sort == "change"}


def _alike(thing: Thing) -> tuple[str, ...]:
    """What things have in common of which nobody can say that they are two."""
    return thing.sort, thing.rule, _NUMBERS.sub("#", thing.subject)


def _missed(row: Row, night: Night, instead: Mapping[tuple[str, ...], Thing]) -> Row:
    """The row of what is not told now; still open where this run cannot say that it is gone."""
    how = _how(row.thing, night.looks.get(row.last_run), night, instead)
    if how is None:
        return row
    if not row.thing.counts:  # it had left already, or was a remark
        return replace(row, open=False, how=row.how or str(How.FIXED))
    return replace(row, open=False, left_run=night.look.number, how=str(how))


def _how(thing: Thing, then: Look | None, night: Night, instead: Mapping[tuple[str, ...], Thing]) -> How | None:
    """How something ceased to be told; None where this run cannot say so."""
    now = night.look
    is_known = thing.sort not in ("change", "finding") or night.has(thing.rule)
    if then is None or not is_known or not _covers(thing, then, night):
        return None
    if thing.event:
        return How.PAST
    other = instead.get(("change", thing.subject) if thing.sort == "change" else _alike(thing))
    if other is not None:
        return How.EXPLAINED if other.excuse == How.EXPLAINED else How.PAST
    how = _by_base(now.base, then.base) if thing.based else How.FIXED
    judged_anew = how == How.FIXED and now.tool != then.tool and thing.sort != "gap"
    return How.ANEW if judged_anew else how


def _by_base(now: Base | None, then: Base | None) -> How | None:
    """How a difference to a baseline ceased: by the same one it is mended; a newer one took it; another one says nothing."""
    if now is None or then is None or now.place != then.place:
        return None
    if now.number > then.number:
        return How.ACCEPTED
    return How.FIXED if now == then else None


def _covers(thing: Thing, then: Look, night: Night) -> bool:
    """Whether this run looked for something at least as far as the one that last told it, and after that."""
    now = night.look
    if not (now.whole and now.mends and then.mends) or now.begun < then.ended or is_another(now, then):
        return False
    parts = frozenset((thing.part,)) if thing.part else then.parts
    if not parts <= now.parts or not then.took <= now.took:
        return False
    if (thing.part == TOGETHER or not thing.part) and not then.hosts <= now.hosts:
        return False
    return not any(_hides(subject, thing) for mark, subject in night.gaps.items() if mark not in then.gaps)


def _hides(gap: str, thing: Thing) -> bool:
    """Whether what could not be seen may hide something: any may, but of a path only what lies on the way to it, or below."""
    if thing.sort != "change" or not gap.startswith("/"):
        return True
    return _is_on_the_way(gap, thing.subject) or _is_on_the_way(thing.subject, gap)


def _is_on_the_way(path: str, to: str) -> bool:
    return to == path or to.startswith(f"{path.rstrip('/')}/")
