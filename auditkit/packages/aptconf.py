"""What apt of a host is set to: apt.conf and apt.conf.d, apt.conf(5).

APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade { Origins-Pattern { "origin=Debian,label=Debian-Security"; }; };
"""

import re
from collections.abc import Iterator, Mapping

from auditkit.errors import FormatError
from auditkit.model import Gap, Means, Need
from auditkit.packages.reading import text

PLACES = tuple(Need(Means.FILE, f"/etc/apt/{name}", "what apt does by itself") for name in ("apt.conf.d/*", "apt.conf"))
MOST = 10_000
"""Words of all files; those of Debian have some hundred."""
DEEPEST = 50
_WORD = re.compile(
    r'\s+|//[^\n]*|(?P<open>/\*)|(?P<clear>#clear\b)|#(?!clear)[^\n]*|(?P<sign>[{};])|"(?P<text>[^"\n]*)"|(?P<word>[^\s{};"]+)',
)
_FILE = re.compile(r"/etc/apt/apt\.conf\.d/[A-Za-z0-9_-][A-Za-z0-9_.-]*")


class Settings:
    """All settings by their name in lower case: a value, and the members of a list."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {}

    def value(self, name: str, default: str = "") -> str:
        """What a setting is."""
        return self.values.get(name.lower(), default)

    def members(self, name: str) -> tuple[str, ...]:
        """The members of a list."""
        return tuple(self.lists.get(name.lower(), ()))

    def clear(self, name: str) -> None:
        """Forget a setting and all below it."""
        key = name.lower().removesuffix("::")
        for held in (self.values, self.lists):
            for own in [own for own in held if own == key or own.startswith(key + "::")]:
                del held[own]

    def put(self, name: str, value: str) -> None:
        """Set a value, or add a member where the name ends with `::`."""
        key = name.lower()
        if key.endswith("::"):
            self.lists.setdefault(key[:-2], []).append(value)
        else:
            self.values[key] = value


def settings(files: Mapping[str, bytes]) -> tuple[Settings, tuple[Gap, ...]]:
    """What the files come to together, in the order in which apt reads them, and what is not understood."""
    told, gaps, left = Settings(), list[Gap](), MOST
    names = sorted(name for name in files if _FILE.fullmatch(name) and _counts(name.rpartition("/")[2]))
    for name in [*names, *(name for name in files if name == "/etc/apt/apt.conf")]:
        try:
            left -= _read(told, text(files[name]), left)
        except FormatError as error:
            gaps.append(Gap(name, str(error)))
    return told, tuple(gaps)


def _counts(name: str) -> bool:
    return "." not in name or name.endswith(".conf")


def _read(told: Settings, whole: str, most: int) -> int:
    """Take what a file sets; gives how many words it has."""
    above, name, value, clearing, number = list[str](), "", None, False, 0
    for number, (kind, word) in enumerate(_words(whole), 1):
        if number > most:
            raise FormatError(f"with it there are more than {MOST} words", "look at it by hand")
        if kind == "clear":
            clearing = True
        elif kind == "word" and not name:
            name = word
        elif kind in ("word", "text"):
            value = word
        elif word == "{":
            above.append(name)
            name, value = "", None
            if len(above) > DEEPEST:
                raise FormatError(f"it is nested deeper than {DEEPEST}", "look at it by hand")
        else:
            _take(told, "::".join(filter(None, above)), name, value, clearing)
            name, value, clearing = "", None, False
            if word == "}":
                del above[-1:]
    return number


def _take(told: Settings, above: str, name: str, value: str | None, clearing: bool) -> None:
    whole = "::".join(filter(None, (above, name)))
    if clearing:
        told.clear(whole)
    elif value is not None:
        told.put(whole if name else above + "::", value)


def _words(whole: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(whole):
        found = _WORD.match(whole, at)
        if found is None:
            raise FormatError("it is not understood to its end", "look at it by hand")
        at = found.end()
        if found.lastgroup == "open":
            at = whole.find("*/", at) + 2
            if at < 2:
                raise FormatError("a comment in it has no end", "look at it by hand")
        elif found.lastgroup:
            yield found.lastgroup, found[found.lastgroup]
