"""A piece of a text log cut into runs: what one process wrote in one second, line by line, is looked at once.

A connection that guesses writes the same few lines as a thousand others, but for its pid, address, port and name. With these
cut out, what it said is a shape, and there are few.
"""

import re

PEER, RHOST, NAME = " \0p", " \0r", " \0n "
"""What stands in a shape for ` ADDRESS port PORT`, ` rhost=ADDRESS` and ` NAME `: no line has a zero in it."""
NUMERALS = "0123456789"
PROGRAM = r"[^ :\[\n]+"

Shape = tuple[str, str, str, str]
"""What a run says, with the address, port and name that were cut out of it; empty words where none was."""


def prefix(width: int, host: str, programs: str, mark: str = "") -> str:
    """An expression for what stands before a message: a stamp of so many characters, this host, a program and a pid.

    Its groups are `prefix`, `stamp`, `program` and `pid`, with a mark.
    """
    machine = f"{re.escape(host)} " if host else ""
    program = rf"(?P<program{mark}>{programs})\[(?P<pid{mark}>[0-9]+)\]: "
    return f"(?P<prefix{mark}>(?P<stamp{mark}>.{{{width}}} ){machine}{program})"


def a_run(width: int, host: str, *, single: bool = False) -> str:
    """An expression for the lines of one process in one second, or one line if `single`; `body` is what follows the prefix."""
    more = "" if single else r"(?:\n(?P=prefix).*+)*+"
    return rf"{prefix(width, host, PROGRAM)}(?P<body>.*+{more})"


def shape(said: str, plain: "PlainNames") -> Shape:
    """What sshd says with its last address and port cut out, wherever they stand, and the name before it if it is plain."""
    head, mark, tail = said.rpartition(" port ")
    if not mark:
        head, mark, tail = said.rpartition(" rhost=")
        address = tail.partition("\n")[0].partition(" ")[0]
        return (said.replace(f" rhost={address}", RHOST), address, "", "") if mark and address else (said, "", "", "")
    words, _, address = head.rpartition(" ")
    port = tail[: len(tail) - len(tail.lstrip(NUMERALS))]
    if not 0 < len(port) < 6 or port[0] == "0":
        return said, "", "", ""
    text = said.replace(f" {address} port {port}", PEER)
    if "\n" in text:
        text = text.replace(f" rhost={address}", RHOST)
    name = words.removesuffix(" from").rpartition(" ")[2]
    return (text.replace(f" {name} ", NAME), address, port, name) if plain[name] else (text, address, port, "")


class PlainNames(dict[str, bool]):
    """Whether a name is a plain word, and none of those that sshd and PAM write themselves."""

    def __init__(self, words: frozenset[str]) -> None:
        super().__init__()
        self._words = words

    def __missing__(self, name: str) -> bool:
        if len(self) >= 4096:
            self.clear()
        known = self[name] = PLAIN(name) is not None and name.lower() not in self._words
        return known


PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}").fullmatch
