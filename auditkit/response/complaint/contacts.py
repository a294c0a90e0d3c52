"""Whom a letter is for: the contact for abuse in what a registry says of a network (RDAP, RFC 9083).

Registries nest: ARIN puts the people for abuse into the organisation, RIPE beside it. Whoever is nearest to the network counts.
What a registry puts in where it knows nobody is no contact: it answers that it can do nothing.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditkit.errors import FormatError
from auditkit.response.complaint import Recipient
from auditkit.response.complaint.subject import Address, address_of

ENTITIES = 500
"""Entities that are looked at."""
DEEPEST = 8
ABUSE = "abuse"
REGISTRIES = (
    "afrinic.net", "apnic.net", "arin.net", "iana.org", "icann.org", "idnic.net", "jpnic.net", "kisa.or.kr", "krnic.net",
    "lacnic.net", "nic.ad.jp", "nic.br", "nic.mx", "nic.or.kr", "registro.br", "ripe.net", "twnic.tw", "twnic.net.tw",
)  # fmt: skip
"""Whose addresses stand where no holder of a network is known: mail to them goes nowhere."""
FREE = ("gmail.com", "googlemail.com", "hotmail.com", "outlook.com", "yahoo.com", "qq.com", "163.com", "gmx.net", "mail.ru")
"""Whose abuse desk is not that of the network."""
LONGEST = 254
"""Characters of an address (RFC 5321)."""
WIDEST = 8
"""Bits of the prefix of the widest network that anybody has: what is wider is a registry's, and nobody's who could be asked."""
SAVE = "save what the registry answers for /ip/ADDRESS, with that address"
MAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}){0,8}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59})"
)
"""An address that needs no quoting anywhere; fewer than RFC 5321 allows, and none that could be two, or a header."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a document of a registry says of whom to write to."""

    recipient: Recipient | None
    network: str
    """From and to, as the registry has it."""
    passed_over: tuple[str, ...] = ()
    """Why addresses that it has were not taken."""


def is_mail(text: str) -> bool:
    """Whether a text is an e-mail address that may stand in a header as it is."""
    return len(text) <= LONGEST and MAIL.fullmatch(text) is not None


def contact(document: object, address: Address) -> Found:
    """Whom to write to about an address, as an RDAP document says.

    Raises:
        FormatError: it is none, or one of another network.
    """
    network = _network(document, address)
    assert isinstance(document, Mapping)
    passed: dict[str, None] = {}
    guesses: dict[str, None] = {}
    for roles, mails in _entities(document):
        for mail in mails:
            if why := _unfit(mail):
                passed[why] = None
            elif ABUSE in roles:
                return Found(Recipient(mail, network=network), network, tuple(passed))
            elif not _is_of(mail, FREE):
                guesses[f"abuse@{mail.rpartition('@')[2].lower()}"] = None
    guess = next(iter(guesses), None)
    return Found(Recipient(guess, guess=True, network=network) if guess else None, network, tuple(passed))


def _network(document: object, address: Address) -> str:
    """From and to of the network that a document is of, in which the address lies."""
    if not isinstance(document, Mapping) or document.get("objectClassName") != "ip network":
        raise FormatError("this is no RDAP document of a network", SAVE)
    first, last = (address_of(text) if isinstance(text := document.get(name), str) else None for name in RANGE)
    if first is None or last is None or first.version != address.version or last.version != address.version:
        raise FormatError("the RDAP document does not say of which network it is", SAVE)
    if not int(first) <= int(address) <= int(last):
        raise FormatError(f"the RDAP document is of {first} to {last}, where {address} is not", SAVE)
    if int(last) - int(first) >= 1 << (address.max_prefixlen - WIDEST):
        raise FormatError(f"the RDAP document is of all of {first} to {last}: its registry knows no holder", SAVE)
    return f"{first} to {last}"


RANGE = ("startAddress", "endAddress")


def _entities(document: Mapping[str, Any]) -> Iterator[tuple[frozenset[str], tuple[str, ...]]]:
    """Yield roles and e-mail addresses of each entity: those for abuse first, the nearest to the network before others."""
    found: list[tuple[frozenset[str], tuple[str, ...]]] = []
    waiting = deque([(document, 0)])
    while waiting and len(found) < ENTITIES:
        holder, depth = waiting.popleft()
        entities = holder.get("entities")
        for entity in entities[:ENTITIES] if isinstance(entities, list) and depth < DEEPEST else ():
            if isinstance(entity, Mapping):
                found.append((_roles(entity), tuple(_mails(entity))))
                waiting.append((entity, depth + 1))
    yield from sorted(found, key=lambda one: ABUSE not in one[0])


def _roles(entity: Mapping[str, Any]) -> frozenset[str]:
    roles = entity.get("roles")
    return frozenset(role.lower() for role in roles[:20] if isinstance(role, str)) if isinstance(roles, list) else frozenset()


def _mails(entity: Mapping[str, Any]) -> Iterator[str]:
    """Yield the addresses in the jCard of an entity (RFC 7095): `["email", {}, "text", "abuse@example.net"]`."""
    card = entity.get("vcardArray")
    rows = card[1] if isinstance(card, list) and len(card) > 1 and isinstance(card[1], list) else []
    for row in rows[:100]:
        if isinstance(row, list) and len(row) > 3 and row[0] == "email":
            for value in row[3:8]:
                if isinstance(value, str):
                    yield value[len(MAILTO) :] if value.lower().startswith(MAILTO) else value


MAILTO = "mailto:"


def _unfit(mail: str) -> str:
    """Why an address is not taken; empty if it may be."""
    if not is_mail(mail):
        return "what stands there as an e-mail address is none"
    if _is_of(mail, REGISTRIES):
        return f"{mail.lower()} is the registry's own, which it puts in where it knows nobody"
    return ""


def _is_of(mail: str, domains: tuple[str, ...]) -> bool:
    domain = mail.rpartition("@")[2].lower()
    return any(domain == one or domain.endswith(f".{one}") for one in domains)
