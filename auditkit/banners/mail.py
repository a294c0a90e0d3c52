"""SMTP (RFC 5321), IMAP (RFC 9051), POP3 (RFC 1939): the greeting, what is offered, and whether a login is in the clear."""

import re

from auditkit.banners.naming import named
from auditkit.banners.reading import Product, Reading, first, found, line

_GREETING = re.compile(rb"\A(?:220[ -]|\* (?:OK|PREAUTH|BYE)|\+OK)\s*([^\r\n]{0,1000})")
_PRODUCTS = (
    ("exim", re.compile(rb"\bExim ?([0-9][0-9A-Za-z._]{0,20})?")),
    ("postfix", re.compile(rb"\bPostfix(?: ([0-9][0-9.]{0,20}))?")),
    ("sendmail", re.compile(rb"\bSendmail ([0-9][0-9.]{0,20})?")),
    ("opensmtpd", re.compile(rb"\bOpenSMTPD(?: ([0-9][0-9A-Za-z.]{0,20}))?")),
    ("exchange", re.compile(rb"\bMicrosoft ESMTP MAIL Service(?:, Version: ([0-9.]{1,40}))?")),
    ("dovecot", re.compile(rb"\bDovecot()")),
    ("courier", re.compile(rb"\bCourier-(?:IMAP|POP3)()")),
    ("cyrus", re.compile(rb"\bCyrus (?:IMAP|POP3)4?\S*(?: Murder)? ?v?([0-9][0-9.]{0,20})?")),
)
_AUTH = re.compile(rb"^250[ -]AUTH[ =](?=[^\r\n]*\b(?:PLAIN|LOGIN)\b)", re.IGNORECASE | re.MULTILINE)
_STARTTLS = re.compile(rb"^250[ -]STARTTLS\b", re.IGNORECASE | re.MULTILINE)
_ID_VERSION = re.compile(rb'"version" "([^"\r\n]{1,60})"', re.IGNORECASE)
_ID_OS = re.compile(rb'"os(?:-version)?" "([^"\r\n]{1,60})"', re.IGNORECASE)


def _products(greeting: bytes) -> tuple[Product, ...]:
    told = ((name, pattern.search(greeting)) for name, pattern in _PRODUCTS)
    known = tuple(Product(name, line(match[1] or b"")) for name, match in told if match)
    return known or named(found(_GREETING, greeting))


def smtp(parts: tuple[bytes, ...]) -> Reading:
    """Greeting, then the answer to EHLO: `220 h ESMTP Exim 4.96 Tue, ...`."""
    greeting, offered = first(parts), first(parts, 1)
    if not greeting.startswith(b"220"):
        return Reading(line(greeting))
    clear = "it offers AUTH without TLS" if _AUTH.search(offered) and not _STARTTLS.search(offered) else ""
    return Reading(line(greeting.partition(b"\n")[0]), _products(greeting), clear=clear)


def imap(parts: tuple[bytes, ...]) -> Reading:
    """Greeting, then the answers to CAPABILITY and ID."""
    greeting, offered, identity = first(parts), first(parts, 1), first(parts, 2)
    words = offered.upper().split()
    clear = ""
    if b"IMAP4REV1" in words and b"LOGINDISABLED" not in words:
        clear = "it takes LOGIN before STARTTLS" if b"STARTTLS" in words else "it takes LOGIN, and has no STARTTLS"
    products = _products(greeting)
    version = found(_ID_VERSION, identity)
    if products and version:
        products = (Product(products[0].name, version), *products[1:])
    return Reading(found(_GREETING, greeting, 0) or line(greeting), products, found(_ID_OS, identity), clear=clear)


def pop3(parts: tuple[bytes, ...]) -> Reading:
    """Greeting, then the answer to CAPA (RFC 2449)."""
    greeting, offered = first(parts), first(parts, 1)
    lines = [each.strip().upper() for each in offered.split(b"\n")]
    plain = b"USER" in lines or any(each.startswith(b"SASL") and b"PLAIN" in each for each in lines)
    clear = ""
    if plain:
        clear = "it takes USER before STLS" if b"STLS" in lines else "it takes USER, and has no STLS"
    return Reading(line(greeting), _products(greeting), clear=clear)
