"""The database of rpm, whatever keeps it: bytes of its file -> the header of each package, or what could not be read.

Which of the three it is says the file itself. A damaged page loses the packages that lie on it; each loss is a Gap.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from auditkit.errors import FormatError
from auditkit.model import Gap, Means, Need
from auditkit.packages import Manifest, Package, rpm, rpm_header
from auditkit.packages.reading import bounded
from auditkit.packages.rpm_header import Header
from auditkit.packages.rpmdb import bdb, ndb, sqlite
from auditkit.printable import printable

FOLDERS = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
"""Where it lies; on most systems one leads to the other."""
FILES = ("rpmdb.sqlite", "Packages.db", "Packages")
"""What it is called; of an old database that was left behind after a conversion, the newer kind counts."""
LOG = "rpmdb.sqlite-wal"
"""What SQLite has not yet written into its file: without it, the last transaction may be missing."""
SUBJECT = "the rpm database"
SOURCE = "rpm's own database on the host"
_WHY = "which packages are installed in which version, and what the vendor signed of each"
PLACES: tuple[Need, ...] = tuple(
    Need(Means.FILE, f"{folder}/{name}", _WHY, long=True) for folder in FOLDERS for name in (FILES[0], LOG, *FILES[1:])
)
"""The newest kind first, as far as all of them are too much to take."""
MOST_GAPS = 1000
_Told = TypeVar("_Told", Package, Manifest)


def packages(files: Mapping[str, bytes]) -> Iterator[Package | Gap]:
    """Yield what is installed according to the files of a host by their path."""
    return bounded(_each(files, rpm.package), SUBJECT)


def manifests(files: Mapping[str, bytes]) -> Iterator[Manifest | Gap]:
    """Yield what each package put where, as its header says; whether its vendor signed that is for vendor/rpmkeys.py."""
    return bounded(_each(files, lambda header: rpm.manifest(header, "local", SOURCE)), SUBJECT)


def _each(files: Mapping[str, bytes], told: Callable[[Header], _Told]) -> Iterator[_Told | Gap]:
    for blob in installed(files):
        name = "a package in the rpm database"
        try:
            if isinstance(blob, Gap):
                yield blob
                continue
            header = rpm_header.parse(blob)
            name = f"package {printable(rpm.package(header).key)}"
            yield told(header)
        except FormatError as error:
            yield Gap(name, f"its header is damaged: {error}")


def installed(files: Mapping[str, bytes]) -> Iterator[bytes | Gap]:
    """Yield the header of each package in the database of a host; nothing where there is none."""
    path, *others = [path for folder in FOLDERS for name in FILES if files.get(path := f"{folder}/{name}")] or [""]
    for other in others:
        if files[other] != files[path]:  # rpm uses one of them, and the other may be there to be read by us
            yield Gap(other, f"there are two databases of rpm: only {path} is read")
    if path:
        log = files.get(f"{path.rpartition('/')[0]}/{LOG}", b"") if path.endswith(FILES[0]) else b""
        try:
            yield from headers(files[path], log)
        except FormatError as error:
            yield Gap(path, str(error))


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
            yield Gap(SUBJECT, "so much of it is damaged that the rest is not read")
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
