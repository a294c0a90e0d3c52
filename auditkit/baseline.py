"""The baseline file: a header, the blocks of a scan in path order, a footer; zstd text that `zstdcat` shows.

Reading streams, and verifies the whole file first: nothing of it is used before its end has been seen. writer.py writes it.
"""

import json
import os
import re
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any

import zstandard
from blake3 import blake3

from auditkit import entries
from auditkit.errors import AuditkitError, FormatError, UntrustedError
from auditkit.header import Header
from auditkit.model import Gap, Level, Mount, Policy, Severity, Watch
from auditkit.opening import regular
from auditkit.printable import printable

SCHEMA = "auditkit/baseline/1"
SUFFIX = ".baseline.zst"
CHUNK = 1 << 18
LONGEST_HEADER = 64 << 20
LONGEST_BLOCK = 64 << 20
"""Bytes: the probe begins another one long before."""
EXPANSION = 2000
"""How many times its size a baseline may expand to; ours come to about five."""
SLACK = 64 << 20
HELD = 256 << 10
"""Bytes of blocks that are held once they were read: a check goes through them several times."""
FOOTER = b'\n{"entries":'
"""How the last line begins, and no other one."""
_NAME = re.compile(r"(\d{6,})\.baseline\.zst")


def folder(store: str, host: str) -> str:
    """The directory of a host's baselines in a store; the host's name is made safe for a file name."""
    quoted = urllib.parse.quote(host, safe=" @:+=,", errors="surrogateescape").replace("%2F", "%2f")
    if not quoted.strip("."):  # no name, or one that leads up
        quoted = "%" + quoted.replace(".", "%2e")
    return os.path.join(store, "baselines", quoted)


