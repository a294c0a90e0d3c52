"""What auditkit says of a row, in the words of the row: who gets in with a password, and which keys have an effect."""

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from auditkit.model import Office
from truth.inside import Verdict
from truth.rows import NETWORKS, Row, Way

PASSWORDS = frozenset({"none", "password", "keyboard-interactive"})
_NAMED = re.compile(r"[0-9]+\.[0-9.]+(?:/[0-9]+|\.\*)")
Told = Mapping[str, Any]


def so(row: Row, ways: frozenset[Way]) -> set[str]:
    """Who really gets in with nothing but passwords: account, source, and each method of which that is one."""
    passwords = (way for way in ways if set(way.method.split("+")) <= PASSWORDS)
    return {f"{way.account} from {way.source}: {method}" for way in passwords for method in way.method.split("+")}


def said(row: Row, verdict: Verdict) -> set[str]:
    """Who gets in with a password as auditkit has it."""
    doors = _facts(verdict)["password_doors"]
    return {f"{one['account']} from {source}: {one['method']}" for one in doors for source in _sources(row, one["from"])}


def unknown(row: Row, verdict: Verdict) -> set[str]:
    """Of whom auditkit cannot tell."""
    found = _facts(verdict)["password_unknown"]
    return {f"{one['account']} from {source}: {one['why']}" for one in found for source in _sources(row, one["from"])}


def keys(verdict: Verdict) -> Sequence[Told]:
    """Every line of authorized_keys, and whether it has an effect."""
    told: Sequence[Told] = _facts(verdict)["keys"]
    return told


def works(key: Told, name: str, ways: frozenset[Way]) -> bool:
    """Whether a key, as the client calls it, really opens its account."""
    method = "certificate" if name == "ca" else "key" if name == "key" else f"key:{name}"
    return any(way.account == key["account"] and method in way.method.split("+") for way in ways)


def _facts(verdict: Verdict) -> Told:
    told = verdict.facts["ssh"]
    assert isinstance(told, Mapping)
    return told


def _sources(row: Row, words: str) -> Iterator[str]:
    """Yield where the row was tried from that auditkit means by `anywhere`, a network, or the internet."""
    for source in row.sources:
        mine = _network(row, source)
        own = mine in Office().networks
        if words in ("anywhere", mine) or (own and words == "own networks") or (not mine and words.startswith("internet ")):
            yield source


def _network(row: Row, source: str) -> str:
    """The smallest network that a source is in, of the own ones and of those that the row names; empty: none of them."""
    named = [text for file in row.files.values() for text in _NAMED.findall(file.text)]
    return max((text for text in (*Office().networks, *named) if _within(source, text)), key=_size, default="")


def _within(source: str, text: str) -> bool:
    address = ip_address(f"{NETWORKS[source]}.5")
    if text.endswith("*"):
        return str(address).startswith(text[:-1])
    network = ip_network(text, strict=False)
    return address.version == network.version and address in network


def _size(text: str) -> int:
    """How small a network is."""
    return 8 * text.count(".") if text.endswith("*") else ip_network(text, strict=False).prefixlen
