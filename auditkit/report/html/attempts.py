"""Logins on a line of time: what the logs cover, who guessed from when to when, and each login."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.printable import counted, grouped, printable
from auditkit.report.html.times import Axis, axis, seconds, shown

MOST_ADDRESSES = 12
LEFT, WIDTH, ROW, TOP = 190, 640, 26, 40
WHOLE = 960
Dict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    told: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment."""

    x: float
    y: float
    kind: str
    told: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of the picture, with what is said beside it."""

    y: float
    name: str
    note: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The picture."""

    height: int
    ticks: tuple[tuple[float, str], ...]
    lanes: tuple[Lane, ...]
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    attack: tuple[float, float] | None
    """Where guesses begin, and how wide the stretch is until they end."""
    told: str


def chart(logins: Dict) -> Chart | None:
    """The picture of the logins of a host; None where no time is known."""
    sources = [one for one in logins["sources"] if seconds(one["first"]) is not None and seconds(one["last"]) is not None]
    successes = [one for one in logins["successes"] if seconds(one["time"]) is not None]
    moments = _moments(logins, sources, successes)
    if not moments:
        return None
    line = axis(moments, LEFT, WIDTH)
    guessing = [one for one in sources if one["attempts"]]
    shown_ = sorted(guessing, key=lambda one: -one["attempts"])[:MOST_ADDRESSES]
    lanes = [Lane(_y(0), "logs", ""), Lane(_y(1), "logins", counted(len(successes), "login"))]
    lanes += [
        Lane(_y(n), _clipped(printable(_from(one))), counted(one["attempts"], "guess")) for n, one in enumerate(shown_, 2)
    ]
    bars = [*_covered(logins, line), *_guesses(shown_, line)]
    return Chart(
        TOP + ROW * len(lanes) + 12,
        tuple(line.marks()),
        tuple(lanes),
        tuple(bars),
        tuple(_logins(successes, line)),
        _attack(guessing, line),
        _told(guessing, successes),
    )


def _moments(logins: Dict, sources: Sequence[Dict], successes: Sequence[Dict]) -> list[float]:
    """What the axis has to show: the window, if there is one, and all that happened."""
    times = [logins["window"]["from"], logins["window"]["to"]]
    times += [one[end] for one in sources for end in ("first", "last")] + [one["time"] for one in successes]
    return [moment for time in times if (moment := seconds(time)) is not None]


def _y(lane: int) -> float:
    return TOP + ROW * lane + ROW / 2


def _from(one: Dict) -> str:
    return {"*": "all others", "": "no address"}.get(one["address"]) or str(one["address"])


def _clipped(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:23]}…"


def _covered(logins: Dict, line: Axis) -> Iterator[Bar]:
    """Yield what the logs cover, and above it where they are silent."""
    for stream in logins.get("read", ()):
        yield from _stretch(
            stream["first"], stream["last"], line, "log", f"{printable(stream['name'])}: {counted(stream['lines'], 'line')}"
        )
    for gap in logins.get("gaps", ()):
        yield from _stretch(gap["from"], gap["to"], line, "silence", "no line at all")


def _stretch(first: object, last: object, line: Axis, kind: str, told: str) -> Iterator[Bar]:
    start, end = seconds(first), seconds(last)
    if start is not None and end is not None and end >= line.first and start <= line.last:
        x = line.at(start)
        words = f"{told}, {shown(first)} to {shown(last)}"
        yield Bar(x, _y(0) - 5, max(round(line.at(end) - x, 1), 2), 10, kind, words)


def _guesses(sources: Sequence[Dict], line: Axis) -> Iterator[Bar]:
    for number, one in enumerate(sources, 2):
        x = line.at(seconds(one["first"]) or 0)
        height = min(5 + 2 * len(str(one["attempts"])), 17)
        words = f"{printable(_from(one))}: {counted(one['attempts'], 'guess')}, {shown(one['first'])} to {shown(one['last'])}"
        width = max(round(line.at(seconds(one["last"]) or 0) - x, 1), 3)
        yield Bar(x, _y(number) - height / 2, width, height, "guesses", words)


def _logins(successes: Sequence[Dict], line: Axis) -> Iterator[Mark]:
    for one in successes:
        odd = bool(one.get("ask")) or one.get("state") in ("forged", "unsupported")
        who = f"{printable(one['user'])} from {printable(one['address'] or 'the machine itself')}"
        yield Mark(line.at(seconds(one["time"]) or 0), _y(1), "odd" if odd else "calm", f"{who}, {shown(one['time'])}")


def _attack(sources: Sequence[Dict], line: Axis) -> tuple[float, float] | None:
    if not sources:
        return None
    first = min(seconds(one["first"]) or 0 for one in sources)
    last = max(seconds(one["last"]) or 0 for one in sources)
    x = line.at(first)
    return x, max(round(line.at(last) - x, 1), 3)


def _told(sources: Sequence[Dict], successes: Sequence[Dict]) -> str:
    """The picture in a sentence."""
    logins = counted(len(successes), "login")
    if not sources:
        return f"No guesses with a time, and {logins}."
    first, last = min(one["first"] for one in sources), max(one["last"] for one in sources)
    number = grouped(sum(one["attempts"] for one in sources))
    return f"{number} guesses from {counted(len(sources), 'address')} between {shown(first)} and {shown(last)}, and {logins}."
