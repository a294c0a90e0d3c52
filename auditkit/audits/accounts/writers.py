"""Who besides root may change what lies at a path: its owner, its group, everybody, and the same of each directory above."""

import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from auditkit import answers
from auditkit.answers import Step
from auditkit.audits.accounts.people import People, listed
from auditkit.model import Evidence, Gap, Means, Need
from auditkit.printable import printable

EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class Writer:
    """Somebody who may change a part of a way."""

    who: str
    """`everybody`, or as a message names them."""
    names: frozenset[str]
    """The accounts meant; empty for everybody."""
    path: str
    """The part that they may change."""

    @property
    def told(self) -> str:
        """`everybody may write to /opt/x`"""
        return f"{self.who} may write to {printable(self.path)}"


def writers(steps: Sequence[Step], people: People, own: frozenset[int] = frozenset()) -> tuple[Writer, ...]:
    """Who may change a way, root and the accounts of the uids `own` left out, each once."""
    found: dict[tuple[str, frozenset[str]], Writer] = {}
    for number, step in enumerate(steps):
        for each in _of(step, people, own, above=number > 0):
            found.setdefault((each.who, each.names), each)
    return tuple(found.values())


def _of(step: Step, people: People, own: frozenset[int], *, above: bool) -> Iterator[Writer]:
    if step.uid and step.uid not in own:
        name = people.names.get(step.uid, "")
        yield Writer(
            printable(name) if name else f"uid {step.uid}, whom no account has,", frozenset({name or f"#{step.uid}"}), step.path
        )
    if above and step.mode & stat.S_ISVTX:
        return  # in such a directory nobody takes away what is another's
    if step.mode & stat.S_IWOTH:
        yield Writer(EVERYBODY, frozenset(), step.path)
    elif step.mode & stat.S_IWGRP:
        yield from _group(step, people, own)


def _group(step: Step, people: People, own: frozenset[int]) -> Iterator[Writer]:
    team = people.team(step.gid)
    if team is None or people.elsewhere:
        if step.gid:
            yield Writer(f"group {printable(team.name) if team else step.gid}", frozenset({f"%{step.gid}"}), step.path)
        return
    harmless = {login.name for login in people.logins if login.uid == 0 or login.uid in own}
    others = [name for name in team.members if name not in harmless]
    if others:
        who = f"group {printable(team.name)} ({listed([printable(name) for name in others])})"
        yield Writer(who, frozenset(others), step.path)


def status(path: str, why: str) -> Need:
    """The need of a path's status."""
    return Need(Means.STATUS, path, why)


def statuses(evidence: Evidence, why: str) -> Mapping[str, tuple[tuple[str, tuple[Step, ...] | Gap], ...]]:
    """What is there of all that was asked for this reason: path and way, by what was asked."""
    found = defaultdict[str, dict[str, tuple[Step, ...] | Gap]](dict)
    wanted = {item.need.what for item in evidence.items if item.need.means is Means.STATUS and item.need.why == why}
    for item in evidence.items:
        if item.need.means is Means.STATUS and item.need.what in wanted:
            found[item.need.what][item.source] = answers.way(item)
    return {what: tuple(several.items()) for what, several in found.items()}
