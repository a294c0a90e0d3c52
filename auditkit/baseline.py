"""The baseline file: a header, the blocks of a scan in path order, a footer; zstd text that `zstdcat` shows.

Writing and reading stream. A file is written without a name, synced, and given its name last, so that a run killed at any
moment leaves nothing; a name that is taken is never written over. Reading verifies the whole file first: nothing of it is
used before its end has been seen.
"""

import contextlib
import fcntl
import json
import os
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any, Self

import zstandard
from blake3 import blake3

from auditkit import entries, policy
from auditkit.errors import AuditkitError, FormatError, UntrustedError
from auditkit.model import Footer, Gap, Header, Mount
from auditkit.printable import printable

SCHEMA = "auditkit/baseline/1"
SUFFIX = ".baseline.zst"
CHUNK = 1 << 18
LONGEST_HEADER = 64 << 20
EXPANSION = 200
"""How many times its size a baseline may expand to; ours come to about five."""
SLACK = 1 << 30
_NAME = re.compile(r"(\d{6,})\.baseline\.zst")


def folder(store: str, host: str) -> str:
    """The directory of a host's baselines in a store; the host's name is made safe for a file name."""
    return os.path.join(store, "baselines", urllib.parse.quote(host, safe=" @:+=,").replace("%2F", "%2f") or "%")


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


