"""The chain of a journal: each line names the hash of the line before, so that what was written stays as it was.

A line is JSON in ASCII without spaces, its keys in the order of `_KEYS` and its own hash last. The hash is SHA-256 over the
line as it stands without that last key: for a single line `sed 's/,"hash":"[0-9a-f]*"}$/}/' | tr -d '\n' | sha256sum` gives it.
That the last entries were cut off shows only who knows the head: it is printed for paper, and sealed.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from auditkit.errors import FormatError
from auditkit.response.nouns import SCHEMA, Broken, Entry, Hand, Journal, Kind, Said
from auditkit.response.zones import offset, zone

START = "0" * 64
"""What the first entry names as the one before."""
LONGEST = 1 << 20
"""Bytes of a line: a note is no place for a log, which is attached."""
_KEYS = ("seq", "time", "zone", "actor", "host", "tool", "kind", "text", "data", "prev")
_STAMP = "%Y-%m-%dT%H:%M:%S.%fZ"


def following(journal: Journal, hand: Hand, said: Said) -> Entry:
    """The entry that comes next in a journal.

    Raises:
        FormatError: it is longer than an entry may be.
    """
    seq = len(journal.entries) + 1
    try:
        bare = _bare(seq, hand, said, journal.head)
        _is_text(bare)
    except (TypeError, ValueError) as error:
        raise FormatError("an entry holds text and numbers that JSON can write", "attach what it is as a file") from error
    if len(bare) > LONGEST:
        raise FormatError("an entry holds at most 1 MiB", "write it to a file, and attach the file")
    return Entry(seq, hand, said, journal.head, sha256(bare).hexdigest())


def line(entry: Entry) -> bytes:
    """The line of an entry, with its newline."""
    return _ended(_bare(entry.seq, entry.hand, entry.said, entry.prev), entry.hash)


def _ended(bare: bytes, digest: str) -> bytes:
    return bare[:-1] + b',"hash":"' + digest.encode() + b'"}\n'


def _bare(seq: int, hand: Hand, said: Said, prev: str) -> bytes:
    """The line of an entry without its hash and its newline."""
    stamp, zone = hand.time.astimezone(UTC).strftime(_STAMP), offset(hand.time)
    values = (seq, stamp, zone, hand.actor, hand.host, hand.tool, said.kind.value, said.text, dict(said.data), prev)
    return json.dumps(dict(zip(_KEYS, values, strict=True)), separators=(",", ":"), allow_nan=False).encode("ascii")


def read(content: bytes) -> Journal:
    """The journal that a file holds; what is wrong with it is `broken`, and nothing from there on is believed."""
    lines = content.split(b"\n")
    torn = lines.pop()
    entries: list[Entry] = []
    prev = START
    for place, text in enumerate(lines, 1):
        try:
            entry = _entry(text, place, prev)
        except FormatError as error:
            return Journal(tuple(entries), Broken(place, str(error)), torn)
        entries.append(entry)
        prev = entry.hash
    if not entries:  # a case gets its name with its first entry: no crash leaves one without
        return Journal(broken=Broken(1, "there is no entry"), torn=torn)
    if torn and not _begins(torn, len(entries) + 1):
        return Journal(tuple(entries), Broken(len(entries) + 1, "what stands there is not the beginning of an entry"), torn)
    return Journal(tuple(entries), None, torn)


def _begins(torn: bytes, place: int) -> bool:
    """Whether a crash can have left this: the beginning of the entry of that place, or NULs where it was to be written."""
    written = torn.rstrip(b"\0")
    head = b'{"seq":%d,' % place
    return len(torn) <= LONGEST + 100 and (written.startswith(head) or head.startswith(written))


def _entry(text: bytes, place: int, prev: str) -> Entry:
    """The entry of a line, once it is exactly what would be written of it.

    Raises:
        FormatError: it is not, or does not follow the one before.
    """
    given = _object(text)
    try:
        entry = Entry(given["seq"], _hand(given), _said(given), given["prev"], given["hash"])
        bare = _bare(entry.seq, entry.hand, entry.said, entry.prev)
        same = _ended(bare, entry.hash) == text + b"\n"
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise FormatError("it is no entry of a journal") from error
    for objection in _objections(entry, place, prev, sha256(bare).hexdigest() if same else ""):
        raise FormatError(objection)
    return entry


def _object(text: bytes) -> dict[str, Any]:
    if len(text) > LONGEST + 100:
        raise FormatError("it is longer than an entry can be")
    try:
        given = json.loads(text.decode("ascii"))
        _is_text(text)
    except (ValueError, RecursionError) as error:
        raise FormatError("it is not what auditkit writes") from error
    if not isinstance(given, dict) or tuple(given) != (*_KEYS, "hash"):
        raise FormatError("it is no entry of a journal")
    return given


def _is_text(bare: bytes) -> None:
    """Refuse half a surrogate pair, which is no byte of any name either: nobody can show it.

    Raises:
        ValueError: there is one.
    """
    if b"\\ud" in bare:
        json.dumps(json.loads(bare), ensure_ascii=False).encode("utf-8", "surrogateescape")


def _objections(entry: Entry, place: int, prev: str, digest: str) -> Iterator[str]:
    """Yield what is wrong with an entry at its place; `digest` is of what is written, empty if that is spelled otherwise."""
    if not digest:
        yield "it is not written as auditkit writes it"
    if digest != entry.hash:
        yield "its content does not have the hash that it names: it was changed"
    if entry.prev != prev:
        yield "it does not follow the entry before: one was changed, added or taken out"
    if type(entry.seq) is not int or entry.seq != place:  # true would be 1
        yield f"it is numbered {entry.seq} and stands at place {place}"
    if place == 1 and (entry.said.kind is not Kind.OPENED or entry.said.data.get("schema") != SCHEMA):
        yield f"it does not open a record of {SCHEMA}"


def _hand(given: dict[str, Any]) -> Hand:
    moment = datetime.strptime(given["time"], _STAMP).replace(tzinfo=UTC).astimezone(zone(given["zone"]))
    actor, host, tool = (_text(given[name]) for name in ("actor", "host", "tool"))
    return Hand(actor, host, tool, moment)


def _said(given: dict[str, Any]) -> Said:
    if not isinstance(given["data"], dict):
        raise TypeError
    return Said(Kind(given["kind"]), _text(given["text"]), given["data"])


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise TypeError
    return given
