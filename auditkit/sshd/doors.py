"""For whom and from where sshd would take a password: through the front door, or through keyboard-interactive and PAM.

It is what the configuration allows. Whether the account has a password that works, and what PAM asks for, others must say.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from auditkit.sshd.criteria import Connection
from auditkit.sshd.effective import Configuration, Effective
from auditkit.sshd.lines import Refused, Version
from auditkit.sshd.patterns import address_listed, host_listed, matches
from auditkit.sshd.reading import Place

Sure = bool | None
"""None: nobody can tell."""
LAST_AT: Version = (9, 9)
"""Since then a pattern of users is cut at its last `@`, before at the first."""


class Method(StrEnum):
    """How a password is given."""

    PASSWORD = "password"  # noqa: S105 - the name of a method
    KEYBOARD = "keyboard-interactive"
    NOTHING = "none"
    """An account with an empty password gets in without being asked."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account, as far as the configuration asks for it."""

    name: str
    uid: int
    groups: tuple[str, ...] | None
    """All of its groups; None if they are not known."""


@dataclass(frozen=True, slots=True)
class Source:
    """A class of sources by one of its addresses."""

    name: str
    """What people call it, such as `internet`."""
    address: str
    host: str = ""
    """Its name as sshd sees it, which is its address unless UseDNS is on."""


@dataclass(frozen=True, slots=True)
class Door:
    """An account that a password would open from a source, or of which nobody can tell."""

    account: str
    source: str
    method: Method
    sure: bool
    """False: cannot tell."""
    set_by: tuple[Place, ...]
    """The lines that turn the method on; none where it is the default."""
    why: str = ""
    """Why nobody can tell; of one that is sure, what more there is to say."""


def doors(
    configuration: Configuration, accounts: Iterable[Account], sources: Iterable[Source], where: Connection
) -> Iterator[Door]:
    """Yield each way in with a password, and each of which nobody can tell; where none is yielded there is none.

    `where`: the address and port that sshd listens on. The sources are as good as their choice: each address that a Match
    line or AllowUsers names should be among them.
    """
    for account in accounts:
        for source in sources:
            who = replace(
                where, user=account.name, host=source.host or source.address, address=source.address, groups=account.groups
            )
            yield from through(configuration.of(who), account, source, who, configuration.files.version)


def through(found: Effective, account: Account, source: Source, who: Connection, version: Version) -> Iterator[Door]:
    """Yield the doors of one account and source, where it is known what holds for them."""
    let_in = _and(_enters(found, account, who, version), None if found.refusals else True)
    methods = tuple(_methods(found))
    on = {method: known for method, known, _ in methods}
    for method, _, by in methods:
        opens = _and(let_in, on[method], _sufficient(found, method, on))
        if opens is not False:
            yield Door(account.name, source.name, method, opens is True, by)


def _methods(found: Effective) -> Iterator[tuple[Method, Sure, tuple[Place, ...]]]:
    """Yield each method with whether it is on and would lead to a password, and the lines that say so."""
    password, keyboard = found.effects["PasswordAuthentication"], found.effects["KbdInteractiveAuthentication"]
    pam, empty = found.effects["UsePAM"], found.effects["PermitEmptyPasswords"]
    yield Method.PASSWORD, password.on, password.set_by
    old = found.effects.get("ChallengeResponseAuthentication")  # until 8.6 it is asked for once more, where PAM would be
    yield Method.KEYBOARD, _and(keyboard.on, pam.on, True if old is None else old.on), (*keyboard.set_by, *pam.set_by)
    yield Method.NOTHING, _and(empty.on, password.on), (*empty.set_by, *password.set_by)


def _sufficient(found: Effective, method: Method, on: Mapping[Method, Sure]) -> Sure:
    """Whether passwords alone satisfy a list of AuthenticationMethods that has this method."""
    lists = found.effects["AuthenticationMethods"].value
    if lists is None or lists == ("any",):
        return None if lists is None else True
    asked = ([_without_device(part) for part in one.split(",")] for one in lists)
    ours = [[Method(name) for name in one] for one in asked if method in one and set(one) <= set(Method)]
    return _or(*(_and(*(on[name] for name in one)) for one in ours))


def _without_device(method: str) -> str:
    """A method without its device; with one that Linux has not it is a method that nobody can use."""
    name, _colon, device = method.partition(":")
    return name if device in ("", "pam") else method


def _enters(found: Effective, account: Account, who: Connection, version: Version) -> Sure:
    """Whether the account may come in at all from there, and with a password if it is root."""
    root = _value(found, "PermitRootLogin")
    as_root = True if account.uid else None if root is None else root == ("yes",)
    return _and(as_root, admitted(found, who, version))


def admitted(found: Effective, who: Connection, version: Version) -> Sure:
    """Whether AllowUsers and the like, and RefuseConnection, let a connection through, whatever it shows."""
    refused = found.effects["RefuseConnection"].on if "RefuseConnection" in found.effects else False
    return _and(
        _not(refused),
        _not(_user(found, "DenyUsers", who, version, empty=False)),
        _user(found, "AllowUsers", who, version, empty=True),
        _not(_group(found, "DenyGroups", who, empty=False)),
        _group(found, "AllowGroups", who, empty=True),
    )


def _user(found: Effective, name: str, who: Connection, version: Version, *, empty: bool) -> Sure:
    """Whether a pattern of users fits; `empty` where there is none."""
    patterns = _value(found, name)
    if patterns is None:
        return None
    return _or(*(_fits(pattern, who, version) for pattern in patterns)) if patterns else empty


def _fits(pattern: str, who: Connection, version: Version) -> Sure:
    """Whether one pattern, perhaps with hosts, fits a connection."""
    cut = pattern.rpartition("@") if version >= LAST_AT else pattern.partition("@")
    if who.user is None or "@" not in pattern:
        return None if who.user is None else matches(who.user, pattern)
    if not matches(who.user, cut[0]):
        return False
    if who.address is None or who.host is None:
        return None
    try:
        by_address, by_host = address_listed(who.address, cut[2]), host_listed(who.host, cut[2])
    except Refused:
        return False
    return by_address != -1 and by_host != -1 and (by_address == 1 or by_host == 1)


def _group(found: Effective, name: str, who: Connection, *, empty: bool) -> Sure:
    """Whether a pattern of groups fits; `empty` where there is none."""
    patterns = _value(found, name)
    if patterns is None or not patterns:
        return None if patterns is None else empty
    return None if who.groups is None else any(matches(group, pattern) for group in who.groups for pattern in patterns)


def _value(found: Effective, name: str) -> tuple[str, ...] | None:
    return found.effects[name].value


def _and(*parts: Sure) -> Sure:
    return False if False in parts else None if None in parts else True


def _or(*parts: Sure) -> Sure:
    return True if True in parts else None if None in parts else False


def _not(part: Sure) -> Sure:
    return None if part is None else not part
