"""The one way foreign text is shown: no terminal escapes, no bidi tricks, and back again to the same bytes.

The rule, for paths in baselines and text reports alike: what is printable stands as it is; a backslash is doubled; any
other character (controls, ESC, bidi and zero-width formatting, odd spaces, bytes that are no UTF-8) stands as `\\xNN`,
one for each of its bytes.
Standard library only, Python 3.6: it also runs on hosts.
"""

import re

_PLAIN = re.compile(rb"[ -\[\]-~]*\Z").match
_ODD = re.compile(r"[^ -\[\]-~]")
_ESCAPE = re.compile(rb"\\(\\|x([0-9a-f]{2})|)")


def escape(name: bytes) -> bytes:
    """`name` as one line of valid, printable UTF-8."""
    if _PLAIN(name):
        return name
    return _ODD.sub(_shown, name.decode("utf-8", "surrogateescape")).encode("utf-8")


def _shown(match: "re.Match[str]") -> str:
    char = match.group()
    if char == "\\":
        return "\\\\"
    if char.isprintable():
        return char
    return "".join("\\x%02x" % byte for byte in char.encode("utf-8", "surrogateescape"))


def unescape(line: bytes) -> bytes:
    """The bytes that `escape` was given.

    Raises:
        ValueError: a backslash is followed by something `escape` never writes.
    """
    if b"\\" not in line:
        return line
    return _ESCAPE.sub(_meant, line)


def _meant(match: "re.Match[bytes]") -> bytes:
    if match.group(1) == b"\\":
        return b"\\"
    if not match.group(2):
        raise ValueError("a backslash that escapes nothing")
    return bytes([int(match.group(2), 16)])


def printable(text: str) -> str:
    """`text` as it may be shown on a terminal or in a report."""
    return escape(text.encode("utf-8", "surrogateescape")).decode("utf-8")


def few(words: "list[str]", most: int) -> str:
    """The first of many words, which may be shown as they are, and how many more there are."""
    left = len(words) - most
    return ", ".join(words[:most]) + (" and %d more" % left if left > 0 else "")


def clipped(text: str, most: int, end: str = "\u2026") -> str:
    """Of a text that is too long the beginning, and a sign that there is more: `most` characters with it."""
    return text if len(text) <= most else text[: most - len(end)] + end


def on_one_line(text: str) -> str:
    """A last net for a text whose foreign parts are shown already: nothing in it ends a line or moves a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)


def said(sentence: str) -> str:
    """A sentence of ours, whose foreign parts may have gone through printable() already: no backslash is doubled again."""
    return "\\".join(printable(part) for part in sentence.split("\\"))


def counted(number: int, noun: str) -> str:
    """`1 gap`, `2 gaps`, `41 208 entries`, `3 addresses`."""
    if number == 1:
        return f"1 {noun}"
    return f"{grouped(number)} {many(noun)}"


def many(noun: str) -> str:
    """`gaps`, `entries`, `addresses`, `branches`: more than one of something."""
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "sh", "ch", "x")) else "s")


def grouped(number: int) -> str:
    """A number with a space between thousands, from five digits on."""
    return f"{number:,}".replace(",", " ") if abs(number) >= 10_000 else str(number)