def sequences(directory: str) -> dict[int, str]:
    """Every baseline in a host's directory by its sequence number."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise AuditkitError(f"{printable(directory)} cannot be read: {error.strerror}", "run auditkit as its owner") from error
    matches = [match for name in names if (match := _NAME.fullmatch(name))]
    return {int(match[1]): os.path.join(directory, match[0]) for match in matches}


def header_document(header: Header) -> dict[str, Any]:
    """The header as the JSON line of the file."""
    return {
        "schema": SCHEMA,
        "host": header.host,
        "made": header.made.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "sequence": header.sequence,
        "previous": header.previous,
        "policy": {
            "name": header.policy.name,
            "digest": "blake3:" + blake3(header.policy.text.encode("utf-8", "surrogateescape")).hexdigest(),
            "digests": list(header.policy.digests),
            "watches": [_row(watch) for watch in header.policy.watches],
            "text": header.policy.text,
        },
        "homes": list(header.homes),
        "mounts": [[m.point, m.kind, m.source, m.root, m.device, m.options] for m in header.mounts],
        "packages": dict(header.packages) if header.packages is not None else None,
        "tool": header.tool,
        "reason": header.reason,
        "machine": header.machine,
        "owners": header.owners,
        "listeners": None if header.listeners is None else [dict(each) for each in header.listeners],
    }


def _row(watch: Watch) -> list[object]:
    severity = watch.severity.word
    return [watch.path, str(watch.level), severity, watch.keep, watch.cross_mounts, watch.line, watch.why]


def _policy(told: dict[str, Any]) -> Policy:
    """The policy as it was understood when the baseline was made; its YAML text is there for people."""
    watches = tuple(
        Watch(str(path), Level(level), Severity[severity.upper()], str(why), bool(keep), bool(cross), int(line))
        for path, level, severity, keep, cross, line, why in told["watches"]
    )
    return Policy(str(told["name"]), watches, tuple(map(str, told["digests"])), str(told["text"]))


def _object(line: bytes) -> Any:
    """The JSON of a line, in which every text can stand for bytes: ValueError where one holds half a character."""
    told = json.loads(line)
    json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogateescape")
    return told


def _header(line: bytes, name: str) -> Header:
    try:
        told = _object(line)
        if not str(told["schema"]).startswith(SCHEMA.rpartition("/")[0] + "/"):
            raise FormatError(f"{name} is no baseline")
        if told["schema"] != SCHEMA:
            schema = printable(str(told["schema"]))
            raise FormatError(f"{name} is a {schema}, which this auditkit does not know", "use a newer auditkit")
        return Header(
            host=str(told["host"]),
            made=datetime.fromisoformat(told["made"]),
            sequence=int(told["sequence"]),
            previous=None if told["previous"] is None else str(told["previous"]),
            policy=_policy(told["policy"]),
            homes=tuple(map(str, told["homes"])),
            mounts=tuple(Mount(*map(str, row)) for row in told["mounts"]),
            packages=None if told["packages"] is None else {str(k): str(v) for k, v in told["packages"].items()},
            tool=str(told["tool"]),
            reason=str(told.get("reason", "")),
            machine=None if told.get("machine") is None else str(told["machine"]),
            owners=None if told.get("owners") is None else str(told["owners"]),
            listeners=None if told.get("listeners") is None else tuple(map(dict, told["listeners"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise FormatError(f"{name} is no baseline: its first line is not a header") from error


@dataclass(frozen=True, slots=True)
class Footer:
    """The last line of a baseline: what it holds and the digest of all before it."""

    entries: int
    gaps: tuple[Gap, ...]
    digest: str


@dataclass(slots=True)
class Baseline:
    """A baseline whose every byte has been checked; `blocks` gives its entries and checks them again meanwhile."""

    path: str
    header: Header
    footer: Footer
    file_digest: str
    """`blake3:HEX` of the file itself: what the next one names as its previous."""
    _file: IO[bytes] = field(repr=False)
    _in_order: bool = field(default=False, repr=False)
    """Whether its blocks have been gone through to the end: what has the same digest need not be looked at again."""
    _held: tuple[bytes, ...] | None = field(default=None, repr=False)

    def blocks(self) -> Iterator[bytes]:
        """Yield the blocks in path order.

        Raises:
            UntrustedError: the file is no longer what was verified, or its paths are out of order.
        """
        if self._held is not None:
            yield from self._held
            return
        name = printable(os.path.basename(self.path))
        file = Hashed(self._file)
        blocks = _blocks(unpacked(file, name), name)
        held, left = list[bytes](), HELD
        for block in blocks if self._in_order else _ordered(blocks, name):
            left -= len(block)
            if left >= 0:
                held.append(block)
            yield block
        if file.digest() != self.file_digest:
            raise UntrustedError(f"{name} changed while it was read")
        self._in_order = True
        self._held = tuple(held) if left >= 0 else None

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def read(path: str) -> Baseline:
    """The baseline at `path`, verified from its first byte to its last.

    Raises:
        UntrustedError: it is cut, or something in it is not as it was written.
        FormatError: it is no baseline.
    """
    name = printable(os.path.basename(path))
    try:
        file = open(path, "rb", opener=regular)  # noqa: SIM115 - the baseline owns it from here on
    except OSError as error:
        raise FormatError(f"{printable(path)} cannot be read: {error.strerror}", "name a baseline file") from error
    try:
        hashed = Hashed(file)
        header, footer = _verified(hashed, name)
        return Baseline(path, header, footer, hashed.digest(), file)
    except BaseException:
        file.close()
        raise


class Hashed:
    """A file read from its start, and the digest of what was read; several may read one open file at the same time."""

    def __init__(self, file: IO[bytes]) -> None:
        self.size = os.fstat(file.fileno()).st_size
        self._file = file
        self._at = 0
        self._digest = blake3()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = os.pread(self._file.fileno(), self.size if size < 0 else size, self._at)
        self._at += len(data)
        self._digest.update(data)
        return data

    def digest(self) -> str:
        """`blake3:HEX` of all that was read."""
        return "blake3:" + self._digest.hexdigest()


def file_digest(path: str) -> str:
    """`blake3:HEX` of a baseline file as it lies there: what the next one names as its previous."""
    try:
        with open(path, "rb", opener=regular) as file:
            return _digest(file)
    except OSError as error:
        hint = "run auditkit as its owner" if isinstance(error, PermissionError) else "restore it from your copy"
        raise AuditkitError(f"{printable(path)} cannot be read: {error.strerror}", hint) from error


def _digest(file: IO[bytes]) -> str:
    digest = blake3()
    file.seek(0)
    while data := file.read(1 << 20):
        digest.update(data)
    return "blake3:" + digest.hexdigest()


def _verified(file: Hashed, name: str) -> tuple[Header, Footer]:
    """Header and footer of a baseline whose every byte agrees with the footer."""
    digest = blake3()
    head, last, footer = bytearray(), b"\n", bytearray()
    seen = -1  # the header is a line too
    for text in _held_back(unpacked(file, name), footer):
        if b"\n" not in head:
            head += text
            _bounded(head, name)
            _check_kind(head, name)
        pairs = last + text
        seen += text.count(b"\n") - pairs.count(b"\n/") - pairs.count(b"\n=")
        last = text[-1:]
        digest.update(text)
    if not head:
        raise UntrustedError(f"{name} is empty or cut off", "take a good copy of it")
    told = _footer(bytes(footer), name, seen, digest.hexdigest())  # first: a damaged header is damage, not another format
    return _header(bytes(head[: head.find(b"\n")]), name), told


def _check_kind(head: bytearray, name: str) -> None:
    """Refuse the other file that auditkit writes before anything is said of what it lacks."""
    if head.startswith(b'{"schema":"auditkit/evidence/'):
        raise FormatError(f"{name} is evidence, no baseline", "name it as the HOST that is looked at: evidence:FILE")


def _held_back(texts: Iterable[bytes], footer: bytearray) -> Iterator[bytes]:
    """Yield the text up to the footer's line, and put that into `footer`: no other line but the first begins with `{`."""
    rest = b""
    for text in texts:
        if footer:
            footer += text
            _bounded(footer, "the last line")
            continue
        rest += text
        at = rest.find(FOOTER)
        if at >= 0:
            footer += rest[at + 1 :]
            rest = rest[: at + 1]
        cut = len(rest) if footer else max(0, len(rest) - len(FOOTER))
        if cut:
            yield rest[:cut]
        rest = rest[cut:]
    if rest:
        yield rest


