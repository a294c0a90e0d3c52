"""What on a Debian host is meant to be otherwise than packages ship it: diversions, overrides, filters and alternatives.

Formats: dpkg-divert(1), dpkg-statoverride(1), dpkg(1) --path-exclude, update-alternatives(1). Each of them is also a way to
hide a change behind what looks regular, so all are told in full.
"""

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditkit.model import Gap, Means, Need
from auditkit.packages.layout import Diversion
from auditkit.packages.reading import bounded, number, path, shown, text, word

DIVERSIONS = Need(Means.FILE, "/var/lib/dpkg/diversions", "which paths of packages are put elsewhere")
OVERRIDES = Need(Means.FILE, "/var/lib/dpkg/statoverride", "which modes and owners the admin has set")
OPTIONS = (
    Need(Means.FILE, "/etc/dpkg/dpkg.cfg", "which paths of packages are left out"),
    Need(Means.FILE, "/etc/dpkg/dpkg.cfg.d/*", "which paths of packages are left out"),
)
ALTERNATIVES = Need(Means.FILE, "/var/lib/dpkg/alternatives/*", "which links lead to one of several programs")
LINKS = "/etc/alternatives/"
MOST_FILTERS = 1000
LONGEST_PATTERN = 1024
_FILTER = re.compile(r"path-(exclude|include)[\s=]+(.*)")


@dataclass(frozen=True, slots=True)
class Override:
    """Mode and owner that a path shall have, whatever its package says."""

    path: str
    owner: str
    """A name, or a number."""
    group: str
    mode: int


@dataclass(frozen=True, slots=True)
class Filter:
    """One pattern of paths that are left out at installation, or put back in."""

    include: bool
    pattern: str
    source: str
    """The file that it stands in."""

    def matches(self, name: str) -> bool:
        """Whether it speaks of this path; `*` stands for slashes too."""
        return re.fullmatch(fnmatch.translate(_python(self.pattern)), name) is not None


@dataclass(frozen=True, slots=True)
class Choice:
    """One program that a group of alternatives may lead to."""

    path: str
    priority: int
    slaves: tuple[str, ...]
    """Where each link that goes along leads then, in the order of the group; empty for none."""


@dataclass(frozen=True, slots=True)
class Group:
    """One name of update-alternatives: the link that everybody uses, those that go along, and what they may lead to."""

    name: str
    automatic: bool
    link: str
    slaves: tuple[tuple[str, str], ...]
    """Name and link of each that goes along."""
    choices: tuple[Choice, ...]

    @property
    def best(self) -> Choice | None:
        """The choice that is right as long as nobody has chosen."""
        return max(self.choices, key=lambda choice: choice.priority, default=None)

    def links(self, chosen: str) -> dict[str, str]:
        """Every link with where it leads when `chosen` is what /etc/alternatives/NAME leads to; empty if it is no choice."""
        choice = next((choice for choice in self.choices if choice.path == chosen), None)
        if choice is None:
            return {}
        along = zip(self.slaves, choice.slaves, strict=True)
        used = ((self.name, self.link, chosen), *((name, link, target) for (name, link), target in along if target))
        return {place: target for name, link, real in used for place, target in ((link, LINKS + name), (LINKS + name, real))}


def diversions(data: bytes) -> Iterator[Diversion | Gap]:
    """Yield the diversions of a host; three lines each: path, where it is put, and the package, `:` for the admin's own."""
    lines = text(data).removesuffix("\n").split("\n") if data else []
    yield from bounded(_diversions(lines), DIVERSIONS.what)


def _diversions(lines: list[str]) -> Iterator[Diversion | Gap]:
    for at in range(0, len(lines) - 2, 3):
        name, moved, by = lines[at : at + 3]
        try:
            yield Diversion(path(name), path(moved), "" if by == ":" else word(by, "a package name"))
        except ValueError as error:
            yield Gap(f"{DIVERSIONS.what} line {at + 1}", str(error))
    if len(lines) % 3:
        yield Gap(DIVERSIONS.what, "the last diversion is cut off")


