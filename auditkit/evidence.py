"""The evidence file: what was taken of one host, so that every judge can be run on it again, elsewhere and later.

zstd text like a baseline: a JSON header line, records, and a JSON footer with the digest of all before it. Each record is a
line that begins with `{` and names its one kind first; the bytes of an item and the blocks of the scan follow theirs as
lines that begin otherwise. docs/reference/evidence-format.md describes it line by line.
"""

import json
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any

from blake3 import blake3

from auditkit import baseline, store
from auditkit.baseline import LONGEST_BLOCK, Hashed
from auditkit.errors import FormatError, UntrustedError
from auditkit.model import Gap, Item, Means, Need, State
from auditkit.opening import regular
from auditkit.printable import escape, printable, unescape

SCHEMA = "auditkit/evidence/1"
SUFFIX = ".evidence.zst"
SLACK = 512 << 20
"""Bytes of text that a small file may hold all the same: as much evidence as `collect` takes, most of it zeros."""
LONGEST = 64 << 20
LARGEST_ITEM = 128 << 20
MOST_RECORDS = 1 << 20
A_LINE = 57 << 10
"""Bytes of an item in one line of base64."""
_AFTERWARDS = ("asked", "beginning", "present", "fetched", "broke")
ORDER = (("need", "item", "untaken"), ("mounts",), ("scan",), ("unseen",), ("scanned",), _AFTERWARDS, ("records",))
"""Every kind of record; those of one stage never come after those of a later one."""
STAGES = {kind: stage for stage, kinds in enumerate(ORDER) for kind in kinds}
LATE = STAGES[_AFTERWARDS[0]]
"""What is taken when the scan has shown what changed stands among what is asked then."""
ONCE = frozenset(("mounts", "scan", "scanned", "records"))
HOLDING = frozenset(("item", "mounts"))
"""Kinds whose bytes follow them."""
SCANNING = frozenset(("scan", "unseen"))
"""Kinds that blocks may follow."""
AFTER_SCAN = frozenset(("unseen", "scanned"))
MAGIC = b"\x28\xb5\x2f\xfd"
COPY = "take a good copy of it"

Told = tuple[str, Any]
"""Kind of a record and what it holds: a Need, an Item, a Gap, a tuple; ("blocks", [bytes]) for what a scan gave."""
_RECORD = re.compile(rb"^(\{[^\n]*)\n", re.MULTILINE)
_PLAIN = bytes(range(0x20, 0x7F)) + b"\n"
_ODD_LINE = re.compile(rb"^[ -\[\]-~]*[^ -\[\]-~\n][^\n]*", re.MULTILINE)
_MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: whose evidence it is, and when, how and by what it was taken."""

    host: str
    kind: str
    """How the host was reached: `local`, `root`, `ssh`."""
    taken: datetime
    """By the clock of the machine that asked; what is known of the host's own is in the facts."""
    tool: str
    policy: str = ""
    """The name of the policy that the scan followed; none where files were left out."""
    policy_text: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


def document(header: Header) -> dict[str, Any]:
    """The header as the JSON line of the file."""
    return {
        "schema": SCHEMA,
        "host": header.host,
        "kind": header.kind,
        "taken": written(header.taken),
        "tool": header.tool,
        "policy": {"name": header.policy, "text": header.policy_text},
        "facts": dict(header.facts),
    }


