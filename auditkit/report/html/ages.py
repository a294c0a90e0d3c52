"""How old packages are: which updates are missing since when, and when the versions were made that are installed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.printable import counted, grouped, printable
from auditkit.report.html.times import DAY, seconds, shown

MOST_BARS, MOST_ROWS = 20, 500
LEFT, WIDTH, ROW, TOP = 190, 560, 22, 10
YEAR = 365.25
MOST_YEARS = 12
Dict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Missing:
    """A package that misses an update."""

    name: str
    version: str
    newer: str
    since: str
    days: int | None
    security: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a picture, with what stands before and behind it."""

    y: float
    width: float
    kind: str
    name: str
    told: str


@dataclass(frozen=True, slots=True)
class Ages:
    """The packages of a host."""

    head: str
    rows: tuple[Missing, ...]
    left_out: int
    bars: tuple[Bar, ...]
    height: int
    years: tuple[tuple[str, int, float], ...]
    """How old versions are: years, packages, and how long the bar is."""


def ages(host: Dict, finished: str) -> Ages | None:
    """The packages of a host as the report has them; None where none is known."""
    packages: Sequence[Dict] | None = host["facts"].get("packages")
    if not packages:
        return None
    now = seconds(finished)
    missing = [_missing(package, now) for package in packages if package["pending"]]
    missing.sort(key=lambda one: (one.security != "yes", -(one.days if one.days is not None else -1), one.name))
    oldest = sorted(missing, key=lambda one: -(one.days or 0))[:MOST_BARS]
    longest = max((one.days or 0 for one in oldest), default=0) or 1
    bars = tuple(_bar(number, one, longest) for number, one in enumerate(oldest))
    left_out = max(len(missing) - MOST_ROWS, 0)
    return Ages(
        _head(host, len(packages), missing),
        tuple(missing[:MOST_ROWS]),
        left_out,
        bars,
        TOP + ROW * len(bars) + 4,
        _years(packages, now),
    )


def _missing(package: Dict, now: float | None) -> Missing:
    newer = package["pending"]
    since = seconds(newer["since"])
    days = None if now is None or since is None else max(int((now - since) / DAY), 0)
    told = {True: "yes", False: "no", None: "not known"}[newer["security"]]
    return Missing(
        package["name"],
        package["version"],
        newer["version"],
        shown(newer["since"])[:10] if newer["since"] else "not known",
        days,
        told,
    )


def _bar(number: int, one: Missing, longest: int) -> Bar:
    width = max(round(WIDTH * (one.days or 0) / longest, 1), 2)
    days = "since when is not known" if one.days is None else counted(one.days, "day")
    name = printable(one.name)
    told = f"{days}{', closes holes' if one.security == 'yes' else ''}"
    return Bar(
        TOP + ROW * number,
        width,
        "security" if one.security == "yes" else "plain",
        name if len(name) < 25 else f"{name[:23]}…",
        told,
    )


def _head(host: Dict, number: int, missing: Sequence[Missing]) -> str:
    known = host["facts"].get("patching")
    patching: Dict = known if isinstance(known, dict) else {}
    parts = [counted(number, "package")]
    if isinstance(patching.get("pending"), int):
        holes = sum(one.security == "yes" for one in missing)
        parts.append(f"{grouped(len(missing))} without their newest version, {grouped(holes)} of them close known holes")
    else:
        parts.append("how many miss an update is not known")
    for name, words in (
        ("lists_of", "package lists of"),
        ("last_upgrade", "last upgrade"),
        ("last_unattended", "last unattended one"),
    ):
        if isinstance(patching.get(name), str):
            parts.append(f"{words} {shown(patching[name])[:10]}")
    support = patching.get("support")
    if isinstance(support, dict) and isinstance(support.get("ends"), str):
        parts.append(f"{support.get('release')} is supported until {support['ends']}")
    return "; ".join(map(str, parts))


def _years(packages: Sequence[Dict], now: float | None) -> tuple[tuple[str, int, float], ...]:
    """How many installed versions were made how many years ago."""
    made = [moment for package in packages if (moment := seconds(package.get("made"))) is not None]
    if now is None or not made:
        return ()
    found = Counter(min(max(int((now - moment) / DAY / YEAR), 0), MOST_YEARS) for moment in made)
    most = max(found.values())
    words = {year: f"{year} to {year + 1}" for year in range(MOST_YEARS)} | {0: "below 1", MOST_YEARS: f"{MOST_YEARS} and more"}
    return tuple((words[year], found[year], round(WIDTH * found[year] / most, 1)) for year in range(max(found) + 1))
