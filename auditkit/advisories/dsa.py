"""The list of Debian's security advisories, DSA/list or DLA/list of its security tracker.

[24 Nov 2026] DSA-6000-1 openssl - security update
        {CVE-2026-1234 CVE-2026-1235}
        [bookworm] - openssl 3.0.19-1~deb12u1
"""

import re
from datetime import date

from auditkit.advisories import ID, NAME, VERSION, Advice, Feed, Gathered, bad, lines, newest, word
from auditkit.printable import printable

KIND = "a list of Debian's security advisories"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEAD = re.compile(r"\[(\d{1,2}) ([A-Z][a-z]{2}) (\d{4})\] (D[SLT]A-[0-9]+(?:-[0-9]+)?)\b.*")
_NAMES = re.compile(r"\{([^{}]*)\}")
_FIX = re.compile(r"\[([a-z]+)\] - (\S+) (\S+).*")
_OTHER = re.compile(r"(?:NOTE|TODO)\b.*|- .*|\[[a-z]+\] - \S+ <[^>]+>.*")


def is_one(begin: str) -> bool:
    """Whether a file that begins so is such a list."""
    return _HEAD.match(begin.lstrip()) is not None


def read(data: bytes, file: str, digest: str) -> Feed:
    """What the list says.

    Raises:
        FormatError: it is no such list.
    """
    found, days = Gathered(), list[date | None]()
    name, published, names = "", None, tuple[str, ...]()
    for number, line in enumerate(lines(data), 1):
        plain = line.strip()
        if head := _HEAD.fullmatch(plain):
            name, published, names = head[4], _day(head), ()
            days.append(published)
        elif not plain or _OTHER.fullmatch(plain):
            continue
        elif braces := _NAMES.fullmatch(plain):
            names = tuple(word(each, "an id", ID) for each in braces[1].split())
        elif name and (fix := _FIX.fullmatch(plain)):
            source, fixed = word(fix[2], "a source package", NAME), word(fix[3], "a version", VERSION)
            found.add(("debian", fix[1], source), Advice(name, fixed, names=names, published=published))
        else:
            bad(f"line {number} is not understood: {printable(plain[:80])}")
    return Feed(file, KIND, digest, newest(days), found.all())


def _day(head: re.Match[str]) -> date:
    try:
        return date(int(head[3]), MONTHS.index(head[2]) + 1, int(head[1]))
    except ValueError:
        bad(f"not a day: {printable(head[0][:40])}")
