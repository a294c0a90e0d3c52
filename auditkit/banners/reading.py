"""What a reader makes of a service's bytes, and how foreign text becomes one line of it."""

import re
from dataclasses import dataclass

from auditkit.printable import printable

LONGEST = 200
"""Characters of a line that is shown."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class Product:
    """A program that a banner names: `nginx` `1.22.1`; no version where none is shown."""

    name: str
    """As the table of fixes names it: `nginx`, `apache`."""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a service tells of itself; empty where nothing could be made of it."""

    banner: str = ""
    """One line of it, as it may be shown."""
    products: tuple[Product, ...] = ()
    system: str = ""
    """The operating system or kernel that it names, with a version."""
    host: str = ""
    """The name of the machine, where the protocol does not ask for it."""
    clear: str = ""
    """How it takes a password in the clear, in words."""
    open: str = ""
    """What it gave to who has shown no credential, in words."""


def line(data: bytes) -> str:
    """Foreign bytes as one line that may be shown: controls are blanks, what is too long ends in dots."""
    text = _CONTROLS.sub(" ", data[: 4 * LONGEST].decode("utf-8", "surrogateescape")).strip()
    shown = printable(text)
    return f"{shown[:LONGEST]}..." if len(shown) > LONGEST else shown


def first(parts: tuple[bytes, ...], at: int = 0) -> bytes:
    """One of the parts; nothing where there are not so many."""
    return parts[at] if at < len(parts) else b""


def found(pattern: re.Pattern[bytes], data: bytes, group: int = 1) -> str:
    """What a group of a pattern finds, as one line; nothing where it does not."""
    match = pattern.search(data)
    return line(match[group] or b"") if match else ""
