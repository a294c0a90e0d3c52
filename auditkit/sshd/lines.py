"""The lines of a configuration of sshd, cut into keyword and words just as sshd of a version cuts them.

Facts: load_server_config, strdelim and argv_split of OpenSSH 8.4, 9.2 and 10.0; sshd_config(5). The odd ones matter, for they
decide whether a line counts: a NUL joins a line with the next one, a lone quote before a keyword silences its line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

Version = tuple[int, int]
SPLITS_LIKE_A_SHELL: Version = (8, 7)
"""Since then both kinds of quotes and backslashes count, and a comment may follow a value; before, it was cut at any `#`."""
BLANK = " \t\r\n"
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_DELIMITER = re.compile(r'[ \t\r\n"=]')
_BLANKS = re.compile(r"[ \t\r\n]+")
_PLAIN = re.compile(r"""[^ \t#'"\\][^ \t'"\\]*(?=[ \t]|\Z)""")
_PART = re.compile(r"""[^ \t'"\\]+""")
_QUOTED = {"'": re.compile(r"[^'\\]+"), '"': re.compile(r'[^"\\]+')}


class Refused(Exception):  # noqa: N818 - not an error of ours: what sshd would say of the line
    """Sshd would not start with this line; the text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that says something: its keyword as spelled, the words after it, and the rest as it stands."""

    number: int
    keyword: str
    words: tuple[str, ...]
    rest: str


def lowered(text: str) -> str:
    """A text in lower case as sshd does it: of ASCII only, so that no look-alike letter becomes a keyword."""
    return text.translate(_LOWER)


def lines(data: bytes, version: Version) -> Iterator[tuple[int, Line | Refused]]:
    """Yield what each line says that says anything, with the number that sshd gives it."""
    whole = b"".join(_loaded(piece, version) for piece in re.findall(rb"[^\n]*\n|[^\n]+\Z", data))
    for number, text in enumerate(whole.decode("utf-8", "surrogateescape").split("\n"), 1):
        if text:
            try:
                found = line_of(number, text, version)
            except Refused as refusal:
                yield number, refusal
            else:
                if found:
                    yield number, found


def line_of(number: int, text: str, version: Version) -> Line | None:
    """What one line says; nothing of an empty one or a comment.

    Raises:
        Refused: quotes that do not close, or nothing after the keyword.
    """
    text = text[0] + text[1:].rstrip(BLANK + "\f")
    keyword, at = delimited(text, 0)
    if keyword == "":
        keyword, at = delimited(text, at)
    if not keyword or keyword.startswith("#"):
        return None
    rest = "" if at is None else text[at:]
    if version < SPLITS_LIKE_A_SHELL:
        return Line(number, keyword, tuple(old_words(rest)), rest)
    if not rest:
        raise Refused(f"no argument after keyword {keyword}")
    return Line(number, keyword, tuple(words(rest)), rest)


def delimited(text: str, start: int | None) -> tuple[str | None, int | None]:
    """The next word and where to go on, by strdelim: cut at blanks, a double quote or one `=`; None where nothing is left.

    A quote that stays open leaves no word at all.
    """
    if start is None:
        return None, None
    cut = _DELIMITER.search(text, start)
    if cut is None:
        return text[start:], None
    at = cut.start()
    if text[at] == '"':
        end = text.find('"', at + 1)
        return (text[start:at] + text[at + 1 : end], _past(text, end + 1)) if end >= 0 else (None, None)
    after = _past(text, at + 1)
    if text[at] != "=" and text[after : after + 1] == "=":
        after = _past(text, after + 1)
    return text[start:at], after


def old_words(rest: str) -> Iterator[str]:
    """Yield the words after a keyword as sshd before 8.7 cuts them, and Match until 9.8."""
    at: int | None = 0
    while at is not None:
        word, at = delimited(rest, at)
        if not word:
            return
        yield word


def _past(text: str, at: int) -> int:
    """Where the blanks from here on end."""
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def words(rest: str) -> Iterator[str]:
    """Yield the words after a keyword as sshd cuts them since 8.7: quoted as in a shell, up to a comment.

    Raises:
        Refused: a quote that does not close.
    """
    at = 0
    while at < len(rest):
        if rest[at] in " \t":
            at += 1
        elif rest[at] == "#":
            return
        elif plain := _PLAIN.match(rest, at):
            yield plain[0]
            at = plain.end()
        else:
            word, at = _quoted(rest, at)
            yield word


def _quoted(rest: str, at: int) -> tuple[str, int]:
    """A word that has quotes or backslashes in it, and where it ends."""
    parts, quote = [], ""
    while at < len(rest):
        c, after = rest[at], rest[at + 1 : at + 2]
        if c == "\\":
            escaped = after != "" and (after in "'\"\\" or (not quote and after == " "))
            parts.append(after if escaped else c)
            at += 1 + escaped
        elif not quote and c in " \t":
            break
        elif c in ("'", '"') and quote in ("", c):
            quote = "" if quote else c
            at += 1
        else:
            part = (_QUOTED[quote] if quote else _PART).match(rest, at)
            parts.append(part[0] if part else c)
            at = part.end() if part else at + 1
    if quote:
        raise Refused("invalid quotes")
    return "".join(parts), at


def _loaded(piece: bytes, version: Version) -> bytes:
    """A line of the file as sshd keeps it: without blanks at its start, and up to a NUL, the line end lost with the rest."""
    piece = piece.partition(b"\0")[0]
    if version < SPLITS_LIKE_A_SHELL and b"#" in piece:
        piece = piece.partition(b"#")[0] + b"\n"
    return piece.lstrip(b" \t\r")
