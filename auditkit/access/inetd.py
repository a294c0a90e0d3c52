"""Which SSH servers inetd and xinetd start for whoever connects, and with which options: inetd.conf(5), xinetd.conf(5)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from auditkit.access import arguments
from auditkit.access.arguments import Started

LONGEST = 1 << 20
"""Bytes of one file."""
_SERVER = re.compile(r"/\S*/(?:sshd|dropbear)")
_LINE = re.compile(
    r"^[ \t]*(?:\S+:)?(?P<port>[A-Za-z0-9_-]+)[ \t]+stream[ \t]+tcp\S*[ \t]+(?:no)?wait\S*[ \t]+\S+[ \t]+(?P<words>/.*)$",
    re.MULTILINE,
)
_BLOCK = re.compile(r"^[ \t]*service[ \t]+(\S+)\s*\{([^{}]{0,4000})\}", re.MULTILINE)
_SETS = re.compile(r"^[ \t]*(\w+)[ \t]*\+?=[ \t]*(.*?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Handed:
    """A server that is started anew for each connection."""

    program: str
    started: Started


def read(text: str) -> Iterator[Handed]:
    """Yield each SSH server that a file of inetd or xinetd starts; a line that is off is none."""
    text = text[:LONGEST]
    for found in _LINE.finditer(text):
        yield from _handed(found["port"], found["words"].split())
    for found in _BLOCK.finditer(text):
        told = dict(_SETS.findall(found[2]))
        if told.get("disable", "no").lower() != "yes":
            words = [told.get("server", ""), "", *told.get("server_args", "").split()]
            yield from _handed(told.get("port", str(found[1])), words)


def _handed(port: str, words: list[str]) -> Iterator[Handed]:
    """Yield the server among the words of a line: the program itself, or what tcpd(8) starts in its stead."""
    program = next(filter(_SERVER.fullmatch, words[:2]), None)
    if program is None:
        return
    begun = arguments.parsed(tuple(words[2:]), whole=not any(set(word) & set("$`\\\"'") for word in words))
    number = port if port.isdecimal() else "22" if port == "ssh" else ""
    lines = (*begun.lines, *((f"Port {number}",) if number and number != "22" else ()))
    yield Handed(program, replace(begun, lines=lines))
