"""The table of hosts: one row each, the worst first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditkit.model import State
from auditkit.report.document import Document, apart, judged, severity, state
from auditkit.report.html.trend import Spark, spark
from auditkit.report.table import ALARMING, worst_first

ENTERED = {"none-seen": "none seen", "seen": "seen", "unsupported": "claimed", "cannot-tell": "cannot tell"}
Dict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A host at a glance; numbers of which nothing is known are None."""

    anchor: str
    name: str
    state: str
    tone: str
    worst: str
    rank: int
    """The severity as a number, to sort by."""
    changes: int
    findings: int
    gaps: int
    logins: str
    password: str
    missing: int | None
    """Updates that it has not."""
    security: int | None
    took: float | None
    new: int | None
    """What was not told in the run that this one is held against; None where there is none."""
    trend: Spark | None


def rows(document: Document) -> list[Row]:
    """A row for each host; the first is host-1."""
    opened = (document.get("access") or {}).get("passwords") or {"open": (), "checked": ()}
    return [_row(host, number, opened, document) for number, host in enumerate(worst_first(document["hosts"]), 1)]


def tone(word: str) -> str:
    """How a state looks."""
    if word in (State.FINDINGS, *ALARMING):
        return "bad"
    return "good" if word == State.OK else "warn"


def _row(host: Dict, number: int, passwords: Dict, document: Document) -> Row:
    against = judged(host)
    worst = max(map(severity, against), default=None)
    name = host["host"]
    password = "yes" if name in passwords["open"] else "no" if name in passwords["checked"] else "not known"
    told, since = host["logins"], host.get("since", {})
    return Row(
        f"host-{number}",
        name,
        state(host),
        tone(state(host)),
        "none" if worst is None else worst.word,
        -1 if worst is None else int(worst),
        len(against) - len(apart(host)),
        len(apart(host)),
        len(host["gaps"]),
        ENTERED[told["access"]] if told else "not asked",
        password,
        *missing(host),
        host["facts"].get("seconds"),
        since["new"] if since.get("run") is not None else None,
        spark(host, document),
    )


def missing(host: Dict) -> tuple[int | None, int | None]:
    """How many updates a host has not, and how many of them are known to close holes; None where nobody can tell."""
    known = host["facts"].get("patching")
    told = [known.get(name) if isinstance(known, dict) else None for name in ("pending", "security")]
    pending, security = (number if isinstance(number, int) else None for number in told)
    return pending, security
