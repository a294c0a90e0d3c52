"""Logins on a line of time: what the logs cover, who guessed from when to when, and each login."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.printable import counted, grouped, printable
from auditkit.report.html.times import Axis, axis, seconds, shown
from auditkit.report.items import DOUBTFUL

MOST_ADDRESSES, MOST_HOSTS = 12, 30
"""Lanes of a host, and of all hosts."""
LEFT, WIDTH, ROW, TOP = 190, 600, 26, 40
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
    """A login that is marked in a lane: when, and what it is."""

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
    """The picture of who tried when: lanes, marks and an axis."""

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
    guessing, successes = _timed(logins)
    moments = _moments(logins, guessing, successes)
    if not moments:
        return None
    line = axis(moments, LEFT, WIDTH)
    shown_ = sorted(guessing, key=lambda one: -one["attempts"])[:MOST_ADDRESSES]
    lanes = [Lane(_y(0), "logs", ""), Lane(_y(1), "logins", _briefly(successes))]
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


def on_all(hosts: Sequence[Dict]) -> Chart | None:
    """The picture of several hosts: a lane for each with guesses or logins, suspect ones first; None where no time is known."""
    told = [(host, *_timed(host["logins"])) for host in hosts if host["logins"]]
    told = [(host, guessing, successes) for host, guessing, successes in told if guessing or successes]
    if not told:
        return None
    told.sort(key=lambda one: (not any(map(_odd, one[2])), -sum(source["attempts"] for source in one[1])))
    everything = [source for _host, guessing, _successes in told for source in guessing]
    logins = [login for _host, _guessing, successes in told for login in successes]
    line = axis([*_ends(everything), *(seconds(login["time"]) or 0 for login in logins)], LEFT, WIDTH)
    shown_ = told[:MOST_HOSTS]
    lanes = [Lane(_y(n), _clipped(printable(host["host"])), _number(guessing)) for n, (host, guessing, _) in enumerate(shown_)]
    bars = [bar for n, (_host, guessing, _) in enumerate(shown_) for bar in _of_host(guessing, line, n)]
    marks = [mark for n, (_host, _, successes) in enumerate(shown_) for mark in _logins(successes, line, n)]
    left_out = f" The table has {counted(len(told) - MOST_HOSTS, 'more host')}." if len(told) > MOST_HOSTS else ""
    words = f"{_told(everything, logins)} On {counted(len(told), 'host')}.{left_out}"
    return Chart(
        TOP + ROW * len(lanes) + 12,
        tuple(line.marks()),
        tuple(lanes),
        tuple(bars),
        tuple(marks),
        _attack(everything, line),
        words,
    )


def by_host(hosts: Sequence[Dict]) -> list[tuple[str, ...]]:
    """The same as a table: host, guesses, the first and the last, logins, and how many of these are to be asked about."""
    made: list[tuple[str, ...]] = []
    for host in hosts:
        guessing, successes = _timed(host["logins"]) if host["logins"] else ([], [])
        if guessing or successes:
            first, last = (
                (shown(min(one["first"] for one in guessing)), shown(max(one["last"] for one in guessing)))
                if guessing
                else ("-", "-")
            )
            odd = sum(_odd(one) for one in successes)
            number = grouped(sum(one["attempts"] for one in guessing))
            made.append((printable(host["host"]), number, first, last, _how_many(successes), grouped(odd)))
    return made


def _timed(logins: Dict) -> tuple[list[Dict], list[Dict]]:
    """Who guessed, and the logins, as far as their times are known."""
    sources = [one for one in logins["sources"] if seconds(one["first"]) is not None and seconds(one["last"]) is not None]
    return [one for one in sources if one["attempts"]], [one for one in logins["successes"] if seconds(one["time"]) is not None]


def _ends(sources: Sequence[Dict]) -> list[float]:
    return [moment for one in sources for end in ("first", "last") if (moment := seconds(one[end])) is not None]


def _number(sources: Sequence[Dict]) -> str:
    return counted(sum(one["attempts"] for one in sources), "guess")


def _of_host(sources: Sequence[Dict], line: Axis, lane: int) -> Iterator[Bar]:
    """Yield one bar for all guesses at a host."""
    if sources:
        ends = _ends(sources)
        x = line.at(min(ends))
        words = _told(sources, ())
        yield Bar(x, _y(lane) - 5, max(round(line.at(max(ends)) - x, 1), 3), 10, "guesses", words)


def _moments(logins: Dict, sources: Sequence[Dict], successes: Sequence[Dict]) -> list[float]:
    """What the axis has to show: the window, if there is one, and all that happened."""
    times = [logins["window"]["from"], logins["window"]["to"]]
    times += [one["time"] for one in successes]
    return [*_ends(sources), *(moment for time in times if (moment := seconds(time)) is not None)]


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


def _how_many(successes: Sequence[Dict]) -> str:
    """`2 logins`, `1 login, 1 only claimed`."""
    claimed = sum(one.get("state") in DOUBTFUL for one in successes)
    words = [counted(len(successes) - claimed, "login")] if claimed < len(successes) or not claimed else []
    return ", ".join([*words, *([f"{grouped(claimed)} only claimed"] if claimed else [])])


def _briefly(successes: Sequence[Dict]) -> str:
    """The same where there is little room: `2 logins`, `1 + 1 claimed`."""
    claimed = sum(one.get("state") in DOUBTFUL for one in successes)
    return f"{grouped(len(successes) - claimed)} + {grouped(claimed)} claimed" if claimed else counted(len(successes), "login")


def _odd(one: Dict) -> bool:
    """Whether something speaks against a login."""
    return bool(one.get("ask")) or one.get("state") in ("forged", "unsupported")


def _logins(successes: Sequence[Dict], line: Axis, lane: int = 1) -> Iterator[Mark]:
    for one in sorted(successes, key=_odd):  # what lies on top is seen
        who = f"{printable(one['user'])} from {printable(one['address'] or 'the machine itself')}"
        yield Mark(line.at(seconds(one["time"]) or 0), _y(lane), "odd" if _odd(one) else "calm", f"{who}, {shown(one['time'])}")


def _attack(sources: Sequence[Dict], line: Axis) -> tuple[float, float] | None:
    if not sources:
        return None
    first = min(seconds(one["first"]) or 0 for one in sources)
    last = max(seconds(one["last"]) or 0 for one in sources)
    x = line.at(first)
    return x, max(round(line.at(last) - x, 1), 3)


def _told(sources: Sequence[Dict], successes: Sequence[Dict]) -> str:
    """The picture in a sentence."""
    logins = _how_many(successes)
    if not sources:
        return f"No guesses with a time, and {logins}."
    first, last = min(one["first"] for one in sources), max(one["last"] for one in sources)
    whence = counted(len({one["address"] for one in sources}), "address")
    return f"{_number(sources)} from {whence} between {shown(first)} and {shown(last)}, and {logins}."
