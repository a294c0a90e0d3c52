"""What the documents of the hosts of a run say of ways in over SSH, as nouns.

Read strictly, for a document may be an edited one, and holds what a hostile host sent: what has not the shape that it should
is passed over, and what it is part of is then not whole. Absent is never the same as empty.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Generic, TypeVar

from auditkit.lenient import mapping, number, text, texts
from auditkit.model import State
from auditkit.printable import clipped
from auditkit.quorum import one_by_one

T = TypeVar("T")
Document = Mapping[str, Any]

SOUND = (State.OK, State.FINDINGS, State.PARTIAL, State.UNTRUSTED)
"""States of a host that was asked to its end; one whose baseline is not trusted was, too."""
MOST_DOORS, MOST_KEYS, MOST_PRIVATE, MOST_HOST_KEYS = 1_000, 5_000, 1_000, 500
"""Of one host; what is beyond is left out, and counted."""
MOST_ADDRESSES = 50
LONGEST = 200
"""Characters of a text of a host that go into what is told of all hosts."""
LONGEST_ORIGIN = 1_000
_ORIGIN = re.compile(r'from="([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """What a host has of one kind."""

    items: tuple[T, ...] = ()
    whole: bool = False
    """Whether these are all: False where nothing was told, or something of it was not understood or left out."""
    left: int = 0
    """How many were left out."""


@dataclass(frozen=True, slots=True)
class Server:
    """An SSH server, and why nobody can tell who may log in by it; empty where somebody can."""

    kind: str
    judged: bool
    why: str


@dataclass(frozen=True, slots=True)
class Door:
    """A way in with a password."""

    account: str
    origin: str
    """From where: `anywhere`, a network, an address."""
    method: str
    set_by: str


@dataclass(frozen=True, slots=True)
class Unsure:
    """An account of which nobody can tell whether a password opens it."""

    account: str
    origin: str
    why: str


@dataclass(frozen=True, slots=True)
class Key:
    """A line of authorized_keys."""

    fingerprint: str
    type: str
    bits: int | None
    comment: str
    known: str | None
    """Whose it is."""
    account: str
    root: bool
    effective: bool | None
    reason: str
    everywhere: bool
    """Whether its server takes it from wherever it can be reached; `from=` aside."""
    origin: str | None
    """Its `from=` as written; None: there is none that one can rely on."""
    limited: bool
    """Whether it has a `from=`, be it one that cannot be applied."""
    command: bool
    """Whether it runs one command and nothing else."""
    authority: bool
    """Whether it lets in what the key has signed."""
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Private:
    """A private key in a home."""

    accounts: tuple[str, ...]
    file: str
    encrypted: bool | None
    fingerprint: str | None
    """None: the file does not show which key it is."""
    type: str


@dataclass(frozen=True, slots=True)
class HostKey:
    """A key that a server proves with which machine it is."""

    fingerprint: str
    type: str
    file: str
    """Empty: it was only seen on the network."""


@dataclass(frozen=True, slots=True)
class Host:
    """One host of a run."""

    word: str
    """That names it on the command line."""
    name: str
    """For a reader; no other host of the run has the same."""
    own: str
    """What its document calls it."""
    state: str
    machine: int
    """The least number of a host that is the same machine."""
    addresses: tuple[str, ...]
    """From which it may be seen to come, as far as that is known."""
    entered: bool
    """Whether somebody logged in to it over SSH, so that a server runs there."""
    asked: bool
    """Whether its document says anything of SSH."""
    servers: Part[Server] = Part()
    doors: Part[Door] = Part()
    unsure: Part[Unsure] = Part()
    keys: Part[Key] = Part()
    privates: Part[Private] = Part()
    host_keys: Part[HostKey] = Part()
    gaps: tuple[tuple[str, str], ...] = ()
    """Subject and reason of each."""


def hosts(told: Mapping[str, Document], known: Mapping[str, str]) -> tuple[Host, ...]:
    """The hosts of a run from their documents, by the words that named them; `known`: whose key a fingerprint is."""
    names = Counter(text(document.get("host")) for document in told.values())
    machines = one_by_one({number: _identity(*one) for number, one in enumerate(told.items())})
    return tuple(
        _host(word, document, machines[number], known, unique=names[text(document.get("host"))] == 1)
        for number, (word, document) in enumerate(told.items())
    )


def _host(word: str, document: Document, machine: int, known: Mapping[str, str], *, unique: bool) -> Host:
    own = text(document.get("host"))
    connection = mapping(mapping(document.get("facts")).get("connection"))
    ssh = mapping(document.get("facts")).get("ssh")
    facts = mapping(ssh)
    return Host(
        word, own if unique else f"{own} ({word})", own, text(document.get("state")), machine,
        addresses=tuple(dict.fromkeys(_addresses(connection, facts)))[:MOST_ADDRESSES],
        entered=text(connection.get("banner")).startswith("SSH-"),
        asked=isinstance(ssh, Mapping),
        servers=_part(facts.get("servers"), _server, MOST_DOORS),
        doors=_part(facts.get("password_doors"), _door, MOST_DOORS),
        unsure=_part(facts.get("password_unknown"), _unsure, MOST_DOORS),
        keys=_part(_fair(facts.get("keys")), lambda one: _key(one, known), MOST_KEYS),
        privates=_part(facts.get("private_keys"), _private, MOST_PRIVATE),
        host_keys=_part(facts.get("host_keys"), _host_key, MOST_HOST_KEYS),
        gaps=_gaps(document.get("gaps")),
    )  # fmt: skip


def _identity(word: str, document: Document) -> frozenset[str]:
    """By what it is known which machine a host is: by where it was reached, or by the name that the inventory gives it.

    What a machine says of itself counts for nothing here: a clone says the same. An address may be another machine's by the
    time when evidence is judged; and `local` and a disk are whichever machine that was.
    """
    own = text(document.get("host"))
    names = {f"name {own}"} if own != "local" and not own.startswith("root:") else set[str]()
    connection = mapping(mapping(document.get("facts")).get("connection"))
    address, port, jump = (connection.get(name) for name in ("address", "port", "jump"))
    if isinstance(address, str) and address and isinstance(port, int) and not word.startswith("evidence:"):
        names.add(f"address {address} {port} {jump}")
    return frozenset(names)


def _addresses(connection: Document, facts: Document) -> Iterator[str]:
    """Yield the addresses of a host that others may see."""
    yield from filter(_is_seen, (text(connection.get("address")),))
    for server in facts.get("servers", ()) if isinstance(facts.get("servers"), list) else ():
        listens = mapping(server).get("listens")
        for place in listens[:MOST_ADDRESSES] if isinstance(listens, list) else ():
            address = text(place).rpartition(":")[0].strip("[]")
            yield from filter(_is_seen, (address,))


def _gaps(told: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(told, list):
        return (("", "what of it could not be seen is not known"),)
    return tuple((_short(one.get("subject")), _short(one.get("reason"))) for one in map(mapping, told))


def _is_seen(address: str) -> bool:
    try:
        told = ip_address(address)
    except ValueError:
        return False
    return not (told.is_loopback or told.is_unspecified)


# --- the items


def _part(told: object, reader: Callable[[Document], T | None], most: int) -> Part[T]:
    if not isinstance(told, list):
        return Part()
    found = [reader(mapping(one)) for one in told[:most]]
    items = tuple(one for one in found if one is not None)
    return Part(items, len(items) == len(told), max(0, len(told) - most))


def _fair(told: object) -> object:
    """The keys, where there are too many first those of root, then those of who has few: nobody's crowd out another's."""
    if not isinstance(told, list) or len(told) <= MOST_KEYS:
        return told
    number = Counter(text(mapping(one).get("account")) for one in told)
    return sorted(told, key=lambda one: (mapping(one).get("root") is not True, number[text(mapping(one).get("account"))]))


def _server(told: Document) -> Server | None:
    kind, judged = told.get("kind"), told.get("judged")
    if not isinstance(kind, str) or not isinstance(judged, bool):
        return None
    return Server(_short(kind), judged, _short(told.get("why")))


def _door(told: Document) -> Door | None:
    found = _named(told, "account", "from", "method", "set_by")
    return Door(*found) if found else None


def _unsure(told: Document) -> Unsure | None:
    found = _named(told, "account", "from", "why")
    return Unsure(*found) if found else None


def _key(told: Document, known: Mapping[str, str]) -> Key | None:
    """A key; one with a field that is not what it should be is the worst that it may be."""
    named = _named(told, "account", "fingerprint")
    if not named:
        return None
    account, fingerprint = named
    words = texts(told.get("options"))
    origin = next((one for one in words if one.lower().startswith("from=")), None)
    whole = _ORIGIN.fullmatch(origin or "")
    lowered = [one.lower() for one in words]
    effective, bits, line = told.get("effective"), told.get("bits"), told.get("line")
    return Key(
        fingerprint, _short(told.get("type")), number(bits), _short(told.get("comment")),
        known.get(fingerprint) or _short(told.get("known")) or None, account,
        root=told.get("root") is True or (account == "root" and told.get("root") is not False),
        effective=effective if isinstance(effective, bool) else None,
        reason=_short(told.get("reason")),
        everywhere=told.get("everywhere") is not False,
        origin=whole[1] if whole and len(whole[1]) <= LONGEST_ORIGIN else None,
        limited=origin is not None,
        command=any(one.startswith("command=") for one in lowered),
        authority="cert-authority" in lowered,
        file=_short(told.get("file")),
        line=number(line) or 0,
    )  # fmt: skip


def _private(told: Document) -> Private | None:
    named = _named(told, "file")
    accounts, encrypted, fingerprint = told.get("accounts"), told.get("encrypted"), told.get("fingerprint")
    if not named or not isinstance(accounts, list):
        return None
    owners = tuple(one for one in accounts[:MOST_ADDRESSES] if isinstance(one, str))
    sure = encrypted if isinstance(encrypted, bool) else None
    shown = fingerprint if isinstance(fingerprint, str) and fingerprint else None
    return Private(owners, named[0], sure, shown, _short(told.get("type")))


def _host_key(told: Document) -> HostKey | None:
    named = _named(told, "fingerprint", "type")
    return HostKey(named[0], named[1], _short(told.get("file"))) if named and named[0] else None


# --- their fields


def _named(told: Document, *names: str) -> tuple[str, ...]:
    """The texts of these names; none where one of them is no text."""
    found = [told.get(name) for name in names]
    return tuple(_short(one) for one in found if isinstance(one, str)) if all(isinstance(one, str) for one in found) else ()


def _short(value: object) -> str:
    """A text; of one that is too long the beginning."""
    return clipped(text(value), LONGEST)
