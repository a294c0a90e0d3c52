"""Whether a Match line of sshd_config(5) holds for a connection; also where nobody can tell.

Facts: match_cfg_line of OpenSSH 8.4, 9.2, 10.0 and 10.3.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from auditkit.keys.addresses import MOST_BITS
from auditkit.sshd.lines import Line, Refused, Version, lowered, old_words
from auditkit.sshd.patterns import address_listed, group_listed, host_listed, listed
from auditkit.sshd.values import port_of

WORDS_AS_ELSEWHERE: Version = (9, 9)
"""Since then a Match line is cut into words as other lines are, and there is `invalid-user`; before, by strdelim()."""
BY_VERSION: Version = (10, 0)
"""Since then there is `version`."""
TAKES = ("user", "group", "host", "address", "localaddress", "localport", "rdomain", "version")
Holds = bool | None
"""None: nobody can tell."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Who comes from where, as `sshd -T -C` asks for it; None is not known, and leaves open what depends on it."""

    user: str | None = None
    host: str | None = None
    """The name of the source as sshd sees it: its address, unless UseDNS is on."""
    address: str | None = None
    local_address: str | None = None
    local_port: int | None = None
    domain: str | None = None
    """The routing domain (VRF) that it came through, empty for none."""
    groups: tuple[str, ...] | None = None
    """All groups of the account by name; none of an account that does not exist."""
    invalid: bool = False
    """Whether the account does not exist."""


def holds(line: Line, who: Connection | None, version: Version) -> Holds:
    """Whether a Match line holds; without a connection, as at the start of sshd, only its form is checked.

    Raises:
        Refused: sshd would not take the line.
    """
    words = list(line.words if version >= WORDS_AS_ELSEWHERE else _before(line))
    found: list[Holds] = []
    for name, argument in _criteria(words, version):
        if name == "all":
            return True
        found.append(_criterion(name, argument, who, version))
    if not found:
        raise Refused("Match without criteria")
    return False if False in found else None if None in found else True


def _before(line: Line) -> Iterator[str]:
    """Yield the words of a line until OpenSSH 9.8, whose criteria end where a comment begins."""
    for word in old_words(line.rest):
        if word.startswith("#"):
            return
        yield word


def _criteria(words: list[str], version: Version) -> Iterator[tuple[str, str]]:
    """Yield each criterion with its argument."""
    at = 0
    while at < len(words):
        name = lowered(words[at])
        if name == "all":
            if at or (len(words) > 1 and words[1] and not words[1].startswith("#")):
                raise Refused("all cannot be combined with other criteria of Match")
            yield "all", ""
            return
        head, sign, tail = words[at].partition("=")
        joined = bool(sign) and lowered(head) in TAKES and version >= WORDS_AS_ELSEWHERE
        if name == "invalid-user" and version >= WORDS_AS_ELSEWHERE:
            yield name, ""
            at += 1
            continue
        argument = tail if joined else words[at + 1] if at + 1 < len(words) else ""
        if not argument or argument.startswith("#"):
            raise Refused(f"missing argument of Match {name[:40]}")
        yield (lowered(head) if joined else name), argument
        at += 1 if joined else 2


def _criterion(name: str, argument: str, who: Connection | None, version: Version) -> Holds:
    """Whether one criterion holds."""
    if name == "version" and version >= BY_VERSION:
        return _of_version(argument, version)
    if name == "localport" and port_of(argument) < 0:
        raise Refused(f"invalid LocalPort {argument[:40]}")
    if name in ("address", "localaddress"):
        address_listed(None, argument, _longest(version))
    if name not in ASKED or (name == "invalid-user" and version < WORDS_AS_ELSEWHERE):
        raise Refused(f"unsupported criterion of Match: {name[:40]}")
    return False if who is None else ASKED[name](argument, who, version)


def _of_version(argument: str, version: Version) -> Holds:
    """Whether a pattern names this version; of its patch level and vendor nothing is known here."""
    names = [f"OpenSSH_{version[0]}.{version[1]}p{patch}{vendor}" for patch in (1, 2) for vendor in ("", " Debian-1")]
    found = {listed(name, argument) == 1 for name in names}
    return found.pop() if len(found) == 1 else None


def _longest(version: Version) -> int:
    return MOST_BITS if version < (9, 9) else 2**31 - 1


def _address(value: str | None, argument: str, version: Version) -> Holds:
    return None if value is None else address_listed(value, argument, _longest(version)) == 1


def _group(argument: str, who: Connection) -> Holds:
    if who.invalid:
        return False
    return None if who.groups is None else group_listed(who.groups, argument)


def _domain(argument: str, domain: str | None) -> Holds:
    """Whether a pattern fits a routing domain; where that is not known it fits surely only if it fits each of them."""
    if domain is None:
        return True if listed("", argument) == 1 and "!" not in argument else None
    return listed(domain, argument) == 1


Asked = Callable[[str, Connection, Version], Holds]
ASKED: dict[str, Asked] = {
    "user": lambda text, who, _: None if who.user is None else listed(who.user, text) == 1,
    "group": lambda text, who, _: _group(text, who),
    "host": lambda text, who, _: None if who.host is None else host_listed(who.host, text) == 1,
    "address": lambda text, who, version: _address(who.address, text, version),
    "localaddress": lambda text, who, version: _address(who.local_address, text, version),
    "localport": lambda text, who, _: None if who.local_port is None else port_of(text) == who.local_port,
    "rdomain": lambda text, who, _: _domain(text, who.domain),
    "invalid-user": lambda _, who, _version: who.invalid,
}
