"""Whom a rule of sudoers means, where, and as whom: the last member of a list that fits decides, as in match.c of sudo.

None wherever nobody can tell: netgroups, groups of directory services, networks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from auditkit.sudoers.nouns import Kind, Member, Members, Policy, Rule

DEEPEST = 32


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

    def user(self, members: Members, person: Person, kind: str = "User", depth: int = 0) -> bool | None:
        """Whether a list of users means an account; None as well where only others could have decided that."""
        found: bool | None = None
        for member in reversed(members):
            fits = self._user(member, person, kind, depth)
            if fits is None:
                return None
            if fits:
                found = not member.negated
                break
        return bool(found)

    def _user(self, member: Member, person: Person, kind: str, depth: int) -> bool | None:
        match member.kind:
            case Kind.ALL:
                return True
            case Kind.ALIAS:
                inner = self.aliases.get((kind, member.text))
                if inner is None:
                    return _named(member.text, person.name)
                return None if depth > DEEPEST else self._decided(inner, person, kind, depth)
            case Kind.WORD:
                return _numbered(member.text, person.uid) or _named(member.text, person.name)
            case Kind.GROUP:
                return _in_group(member.text, person)
        return None if member.kind is Kind.NETGROUP else False

    def _decided(self, inner: Members, person: Person, kind: str, depth: int) -> bool | None:
        return self.user(inner, person, kind, depth + 1)

    def here(self, members: Members, depth: int = 0) -> bool | None:
        """Whether a list of hosts means this one."""
        for member in reversed(members):
            fits = self._host(member, depth)
            if fits is None:
                return None
            if fits:
                return not member.negated
        return False

    def _host(self, member: Member, depth: int) -> bool | None:
        if member.kind is Kind.ALL:
            return True
        if member.kind is Kind.ALIAS and ("Host", member.text) in self.aliases:
            return None if depth > DEEPEST else self.here(self.aliases["Host", member.text], depth + 1)
        if member.kind not in (Kind.WORD, Kind.ALIAS) or not self.host:
            return None
        short, name = self.host.lower().partition(".")[0], member.text.lower()
        if any(sign in name for sign in "*?["):
            return True if fnmatchcase(short, name) or fnmatchcase(self.host.lower(), name) else None
        return name.partition(".")[0] == short

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
