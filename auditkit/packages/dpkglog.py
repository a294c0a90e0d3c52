"""Who changed which package from which version to which, and when: dpkg.log and apt's history.log.

Both logs write local time and no zone, so the times here are naive: the host's own local time, twice told in the hour that
daylight saving time repeats. Neither is a proof of anything; they say whom to ask.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from auditkit.model import Gap, Means, Need
from auditkit.packages.reading import bounded, lines, note, shown, text

LOGS = Need(Means.FILE, "/var/log/dpkg.log*", "when packages were installed, upgraded and removed")
HISTORY = Need(Means.FILE, "/var/log/apt/history.log*", "who had packages installed, upgraded and removed")
ACTIONS = ("Install", "Reinstall", "Upgrade", "Downgrade", "Remove", "Purge", "Disappeared")
"""What apt lists; dpkg itself calls the last one `disappear`."""
AFTERWARDS = timedelta(seconds=60)
"""How long after apt has written its end dpkg may still write of it."""
_STAMP = r"(\d{4}-\d\d-\d\d)\s+(\d\d:\d\d:\d\d)"
_DPKG = re.compile(rf"{_STAMP} (install|upgrade|remove|purge|disappear) (\S+) (\S+)(?: (\S+))?", re.ASCII)
_OTHER = re.compile(rf"{_STAMP} (?:startup|status|configure|trigproc|conffile) .*", re.ASCII)
_TIME = re.compile(_STAMP, re.ASCII)
_ITEM = re.compile(r"([^\s,()]+) \(([^()]*)\)(?:, |$)")


@dataclass(frozen=True, slots=True)
class Event:
    """One package that was changed."""

    time: datetime
    """Naive: the local time of the host."""
    action: str
    """`install`, `reinstall`, `upgrade`, `downgrade`, `remove`, `purge`, `disappear`."""
    package: str
    """`name:arch`."""
    before: str | None
    after: str | None
    automatic: bool = False
    """Whether apt took it only because another package needs it."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of apt: what was typed, by whom, and what came of it."""

    started: datetime
    """Naive, like all times here."""
    ended: datetime | None
    """None where it was broken off."""
    command: str
    by: str
    """`anna (1000)`; empty where root did it, or a service."""
    events: tuple[Event, ...]
    error: str = ""

    def did(self, event: Event) -> bool:
        """Whether an event of dpkg.log belongs to this run: in its time, of a package that it names."""
        if not self.started <= event.time <= (self.ended or self.started) + AFTERWARDS:
            return False
        name = event.package.partition(":")[0]
        return any(own.package.partition(":")[0] == name for own in self.events)


def dpkg(data: bytes, source: str = "/var/log/dpkg.log") -> Iterator[Event | Gap]:
    """Yield what one dpkg.log tells of packages that came, changed or went, in its own order."""
    yield from bounded(_events(text(data), source), source)


def _events(whole: str, source: str) -> Iterator[Event | Gap]:
    for number, line in lines(whole):
        try:
            if match := _DPKG.fullmatch(line):
                date, time, action, package, before, after = match.groups()
                again = action == "upgrade" and before == after
                yield Event(_time(date, time), "reinstall" if again else action, package, _version(before), _version(after))
            elif line and not _OTHER.fullmatch(line):
                yield Gap(f"{source} line {number}", f"not a line of dpkg.log: {shown(line)}")
        except ValueError as error:
            yield Gap(f"{source} line {number}", f"{error}: {shown(line)}")


def _time(date: str, time: str) -> datetime:
    return datetime.fromisoformat(f"{date}T{time}")


def _version(word: str | None) -> str | None:
    return None if word in ("<none>", None) else word


@dataclass(slots=True)
class _Paragraph:
    """The lines of one run, by their word; of a word that comes twice the last counts, and it is told."""

    line: int
    values: dict[str, str] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)


def history(data: bytes, source: str = "/var/log/apt/history.log") -> Iterator[Run | Gap]:
    """Yield the runs of apt that one history.log tells of, in its own order."""
    yield from bounded(_runs(text(data), source), source)


def _runs(whole: str, source: str) -> Iterator[Run | Gap]:
    for paragraph in _paragraphs(whole):
        place = f"{source} line {paragraph.line}"
        yield from (Gap(place, reason) for reason in paragraph.odd)
        try:
            started = _stamp(paragraph.values.get("Start-Date", ""))
            items = tuple(_items(paragraph.values, started))
            yield Run(
                started=started,
                ended=_stamp(paragraph.values["End-Date"]) if "End-Date" in paragraph.values else None,
                command=paragraph.values.get("Commandline", ""),
                by=paragraph.values.get("Requested-By", ""),
                events=tuple(item for item in items if isinstance(item, Event)),
                error=paragraph.values.get("Error", ""),
            )
            yield from (Gap(place, item) for item in items if isinstance(item, str))
        except ValueError as error:
            yield Gap(place, str(error))


def _paragraphs(whole: str) -> Iterator[_Paragraph]:
    """Yield each run; a command with a line end in it puts lines of its own before those that apt writes."""
    paragraph = _Paragraph(1)
    for number, line in lines(whole):
        word, colon, value = line.partition(": ")
        if not line.strip() or word == "Start-Date":
            if paragraph.values or paragraph.odd:
                yield paragraph
            paragraph = _Paragraph(number)
        if colon and re.fullmatch(r"[A-Z][A-Za-z-]{1,30}", word):
            if word in paragraph.values:
                note(paragraph.odd, f"line {number} says again: {shown(line)}")
            paragraph.values[word] = value
        elif line.strip():
            note(paragraph.odd, f"line {number} is not of apt's history: {shown(line)}")
    if paragraph.values or paragraph.odd:
        yield paragraph


def _stamp(value: str) -> datetime:
    """A time as apt writes it, with two blanks in it.

    Raises:
        ValueError: it is none.
    """
    match = _TIME.fullmatch(value)
    if match is None:
        raise ValueError(f"not a time: {shown(value)}")
    return _time(match[1], match[2])


def _items(values: dict[str, str], started: datetime) -> Iterator[Event | str]:
    """Yield each package of the lists of a run, and what of a list is not understood."""
    for word in ACTIONS:
        whole, at = values.get(word, ""), 0
        while match := _ITEM.match(whole, at):
            yield _event(word, match[1], match[2].split(", "), started)
            at = match.end()
        if at < len(whole):
            yield f"the list {word} goes on with: {shown(whole[at:])}"


def _event(word: str, package: str, versions: list[str], started: datetime) -> Event:
    automatic = "automatic" in versions[1:]
    known = [version for version in versions if version != "automatic"] or [""]
    before = None if word == "Install" else known[0]
    after = None if word in ("Remove", "Purge", "Disappeared") else known[-1]
    action = "disappear" if word == "Disappeared" else word.lower()
    return Event(started, action, package, before, after, automatic)


def run_of(event: Event, runs: Iterable[Run]) -> Run | None:
    """The run of apt to which an event of dpkg.log belongs; None where dpkg was called by something else."""
    return next((run for run in runs if run.did(event)), None)
