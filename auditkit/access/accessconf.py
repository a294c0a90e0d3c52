"""Whom pam_access lets in from where: access.conf(5), as pam_access.c of Linux-PAM 1.4 to 1.7 reads it.

The first line counts whose users and origins both match; where none does everybody is let in. What depends on names of hosts
or on the version is left open.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from auditkit.access.nouns import Login
from auditkit.keys.addresses import number
from auditkit.model import Gap

DEFAULT = "/etc/security/access.conf"
MORE = "/etc/security/access.d"
"""Where more files are, which are asked after that one, and only where no other is named."""
LONGEST = 8000
"""Bytes of a line, above which versions differ in what they make of it."""
MOST_LINES = 2000
DEEPEST = 20
WHY = "from where PAM lets accounts in"
Sure = bool | None
_NAME = re.compile(r"[A-Za-z0-9.-]*[A-Za-z][A-Za-z0-9.-]*")
_TERMINAL = re.compile(r"(?:tty|pts/|vc/)[0-9]*|console|crond?|:[0-9]{1,3}(?:\.[0-9])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line that says something; None in place of its lists: it may say anything."""

    allows: bool
    users: tuple[str, ...] | None
    origins: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Table:
    """What one line of PAM has pam_access go by."""

    lines: tuple[Line, ...]
    groups: bool = True
    """Whether a bare word may be a group: nodefgroup says no."""
    denies: bool = False
    """Whether it fails whoever comes, as the file that it names is not there."""


@dataclass(frozen=True, eq=False)
class Tables:
    """The files of /etc/security and others that lines of PAM name, and what each line goes by."""

    files: Mapping[str, bytes | Gap]
    whole: frozenset[str]
    """The files that were asked for: one of these that is not there does not exist."""
    known: dict[tuple[str, ...], Table | None] = field(default_factory=dict)

    def of(self, arguments: tuple[str, ...]) -> Table | None:
        """What a line of PAM with these arguments goes by; None where nobody can tell."""
        if arguments not in self.known:
            self.known[arguments] = table(arguments, self.files, whole=named(arguments) in self.whole)
        return self.known[arguments]


def named(arguments: Iterable[str]) -> str:
    """The file that a line of PAM names, or the usual one."""
    return next((word.partition("=")[2] for word in arguments if word.startswith("accessfile=")), DEFAULT)


def table(arguments: Sequence[str], files: Mapping[str, bytes | Gap], *, whole: bool) -> Table | None:
    """What a line of PAM with these arguments goes by; None where nobody can tell.

    `whole`: whether a file that is not among these is not there.
    """
    given = dict(word.partition("=")[::2] for word in arguments)
    if set(given) - {"accessfile", "fieldsep", "listsep", "nodefgroup", "debug", "noaudit", "quiet_log"}:
        return None
    more = sorted(path for path in files if path.startswith(f"{MORE}/") and path.endswith(".conf"))
    wanted = [named(arguments), *(more if "accessfile" not in given else ())]
    held = [files.get(path) for path in wanted]
    if any(isinstance(data, Gap) for data in held) or (held[0] is None and not whole):
        return None
    texts = [data for data in held if isinstance(data, bytes)]
    separators = given.get("fieldsep", ":"), given.get("listsep", ", \t")
    lines = tuple(line for data in texts for line in parsed(data, *separators))
    return Table(lines, "nodefgroup" not in given, denies=held[0] is None and "accessfile" in given)


def parsed(data: bytes, fields: str = ":", lists: str = ", \t") -> Iterator[Line]:
    """Yield the lines of a file that say something: one without an end is passed over, as is one that begins with a blank."""
    rows = data.decode("utf-8", "surrogateescape").split("\n")
    if len(rows) > MOST_LINES:
        yield Line(False, None, None)
        return
    for row in rows[:-1]:
        if len(row) > LONGEST or "\0" in row:
            yield Line(False, None, None)
        parts = _parts(row, fields)
        if not row.startswith("#") and len(parts) > 2 and parts[0][:1] in ("+", "-"):
            yield Line(parts[0][0] == "+", _split(parts[1], lists), _split(parts[2], lists))


