"""What is new on several hosts alike, told once: fifty machines that had the same upgrade are one piece of news."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from auditkit.model import State
from auditkit.notices.news import HostNews
from auditkit.printable import said
from auditkit.report.items import Item, Sort

MOST_APART = 2
"""Hosts that are told of one by one."""
OWN = (Sort.LOGIN, Sort.LOGINS, Sort.UNTRUSTED)
"""Of these each host is told of by itself."""
ODD = (State.HOSTKEY_CHANGED, State.HOSTKEY_UNKNOWN, State.LIED, State.UNTRUSTED)
"""And of these states: a cable that is out explains none of them."""
Line = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Shared:
    """What is new on just these hosts."""

    names: tuple[str, ...]
    new: tuple[Item, ...]
    gaps: tuple[Item, ...]
    missed: str = ""
    """Why none of them was asked to its end, in a sentence; empty where that is not what they have in common."""


def folded(hosts: Sequence[HostNews]) -> tuple[list[Shared], list[HostNews]]:
    """What several hosts have in common, and what is left of each; a host of which nothing is left is told of no more."""
    names: dict[Line, tuple[str, ...]] = {}
    of: dict[Line, Item] = {}
    for news in hosts:
        for line, item in _lines(news):
            names[line] = (*names.get(line, ()), news.name)
            of.setdefault(line, item)
    common = {line: whom for line, whom in names.items() if len(whom) > MOST_APART}
    missed, hosts = _missed(hosts)
    groups: dict[tuple[str, ...], list[Item]] = {}
    for line, whom in common.items():
        groups.setdefault(whom, []).append(of[line])
    left = [_without(news, common) for news in hosts]
    return [*missed, *(_shared(whom, found) for whom, found in groups.items())], [news for news in left if news.speaks]


def _missed(hosts: Sequence[HostNews]) -> tuple[list[Shared], list[HostNews]]:
    """The hosts that one cause may have kept from being asked to their end, and all hosts without what is told so."""
    by_state: dict[str, list[HostNews]] = {}
    for news in hosts:
        if news.missed and news.missed not in ODD and not news.sleeps:
            by_state.setdefault(news.missed, []).append(news)
    many = {word: some for word, some in by_state.items() if len(some) > MOST_APART}
    rest = [replace(news, missed="") if news.missed in many and not news.sleeps else news for news in hosts]
    return [Shared(tuple(one.name for one in some), (), (), f"{word}: {_why(some)}") for word, some in many.items()], rest


def _why(hosts: Sequence[HostNews]) -> str:
    """The reason that all of them have, or that of the first one."""
    reasons = dict.fromkeys(said(gap["reason"]) for news in hosts for gap in news.host["gaps"][:1])
    first = next(iter(reasons), "no reason is known")
    return first if len(reasons) < 2 else f"of {hosts[0].name}: {first}"


def _lines(news: HostNews) -> Iterator[tuple[Line, Item]]:
    """Yield what may be told of several hosts at once, each thing once."""
    found = {_line(item, news): item for item in (*news.new, *news.gaps) if item.sort not in OWN}
    return iter(found.items())


def _line(item: Item, news: HostNews) -> Line:
    again = "again" if item.id in news.again else ""
    return again, item.severity.word, f"{item.sort} {item.rule} {item.subject}", item.message


def _without(news: HostNews, common: Mapping[Line, object]) -> HostNews:
    own = [item for item in news.new if item.sort in OWN or _line(item, news) not in common]
    gaps = [item for item in news.gaps if _line(item, news) not in common]
    alike = len(news.new) + len(news.gaps) - len(own) - len(gaps)
    return replace(news, new=tuple(own), gaps=tuple(gaps), alike=alike)


def _shared(names: tuple[str, ...], found: Sequence[Item]) -> Shared:
    worst_first = sorted(found, key=lambda item: item.severity, reverse=True)
    new = tuple(item for item in worst_first if item.sort is not Sort.GAP)
    return Shared(names, new, tuple(item for item in found if item.sort is Sort.GAP))
