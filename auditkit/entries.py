"""Blocks of lines <-> entries: what auditkit/probe/lines.py writes, read strictly, and written again from entries.

Pure: bytes in, entries out. A block is only taken apart when it differs from the one it is compared with.
"""

import re
from collections.abc import Iterable, Iterator

from auditkit.errors import FormatError
from auditkit.model import Entry, Kind
from auditkit.printable import escape, printable, unescape

LETTERS = {
    "f": Kind.FILE,
    "d": Kind.DIRECTORY,
    "l": Kind.SYMLINK,
    "b": Kind.BLOCK,
    "c": Kind.CHARACTER,
    "p": Kind.FIFO,
    "s": Kind.SOCKET,
}
LETTER_OF = {kind: letter for letter, kind in LETTERS.items()}
FIELDS = 16
LONGEST_LINE = 1 << 20
_NUMBER = re.compile(rb"[0-9]{1,20}")
_TIME = re.compile(rb"(-?[0-9]{1,20})\.([0-9]{9})")
_DIGEST = re.compile(r"[0-9a-z_-]+:[0-9a-f]+")


def key(path: bytes) -> bytes:
    """What orders paths by their components: a name never holds NUL, and NUL comes before all else."""
    return path.rstrip(b"/").replace(b"/", b"\0")


def path_of(block: bytes) -> bytes:
    """The directory that a block is about, in its real bytes.

    Raises:
        FormatError: its first line is no path.
    """
    end = block.find(b"\n")
    head = block if end < 0 else block[:end]
    if not head.startswith(b"/"):
        raise _refused(head)
    try:
        return unescape(head)
    except ValueError as error:
        raise _refused(head) from error


def count(block: bytes) -> int:
    """How many entries a block holds."""
    return block.count(b"\n") - 1 - block.count(b"\n=")


def decode(block: bytes) -> Iterator[tuple[bytes, Entry]]:
    """Yield `(name, entry)` for each line of a block; the directory itself has the name `b""`.

    Raises:
        FormatError: a line is not as the encoder writes it.
    """
    path, lines = path_of(block), block.rstrip(b"\n").split(b"\n")[1:]
    held: list[bytes] = []
    for line in lines:
        if line.startswith(b"="):
            held.append(line)
            continue
        if held:
            yield _entry(path, held)
        held = [line]
    if held:
        yield _entry(path, held)


def _entry(directory: bytes, lines: list[bytes]) -> tuple[bytes, Entry]:
    """One entry from its line and the line of its kept text, if any."""
    fields = lines[0].split(b" ", FIELDS)
    if len(fields) != FIELDS + 1 or len(lines) > 2:
        raise _refused(lines[0])
    try:
        name = _name(fields)
        content = unescape(lines[1][1:]).decode("utf-8", "surrogateescape") if len(lines) > 1 else None
        return name, _from_fields(_joined(directory, name), fields, content)
    except (ValueError, KeyError) as error:
        raise _refused(lines[0]) from error


def _refused(line: bytes) -> FormatError:
    shown = printable(line[:200].decode("utf-8", "surrogateescape"))
    return FormatError(f"not a line of a baseline: {shown}", "take the baseline from a good copy")


def _name(fields: list[bytes]) -> bytes:
    """The name a line ends with, `b""` for the directory itself; one that leads elsewhere is none."""
    if fields[16] == b"." and fields[0] == b"d":
        return b""
    name = unescape(fields[16])
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        raise ValueError("not a name")
    return name


def _joined(directory: bytes, name: bytes) -> str:
    path = directory if not name else directory.rstrip(b"/") + b"/" + name
    return path.decode("utf-8", "surrogateescape")


def _from_fields(path: str, fields: list[bytes], content: str | None) -> Entry:
    kind = LETTERS[fields[0].decode("ascii")]
    extra = fields[15]
    linked = kind is Kind.SYMLINK
    return Entry(
        path=path,
        kind=kind,
        mode=_number(fields[1], 8),
        uid=_number(fields[2]),
        gid=_number(fields[3]),
        owner=_word(fields[4]),
        group=_word(fields[5]),
        size=_number(fields[6]),
        mtime_ns=_time(fields[7]),
        ctime_ns=_time(fields[8]),
        btime_ns=_time(fields[9]),
        inode=_number(fields[10]),
        links=_number(fields[11]),
        flags=None if fields[12] == b"?" else fields[12].decode("ascii").strip("-"),
        digests=_digests(fields[13]),
        xattrs=_pairs(fields[14]),
        target=_word(extra) if linked else None,
        device=_word(extra) if not linked and extra != b"-" else None,
        content=content,
    )


