"""Whom a rule of sudoers means, where, and as whom: the last member of a list that fits decides, as in match.c of sudo.

None wherever nobody can tell: netgroups, groups of directory services, networks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from auditkit.sudoers.nouns import Kind, Member, Members, Policy, Rule

DEEPEST = 32
ALLOWS, DENIES, SILENT, UNKNOWN = "allows", "denies", "silent", "unknown"
"""What a list says to somebody. That an alias denies decides too; only where it is silent others are asked."""
_ANSWERS = {ALLOWS: True, DENIES: False, SILENT: False, UNKNOWN: None}


@dataclass(frozen=True, slots=True)
class Person:
    """An account, as rules ask for it."""

    name: str
    uid: int
    gid: int
    groups: tuple[str, ...]
    """By name."""
    gids: tuple[int, ...] = ()
    whole: bool = True
    """Whether it is in no other groups: False where a directory service may know more."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Aliases, and the host on which is asked."""

    aliases: Mapping[tuple[str, str], Members] = field(default_factory=dict)
    host: str = ""
    """Its name; empty where it is not known."""

    def user(self, members: Members, person: Person, kind: str = "User") -> bool | None:
        """Whether a list of users means an account; None as well where only others could have decided that."""
        return _ANSWERS[self._users(members, person, kind, 0)]

    def _users(self, members: Members, person: Person, kind: str, depth: int) -> str:
        return _last((self._user(member, person, kind, depth), member.negated) for member in reversed(members))

    def _user(self, member: Member, person: Person, kind: str, depth: int) -> str:
        match member.kind:
            case Kind.ALL:
                return ALLOWS
            case Kind.ALIAS:
                inner = self.aliases.get((kind, member.text))
                if inner is None:
                    return _fits(_named(member.text, person.name))
                return UNKNOWN if depth > DEEPEST else self._users(inner, person, kind, depth + 1)
            case Kind.WORD:
                return _fits(_numbered(member.text, person.uid) or _named(member.text, person.name))
            case Kind.GROUP:
                return _fits(_in_group(member.text, person))
        return UNKNOWN if member.kind is Kind.NETGROUP else SILENT

    def here(self, members: Members) -> bool | None:
        """Whether a list of hosts means this one."""
        return _ANSWERS[self._hosts(members, 0)]

    def _hosts(self, members: Members, depth: int) -> str:
        return _last((self._host(member, depth), member.negated) for member in reversed(members))

    def _host(self, member: Member, depth: int) -> str:
        if member.kind is Kind.ALL:
            return ALLOWS
        if member.kind is Kind.ALIAS and ("Host", member.text) in self.aliases:
            return UNKNOWN if depth > DEEPEST else self._hosts(self.aliases["Host", member.text], depth + 1)
        if member.kind not in (Kind.WORD, Kind.ALIAS) or not self.host:
            return UNKNOWN
        short, name = self.host.lower().partition(".")[0], member.text.lower()
        if any(sign in name for sign in "*?["):
            return ALLOWS if fnmatchcase(short, name) or fnmatchcase(self.host.lower(), name) else UNKNOWN
        return _fits(name.partition(".")[0] == short)

    def roots(self, rule: Rule, default: str = "root") -> bool | None:
        """Whether a rule may be used as root."""
        if rule.runas_users is None:
            return default in ("root", "#0") if rule.runas_groups is None else False
        return self.user(rule.runas_users, ROOT, "Runas")

    def commands(self, member: Member, depth: int = 0) -> tuple[Member, ...]:
        """The commands that one stands for, aliases taken apart; what a negated alias holds is turned round."""
        inner = self.aliases.get(("Cmnd", member.text)) if member.kind is Kind.ALIAS else None
        if inner is None or depth > DEEPEST:
            return (member,)
        found = (each for one in inner for each in self.commands(one, depth + 1))
        return tuple(_turned(each) if member.negated else each for each in found)


ROOT = Person("root", 0, 0, ("root",), (0,))


def judge(policy: Policy, host: str = "") -> Judge:
    """Who may ask what of a policy."""
    return Judge(policy.aliases, host)


def _last(told: Iterator[tuple[str, bool]]) -> str:
    """What the last member says that is not silent, turned round where it is negated."""
    for said, negated in told:
        if said == UNKNOWN:
            return UNKNOWN
        if said != SILENT:
            return said if not negated else DENIES if said == ALLOWS else ALLOWS
    return SILENT


def _fits(fits: bool | None) -> str:
    return {True: ALLOWS, False: SILENT, None: UNKNOWN}[fits]


def _turned(member: Member) -> Member:
    return Member(member.kind, member.text, not member.negated, member.arguments, member.digests)


def _named(text: str, name: str) -> bool:
    """Names of users and groups are compared without regard to case, unless a setting says otherwise."""
    return text.lower() == name.lower()


def _numbered(text: str, number: int) -> bool:
    return text.startswith("#") and text[1:].isdigit() and len(text) < 12 and int(text[1:]) == number


def _in_group(text: str, person: Person) -> bool | None:
    if text.startswith(":"):
        return None
    if any(_numbered(text, gid) for gid in (person.gid, *person.gids)):
        return True
    return any(_named(text, group) for group in person.groups) or (False if person.whole else None)
