"""Services that say another version on one machine than on most others of a run: an update that was missed there, perhaps."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from auditkit.model import Finding, Quote, Rule, Severity
from auditkit.printable import printable

Document = Mapping[str, Any]

UNLIKE_OTHERS = Rule(
    "service-version-unlike-others",
    "A service says another version than on most other machines",
    Severity.INFO,
    "One machine is not kept like the others. It has missed an update, or was updated by somebody on his own, if all of them"
    " should be alike.",
    "See why: apt policy PACKAGE there and on one of the others; then bring it to what the others have.",
    ("CIS Controls 4.1",),
)
RULES = (UNLIKE_OTHERS,)
LEAST = 3
"""Machines with a service, from which on most of them can agree."""


def findings(told: Mapping[str, Document]) -> Mapping[str, tuple[Finding, ...]]:
    """A finding for each service that differs, by the words that named the hosts."""
    versions = dict[str, dict[str, str]]()
    for word, document in told.items():
        for product, version in _shown(document):
            versions.setdefault(product, {}).setdefault(word, version)
    found = dict[str, list[Finding]]()
    for product, by_word in versions.items():
        usual, number = Counter(by_word.values()).most_common(1)[0]
        if len(by_word) >= LEAST and number * 2 > len(by_word):
            for word, version in by_word.items():
                if version != usual:
                    found.setdefault(word, []).append(_finding(product, version, usual, number))
    return {word: tuple(each) for word, each in found.items()}


def _shown(document: Document) -> Iterator[tuple[str, str]]:
    """Yield product and version of what a host shows."""
    listeners = document["facts"].get("listeners", ())
    for one in listeners if isinstance(listeners, list) else ():
        for shows in one.get("shows", ()):
            if shows["version"]:
                yield shows["product"], shows["version"]


def _finding(product: str, version: str, usual: str, number: int) -> Finding:
    name = printable(product)
    message = f"{name} is {printable(version)} here, and {printable(usual)} on {number} others"
    return Finding(UNLIKE_OTHERS, name, message, UNLIKE_OTHERS.severity, (Quote(name, 0, version),))
