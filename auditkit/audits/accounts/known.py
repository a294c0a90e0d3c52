"""What is known of the password of an account: never more than facts."""

from dataclasses import dataclass
from datetime import date, timedelta

from auditkit.access.nouns import Login
from auditkit.access.passwd import SHADOWED, Line
from auditkit.audits.accounts.people import People

NEVER = 99_999
MOST_DAYS = 1_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a password."""

    state: str
    """`set`, `empty`, `none`, `locked`, `unknown`"""
    scheme: str | None
    changed: date | None
    """None: not known, or never said."""
    expires: bool
    """Whether it has to be changed after some time."""


def known(everybody: People, login: Login) -> Known:
    """What is known of the password of an account."""
    entry = (everybody.shadow or {}).get(login.name)
    line = everybody.lines.get(login.name)
    held = entry if line is None or line.password == SHADOWED else line
    longest = _days(entry, 4)
    return Known(
        login.password.value,
        _scheme(held),
        _day(_days(entry, 2)),
        longest is not None and 0 <= longest < NEVER,
    )


def _scheme(line: Line | None) -> str | None:
    return None if line is None else line.password.partition(" ")[2] or None


def _days(line: Line | None, at: int) -> int | None:
    field = line.fields[at] if line and len(line.fields) > at else ""
    return int(field) if field.isascii() and field.isdigit() and len(field) < 8 else None


def _day(days: int | None) -> date | None:
    return None if not days or days > MOST_DAYS else date(1970, 1, 1) + timedelta(days)