def written(moment: datetime) -> str:
    """A moment as the file has it, UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def line(told: Mapping[str, Any]) -> bytes:
    """One line of JSON in ASCII; what a host said of itself and JSON does not know stands as its text."""
    return json.dumps(told, ensure_ascii=True, separators=(",", ":"), default=str).encode("ascii") + b"\n"


def payload(data: bytes) -> bytes:
    """Bytes as lines: each line of a text behind `=`, escaped as in baselines; what is no text as base64 behind `+`."""
    if not data:
        return b""
    if b"\0" in data or 4 * len(data.translate(None, _PLAIN)) > len(data):
        pieces = (data[at : at + A_LINE] for at in range(0, len(data), A_LINE))
        return b"".join(b"+" + b64encode(piece) + b"\n" for piece in pieces)
    return b"=" + _ODD_LINE.sub(lambda odd: escape(odd.group()), data).replace(b"\n", b"\n=") + b"\n"


def unpacked(lines: bytes) -> bytes:
    """The bytes that `payload` was given.

    Raises:
        ValueError: it would not have written that.
    """
    mark = lines[:1]
    if lines.count(b"\n" + mark) != lines.count(b"\n") - 1:
        raise ValueError("lines of two sorts")
    bare = lines[1:-1].replace(b"\n" + mark, b"\n")
    if mark == b"=":
        return unescape(bare)
    if mark != b"+":
        raise ValueError("a line of no sort")
    return b"".join(b64decode(piece, validate=True) for piece in bare.split(b"\n"))


@dataclass(slots=True)
class File:
    """An evidence file whose every byte has been checked; `told` reads it again, and checks it again meanwhile."""

    path: str
    header: Header
    signer: str | None
    """Who sealed it; None where nobody was asked."""
    digest: str
    """`blake3:HEX` of the file itself."""
    _file: IO[bytes] = field(repr=False)

    def told(self) -> Iterator[Told]:
        """Yield all that it holds, in its order.

        Raises:
            FormatError: it holds what no evidence file does.
            UntrustedError: it is no longer what was verified.
        """
        name = printable(os.path.basename(self.path))
        file = Hashed(self._file)
        yield from _Reading(name).told(_lines(_text(file, name), name))
        if file.digest() != self.digest:
            raise UntrustedError(f"{name} changed while it was read", "find out who writes to it, and take a good copy of it")

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def read(path: str, signers: str | None = None) -> File:
    """The evidence at `path`, verified from its first byte to its last; `signers` says whose seal counts.

    Raises:
        UntrustedError: it is cut, changed, or not sealed by anybody whose signature counts.
        FormatError: it is no evidence.
    """
    name = printable(os.path.basename(path))
    try:
        file = open(path, "rb", opener=regular)  # noqa: SIM115 - the evidence owns it from here on
    except OSError as error:
        raise FormatError(f"{printable(path)} cannot be read: {error.strerror}", "name a file that `collect` wrote") from error
    try:
        by, sealed = store.verified(path, signers) if signers else (None, None)
        header, digest = _verified(file, name)
        _check_same(digest, sealed, name)
        return File(path, header, by, digest, file)
    except BaseException:
        file.close()
        raise


def _check_same(digest: str, sealed: str | None, name: str) -> None:
    """What was read is what was sealed: the file was opened once for each."""
    if sealed not in (None, digest):
        raise UntrustedError(f"{name} is not the file whose seal was verified just now", "find out who replaced it")


def _verified(file: IO[bytes], name: str) -> tuple[Header, str]:
    """The header of a file that agrees with its footer, and the digest of the file."""
    hashed = Hashed(file)
    if file.read(len(MAGIC)) != MAGIC:
        raise FormatError(f"{name} is no evidence", "name a file that `collect` wrote")
    file.seek(0)
    digest, head, last = blake3(), bytearray(), bytearray()
    for text in _text(hashed, name):
        if b"\n" not in head:
            head += text
        last += text
        start = last.rfind(b"\n", 0, len(last) - 1) + 1
        digest.update(bytes(last[:start]))
        del last[:start]
        if len(last) > LONGEST or len(head) > 2 * LONGEST:
            raise UntrustedError(f"{name} has a line longer than any can be", COPY)
    _check(bytes(last), digest.hexdigest(), name)
    return _header(bytes(head).partition(b"\n")[0], name), hashed.digest()


def _check(footer: bytes, digest: str, name: str) -> None:
    """Refuse a file whose last line is not the footer of what came before it."""
    if not footer.endswith(b"\n"):
        raise UntrustedError(f"{name} is empty or cut off: its last line is missing", COPY)
    try:
        agrees = _object(footer)["blake3"] == digest
    except _MALFORMED as error:
        raise UntrustedError(f"{name} is cut off or damaged: its last line is no footer", COPY) from error
    if not agrees:
        raise UntrustedError(
            f"{name} is not as it was written: its digest is not that of its content",
            "take a good copy of it, and find out who changed this one",
        )


def _object(text: bytes) -> dict[str, Any]:
    """The JSON object of a line, in which every text can stand for bytes."""
    told = json.loads(text)
    json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogateescape")
    if not isinstance(told, dict):
        raise TypeError("no object")
    return told


def _header(text: bytes, name: str) -> Header:
    try:
        told = _object(text)
        schema = str(told["schema"])
        if schema != SCHEMA and schema.startswith(SCHEMA.rpartition("/")[0] + "/"):
            raise FormatError(f"{name} is {printable(schema)}, which this auditkit does not know", "use a newer auditkit")
        if schema != SCHEMA:
            raise FormatError(f"{name} is no evidence but {printable(schema)}", "name a file that `collect` wrote")
        return Header(
            host=str(told["host"]),
            kind=str(told["kind"]),
            taken=_moment(told["taken"]),
            tool=str(told["tool"]),
            policy=str(told["policy"]["name"]),
            policy_text=str(told["policy"]["text"]),
            facts=dict(told["facts"]),
        )
    except _MALFORMED as error:
        raise FormatError(
            f"{name} is no evidence: its first line is not a header", "name a file that `collect` wrote"
        ) from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time of no zone")
    return moment.astimezone(UTC)


def _text(file: Hashed, name: str) -> Iterator[bytes]:
    return baseline.unpacked(file, name, "evidence", SLACK)


def _lines(texts: Iterable[bytes], name: str) -> Iterator[tuple[bool, bytes]]:
    """Yield each line of a record, and whole lines of what is none; True says which."""
    rest = bytearray()
    for text in texts:
        cut = text.rfind(b"\n") + 1
        if cut:
            parts = _RECORD.split(bytes(rest) + text[:cut])
            yield from ((bool(number % 2), part) for number, part in enumerate(parts) if part)
            rest.clear()
        rest += text[cut:]
        if len(rest) > LONGEST:
            raise FormatError(f"{name} has a line longer than any can be", COPY)


class _Reading:
    """Lines put together to what they tell; whatever is out of its place is refused."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kind = ""
        self.stage = 0
        self.value: Any = None
        self.needs: list[Need] = []
        self.records = 0
        self.text = bytearray()

    def told(self, lines: Iterable[tuple[bool, bytes]]) -> Iterator[Told]:
        """Yield what the lines tell."""
        next(iter(lines), None)  # the header, which has been read
        for is_record, piece in lines:
            if is_record:
                yield from self._ended()
                self._begin(piece)
                if self.kind not in HOLDING:
                    yield self.kind, self._meant(b"")
            elif self.kind in SCANNING:
                yield from self._blocks(piece)
            else:
                self._hold(piece)
        if self.kind != "records" or self.value != self.records - 1:
            raise self._refused("it has lost records")

    def _refused(self, why: str) -> FormatError:
        return FormatError(f"{self.name} is no evidence that can be used: {why}", COPY)

    def _begin(self, text: bytes) -> None:
        """Take in the line that a record begins with."""
        try:
            kind, value = next(iter(_object(text).items()))
        except (*_MALFORMED, StopIteration) as error:
            raise self._refused("a line in it is no record") from error
        if kind not in STAGES:
            shown = printable(kind[:40])
            raise FormatError(f"{self.name} has a record that is not known here: {shown}", "use a newer auditkit")
        again = kind == self.kind and kind in ONCE
        stage = max(STAGES[kind], LATE) if kind in ORDER[0] and self.stage >= STAGES["scanned"] else STAGES[kind]
        if again or stage < self.stage or (kind in AFTER_SCAN and self.kind not in SCANNING):
            raise self._refused(f"its record {kind} is out of order")
        self.kind, self.stage, self.value, self.records = kind, stage, value, self.records + 1
        if self.records > MOST_RECORDS:
            raise self._refused("it has more records than are ever written")

    def _hold(self, piece: bytes) -> None:
        if self.kind not in HOLDING:
            raise self._refused("it has lines that belong to no record")
        self.text += piece
        if len(self.text) > LARGEST_ITEM:
            raise self._refused("a piece of it is larger than any that is taken")

    def _blocks(self, piece: bytes) -> Iterator[Told]:
        """Yield the blocks that are whole: each begins with a line that begins with `/`."""
        self.text += piece
        *whole, rest = bytes(self.text).split(b"\n/")
        self.text[:] = b"/" + rest if whole else rest
        if whole:
            yield "blocks", [whole[0] + b"\n", *(b"/" + block + b"\n" for block in whole[1:])]
        if len(self.text) > LONGEST_BLOCK:
            raise self._refused("it has a directory longer than any can be")

    def _ended(self) -> Iterator[Told]:
        """Yield what was held of the record that ends here."""
        held = bytes(self.text)
        self.text.clear()
        if self.kind in HOLDING:
            yield self.kind, self._meant(held)
        elif held:
            yield "blocks", [held]

    def _meant(self, held: bytes) -> Any:
        """The value of a record in our own nouns."""
        try:
            if self.kind == "need":
                self.needs.append(_need(*self.value))
            return _MEANINGS[self.kind](self.value, held, self.needs)
        except _MALFORMED as error:
            raise self._refused(f"its record {self.kind} is malformed") from error


