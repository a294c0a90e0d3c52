"""Version 1: runs with their documents, the hosts they asked, how far each looked, and what is known of each thing."""

from sqlalchemy import Connection

from auditkit.history.tables import ITEMS, LANES, LOOKS, RUNS


def apply(connection: Connection) -> None:
    """Make the tables."""
    for table in (RUNS, LANES, LOOKS, ITEMS):
        table.create(connection)