def _parts(row: str, separators: str) -> list[str]:
    """The three fields of a line, as strtok(3) has them; the last one holds all the rest."""
    found: list[str] = []
    rest = row.rstrip()
    while rest and len(found) < 2:
        rest = rest.lstrip(separators)
        at = next((place for place, letter in enumerate(rest) if letter in separators), len(rest))
        found, rest = [*found, rest[:at]], rest[at + 1 :]
    return [*found, rest] if rest and len(found) == 2 else found


def _split(text: str, separators: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(f"[{re.escape(separators)}]", text) if word) if separators else (text,)


def origins(files: Iterable[bytes | Gap]) -> Iterator[str]:
    """Yield each address or network that a line names, also as the beginning of one: `192.168.` is 192.168.*."""
    for line in (line for data in files if isinstance(data, bytes) for line in parsed(data)):
        for word in line.origins or ():
            net = network_of(word)
            if net or word.endswith("."):
                yield str(net) if net else f"{word}*"


# --- whom it lets in


def lets_in(table: Table, login: Login, origin: str | None) -> frozenset[bool]:
    """Whether it lets an account in from an address; both where that depends on what is not known, such as the address."""
    if table.denies:
        return frozenset({False})
    found: set[bool] = set()
    for line in table.lines:
        held = _and(
            _listed(line.users, lambda word: _user(word, login, table)), _listed(line.origins, lambda w: _from(w, origin))
        )
        if line.users is None:
            return frozenset({True, False})
        if held is not False:
            found.add(line.allows)
        if held is True:
            return frozenset(found)
    return frozenset({*found, True})


def _listed(words: tuple[str, ...] | None, fits: Callable[[str], Sure], depth: int = 0) -> Sure:
    """Whether a list fits: one of its words does, and not what stands behind EXCEPT."""
    if words is None or depth > DEEPEST:
        return None
    at = next((place for place, word in enumerate(words) if word.lower() == "except"), len(words))
    told = _or(map(fits, words[:at]))
    if told is False or at == len(words):
        return told
    but = _listed(words[at + 1 :], fits, depth + 1)
    return _and(told, None if but is None else not but)


def _user(word: str, login: Login, table: Table) -> Sure:
    if word.lower() == "all":
        return True
    if not login.named or word.startswith("@"):
        return None
    if "@" in word:
        return False if _user(word.partition("@")[0], login, table) is False else None
    bare = word[1:-1] if word.startswith("(") and word.endswith(")") else ""
    if not bare and word.lower() == login.name.lower():
        return True
    grouped = bool(bare) or table.groups
    if grouped and login.groups is None:
        return None
    if grouped and (bare or word) in (login.groups or ()):
        return True
    ours = (str(login.uid), str(login.gid))
    return None if (bare or word).isdecimal() and (bare or word) in ours else False  # since 1.6 numbers count too


def _from(word: str, origin: str | None) -> Sure:
    """Whether a word means an address that somebody comes from over the network."""
    if word.lower() in ("all", "none", "local") or _TERMINAL.fullmatch(word):
        return word.lower() == "all"
    if origin is None or word.startswith("@"):
        return None
    if word.endswith("."):
        return origin.startswith(word)
    if word.startswith("."):
        return False
    net, mine = network_of(word), ip_address(origin)
    if net is not None:
        return mine.version == net.version and mine in net
    return None if "/" in word or _NAME.fullmatch(word) or number(word) == mine else False  # names are looked up, by some


def network_of(word: str) -> IPv4Network | IPv6Network | None:
    """The address or network that a word means, by bits or by a mask; None where it means none."""
    _address, _slash, mask = word.partition("/")
    if "." in mask and not mask.startswith("255."):  # what others take for a mask the other way round
        return None
    try:
        return ip_network(word, strict=False)
    except ValueError:
        return None


def _and(one: Sure, other: Sure) -> Sure:
    return False if False in (one, other) else None if None in (one, other) else True


def _or(parts: Iterable[Sure]) -> Sure:
    told = set(parts)
    return True if True in told else None if None in told else False
