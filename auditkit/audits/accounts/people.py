"""The accounts of a host with all their groups, as every group of rules here reads them."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from auditkit.access import accounts, needs
from auditkit.access.nouns import Login
from auditkit.access.passwd import SESSIONLESS, Line, lines_of
from auditkit.model import Evidence, Means, Need
from auditkit.printable import few, printable
from auditkit.sudoers.matching import Person

LOGIN_DEFS = Need(Means.FILE, "/etc/login.defs", "where the uids of people begin, and how new passwords are hashed")
NEEDS = (needs.PASSWD, needs.SHADOW, needs.GROUP, needs.NSSWITCH, *needs.USERDB, *needs.SSSD, LOGIN_DEFS)
FIRST_PERSON = 1000
NOBODY = (65534, 65535)
MOST_NAMED = 12
MOST_QUOTES = 10
_DEFINED = re.compile(r"^[ \t]*([A-Z_]+)[ \t]+([^\s#]+)", re.MULTILINE)
ORDINARY = re.compile("[A-Za-z_][A-Za-z0-9_.-]{0,31}")


@dataclass(frozen=True, slots=True)
class Team:
    """A group, and who is in it by either file."""

    name: str
    gid: int
    members: tuple[str, ...]
    """Accounts that stand in /etc/group, and those whose own group it is."""
    line: Line


@dataclass(frozen=True, slots=True)
class People:
    """All accounts and groups of a host, as far as they can be known."""

    logins: tuple[Login, ...]
    """Those that files name."""
    lines: Mapping[str, Line]
    """Of /etc/passwd, by name."""
    shadow: Mapping[str, Line] | None
    teams: tuple[Team, ...] | None
    """None where /etc/group was not taken."""
    first_uid: int
    elsewhere: frozenset[str]
    """Services of nsswitch.conf that may know more accounts or groups."""
    names: Mapping[int, str]
    """The first account of each uid."""
    persons: Mapping[str, Person]
    """Each account as sudo asks for it."""

    def kind(self, login: Login) -> str:
        """`root`, `person` or `service`, by the uid."""
        if login.uid == 0:
            return "root"
        system = 0 <= login.uid < self.first_uid or login.uid in NOBODY
        return "service" if system else "person"

    def team(self, gid: int) -> Team | None:
        """The group of a number."""
        return next((team for team in self.teams or () if team.gid == gid), None)

    def named(self, login: Login) -> str:
        """An account as messages name it."""
        return f"{printable(login.name)} (a service account)" if self.kind(login) == "service" else printable(login.name)


def has_session(login: Login) -> bool:
    """Whether its shell gives a session, as far as its path tells."""
    return login.shell not in SESSIONLESS


@lru_cache(2)
def people(evidence: Evidence) -> People:
    """All accounts and groups of a host."""
    logins = tuple(login for login in accounts.logins(evidence)[0] if login.named)
    lines = _first(needs.text(evidence, needs.PASSWD), needs.PASSWD.what)
    shadow = needs.text(evidence, needs.SHADOW)
    elsewhere = frozenset(accounts.directories(evidence, "passwd", "group", "initgroups") - accounts.LOCAL)
    names: dict[int, str] = {}
    for login in logins:
        names.setdefault(login.uid, login.name)
    teams = _teams(_group_text(evidence), logins)
    return People(
        logins,
        lines,
        None if shadow is None else _first(shadow, needs.SHADOW.what),
        teams,
        _first_uid(evidence),
        elsewhere,
        names,
        _persons(logins, teams or (), whole=teams is not None and not elsewhere),
    )


def _persons(logins: tuple[Login, ...], teams: tuple[Team, ...], *, whole: bool) -> Mapping[str, Person]:
    own = defaultdict[str, list[Team]](list)
    for team in teams:
        for name in team.members:
            own[name].append(team)
    return {
        each.name: Person(
            each.name, each.uid, each.gid, tuple(t.name for t in own[each.name]), tuple(t.gid for t in own[each.name]), whole
        )
        for each in logins
    }


def _first(text: str | None, source: str) -> Mapping[str, Line]:
    named: dict[str, Line] = {}
    for line in lines_of(source, text or "")[0]:
        if len(line.fields) > 1 and not line.nis:
            named.setdefault(line.fields[0], line)
    return named


def _group_text(evidence: Evidence) -> str | None:
    """/etc/group; empty where it was looked for and is not there, so that there are no groups."""
    text = needs.text(evidence, needs.GROUP)
    gone = evidence.was_asked(needs.GROUP) and needs.unread(evidence, needs.GROUP.what) is None
    return "" if text is None and gone else text


def _teams(text: str | None, logins: tuple[Login, ...]) -> tuple[Team, ...] | None:
    if text is None:
        return None
    own = defaultdict[int, list[str]](list)
    for login in logins:
        own[login.gid].append(login.name)
    found: dict[str, Team] = {}
    for line in lines_of(needs.GROUP.what, text)[0]:
        if len(line.fields) > 3 and not line.nis and line.fields[2].isascii() and line.fields[2].isdigit():
            gid = int(line.fields[2][:12])
            listed = (name for name in line.fields[3].split(",") if name)
            found.setdefault(line.fields[0], Team(line.fields[0], gid, tuple(dict.fromkeys((*listed, *own[gid]))), line))
    return tuple(found.values())


def defined(evidence: Evidence) -> Mapping[str, str]:
    """What /etc/login.defs says; the last line of a name counts."""
    return dict(_DEFINED.findall(needs.text(evidence, LOGIN_DEFS) or ""))


def _first_uid(evidence: Evidence) -> int:
    told = defined(evidence).get("UID_MIN", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else FIRST_PERSON


def listed(names: list[str]) -> str:
    """Names in a sentence, at most a dozen of them."""
    return few(list(dict.fromkeys(names)), MOST_NAMED)


def fitted(remedy: str, names: list[str]) -> str:
    """A remedy with the name of an account in it, where there is one of plain letters; else as it is."""
    return remedy.replace("NAME", names[0]) if len(names) == 1 and ORDINARY.fullmatch(names[0]) else remedy
