"""What of a report is new: what no notice has told of yet, and what says something else than it did.

Where the history of runs knows more, it counts too: what was gone in between and is back is new. What cannot be known is
new: a wrong "nothing new" is worse than a second mail.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from auditkit.model import Severity, State
from auditkit.notices import Night, Told
from auditkit.printable import printable
from auditkit.report.document import FAILURES, state
from auditkit.report.items import Item, Sort, identity, items, moment
from auditkit.report.look import Options
from auditkit.report.steady import steady

Dict = Mapping[str, Any]
SWITCHED_OFF = (State.UNREACHABLE,)
"""States of a host that sleeps: another key, or a lie, comes from one that is awake."""
BACK = "again"
"""What a document says of what was gone, and is back."""
MOST_TOLD = 200_000
"""What is kept in mind of one host; of one with more all is new again."""


@dataclass(frozen=True, slots=True)
class HostNews:
    """What is new of one host."""

    name: str
    """As it may be shown."""
    host: Dict
    new: tuple[Item, ...]
    """The worst first."""
    again: frozenset[str]
    """Those of them that were told before, and say something else now, by their ids."""
    gaps: tuple[Item, ...]
    still: int
    missed: str
    """The state in which a host was left that was not asked to its end; empty where it was."""
    sleeps: bool
    """Whether it may be switched off, and seems to be."""
    untrusted: bool
    alike: int = 0
    """What is told of it together with other hosts."""

    @property
    def speaks(self) -> bool:
        """Whether a person is to be told."""
        return bool(self.new or self.gaps or self.untrusted or (self.missed and not self.sleeps))


@dataclass(frozen=True, slots=True)
class _Times:
    """What first days are held against."""

    started: str
    """When this run was."""
    last: datetime | None
    """When the last notice was made."""
    first: bool
    """Whether the history knows no earlier run, and so marks no news."""

    def is_younger(self, item: Item) -> bool:
        """Whether the history knows it only from this run on, or since the last notice: what was gone has a new first day.

        Whoever looked by hand in between has seen that; whoever reads the notices has not.
        """
        told = item.of.get("first_seen")
        if told == self.started and (self.first or "news" in item.of):
            return True
        began, now = moment(told), moment(self.started)
        return bool(began and now and self.last and self.last < began <= now)


def of_hosts(document: Dict, night: Night) -> tuple[list[HostNews], Told]:
    """What is new of each host, in the order of the report, and what will have been told once that is."""
    found, told = [], {name: dict(known) for name, known in (night.told or {}).items()}
    if forgotten(document):
        night = replace(night, told=None)
    for host in document["hosts"]:
        news, told[host["host"]] = _of_host(host, night, document["started"])
        found.append(news)
    return found, told


def forgotten(document: Dict) -> str:
    """Why the history of runs says nothing of this one; empty where it does, or none is kept."""
    return str(document.get("history", {}).get("note") or "")


def _of_host(host: Dict, night: Night, started: str) -> tuple[HostNews, dict[str, str]]:
    before = None if night.told is None else night.told.get(host["host"])
    times = _Times(started, night.last, first=host.get("since", {}).get("run") is None)
    worth = [(key, said, item) for key, said, item in _marked(host) if _worth(item, night.at)]
    news = [item for key, said, item in worth if is_new(item, said, (before or {}).get(key), times)]
    new, gaps = ([item for item in news if (item.sort is Sort.GAP) is gap] for gap in (False, True))
    missed = str(state(host)) if state(host) in FAILURES else ""
    current = {key: said for key, said, _item in worth}
    found = HostNews(
        name=printable(host["host"]),
        host=host,
        new=tuple(sorted(new, key=lambda item: item.severity, reverse=True)),
        again=frozenset(item.id for key, _said, item in worth if before and key in before),
        gaps=() if missed else tuple(gaps),
        still=sum(item.sort is not Sort.GAP for _key, _said, item in worth) - len(new),
        missed=missed,
        sleeps=missed in SWITCHED_OFF and host["host"] in night.asleep,
        untrusted=host["untrusted"] is not None,
    )
    return found, _next(host, before or {}, current)


def _next(host: Dict, before: Mapping[str, str], current: Mapping[str, str]) -> dict[str, str]:
    """What has been told of a host by then: what is not there now stays, unless the history of runs says that it is gone."""
    since = host.get("since")
    if not isinstance(since, dict):
        kept: dict[str, str] = dict(before) if state(host) in FAILURES else {}
    else:
        gone = set(_keys((one["sort"], one["rule"], one["subject"]) for one in since["fixed"]))
        kept = {key: said for key, said in before.items() if key not in gone}
    kept |= current
    return kept if len(kept) <= MOST_TOLD else {}


def _worth(item: Item, at: Severity) -> bool:
    """Whether an item is one that people are told of: what speaks against a host, a login to ask about, a gap."""
    if item.sort in (Sort.GAP, Sort.UNTRUSTED):
        return True
    return (item.against or item.sort is Sort.LOGIN) and item.severity >= at


def is_new(item: Item, said: str, before: str | None, times: _Times) -> bool:
    """Whether no notice told of it `before`, or what it told has changed; or it was gone since, as far as the history knows.

    What else is news to the history need be none here: a host that is cut short each night is held against the last night
    on which it was not.
    """
    return before != said or item.of.get("news") == BACK or times.is_younger(item)


def _marked(host: Dict) -> Iterator[tuple[str, str, Item]]:
    """Yield each item with what it is known by from night to night, and a digest of what it says."""
    found = list(items(host, Options()))
    keys = _keys(_names(item) for item in found)
    return ((key, _said(item), item) for key, item in zip(keys, found, strict=True))


def _names(item: Item) -> tuple[str, ...]:
    """What tells an item from others: of a login its time and whence it came besides."""
    names = (str(item.sort), item.rule, item.subject)
    if item.sort is Sort.LOGIN:
        return *names, *identity(item)
    return names


def _keys(names: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield a digest for each, another one where the same comes twice."""
    seen: Counter[tuple[str, ...]] = Counter()
    for one in names:
        seen[one] += 1
        yield _digest([*one, seen[one]])


def _said(item: Item) -> str:
    """A digest of what an item says; of numbers, which grow from night to night, only that there are some."""
    match item.sort:
        case Sort.CHANGE:
            return _digest([item.of["change"], item.of["after"], item.severity.word])
        case Sort.LOGINS:
            return _digest([item.of["access"], item.of["coverage"]])
        case Sort.GAP:
            return _digest([steady(str(item.of["reason"]))])
    return _digest([item.severity.word, steady(item.message)])


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode("ascii")).hexdigest()[:24]
