"""How logs began in earlier runs, and who logged in then: kept in the store, one small file for each host.

Where signers are configured only a file that one of them has signed is believed: what stands in it decides whether a log is
said to have been cut.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import IO, Any

from auditkit import opening
from auditkit.baseline import folder
from auditkit.errors import AuditkitError, FormatError, UntrustedError
from auditkit.logins.reading import Reading
from auditkit.logins.seen import Head, Login, Past
from auditkit.logs.files import Source
from auditkit.printable import printable

SCHEMA = "auditkit/logins-past/1"
NAME = "logins.json"
LENGTH = 64 << 10
"""Bytes of a log that its head is over."""
MOST_HEADS = 256
MOST_LOGINS = 50_000
LARGEST = 32 << 20
"""Bytes of the file."""
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
        UntrustedError: nobody has signed it whose signature counts.
        FormatError: it is no such file.
        ConfigError: the signers' file cannot be read.
    """
    path = place(store, host)
    try:
        data = opening.content(path, LARGEST + 1) if os.path.isfile(path) else b""
    except OSError as error:
        raise FormatError(f"{printable(path)} cannot be read: {error.strerror}", "look at its owner and mode") from error
    if not data:
        return None
    try:
        told = json.loads(data if len(data) <= LARGEST else b"")
        text = str(told["past"])
        if signers:
            _verify(path, text, str(told["signature"] or ""), signers)
        return _past(json.loads(text))
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise FormatError(f"{printable(path)} is damaged", "remove it: the next run begins anew") from error


def _verify(path: str, text: str, signature: str, signers: str) -> None:
    from auditkit import seal  # noqa: PLC0415 - cryptography is heavy
    from auditkit import signers as allowed  # noqa: PLC0415

    try:
        who = allowed.read(os.path.expanduser(signers))
        seal.verify(BytesIO(text.encode("ascii", "replace")), signature.encode("ascii", "replace"), who, datetime.now(UTC))
    except UntrustedError as error:
        raise UntrustedError(f"{printable(path)}: {error}", error.hint) from error


def _past(told: dict[str, Any]) -> Past:
    if told["schema"] != SCHEMA:
        raise ValueError("another schema")
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


def keep(store: str, host: str, kept: Past, seal: Callable[[IO[bytes]], bytes] | None) -> None:
    """Keep what this run and those before have seen, whole or not at all, signed if there is something to sign with.

    Raises:
        AuditkitError: it cannot be written, or not be signed.
    """
    path = place(store, host)
    told = {
        "schema": SCHEMA,
        "host": host,
        "first": kept.first,
        "last": kept.last,
        "heads": [[one.name, one.inode, one.size, one.length, one.digest] for one in kept.heads[:MOST_HEADS]],
        "logins": [[*one, kept.logins[one]] for one in sorted(kept.logins)[:MOST_LOGINS]],
    }
    text = json.dumps(told, ensure_ascii=True, separators=(",", ":"))
    signature = seal(BytesIO(text.encode("ascii"))).decode("ascii") if seal else None
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with opening.whole(path) as file:
            file.write(json.dumps({"past": text, "signature": signature}, ensure_ascii=True).encode("ascii") + b"\n")
    except OSError as error:
        raise AuditkitError(
            f"{printable(path)} cannot be written: {error.strerror}", "name another place with --store"
        ) from error


def place(store: str, host: str) -> str:
    """Where it is kept."""
    return os.path.join(folder(store, host), NAME)