def _number(field: bytes, base: int = 10) -> int | None:
    if field == b"?":
        return None
    if not _NUMBER.fullmatch(field):
        raise ValueError("not a number")
    return int(field, base)


def _time(field: bytes) -> int | None:
    if field == b"?":
        return None
    match = _TIME.fullmatch(field)
    if match is None:
        raise ValueError("not a time")
    return int(match[1]) * 1_000_000_000 + int(match[2])


def _digests(field: bytes) -> tuple[str, ...] | None:
    if field in (b"?", b"-"):
        return None
    digests = tuple(field.decode("ascii").split(","))
    if not all(map(_DIGEST.fullmatch, digests)):
        raise ValueError("not a digest")
    return digests


def _word(field: bytes) -> str | None:
    if field in (b"?", b"-"):
        return None
    return unescape(field).decode("utf-8", "surrogateescape")


def _pairs(field: bytes) -> tuple[tuple[str, str], ...] | None:
    if field in (b"?", b"-"):
        return None if field == b"?" else ()
    pairs = [pair.partition(b"=") for pair in field.split(b",")]
    if not all(name and equals for name, equals, _value in pairs):
        raise ValueError("not an attribute")
    return tuple((_word(name) or "", value.decode("ascii")) for name, _, value in pairs)


def encode(entries: Iterable[Entry], lines_a_block: int = 4096, size_of_block: int = 4 << 20) -> Iterator[bytes]:
    """Yield the blocks of entries that come in path order, cut where a scan would have cut them (probe/walk.py).

    A directory's own entry opens its block; entries of another directory open the next one.
    """
    current, lines, size = None, list[bytes](), 0
    for entry in entries:
        path = entry.path.encode("utf-8", "surrogateescape")
        if entry.kind is Kind.DIRECTORY:
            directory, name = path, b"."
        else:
            directory, _, name = path.rpartition(b"/")
            directory, name = directory or b"/", escape(name)
        if directory != current or len(lines) >= lines_a_block or size >= size_of_block:
            if lines and current is not None:
                yield _block(current, lines)
            current, lines, size = directory, [], 0
        lines.append(_line(entry, name))
        size += len(lines[-1].decode("utf-8")) if name != b"." else 0
    if lines and current is not None:
        yield _block(current, lines)


def _block(directory: bytes, lines: list[bytes]) -> bytes:
    return escape(directory) + b"\n" + b"\n".join(lines) + b"\n"


def _line(entry: Entry, name: bytes) -> bytes:
    extra = entry.target if entry.kind is Kind.SYMLINK else entry.device
    none = "?" if entry.mode is None else "-"  # what does not even know the mode knows nothing
    fields = (
        LETTER_OF[entry.kind],
        _shown(entry.mode, "o"),
        _shown(entry.uid),
        _shown(entry.gid),
        _field(entry.owner),
        _field(entry.group),
        _shown(entry.size),
        _seconds(entry.mtime_ns),
        _seconds(entry.ctime_ns),
        _seconds(entry.btime_ns),
        _shown(entry.inode),
        _shown(entry.links),
        "?" if entry.flags is None else entry.flags or "-",
        ",".join(entry.digests) if entry.digests else "?" if entry.kind is Kind.FILE else none,
        "?" if entry.xattrs is None else ",".join(f"{_attribute(name)}={value}" for name, value in entry.xattrs) or "-",
        _field(extra) if extra is not None else none,
    )
    line = " ".join(fields).encode("utf-8") + b" " + name
    return line if entry.content is None else line + b"\n=" + escape(entry.content.encode("utf-8", "surrogateescape"))


def _shown(number: int | None, form: str = "d") -> str:
    return "?" if number is None else format(number, form)


def _seconds(time_ns: int | None) -> str:
    return "?" if time_ns is None else "{}.{:09d}".format(*divmod(time_ns, 1_000_000_000))


def _field(text: str | None) -> str:
    if text is None:
        return "?"
    if text in ("?", "-"):
        return f"\\x{ord(text):02x}"
    return printable(text).replace(" ", "\\x20") or "?"


def _attribute(name: str) -> str:
    return _field(name).replace(",", "\\x2c").replace("=", "\\x3d")
