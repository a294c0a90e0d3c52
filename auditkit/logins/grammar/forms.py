"""Forms of messages: a table of them is the grammar of a program, and is read from above.

A form is what the program itself begins with, and an expression for all of the rest. Its groups are called as the fields of
Said. The rest must match to the last character, so that the part that a stranger chose can be held between two that he
could not reach.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any, NamedTuple

from auditkit.logins.nouns import Parse, Said, What

IP = (
    r"(?P<address>(?:::ffff:)?[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
    r"|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,8}(?:(?:\.[0-9]{1,3}){3})?(?:%[\w.-]{1,16})?)"
)
"""An IP address, and nothing else."""
HOST = r"(?P<address>[^\s\[\]()<>=,;]+)"
"""An address or the name of a host."""
PORT = r"(?P<port>[0-9]{1,5})"
LONGEST = 8192
"""Characters of a message that is looked at: no program writes more into one."""


class Form(NamedTuple):
    """What one kind of message says."""

    what: What
    start: str
    rest: str
    """An expression for all that comes behind; compiled once such a message is met, for most never are."""
    fixed: Said
    """What each such message says; the groups of `rest` are laid over it."""


def says(what: What, start: str, rest: str = "", **fixed: Any) -> Form:
    """A form of messages: the literal beginning, the expression for the rest, and what is always said of it."""
    return Form(what, start, rest, Said(what, **fixed))


def noise(*starts: str) -> list[Form]:
    """Forms of messages that are known by their beginning and of no interest."""
    return [says(What.NOISE, start, ".*") for start in starts]


def grammar(*forms: Form) -> Parse:
    """The grammar of a program: the first form that fits a message says what it means."""
    fit = _Fit(forms)

    def parse(message: str) -> Said | None:
        if len(message) > LONGEST:
            return None
        for start, fullmatch, fixed in fit[message.partition(" ")[0]]:
            if message.startswith(start) and (found := fullmatch(message, len(start))):
                return laid_over(fixed, found)
        return None

    return parse


Known = list[tuple[str, Callable[[str, int], re.Match[str] | None], Said]]


class _Fit(dict[str, Known]):
    """The forms that may fit a message, in their order, by its first word."""

    def __init__(self, forms: Sequence[Form]) -> None:
        super().__init__()
        self._forms = forms
        self._words = {form.start.partition(" ")[0] for form in forms if " " in form.start}

    def __missing__(self, word: str) -> Known:
        if word and word not in self._words:
            return self[""]  # those that may begin with any word
        fit = (form for form in self._forms if " " not in form.start or form.start.partition(" ")[0] == word)
        made: Known = [(form.start, re.compile(form.rest, re.DOTALL).fullmatch, form.fixed) for form in fit]
        return self.setdefault(word, made)


def first_of(*parses: Parse) -> Parse:
    """The grammar of a program that writes what several grammars know."""

    def parse(message: str) -> Said | None:
        for one in parses:
            if (says := one(message)) is not None:
                return says
        return None

    return parse


def laid_over(fixed: Said, found: re.Match[str]) -> Said:
    """What is said with the groups of a match: an empty address, name of who did it or detail is none."""
    fields: dict[str, str | None] = found.groupdict()
    if not fields or fixed.what is What.NOISE:
        return fixed
    given: dict[str, Any] = {name: MEANING[name](text) for name, text in fields.items() if text is not None}
    return fixed._replace(**given)


@lru_cache(4096)
def usual(text: str) -> str | None:
    """An address in its usual spelling: lower case, shortest, IPv4 as such; the name of a host as it is."""
    if not text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)


def _text(text: str) -> str:
    return text


def _some(text: str) -> str | None:
    return text or None


MEANING: dict[str, Callable[[str], str | int | None]] = {
    "user": _text, "address": usual, "port": int, "method": _text, "key": _text, "times": int, "detail": _text, "actor": _some,
}  # fmt: skip
"""What becomes of the text of a group."""