@contextlib.contextmanager
def locked(directory: str, waiting: Callable[[], None]) -> Iterator[None]:
    """Only one run at a time writes baselines of one host; `waiting` is called once if another one does."""
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(directory, error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _unwritable(path: str, error: OSError) -> AuditkitError:
    return AuditkitError(f"{printable(path)} cannot be written: {error.strerror}", "name another place with --store or -o")


class Writer:
    """A baseline being written; `close` gives it its name, and leaving without it leaves nothing."""

    def __init__(self, path: str, header: Header) -> None:
        self.path = path
        self.entries = 0
        self._digest = blake3()
        self._file, self._temporary = _unnamed(path)
        self._zstd = zstandard.ZstdCompressor(level=3).stream_writer(self._file, closefd=False)
        try:
            self._write(json.dumps(header_document(header), ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
        except OSError as error:
            raise _unwritable(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._temporary:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(os.path.dirname(os.path.abspath(self.path)), self._temporary))

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self._zstd.write(data)

    def add(self, block: bytes) -> None:
        """Write the next block."""
        self.entries += entries.count(block)
        try:
            self._write(block)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self, gaps: Iterable[Gap], seal: Callable[[IO[bytes]], bytes] | None = None) -> None:
        """Write the footer, bring it to the disk, seal it and give the file its name.

        The signature lies beside it before the file has its name: there is never a baseline that lacks only its seal.

        Raises:
            AuditkitError: the disk is full, or the name is taken.
        """
        told = {
            "entries": self.entries,
            "gaps": [{"subject": gap.subject, "reason": gap.reason} for gap in gaps],
            "blake3": self._digest.hexdigest(),
        }
        try:
            self._zstd.write(json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
            self._zstd.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            if seal:
                self._file.seek(0)
                _write_beside(self.path + ".sig", seal(self._file))
            _name(self._file.fileno(), self._temporary, self.path)
        except FileExistsError as error:
            raise AuditkitError(f"{printable(self.path)} is there already and is never overwritten") from error
        except OSError as error:
            raise _unwritable(self.path, error) from error


def _unnamed(path: str) -> tuple[IO[bytes], str]:
    """A file without a name beside `path`, or, where the file system cannot do that, one with a name that tells."""
    directory = os.path.dirname(os.path.abspath(path))
    try:
        try:
            return os.fdopen(os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600), "r+b"), ""
        except (IsADirectoryError, OSError) as error:
            if isinstance(error, FileNotFoundError | PermissionError):
                raise
        temporary = f".{os.path.basename(path)}.{os.getpid()}.tmp"
        place = os.path.join(directory, temporary)
        return os.fdopen(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb"), temporary
    except OSError as error:
        raise _unwritable(path, error) from error


def _write_beside(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _name(handle: int, temporary: str, path: str) -> None:
    """Give a file its name, unless that is taken, and bring the name to the disk."""
    directory = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # with a directory handle Python calls linkat(2), which alone can follow /proc/self/fd to the file
        source = temporary or f"/proc/self/fd/{handle}"
        os.link(source, os.path.basename(path), src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=not temporary)
        os.fsync(directory)
    finally:
        os.close(directory)


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
            "text": header.policy.text,
        },
        "homes": list(header.homes),
        "mounts": [[m.point, m.kind, m.source, m.root, m.device, m.options] for m in header.mounts],
        "packages": dict(header.packages) if header.packages is not None else None,
        "tool": header.tool,
        "reason": header.reason,
    }


def _header(line: bytes, name: str) -> Header:
    try:
        told = json.loads(line)
        if not str(told["schema"]).startswith(SCHEMA.rpartition("/")[0] + "/"):
            raise FormatError(f"{name} is no baseline")
        if told["schema"] != SCHEMA:
            raise FormatError(f"{name} is a {told['schema']}, which this auditkit does not know", "use a newer auditkit")
        return Header(
            host=str(told["host"]),
            made=datetime.fromisoformat(told["made"]),
            sequence=int(told["sequence"]),
            previous=told["previous"],
            policy=policy.read(told["policy"]["text"], f"the policy in {name}"),
            homes=tuple(map(str, told["homes"])),
            mounts=tuple(Mount(*map(str, row)) for row in told["mounts"]),
            packages=told["packages"],
            tool=str(told["tool"]),
            reason=str(told.get("reason", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{name} is no baseline: its first line is not a header") from error


@dataclass(slots=True)
class Baseline:
    """A baseline whose every byte has been checked; `blocks` gives its entries and checks them again meanwhile."""

    path: str
    header: Header
    footer: Footer
    file_digest: str
    """`blake3:HEX` of the file itself: what the next one names as its previous."""
    _file: IO[bytes] = field(repr=False)

    def blocks(self) -> Iterator[bytes]:
        """Yield the blocks in path order.

        Raises:
            UntrustedError: the file is no longer what was verified.
        """
        digest = blake3()
        for part in _parts(self._file, os.path.basename(self.path)):
            if part.startswith(b"/"):
                digest.update(part)
                yield part
            elif not part.startswith(b'{"entries"'):
                digest.update(part)
        if digest.hexdigest() != self.footer.digest:
            raise UntrustedError(f"{printable(self.path)} changed while it was read")

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
        file = open(path, "rb")  # noqa: SIM115 - the baseline owns it from here on
    except OSError as error:
        raise FormatError(f"{printable(path)} cannot be read: {error.strerror}", "name a baseline file") from error
    try:
        header, footer = _verified(file, name)
        return Baseline(path, header, footer, _digest(file), file)
    except BaseException:
        file.close()
        raise


def file_digest(path: str) -> str:
    """`blake3:HEX` of a baseline file as it lies there: what the next one names as its previous."""
    try:
        with open(path, "rb") as file:
            return _digest(file)
    except OSError as error:
        raise AuditkitError(f"{printable(path)} cannot be read: {error.strerror}", "run auditkit as its owner") from error


def _digest(file: IO[bytes]) -> str:
    digest = blake3()
    file.seek(0)
    while data := file.read(1 << 20):
        digest.update(data)
    return "blake3:" + digest.hexdigest()


def _verified(file: IO[bytes], name: str) -> tuple[Header, Footer]:
    digest = blake3()
    head = last = b""
    directory: bytes | None = None
    seen = 0
    for part in _parts(file, name):
        if last:
            raise UntrustedError(f"{name} goes on after its end")
        if part.startswith(b"/"):
            directory = _next_directory(directory, part, name)
            seen += entries.count(part)
            digest.update(part)
        elif not head:
            head = part
            digest.update(part)
        else:
            last = part
    if not head:
        raise FormatError(f"{name} is empty")
    header = _header(head, name)
    return header, _footer(last, name, seen, digest.hexdigest())


def _next_directory(last: bytes | None, block: bytes, name: str) -> bytes:
    """The key of a block's directory, which never comes before the last one."""
    try:
        here = entries.key(entries.path_of(block))
    except ValueError as error:
        raise UntrustedError(f"{name} is damaged: a path in it is not as it was written") from error
    if last is not None and here < last:
        shown = block[: block.index(b"\n")].decode("utf-8", "surrogateescape")
        raise UntrustedError(f"{name} is out of order at {printable(shown)}")
    return here


def _footer(line: bytes, name: str, seen: int, digest: str) -> Footer:
    """The footer, which must agree with what came before it."""
    if not line.endswith(b"\n"):
        raise UntrustedError(f"{name} is cut off: its last line is missing", "take a good copy of it")
    try:
        told = json.loads(line)
        footer = Footer(
            int(told["entries"]),
            tuple(Gap(str(gap["subject"]), str(gap["reason"])) for gap in told["gaps"]),
            str(told["blake3"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UntrustedError(f"{name} is damaged: its last line is no footer", "take a good copy of it") from error
    if footer.digest != digest or footer.entries != seen:
        raise UntrustedError(
            f"{name} is not as it was written: its digest is not that of its content",
            "take a good copy of it, and find out who changed this one",
        )
    return footer


def _parts(file: IO[bytes], name: str) -> Iterator[bytes]:
    """Yield the header, each block, and the footer of a baseline: text is bounded whatever the file claims."""
    file.seek(0)
    limit = SLACK + EXPANSION * os.fstat(file.fileno()).st_size
    rest = b""
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            file, closefd=False, read_across_frames=True
        ) as text:
            while data := text.read(CHUNK):
                limit -= len(data)
                rest += data
                if limit < 0 or len(rest) > LONGEST_HEADER:
                    raise UntrustedError(f"{name} expands to more than a baseline can hold", "take a good copy of it")
                *parts, rest = _cut(rest)
                yield from parts
    except zstandard.ZstdError as error:
        raise UntrustedError(f"{name} is damaged: it does not unpack", "take a good copy of it") from error
    yield from _ended(rest)


def _cut(text: bytes) -> list[bytes]:
    """Blocks of a text, the last one still open: each begins with a line that begins with `/`."""
    pieces = text.split(b"\n/")
    return [piece if not at else b"/" + piece for at, piece in enumerate(_with_newlines(pieces))]


def _with_newlines(pieces: list[bytes]) -> list[bytes]:
    return [piece + b"\n" for piece in pieces[:-1]] + pieces[-1:]


def _ended(rest: bytes) -> Iterator[bytes]:
    """The last block and the footer behind it."""
    at = rest.rfind(b"\n{") + 1
    if at:
        yield rest[:at]
    if rest[at:]:
        yield rest[at:]
