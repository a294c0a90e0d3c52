"""Which of two versions is newer, as dpkg, pacman and apk each order them; never an error, whatever the text.

Numbers are ordered as digits, so that one of ten thousand digits is nothing special.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

Number = tuple[int, str]
Token = tuple[tuple[int, ...], Number]
"""What comes before the digits, or which kind of token it is; then its value."""

_RUN = re.compile(r"([^0-9]*)([0-9]*)", re.DOTALL)
_SEGMENT = re.compile(r"([^0-9A-Za-z]*)([0-9]+|[A-Za-z]+|)")
_LETTERS = re.compile("[A-Za-z]")
_SUFFIX_WORDS = "alpha|beta|pre|rc|cvs|svn|git|hg|p"
_APK = re.compile(
    rf"([0-9]*)((?:\.[0-9]+)*)([a-z]?)((?:_(?:{_SUFFIX_WORDS})(?![a-z])[0-9]*)*)(?:~([0-9A-Fa-f]+))?(?:-r([0-9]+))?(.*)",
    re.DOTALL,
)
_APK_SUFFIX = re.compile(rf"_({_SUFFIX_WORDS})([0-9]*)")
_BEFORE, _AFTER = ("alpha", "beta", "pre", "rc"), ("cvs", "svn", "git", "hg", "p")
_PRE, _ODD, _END, _REVISION, _COMMIT, _NUMBER, _SUFFIX, _LETTER, _DIGITS = ((rank,) for rank in range(9))
"""The kinds of apk's tokens: where two versions go on with different ones, the first of them here is the older."""


def deb(ours: str, theirs: str) -> int:
    """Compare as dpkg does: `[epoch:]upstream[-revision]`, deb-version(7)."""
    return next(filter(None, map(deb_part, _deb(ours), _deb(theirs))), 0)


def deb_part(ours: str, theirs: str) -> int:
    """Compare an upstream version, or a revision, by itself as dpkg does."""
    return _first(_runs(ours), _runs(theirs), ((0,), (0, "")))


def alpm(ours: str, theirs: str) -> int:
    """Compare as pacman does: `[epoch:]version[-release]`, vercmp(8); a release that only one has does not count."""
    for a, b in zip(_alpm(ours), _alpm(theirs), strict=True):
        if a is not None and b is not None and (order := _segments(a, b)):
            return order
    return 0


def apk(ours: str, theirs: str) -> int:
    """Compare as apk does: `1.2.3b_rc1_p2~commit-r4`, apk-package(5); what goes on as no version does is older."""
    return _first(_tokens(ours), _tokens(theirs), (_END, (0, "")))


def _first(ours: Iterable[Token], theirs: Iterable[Token], end: Token) -> int:
    """The order of the first tokens that differ, where `end` follows the last one."""
    for a, b in zip_longest(ours, theirs, fillvalue=end):
        if a != b:
            return -1 if a < b else 1
    return 0


def _number(digits: str) -> Number:
    """What orders digits by the number that they write."""
    significant = digits.lstrip("0")
    return len(significant), significant


def _deb(version: str) -> tuple[str, str, str]:
    epoch, colon, rest = version.strip().partition(":")
    upstream, dash, revision = (rest if colon else epoch).rpartition("-")
    return epoch if colon else "", upstream if dash else revision, revision if dash else ""


def _runs(text: str) -> Iterator[Token]:
    """Yield each run of other characters with the digits that follow it."""
    return (((*map(_rank, run), 0), _number(digits)) for run, digits in _RUN.findall(text))


def _rank(character: str) -> int:
    """`~` comes before the end of the run, which is 0; letters come before all else."""
    if character == "~":
        return -1
    return ord(character) + (0 if character.isascii() and character.isalpha() else 256)


def _alpm(version: str) -> tuple[str, str, str | None]:
    epoch, colon, rest = version.partition(":")
    if not colon or not re.fullmatch("[0-9]*", epoch):
        epoch, rest = "0", version
    upstream, dash, release = rest.rpartition("-")
    return epoch or "0", upstream if dash else release, release if dash else None


def _segments(ours: str, theirs: str) -> int:
    """Compare segment by segment; of what stands between them only the length counts."""
    left = right = 0
    while left < len(ours) and right < len(theirs):
        mine, other = _SEGMENT.match(ours, left), _SEGMENT.match(theirs, right)
        if not (mine and other and mine[2] and other[2]):
            left, right = (match.start(2) if match else 0 for match in (mine, other))
            break
        order = _order(len(mine[1]), len(other[1])) or _segment(mine[2], other[2])
        if order:
            return order
        left, right = mine.end(), other.end()
    return _tails(ours[left:], theirs[right:])


def _segment(mine: str, other: str) -> int:
    """A number is newer than letters."""
    digits = mine[0].isdigit()
    if digits != other[0].isdigit():
        return 1 if digits else -1
    return _order(_number(mine), _number(other)) if digits else _order(mine, other)


def _tails(ours: str, theirs: str) -> int:
    """What is left where one has ended: letters make it older (`1.0rc` comes before `1.0`), all else makes it newer."""
    if not ours and not theirs:
        return 0
    return -1 if _LETTERS.match(ours) or not (ours or _LETTERS.match(theirs)) else 1


def _order(ours: Any, theirs: Any) -> int:
    return int(ours > theirs) - int(ours < theirs)


def _tokens(version: str) -> Iterator[Token]:
    """Yield the tokens of a version of apk."""
    match = _APK.fullmatch(version)
    first, dotted, letter, suffixes, commit, revision, odd = match.groups("") if match else ("",) * 7
    yield _DIGITS, _number(first)
    yield from ((_DIGITS, _fraction(digits)) for digits in dotted.split(".")[1:])
    if letter:
        yield _LETTER, (0, letter)
    for word, number in _APK_SUFFIX.findall(suffixes):
        yield (_PRE, (_BEFORE.index(word), "")) if word in _BEFORE else (_SUFFIX, (_AFTER.index(word), ""))
        if number:
            yield _NUMBER, _number(number)
    if commit:
        yield _COMMIT, (0, commit)
    if revision:
        yield _REVISION, _number(revision)
    if odd:
        yield _ODD, (0, odd)


def _fraction(digits: str) -> Number:
    """With a leading zero they are ordered as text, and before all others: `1.05` is older than `1.5`."""
    return (0 if digits.startswith("0") else len(digits)), digits
