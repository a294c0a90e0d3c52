"""Windows' binary event logs (.evtx): Security, System, OpenSSH/Operational and those of remote desktops.

They are read by `evtx`, which the optional extra `windows` of auditkit brings.
"""

from collections.abc import Iterator
from itertools import islice

from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting
from auditkit.logins.windows.chunks import Chunks
from auditkit.logins.windows.stream import events

SIGNATURE = b"ElfFile\0"
MOST = 100_000_000
"""Records of a file: far more than fit into 4 GiB, should a damaged one never end."""
MISSING = "reading it takes the extra `windows`: pip install 'auditkit[windows]'; or export it with: wevtutil qe LOG /f:xml"


def recognises(name: str, beginning: bytes) -> bool:
    """By its signature."""
    return beginning.startswith(SIGNATURE)


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield what the events tell, in the order in which they lie in the file."""
    try:
        from evtx import PyEvtxParser  # noqa: PLC0415  an extra, and slow to load
    except ImportError:
        notes.broken = MISSING
        return
    yield from events(_texts(PyEvtxParser, data, notes), notes)


def _texts(parser: type, data: Bytes, notes: Notes) -> Iterator[tuple[str, int]]:
    """Yield the XML of each record; where a record or a chunk is damaged, count it and go on."""
    try:
        records = iter(parser(Chunks(data.whole()), 1).records())
    except (RuntimeError, OSError, ValueError) as error:
        notes.broken = f"it cannot be read: {_line(error)}"
        return
    for record in islice(_going_on(records), MOST):
        if isinstance(record, dict):
            yield str(record.get("data", "")), 0
        else:
            notes.malformed += 1


def _going_on(records: Iterator[object]) -> Iterator[object]:
    """Yield the records, and the error for each that cannot be read."""
    while True:
        try:
            record = next(records, None)
        except (RuntimeError, OSError, ValueError) as error:
            record = error
        if record is None:
            return
        yield record


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


FORMAT = Format("evtx", "Windows event log", "windows", recognises, read)
