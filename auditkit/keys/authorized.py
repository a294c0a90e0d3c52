"""The lines of authorized_keys, as sshd reads them: sshd(8), AUTHORIZED_KEYS FILE FORMAT; auth2-pubkeyfile.c, sshkey.c.

    # laptops
    ssh-ed25519 AAAAC3Nza... anna's laptop
    restrict,command="/usr/bin/rrsync /srv" ssh-rsa AAAAB3Nza... backup

What looks like a key and lets nobody in, whatever the host, is told with the reason. What cannot be understood is a gap.
"""

import re
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.keys import options, public
from auditkit.keys.options import Options
from auditkit.keys.public import Public
from auditkit.model import Gap

MOST_LINES = 100_000
"""Lines of one file that are read."""
MOST_GAPS = 20
"""Broken lines of one file that are named each; the rest are counted."""
_SSH1 = re.compile(r"(?:[^ \t]+[ \t]+)??[0-9]{3,5}[ \t]+[0-9]{1,10}[ \t]+[0-9]{50,}(?:[ \t\r]|\Z)")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}", re.ASCII)
_BLANK = re.compile(r"[\t\n\v\f\r ]+")
_WORDS = re.compile(r"[^ \t]+")
_FOREIGN = re.compile(r"([a-z][a-z0-9@._-]{3,63})[ \t]+(AAAA[A-Za-z0-9+/]{40,}={0,2})(?![^ \t\r])")
_ANYWHERE = re.compile(rf"({'|'.join(map(re.escape, sorted(public.WORDS, key=len, reverse=True)))})[ \t]+(AAAA[A-Za-z0-9+/=]+)")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Line:
    """One line with a key in it."""

    file: str
    number: int
    key: Public
    options: Options
    comment: str
    dead: str = ""
    """Why sshd lets nobody in by this line, whatever host it is on; nothing where it may."""

    @property
    def place(self) -> str:
        """`FILE:LINE`"""
        return f"{self.file}:{self.number}"


def parse(data: bytes, file: str) -> Iterator[Line | Gap]:
    """Yield the lines of an authorized_keys file that hold a key, and a gap for each that cannot be understood."""
    rows = data.split(b"\n", MOST_LINES)
    broken = 0
    for number, raw in enumerate(rows[:MOST_LINES], 1):
        text = raw.decode("utf-8", "surrogateescape")
        if not _is_told(text):
            continue
        told = _line(text, file, number)
        broken += isinstance(told, Gap)
        if isinstance(told, Line) or broken <= MOST_GAPS:
            yield told
    if broken > MOST_GAPS:
        yield Gap(file, f"{broken - MOST_GAPS} more lines are not understood")
    if rows[MOST_LINES:] and rows[MOST_LINES].strip():
        yield Gap(file, f"more than {MOST_LINES} lines; the keys on those after them are not judged")


def _is_told(text: str) -> bool:
    """Whether a line says anything: no comment, not empty; what a zero byte hides from sshd is not passed over."""
    start = text.lstrip(" \t")
    return start.strip("\r\0 \t") != "" and not start.startswith("#")


def _line(text: str, file: str, number: int) -> Line | Gap:
    seen = text.partition("\0")[0].lstrip(" \t")  # sshd reads C strings
    try:
        key, comment = _key(seen, 0)
        return _made(file, number, key, Options(), comment)
    except ValueError as error:
        why = str(error)
    at = options.end(seen)
    if at < 0:
        return _lost(text, file, number, "a quote stays open before the key")
    try:
        key, comment = _key(seen, at)
    except ValueError as error:
        return _lost(text, file, number, why if _begins(seen) else str(error))
    try:
        return _made(file, number, key, options.parse(seen), comment)
    except ValueError as error:
        return Line(file, number, key, Options(), comment, str(error))


def _begins(text: str) -> bool:
    """Whether a line begins with a type of key."""
    word = _WORDS.match(text)
    return word is not None and word.group() in public.WORDS


def _made(file: str, number: int, key: Public, asked: Options, comment: str) -> Line:
    dead = ""
    if key.certificate:
        dead = "it is a certificate, and only keys are read here"
    elif asked.principals is not None and not asked.authority:
        dead = "principals= stands at a key that is no cert-authority"
    return Line(file, number, key, asked, comment, dead)


def _key(text: str, at: int) -> tuple[Public, str]:
    """The key that stands at a place, and the comment behind it.

    Raises:
        ValueError: sshkey_read() of OpenSSH reads none there.
    """
    kind = _WORDS.match(text, _blanks(text, at))
    word = _WORDS.match(text, _blanks(text, kind.end())) if kind else None
    if not kind or kind.group() not in public.WORDS:
        raise ValueError("there is no key in it")
    if not word:
        raise ValueError("there is a type and no key behind it")
    key = public.parse(_decoded(word.group()))
    if key.type != public.WORDS[kind.group()]:
        raise ValueError(f"the key is not the {kind.group()} it says it is")
    return key, text[word.end() :].strip(" \t\r")


def _blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t":
        at += 1
    return at


def _decoded(word: str) -> bytes:
    """What b64_pton(3) makes of a word: blanks of C are passed over, and no bit may be left over."""
    bare = _BLANK.sub("", word)
    try:
        data = a2b_base64(bare.encode("ascii"), strict_mode=True) if _BASE64.fullmatch(bare) else b""
    except Error as error:
        raise ValueError("the key is damaged: no base64") from error
    if not data or b2a_base64(data, newline=False).decode() != bare:
        raise ValueError("the key is damaged: no base64")
    return data


def _lost(text: str, file: str, number: int, why: str) -> Line | Gap:
    """A line in which sshd sees no key: with a key that a person would see, or a gap."""
    if _SSH1.match(text.strip(" \t")):
        why = "it is a key of SSH protocol 1, which no OpenSSH since 7.6 knows"
        return Gap(f"{file}:{number}", why)
    for found in _ANYWHERE.finditer(text):
        try:
            key, comment = _key(text[found.start() :], 0)
        except ValueError:
            continue
        return Line(file, number, key, Options(), comment, _spoilt(text, found.start(), why))
    if foreign := _FOREIGN.search(text):
        return Gap(f"{file}:{number}", f"whether sshd takes its key is not known: {foreign[1]} is no type that is known here")
    return Gap(f"{file}:{number}", f"not understood: {why}")


def _spoilt(text: str, start: int, why: str) -> str:
    if text[:start] == _BOM:
        return "a byte order mark stands before it, so that sshd does not see the key"
    if "\0" in text[:start]:
        return "a zero byte stands before it, so that sshd does not see the key"
    return f"sshd does not see the key: {why}"
