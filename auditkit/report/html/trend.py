"""What speaks against a host from run to run: what was told before, what was new, what went, and what a run could not see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.printable import counted, grouped, said
from auditkit.report.document import FAILURES, Document, state
from auditkit.report.html.times import shown
from auditkit.report.lasting import all_fixed, all_unknown

LEFT, WIDTH, WIDEST, NUMBERED = 10, 940, 44, 26
"""Where the first run lies, what all of them take, and from how much on there is room for one, and for its number."""
TOP, UP, DOWN, LEAST = 24, 96, 36, 3
BASE = TOP + UP
SPARKS, SPARK, TALL = 30, 5, 20
"""Runs in the table of hosts, how wide each is, and how high."""
MOST = 10**9
MEMORY = 60
"""Runs that a document has at most of those before: of the oldest of so many nobody can tell whether it was the first."""
FIRST = "first run"
Dict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the bar of a run."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Night:
    """A run."""

    x: float
    middle: float
    width: float
    parts: tuple[Part, ...]
    sign: str
    """What stands above it: how much it told, with a `?` where it did not see all that was told before."""
    told: str


@dataclass(frozen=True, slots=True)
class Trend:
    """The picture, and the same in rows."""

    nights: tuple[Night, ...]
    ends: tuple[str, str]
    told: str
    rows: tuple[tuple[str, ...], ...]
    begins: bool
    """Whether the first run that there ever was is in it."""


@dataclass(frozen=True, slots=True)
class Spark:
    """The same in a cell of a table: a path for each kind, and in words."""

    width: int
    paths: tuple[tuple[str, str], ...]
    told: str


def trend(host: Dict, document: Document) -> Trend | None:
    """The runs of a host up to this one; None where there is none before it."""
    runs = _runs(host, document)
    if not runs:
        return None
    unit, slot = _unit(runs, UP, DOWN), min(WIDEST, WIDTH / len(runs))
    ends = shown(runs[0]["started"])[:10], shown(runs[-1]["started"])[:10]
    missed = sum(map(_failed, runs))
    unseen = f"; {counted(missed, 'run')} could not look at it, or not to the end" if missed else ""
    return Trend(
        tuple(_night(run, number, unit, slot) for number, run in enumerate(runs)),
        ends,
        f"{counted(len(runs), 'run')} from {ends[0]} to {ends[1]}, this one last{unseen}.",
        tuple(map(_row, reversed(runs))),
        any(FIRST in run for run in runs),
    )


def spark(host: Dict, document: Document) -> Spark | None:
    """The newest of them, small."""
    runs = _runs(host, document)[-SPARKS:]
    if not runs:
        return None
    unit = _unit(runs, TALL - 1, TALL)
    paths: dict[str, list[str]] = {}
    for number, run in enumerate(runs):
        for part in _stacked(run, unit, TALL, 2):
            if part.kind != "gone":
                middle = number * SPARK + SPARK / 2
                paths.setdefault(part.kind, []).append(f"M{middle} {round(part.y + part.height, 1)}v-{part.height}")
    words = ", ".join("not seen" if _failed(run) else grouped(run["new"] + run["still"]) for run in runs[-8:])
    drawn = tuple((kind, "".join(path)) for kind, path in paths.items())
    return Spark(SPARK * len(runs), drawn, f"by run, this one last: {words}")


def _runs(host: Dict, document: Document) -> list[Dict]:
    """The runs before, and this one; none where there is none before."""
    since = host.get("since", {})
    before: Sequence[Dict] = since.get("trend", ())
    if not before:
        return []
    now = {
        "command": document["command"],
        "started": document["started"],
        "state": state(host),
        "new": since["new"],
        "still": since["still"],
        "gone": all_fixed(since),
        "unknown": all_unknown(since),
    }
    runs = [*before, now]
    first = len(before) if since.get("run") is None else _first(before)
    return runs if first is None else [*runs[:first], {**runs[first], FIRST: True}, *runs[first + 1 :]]


def _first(before: Sequence[Dict]) -> int | None:
    """Which run was the first that looked at the host: held against none, all that it told was new to it, and no alarm."""
    if len(before) < MEMORY:
        for at, run in enumerate(before):
            if run["still"] or run["unknown"]:
                return None
            if not _failed(run):
                return at
    return None


def _failed(run: Dict) -> bool:
    """Whether the run could not look at the host, or not to its end: what it told is no number to be held against others."""
    return run["state"] in FAILURES


def _unit(runs: Sequence[Dict], up: float, down: float) -> float:
    """How high one thing is, the same in all runs, above and below."""
    above: int = max(sum(min(run[name], MOST) for name in ("new", "still", "unknown")) for run in runs)
    below: int = max(min(run["gone"], MOST) for run in runs)
    return min(up / max(above, 1), down / max(below, 1))


def _stacked(run: Dict, unit: float, base: float, least: float) -> list[Part]:
    """The parts of a bar from its foot up, and what went below it; a run that could not look has no part that is full."""
    known = [] if _failed(run) else [("still", run["still"]), ("first" if FIRST in run else "new", run["new"])]
    made, y = list[Part](), base
    for kind, number in (*known, ("unseen", max(run["unknown"], 1) if _failed(run) else run["unknown"])):
        height = round(max(min(number, MOST) * unit, least), 1) if number else 0
        y = round(y - height, 1)
        made += [Part(kind, y, height)] if number else []
    if run["gone"]:
        made.append(Part("gone", base + 1, round(max(min(run["gone"], MOST) * unit, least), 1)))
    return made


def _night(run: Dict, number: int, unit: float, slot: float) -> Night:
    x = round(LEFT + slot * number, 1)
    when, command, told, new, gone, unknown, how = _row(run)
    fresh = "held against none" if new == FIRST else f"{new} of them new"
    words = f"{when}, {command}: {told} told, {fresh}; {gone} gone; {unknown} not looked for; {how}"
    doubt = "?" if run["unknown"] or run["state"] == "partial" else ""
    sign = "?" if _failed(run) else f"{told}{doubt}"
    wide = slot >= NUMBERED and len(sign) <= slot / 7
    return Night(
        x,
        round(x + slot * 0.4, 1),
        round(slot * 0.8, 1),
        tuple(_stacked(run, unit, BASE, LEAST)),
        sign if wide else sign[-1:] if sign.endswith("?") else "",
        words,
    )


def _row(run: Dict) -> tuple[str, ...]:
    numbers = (run["new"] + run["still"], run["new"])
    told = ("not known", "not known") if _failed(run) else tuple(map(grouped, numbers))
    told = (told[0], FIRST) if FIRST in run and not _failed(run) else told
    return shown(run["started"]), said(run["command"]), *told, grouped(run["gone"]), grouped(run["unknown"]), said(run["state"])