def overrides(data: bytes) -> Iterator[Override | Gap]:
    """Yield what dpkg-statoverride has been told: a line `owner group mode path` each."""
    yield from bounded(_overrides(text(data)), OVERRIDES.what)


def _overrides(whole: str) -> Iterator[Override | Gap]:
    for line, row in enumerate(whole.split("\n"), 1):
        if row.strip():
            try:
                owner, group, mode, name = row.split(" ", 3)
                yield Override(path(name), _who(owner), _who(group), number(mode, 8))
            except ValueError as error:
                yield Gap(f"{OVERRIDES.what} line {line}", f"{error}: {shown(row)}")


def _who(name: str) -> str:
    """`root`, or `0` where it is written as `#0`."""
    return word(name.removeprefix("#"), "an owner")


def filters(files: Mapping[str, bytes]) -> Iterator[Filter | Gap]:
    """Yield the patterns of paths that dpkg leaves out, in the order in which they hold: the last that matches decides."""
    names = sorted(name for name in files if name == OPTIONS[0].what or _is_option_file(name))
    for name in sorted(names, key=lambda name: name == OPTIONS[0].what):
        for line, row in enumerate(text(files[name]).split("\n"), 1):
            match = _FILTER.fullmatch(row.strip())
            if match is None:
                continue
            pattern = match[2].strip("\"'")
            if len(pattern) > LONGEST_PATTERN:
                yield Gap(f"{name} line {line}", "the pattern is longer than any path")
            else:
                yield Filter(match[1] == "include", pattern, name)


def _is_option_file(name: str) -> bool:
    """dpkg reads what run-parts(8) would run."""
    folder, _, base = name.rpartition("/")
    return f"{folder}/*" == OPTIONS[1].what and re.fullmatch(r"[A-Za-z0-9_-]+", base) is not None


def left_out(name: str, rules: tuple[Filter, ...]) -> Filter | None:
    """The filter by which dpkg leaves a path out; None where it is installed."""
    last = next((rule for rule in reversed(rules[-MOST_FILTERS:]) if rule.matches(name)), None)
    return None if last is None or last.include else last


def _python(pattern: str) -> str:
    """A pattern of fnmatch(3) as Python's fnmatch has it: it knows neither `[^a]` nor a backslash."""
    return re.sub(r"\\(.)", r"[\1]", pattern.replace("[^", "[!"))


def alternatives(files: Mapping[str, bytes]) -> Iterator[Group | Gap]:
    """Yield each group of alternatives of a host."""
    folder = ALTERNATIVES.what.removesuffix("*")
    for source, data in files.items():
        if source.startswith(folder):
            try:
                yield _group(source.removeprefix(folder), iter(text(data).split("\n")))
            except ValueError as error:
                yield Gap(source, str(error))


def _group(name: str, lines: Iterator[str]) -> Group:
    """One group: mode, link, pairs of name and link up to an empty line; then per choice path, priority, a line for each pair.

    Raises:
        ValueError: a line is not what it should be, or is not there.
    """
    mode, link = _line(lines), path(_line(lines))
    if mode not in ("auto", "manual"):
        raise ValueError(f"neither auto nor manual: {shown(mode)}")
    slaves = list[tuple[str, str]]()
    while along := _line(lines):
        slaves.append((word(along, "a name"), path(_line(lines))))
    choices = list[Choice]()
    while chosen := _line(lines):
        priority = _line(lines)
        value = -number(priority[1:]) if priority.startswith("-") else number(priority)
        choices.append(Choice(path(chosen), value, tuple(path(row) if (row := _line(lines)) else "" for _ in slaves)))
    return Group(name, mode == "auto", link, tuple(slaves), tuple(choices))


def _line(lines: Iterator[str]) -> str:
    for line in lines:
        return line
    raise ValueError("the group of alternatives is cut off")
