"""`exceptions:` of auditkit.yaml: which risks are accepted, why and until when; `inexcusable` says which cannot be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from auditkit import inexcusable, strict
from auditkit.model import Severity
from auditkit.printable import printable

KEYS = ("rule", "host", "path", "subject", "severity", "reason", "until")
LONGEST = timedelta(days=3 * 365)
"""For how long a risk may be accepted before somebody has to look again."""
_ABSOLUTE = re.compile(r"[/~][^\0\n]{0,4095}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Excuse:
    """A risk that is accepted, with the reason and the last day."""

    rule: str
    reason: str
    until: date
    host: str = "@all"
    """A host, an @group or @all."""
    path: str = ""
    """A path or pattern, as in a policy: needed to accept a change of a file."""
    subject: str = ""
    """What a report names so, and nothing else of the rule."""
    severity: Severity | None = None
    """How bad a thing may be that is accepted; as bad as its rule is, where nobody says more."""


def read(value: strict.Value, whom: Sequence[str], today: date | None) -> tuple[Excuse, ...]:
    """The accepted risks; `whom`: the words that name hosts. From `today` on it is how long they may last.

    Raises:
        ConfigError: a key or a host is unknown, a rule can have no exception, or it lasts too long.
    """
    return tuple(_excuse(each, whom, today) for each in value.sequence())


def _excuse(value: strict.Value, whom: Sequence[str], today: date | None) -> Excuse:
    found = strict.configured(value, KEYS, ("rule", "reason", "until"))
    rule = found["rule"].text()
    if why := inexcusable.why(rule):
        raise found["rule"].error(f"{rule} can have no exception: {why}", "remove it: `auditkit explain` says what to do")
    return Excuse(
        rule=rule,
        reason=found["reason"].text(),
        until=_last(found["until"], today),
        host=found["host"].word(whom) if "host" in found else "@all",
        path=found["path"].matching(_ABSOLUTE, "absolute path") if "path" in found else "",
        subject=found["subject"].text() if "subject" in found else "",
        severity=found["severity"].severity() if "severity" in found else None,
    )


def _last(value: strict.Value, today: date | None) -> date:
    """The last day of an exception: one that is too far away is none."""
    day = _day(value)
    if today is not None and day - today > LONGEST:
        hint = f"write a day within three years, {today + LONGEST} at the latest: then somebody looks again"
        raise value.error(f"{day} is too far away to be the end of an exception", hint)
    return day


def _day(value: strict.Value) -> date:
    text = str(value.node.value) if value.kind == "timestamp" else value.text()
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise value.error(f"{printable(text)} is no day", "write it like 2027-03-01")
