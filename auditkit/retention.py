"""`history:` of auditkit.yaml: whether runs are kept, where, and for how long."""

import re
from dataclasses import dataclass

from auditkit import strict

KEYS = ("database", "keep", "runs")
_DATABASE = re.compile(r"postgres(?:ql)?://[^\s\0]{1,1000}")
_DAYS = re.compile(r"([1-9][0-9]{0,4})d")
_PASSWORD = re.compile(r"//[^/@]*:[^/@]*@|[?&][^=]*passw", re.IGNORECASE)
NO_PLACE = "has a password in it, and auditkit.yaml has no place for those"
PASSFILE = "change it, leave it out, and write the new one into ~/.pgpass (mode 0600): HOST:PORT:DATABASE:USER:PASSWORD"


@dataclass(frozen=True, slots=True)
class Retention:
    """Whether runs are kept, where, and for how long."""

    on: bool = True
    database: str | None = None
    """A server's, with no password in it; None for a file in the store."""
    days: int = 400
    runs: int = 10_000
    """How many are kept at most, the newest ones."""


KEPT = Retention()
"""What holds where nothing is said."""


def read(value: strict.Value) -> Retention:
    """What a configuration says of it.

    Raises:
        ConfigError: it has a mistake.
    """
    if value.kind == "bool":
        return Retention(on=value.flag())
    found = value.mapping(KEYS)
    return Retention(
        database=_database(found["database"]) if "database" in found else None,
        days=_days(found["keep"]) if "keep" in found else KEPT.days,
        runs=found["runs"].number(2, 1_000_000) if "runs" in found else KEPT.runs,
    )


def _database(value: strict.Value) -> str:
    """The address of a database; one with a password in it is refused, and not shown."""
    text = value.text()
    if _PASSWORD.search(text):
        raise value.error(NO_PLACE, PASSFILE)
    if not _DATABASE.fullmatch(text):
        raise value.error("is no address of a database", "write postgresql://USER@HOST/DATABASE, or leave it out for a file")
    return text


def _days(value: strict.Value) -> int:
    found = _DAYS.fullmatch(value.text())
    if not found:
        raise value.error("is no number of days", "write it like 400d")
    return int(found[1])