def _need(means: str, what: str, why: str, secret: bool, optional: bool) -> Need:
    return Need(Means(means), str(what), str(why), secret=bool(secret), optional=bool(optional))


def _item(told: dict[str, Any], held: bytes, needs: list[Need]) -> Item:
    data = unpacked(held) if held else b""
    item = Item(needs[int(told["need"])], str(told["source"]), data, _moment(told["taken"]), str(told["digest"]))
    if item.digest != f"blake3:{blake3(data).hexdigest()}":
        raise ValueError("not the bytes that were taken")
    return item


def _request(told: dict[str, Any]) -> dict[str, Any]:
    """A request as a host is asked it: what it watches, and by which algorithms."""
    watches = [[str(path), str(level), bool(keep), bool(cross)] for path, level, keep, cross in told["watches"]]
    return {"watches": watches, "digests": list(map(str, told["digests"]))}


_MEANINGS: Mapping[str, Callable[[Any, bytes, list[Need]], Any]] = {
    "need": lambda _told, _held, needs: needs[-1],
    "item": _item,
    "untaken": lambda told, _held, _needs: Gap(str(told[0]), str(told[1])),
    "mounts": lambda _told, held, _needs: unpacked(held) if held else b"",
    "scan": lambda told, _held, _needs: _request(told),
    "unseen": lambda told, _held, _needs: Gap(str(told[0]), str(told[1])),
    "scanned": lambda told, _held, _needs: (int(told[0]), int(told[1])),
    "asked": lambda told, _held, _needs: (str(told[0]), int(told[1]), tuple(map(str, told[2])), bool(told[3])),
    "beginning": lambda told, _held, _needs: (str(told[0]), str(told[1]), str(told[2])),
    "present": lambda told, _held, _needs: (str(told[0]), int(told[1]), int(told[2])),
    "fetched": lambda told, _held, _needs: (str(told[0]), tuple(map(str, told[1]))),
    "broke": lambda told, _held, _needs: (str(told[0]), (str(told[1]), str(told[2]), State(told[3]))),
    "records": lambda told, _held, _needs: int(told),
}
