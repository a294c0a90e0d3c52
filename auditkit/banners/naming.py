"""Which program and version a greeting names, where it is none of those that are known: `Serv-U FTP Server v7.2 ready...`.

Greetings have no grammar, so it is a guess, and a careful one: what might be an address, a date or the name of a host is none.
"""

import re
from collections.abc import Iterator

from auditkit.banners.reading import Product

LONGEST = 400
"""Characters of a greeting that are looked at."""
_NUMBER = r"(?P<version>[0-9]{1,5}(?:\.[0-9]{1,6}){1,5}[a-z]{0,6}[0-9]{0,3}(?:[-_+~][0-9A-Za-z.+~_-]{0,40})?)(?![\w@]|\.\w)"
_SAID = re.compile(rf"\b(?:version|release|v)\.?[: ]{{0,2}}(?P<inner>[a-z]{{2,12}}-)?{_NUMBER}", re.IGNORECASE)
_NAMED = re.compile(rf"(?<![\w.@-])(?P<name>[A-Za-z][A-Za-z0-9_+!-]{{1,40}}?)(?P<between>[/ -]){_NUMBER}")
_QUAD = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
_DATE = re.compile(r"[0-3]?[0-9]\.[01]?[0-9]\.(?:19|20)?[0-9]{2}|(?:19|20)[0-9]{2}\.[01]?[0-9]\.[0-3]?[0-9]")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_+!-]{1,40}")
_OTHER_WORDS = (
    "esmtp smtp lmtp smtps pop pop3 pop4 imap imap4 imap4rev1 ftp ftps ssh http https tls ssl starttls upnp soap dlna rtsp "
    "irc mail server service services receiver gateway daemon ready running welcome to the version release at on is for "
    "from port time local host by and server-version nt windows linux unix kernel os ip ipv4 ipv6 rfc utc gmt it a of with "
    "using protocol hello internet smtp-server ftp-server winnt xp"
)
NO_PRODUCTS = frozenset(_OTHER_WORDS.split())
"""Words before a number that are no program's name, in lower case."""

SERVERS = ("server", "service", "daemon")
"""Words behind which a number is the version of what stands before them."""


def named(greeting: str) -> tuple[Product, ...]:
    """The program that a greeting names with its version; nothing where none is surely named.

    The first word is passed over where it has a dot, for there stands the name of the host.
    """
    text = greeting[:LONGEST]
    head, blank, rest = text.partition(" ")
    text = rest if blank and "." in head and "/" not in head else text
    return tuple(_found(text))[:1]


def _found(text: str) -> Iterator[Product]:
    """Yield what is said to be a version, then what stands behind a name."""
    for told in _SAID.finditer(text):
        inner = (told["inner"] or "").rstrip("-")
        yield Product((inner or _before(text[: told.start()]) or "server").lower(), _trimmed(told["version"]))
    for told in _NAMED.finditer(text):
        name, version = told["name"], told["version"]
        loose = told["between"] == " " and name == name.lower()  # `now 10.30`
        other = _QUAD.fullmatch(version) or _DATE.fullmatch(version)
        if name.lower() in SERVERS and not other:
            name = _before(text[: told.start()])
        if name and not loose and not other and name.lower() not in NO_PRODUCTS:
            yield Product(name.lower(), _trimmed(version))


def _before(text: str) -> str:
    """The last word that may name a program."""
    return next((word for word in reversed(_WORD.findall(text)) if word.lower() not in NO_PRODUCTS), "")


def _trimmed(version: str) -> str:
    return version.rstrip("-_+~.")