def _bounded(line: bytearray, name: str) -> None:
    if len(line) > LONGEST_HEADER:
        raise UntrustedError(f"{name} is longer than a baseline's can be", "take a good copy of it")


def _ordered(blocks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield the blocks, as long as each comes after those before it in the order of paths."""
    last = b""
    for block in blocks:
        here = _directory(block, name)
        if here < last:
            shown = entries.path_of(block).decode("utf-8", "surrogateescape")
            raise UntrustedError(f"{name} is out of order at {printable(shown)}")
        last = here
        yield block


def _directory(block: bytes, name: str) -> bytes:
    """The key of a block's directory."""
    try:
        return entries.key(entries.path_of(block))
    except FormatError as error:
        raise UntrustedError(f"{name} is damaged: a path in it is not as it was written") from error


def _footer(line: bytes, name: str, seen: int, digest: str) -> Footer:
    """The footer, which must agree with what came before it."""
    if not line.endswith(b"\n"):
        raise UntrustedError(f"{name} is cut off: its last line is missing", "take a good copy of it")
    try:
        told = _object(line)
        footer = Footer(
            int(told["entries"]),
            tuple(Gap(str(gap["subject"]), str(gap["reason"])) for gap in told["gaps"]),
            str(told["blake3"]),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UntrustedError(f"{name} is damaged: its last line is no footer", "take a good copy of it") from error
    if footer.digest != digest or footer.entries != seen:
        raise UntrustedError(
            f"{name} is not as it was written: its digest is not that of its content",
            "take a good copy of it, and find out who changed this one",
        )
    return footer


def unpacked(file: Hashed, name: str, what: str = "a baseline", slack: int | None = None) -> Iterator[bytes]:
    """Yield the text of a file; it is bounded whatever the file claims: a small one may hold SLACK bytes all the same.

    Raises:
        UntrustedError: it does not unpack, or to more than `what` can hold.
    """
    limit = (SLACK if slack is None else slack) + EXPANSION * file.size
    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    try:
        with unpacker.stream_reader(file, closefd=False, read_across_frames=True) as text:  # type: ignore[arg-type]
            while data := text.read(CHUNK):
                limit -= len(data)
                if limit < 0:
                    raise UntrustedError(f"{name} expands to more than {what} can hold", "take a good copy of it")
                yield data
    except zstandard.ZstdError as error:
        raise UntrustedError(f"{name} is damaged: it does not unpack", "take a good copy of it") from error


def _blocks(texts: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield the blocks of a text: each begins with a line that begins with `/`, and the footer ends the last.

    Raises:
        UntrustedError: one of them is longer than any that was written.
    """
    rest = bytearray()
    for text in texts:
        fresh = max(0, len(rest) - 1)
        rest += text
        if rest.find(b"\n/", fresh) < 0:
            if len(rest) > LONGEST_BLOCK:
                raise UntrustedError(f"{name} has a directory longer than any can be", "take a good copy of it")
            continue
        first, *pieces = bytes(rest).split(b"\n/")
        rest = bytearray(b"/" + pieces.pop())
        if first.startswith(b"/"):  # or it is the header
            yield first + b"\n"
        yield from (b"/" + piece + b"\n" for piece in pieces)
    if not rest.startswith(b"{"):
        yield bytes(rest[: rest.rfind(FOOTER) + 1])
