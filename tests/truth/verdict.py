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
_NETWORK = re.compile(r"[0-9a-fA-F.:]+(?:/[0-9]+|\.\*)?")
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
    """Yield where the row was tried from that auditkit means by `anywhere`, networks with exceptions, or the internet."""
    what, _, excepted = words.partition(" except ")
    named = [text for file in row.files.values() for text in _NAMED.findall(file.text)]
    networks = Office().networks if what == "own networks" else [what] if _NETWORK.fullmatch(what) else []
    for source in row.sources:
        inside = what == "anywhere" or _within(source, networks)
        strange = what.startswith("internet ") and not _within(source, (*Office().networks, *named))
        if (inside or strange) and not _within(source, excepted.split(", ") if excepted else []):
            yield source


def _within(source: str, networks: Sequence[str]) -> bool:
    """Whether a source is in one of these networks, or fits one of these patterns."""
    address = ip_address(f"{NETWORKS[source]}.5")
    patterns = [text[:-1] for text in networks if text.endswith("*")]
    nets = [ip_network(text, strict=False) for text in networks if not text.endswith("*")]
    return str(address).startswith(tuple(patterns)) or any(address in net for net in nets)
