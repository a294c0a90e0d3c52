"""Entries of a journal as `journalctl -o short-iso-precise --utc` shows them: a line that a stranger can read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from auditkit.logins.formats import export, journaljson
from auditkit.logins.grammar import said
from auditkit.logins.journals import file
from auditkit.logins.journals.entries import single
from auditkit.logins.journals.stream import KEPT
from auditkit.logins.journals.trust import Fields, forged
from auditkit.logins.journals.values import Values
from auditkit.logins.nouns import Notes, What

LONGEST = 1 << 16
"""Bytes of an exported entry that are looked at."""


class Shown(NamedTuple):
    """An entry as a line."""

    text: str
    forged: bool | None
    """Whether another program wrote it than the one that it names; None where that cannot be told."""


class Piece(NamedTuple):
    """The bytes of a source that are one exported entry, and perhaps the beginning of others."""

    data: bytes

    def chunks(self) -> Iterator[bytes]:
        """Yield them."""
        yield self.data

    def whole(self) -> bytes:
        """All of them."""
        return self.data


def of_file(data: file.Data, offset: int) -> Shown | None:
    """The entry that lies there in a journal file; None if there is none."""
    top = file.header(data)
    if top is None or offset % 8 or not top.size <= offset <= len(data) - file.LEAST[file.ENTRY]:
        return None
    kind, size, _number, time, _monotonic, _boot = file.ENTRY_OBJECT.unpack_from(data, offset)
    if kind != file.ENTRY or not file.LEAST[file.ENTRY] <= size <= len(data) - offset:
        return None
    values = Values(data, top, KEPT)
    return _shown(single(values.pairs(values.items(offset, size))), time)


def of_export(data: bytes, form: str) -> Shown | None:
    """The entry that such bytes of an export begin with, by the name of its format; None if there is none."""
    read = journaljson.entries if form == journaljson.FORMAT.name else export.entries
    for entry in read(Piece(data), Notes()):
        fields = single(entry.pairs)
        stamp = fields.get(b"__REALTIME_TIMESTAMP", b"")
        return _shown(fields, int(stamp)) if stamp.isdigit() and len(stamp) < 18 else None
    return None


def _shown(fields: Fields, microseconds: int) -> Shown | None:
    program = _text(fields.get(b"SYSLOG_IDENTIFIER") or fields.get(b"_COMM", b""))
    message, pid = _text(fields.get(b"MESSAGE", b"")), _text(fields.get(b"_PID") or fields.get(b"SYSLOG_PID", b""))
    try:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return None
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}+00:00"
    told = said(program, message)
    tag = f"{program}[{pid}]" if pid else program
    text = f"{stamp} {_text(fields.get(b'_HOSTNAME', b'')) or 'localhost'} {tag}: {message}"
    return Shown(text, forged(program, told.what if told else What.UNKNOWN, fields))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
