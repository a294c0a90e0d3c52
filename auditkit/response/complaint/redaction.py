"""Names of ours taken out of lines: accounts that exist, machines, addresses inside; and nothing else is changed.

A name may be any word, also one of sshd's own (`port`, `from`, `ssh2`), so none is replaced wherever it stands. A line is read
by its grammar, which knows the name by its place; then each place where it stands is tried, and the one counts after whose
replacement the line says all that it said, and only the name is another. A line that still has one of our names elsewhere, as
in the words of a certificate, is not shown.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from auditkit.logins.evidence import LATEST, event_of, form_of
from auditkit.logins.nouns import Event, Format
from auditkit.response.complaint.subject import Address, same, special

OWN_ADDRESS = "our-address"
LITERAL = re.compile(r"(?<![\w.:])(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]+)(?![\w.]|:\w)")
SHORT = 2
"""Characters of a name that may stand in any word."""
WORD = re.compile(r"[\w@.+-]+")
_WORDS = """
sshd sshd-session sshd-auth Failed password keyboard-interactive pam none for invalid illegal user from port ssh2 ssh1 ssh on by
Invalid Illegal Connection closed reset authenticating preauth message repeated times Disconnected Disconnecting error fatal
maximum authentication attempts exceeded Too many failures Received disconnect rdomain dropbear Bad attempt
"""
OF_SSHD = frozenset(_WORDS.split())
"""Words that stand in such lines whatever the accounts are called."""


@dataclass(slots=True)
class Labels:
    """What our names are called in the letter: `user-A`, `host-A`, in the order in which they are met."""

    ours: frozenset[str] = frozenset()
    """Accounts and machines whose names are known to be ours."""
    kept: frozenset[str] = frozenset()
    """Addresses of ours that the other side knows."""
    keep_names: bool = False
    _users: dict[str, str] = field(default_factory=dict)
    _hosts: dict[str, str] = field(default_factory=dict)

    def user(self, name: str) -> str:
        """What an account is called."""
        return self._users.setdefault(name, f"user-{_letters(len(self._users))}")

    def host(self, name: str) -> str:
        """What a machine is called."""
        return self._hosts.setdefault(name, f"host-{_letters(len(self._hosts))}")

    def within(self, word: str) -> bool:
        """Whether a name of ours is a word, or stands in it."""
        return word in self.ours or any(name in word for name in self.ours if len(name) > SHORT)

    @property
    def used(self) -> bool:
        """Whether any name was taken out."""
        return bool(self._users or self._hosts)


def _letters(number: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    letters = ""
    while number >= 0:
        number, letter = divmod(number, 26)
        letters, number = chr(ord("A") + letter) + letters, number - 1
    return letters


def redacted(line: Mapping[str, Any], format_name: str, address: Address, labels: Labels) -> tuple[str, Event] | None:
    """A line of a report without names of ours, and what it says; None where it is not of the address, or not to be shown."""
    text = str(line.get("text") or "")
    form = form_of(text, format_name)
    event = event_of(text, form, LATEST)
    if event is None or not same(event.address, address):
        return None
    if labels.keep_names:
        return _shown(text), event
    shown: str | None = text
    if event.user and (line.get("exists") is not False or labels.within(event.user)):
        shown, event = _renamed(text, form, event, event.user, user=labels.user(event.user))
    if shown is not None and event.host:
        shown, event = _renamed(shown, form, event, event.host, host=labels.host(event.host))
    if shown is None:
        return None
    shown = _without_addresses(shown, form, event, address, labels)
    return None if _tells(shown, form, event, labels) else (_shown(shown), event)


def _renamed(text: str, form: Format, event: Event, name: str, **other: str) -> tuple[str | None, Event]:
    """The line with another name in the place of one, and what it says then; no line if there is no such place."""
    (label,), wanted = other.values(), event._replace(**other)  # type: ignore[arg-type]  # each of them is a text
    for at in _places(text, name):
        changed = text[:at] + label + text[at + len(name) :]
        if event_of(changed, form, LATEST) == wanted:
            return changed, wanted
    return None, event


def _places(text: str, name: str) -> Iterator[int]:
    """Yield where a name stands."""
    at = text.find(name)
    while at >= 0:
        yield at
        at = text.find(name, at + 1)


def _without_addresses(text: str, form: Format, event: Event, address: Address, labels: Labels) -> str:
    """The line without addresses inside of our networks; one that the client gave as a name of an account stays."""
    for found in reversed([*LITERAL.finditer(text)]):
        if _is_inside(found[0], address, labels):
            changed = text[: found.start()] + OWN_ADDRESS + text[found.end() :]
            text = changed if event_of(changed, form, LATEST) == event else text
    return text


def _is_inside(word: str, address: Address, labels: Labels) -> bool:
    """Whether a word is an address of ours that nobody outside is to know: any but theirs and the one that they came to."""
    try:
        found = ip_address(word)
    except ValueError:
        return False
    return found != address and not any(same(one, found) for one in labels.kept) and bool(special(found))


def _tells(text: str, form: Format, event: Event, labels: Labels) -> bool:
    """Whether a name of ours stands anywhere else in the line than where the grammar has a name."""
    bare: str | None = text
    if event.user:
        bare, _event = _renamed(text, form, event, event.user, user="user-0")
    words = set(WORD.findall(bare or text)) - OF_SSHD
    return bool(words & labels.ours) or any(word.partition("@")[0] in labels.ours for word in words if "@" in word)


def _shown(text: str) -> str:
    """A line as it stands in the log; what no terminal and no mail should get is written as `\\xNN`, byte by byte."""
    return "".join(char if char.isprintable() else _bytes(char) for char in text)


def _bytes(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
