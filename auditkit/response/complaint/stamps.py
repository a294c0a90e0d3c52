"""Times of reports and lines: what a stamp says by itself, and what a letter must add."""

import re
from collections.abc import Sequence
from datetime import datetime

from auditkit.errors import UsageError
from auditkit.logins.formats.stamps import STAMP
from auditkit.logins.wording import listed
from auditkit.response.complaint import Evidence
from auditkit.words import read

DAY = 1440
"""Minutes."""
OWN = re.compile(
    r"(?<![0-9:.])(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,][0-9]+)?(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})?(?![0-9:])"
)
"""The clock of a line that does not begin with its stamp, as in logs that a server writes itself."""
EAST = 14 * 60
"""Minutes before UTC that a zone is at most."""


def moment(text: str) -> datetime:
    """A time of a report, in UTC.

    Raises:
        UsageError: it is one that no calendar has.
    """
    if (time := read(text)) is None:
        raise UsageError("a time of the report is one that no calendar has", "make a new report of these logins")
    return time


def zoneless(text: str) -> bool:
    """Whether the stamp of a line does not say its zone."""
    if (found := STAMP.match(text)) is not None:
        return bool(found["clock"] or (found["moment"] and not found["offset"]))
    own = OWN.search(text)
    return own is None or not own["offset"]


def yearless(text: str) -> bool:
    """Whether the stamp of a line has no year."""
    found = STAMP.match(text)
    return found is not None and bool(found["clock"]) and not found["year"]


def offset(line: Evidence) -> str:
    """How far the clock of a line was from UTC: `+01:00`; empty where it showed UTC, or that cannot be told."""
    found, own = STAMP.match(line.text), OWN.search(line.text)
    clock = (found["clock"] or found["moment"]) if found else own and own["clock"]
    if not clock:
        return ""
    shown = int(clock[:2]) * 60 + int(clock[3:5])
    minutes = (shown - line.time.hour * 60 - line.time.minute) % DAY
    sign, minutes = ("-", DAY - minutes) if minutes > EAST else ("+", minutes)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}" if minutes else ""


def meaning(lines: Sequence[Evidence]) -> str:
    """What the stamps of lines mean, as a letter says it."""
    of_ours = [line for line in lines if zoneless(line.text)]
    if not of_ours:
        return "The stamps of these lines say their offset from UTC."
    zones = listed(list(dict.fromkeys(f"UTC{offset(line)}" for line in of_ours)))
    if not any(yearless(line.text) for line in of_ours):
        return f"The stamps of these lines have no zone: they are in the local time of our machine, {zones}."
    years = listed(sorted({str(line.time.year) for line in of_ours}))
    return (
        f"The stamps of these lines have no year and no zone: they are of {years}, in the local time of our machine, {zones}."
    )
