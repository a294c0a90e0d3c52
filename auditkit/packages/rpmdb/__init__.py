"""The database of rpm, whatever keeps it: bytes of its file -> the header of each package, or what could not be read.

Which of the three it is says the file itself. A damaged page loses the packages that lie on it; each loss is a Gap.
"""

from collections.abc import Iterator

from auditkit.errors import FormatError
from auditkit.model import Gap
from auditkit.packages.rpmdb import bdb, ndb, sqlite

FOLDERS = ("usr/lib/sysimage/rpm", "var/lib/rpm")
"""Where it lies below the root; on most systems one leads to the other."""
FILES = ("rpmdb.sqlite", "Packages.db", "Packages")
"""What it is called; of an old database that was left behind after a conversion, the newer kind counts."""
LOG = "rpmdb.sqlite-wal"
"""What SQLite has not yet written into its file: without it, the last transaction may be missing."""


MOST_GAPS = 1000


def headers(data: bytes, log: bytes = b"") -> Iterator[bytes | Gap]:
    """Yield the header of each installed package, as far as the file lets it be found; `log` is the -wal of SQLite.

    Raises:
        FormatError: it is no database of rpm, or so damaged that nothing can be found in it.
    """
    room, gaps = len(data) + len(log), 0
    for told in _all(data, log):
        if isinstance(told, Gap):
            gaps += 1
        else:
            room -= len(told)
        if room < 0 or gaps > MOST_GAPS:  # parts that lie over each other would be read for ever
            yield Gap("the rpm database", "so much of it is damaged that the rest is not read")
            return
        yield told


def _all(data: bytes, log: bytes) -> Iterator[bytes | Gap]:
    if sqlite.knows(data):
        return sqlite.headers(data, log)
    if ndb.knows(data):
        return ndb.headers(data)
    if bdb.knows(data):
        return bdb.headers(data)
    raise FormatError("the rpm database is of no kind that rpm has used since version 4")
