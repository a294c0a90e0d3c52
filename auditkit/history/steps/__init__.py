"""How the tables came to be what they are: one file per version of the schema, one line here; each is applied once."""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from auditkit.history.steps import first

STEPS: Mapping[int, Callable[[Connection], None]] = {
    1: first.apply,
}
"""A step that was released is never changed: databases that it made lie in offices."""
