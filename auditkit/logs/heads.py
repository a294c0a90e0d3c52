"""How logs began in earlier runs, and who logged in then: what stands in it decides whether a log is said to have been cut."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import IO, Any

from auditkit.kept import Record
from auditkit.logins.reading import Reading
from auditkit.logins.seen import Head, Login, Past
from auditkit.logs.files import Source

LENGTH = 64 << 10
"""Bytes of a log that its head is over."""
MOST_HEADS = 256
MOST_LOGINS = 50_000
GROWING = frozenset(("text", "wtmp", "btmp", "audit"))
"""Kinds of sources that only grow."""


def heads(source: Source, reading: Reading, lengths: Iterable[int] = ()) -> Iterator[Head]:
    """Yield how a log begins, over LENGTH bytes and over each of these lengths that it has; nothing of one that may change."""
    if reading.format is None or reading.format.kind not in GROWING:
        return
    begun = _beginning(source, LENGTH)
    for length in sorted({min(LENGTH, len(begun)), *(each for each in lengths if 0 < each <= len(begun))}):
        digest = f"sha256:{sha256(begun[:length]).hexdigest()}"
        yield Head(source.log.name, source.log.inode, reading.notes.size, length, digest)


def _beginning(source: Source, length: int) -> bytes:
    begun = bytearray()
    for piece in source.data.chunks():
        begun += piece
        if len(begun) >= length:
            break
    return bytes(begun[:length])


def past(store: str, host: str, signers: str | None) -> Past | None:
    """What earlier runs kept of a host; None where there was none.

    Raises:
        UntrustedError: nobody has signed it whose signature counts, or it is of another host.
        FormatError: it is no such file.
        ConfigError: the signers' file cannot be read.
    """
    record = _record(store, host)
    told = record.past(signers)
    try:
        return None if told is None else _past(told)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise record.damaged() from error


def _past(told: dict[str, Any]) -> Past:
    found = tuple(
        Head(str(name), inode, int(size), int(length), str(digest)) for name, inode, size, length, digest in told["heads"]
    )
    last, begun = (int(told[when]) if told.get(when) is not None else None for when in ("last", "first"))
    logins = {
        (str(user), str(address), str(key)): int(first[0]) if first and first[0] is not None else None
        for user, address, key, *first in told["logins"]
    }
    return Past(found[:MOST_HEADS], logins, last, begun)


def together(*known: Mapping[Login, int | None]) -> Mapping[Login, int | None]:
    """Logins that several runs have seen, each with when it was first."""
    first: dict[Login, int | None] = {}
    for login, time in (one for each in known for one in each.items()):
        before = first.get(login, time)
        first[login] = min(before, time) if before is not None and time is not None else None
    return first


def keep(store: str, host: str, known: Past, seal: Callable[[IO[bytes]], bytes] | None) -> None:
    """Keep what this run and those before have seen, whole or not at all, signed if there is something to sign with.

    Raises:
        AuditkitError: it cannot be written, or not be signed.
    """
    told = {
        "first": known.first,
        "last": known.last,
        "heads": [[one.name, one.inode, one.size, one.length, one.digest] for one in known.heads[:MOST_HEADS]],
        "logins": [[*one, known.logins[one]] for one in sorted(known.logins)[:MOST_LOGINS]],
    }
    _record(store, host).keep(told, seal)


def _record(store: str, host: str) -> Record:
    return Record(store, host, "logins.json", "auditkit/logins-past/1")
