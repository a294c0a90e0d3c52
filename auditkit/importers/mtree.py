r"""BSD mtree specifications, mtree(5), as NetBSD's `mtree -c` and `bsdtar --format=mtree` write them.

    #mtree
    /set type=file uname=root mode=0644
    .            type=dir mode=0755 time=1795523510.507859281
        a\sb     size=5 sha256=2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
    ..
    ./sub/file type=file mode=644 size=1

A name without a slash lies in the directory entered last, one with a slash is a whole path. Odd bytes are written as vis(3)
does. BSD flags are kept where they have a chattr letter; `flags=none` is what mtree says on Linux, whatever is set.
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditkit.errors import FormatError
from auditkit.model import Entry, Kind

KINDS = {
    "file": Kind.FILE,
    "dir": Kind.DIRECTORY,
    "link": Kind.SYMLINK,
    "block": Kind.BLOCK,
    "char": Kind.CHARACTER,
    "fifo": Kind.FIFO,
    "socket": Kind.SOCKET,
}
WITH_DEVICE = (Kind.DIRECTORY, Kind.BLOCK, Kind.CHARACTER)
ALIASES = {
    "md5digest": "md5", "rmd160digest": "rmd160", "ripemd160digest": "rmd160", "sha1digest": "sha1",
    "sha256digest": "sha256", "sha384digest": "sha384", "sha512digest": "sha512",
}  # fmt: skip
DIGESTS = {"md5": 32, "rmd160": 40, "sha1": 40, "sha256": 64, "sha384": 96, "sha512": 128}
"""The digests of mtree with their length in hex digits."""
KEYWORDS = frozenset(
    {"type", "mode", "uid", "gid", "uname", "gname", "size", "time", "nlink", "inode", "link", "flags", "device"}
    | {"resdevice", "optional", "ignore", "nochange", "cksum", "tags", "contents", *DIGESTS},
)
IMMUTABLE = frozenset({"schg", "schange", "simmutable", "uchg", "uchange", "uimmutable"})
APPEND_ONLY = frozenset({"sappnd", "sappend", "uappnd", "uappend"})
HEX = frozenset(string.hexdigits)
LONGEST_LINE = 1 << 16
DEEPEST = 2048
LONGEST_PATH = 1 << 15
_VIS = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{2})|M-(.)|M\^(.)|\^(.)|(.)|)", re.DOTALL)
_LETTERS = dict(zip(b"nrbavtfsE", b"\n\r\b\a\v\t\f \x1b", strict=True))
_TIME = re.compile(r"(-?\d{1,12})(?:\.(\d{1,9}))?")
_PACKED = re.compile(r"0x[0-9a-fA-F]{1,16}|[1-9][0-9]{0,18}|0")
_ENTRY = re.compile(rb"\S+[ \t]+(?:\S+[ \t]+)*type=[a-z]+(?:\s|\Z)")


def knows(head: bytes) -> bool:
    """Whether a file that begins so is an mtree specification."""
    lines = head.split(b"\n", 64)
    first = next((line.strip() for line in lines if line.strip() and not line.lstrip().startswith(b"#")), b"")
    return head.startswith(b"#mtree") or first.startswith((b"/set ", b"/unset ")) or bool(_ENTRY.match(first[:4096]))


@dataclass(slots=True)
class State:
    """What earlier lines of a specification mean for the next one."""

    defaults: dict[str, str] = field(default_factory=dict)
    inside: list[bytes | None] = field(default_factory=list)
    """The directories entered; None is one whose name could not be read."""
    unknown: set[str] = field(default_factory=set)
    """Keywords that are not known and have been reported."""


def parse(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, Entry | str]]:
    """Yield the entry of each line, with the values that /set gave it.

    Raises:
        FormatError: directories are nested deeper, or lines continued longer, than any real ones.
    """
    state = State()
    for number, line in _joined(lines):
        name, *words = line.split()
        try:
            match name:
                case b"/set":
                    state.defaults.update(_keywords(words))
                case b"/unset":
                    _unset(state, words)
                case b"..":
                    _leave(state)
                case _:
                    yield number, _entry(state, name, words)
        except ValueError as error:
            yield number, str(error)
        yield from ((number, reason) for reason in _remarks(state, name, words))


def _joined(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that say something, each with those that a backslash at its end joins to it."""
    start, parts, length = 0, list[bytes](), 0
    for number, line in lines:
        start = start if parts else number
        continued = (len(line) - len(line.rstrip(b"\\"))) % 2 == 1
        parts.append(line[:-1] if continued else line)
        length += len(line)
        if length > LONGEST_LINE:
            raise FormatError(f"line {start} goes on for more than {LONGEST_LINE} bytes", "take it from a good copy")
        if not continued:
            yield from _told(start, b" ".join(parts))
            parts, length = [], 0
    if parts:
        yield from _told(start, b" ".join(parts))


def _told(number: int, line: bytes) -> Iterator[tuple[int, bytes]]:
    if line.strip() and not line.lstrip().startswith(b"#"):
        yield number, line


def _keywords(words: list[bytes]) -> dict[str, str]:
    """The keywords of a line with their values, under the shorter of their names."""
    found = {}
    for word in words:
        name, _, value = word.decode("utf-8", "surrogateescape").partition("=")
        found[ALIASES.get(name, name)] = value
    return found


def _unset(state: State, words: list[bytes]) -> None:
    for name in _keywords(words):
        state.defaults.pop(name, None)
    if b"all" in words:
        state.defaults.clear()


def _leave(state: State) -> None:
    if not state.inside:
        raise ValueError("leaves a directory that was not entered")
    state.inside.pop()


def _remarks(state: State, name: bytes, words: list[bytes]) -> Iterator[str]:
    """What of a line cannot be kept: keywords that are not known, each once, and what lies below an ignored directory."""
    found = _keywords(words)
    for keyword in found.keys() - KEYWORDS - state.unknown - {"all"}:
        state.unknown.add(keyword)
        yield f"the keyword {keyword} is not known"
    if "ignore" in found and name not in (b"/set", b"/unset"):
        yield "says nothing of what lies below: ignore"


def _entry(state: State, name: bytes, words: list[bytes]) -> Entry:
    """The entry of one line; a directory is entered even if the rest of its line is wrong.

    Raises:
        ValueError: the line is not as mtree(5) says.
    """
    values = state.defaults | _keywords(words)
    try:
        plain: bytes | None = unvis(name)
    except ValueError:
        plain = None
    above = tuple(state.inside)
    if b"/" not in name and values.get("type") == "dir":
        state.inside.append(plain)
        if len(state.inside) > DEEPEST:
            raise FormatError(f"directories are nested deeper than {DEEPEST}", "take it from a good copy")
    return _from_values(_path(above if b"/" not in name else (), plain), values)


def _path(above: tuple[bytes | None, ...], name: bytes | None) -> str:
    names = [part for part in (*above, name) if part is not None]
    if len(names) <= len(above):
        raise ValueError("its name, or that of its directory, cannot be read")
    path = b"/".join(names)
    if len(path) > LONGEST_PATH:
        raise ValueError("its path is too long")
    return path.decode("utf-8", "surrogateescape")


def _from_values(path: str, values: dict[str, str]) -> Entry:
    kind = KINDS.get(values.get("type", ""))
    if kind is None:
        raise ValueError(f"its type is not known: {path}")
    if "nochange" in values:
        return Entry(path=path, kind=kind)
    device = values.get("resdevice" if kind is Kind.DIRECTORY else "device")
    return Entry(
        path=path,
        kind=kind,
        mode=_number(values.get("mode"), 8),
        uid=_number(values.get("uid")),
        gid=_number(values.get("gid")),
        owner=_word(values.get("uname")),
        group=_word(values.get("gname")),
        size=_number(values.get("size")),
        mtime_ns=_time(values.get("time")),
        inode=_number(values.get("inode")),
        links=_number(values.get("nlink")),
        device=None if device is None or kind not in WITH_DEVICE else _device(device),
        flags=_flags(values.get("flags")),
        digests=_digests(values) if kind is Kind.FILE else None,
        target=_word(values.get("link")) if kind is Kind.SYMLINK else None,
    )


def _number(value: str | None, base: int = 10) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise ValueError(f"not a number: {value}")
    return int(value, base)


def _time(value: str | None) -> int | None:
    """Nanoseconds of `seconds.nanoseconds`; what follows the dot is a number and not a fraction: libarchive pads nothing."""
    if value is None:
        return None
    match = _TIME.fullmatch(value)
    if match is None or not value.isascii():
        raise ValueError(f"not a time: {value}")
    return int(match[1]) * 1_000_000_000 + int(match[2] or "0")


def _device(value: str) -> str:
    """`major:minor` of `native,1,3`, or of one number as Linux packs it."""
    if _PACKED.fullmatch(value):
        packed = int(value, 0)
        major, minor = packed >> 8 & 0xFFF | packed >> 32 & ~0xFFF, packed & 0xFF | packed >> 12 & 0xFFFFFF00
        return f"{major}:{minor}"
    _, *numbers = value.split(",")
    if len(numbers) != 2:
        raise ValueError(f"not a device: {value}")
    return f"{_number(numbers[0])}:{_number(numbers[1])}"


def _flags(value: str | None) -> str | None:
    names = set((value or "none").split(","))
    if names == {"none"}:
        return None
    return "i" * bool(names & IMMUTABLE) + "a" * bool(names & APPEND_ONLY)


def _digests(values: dict[str, str]) -> tuple[str, ...] | None:
    found = {name: values[name].lower() for name in sorted(DIGESTS) if name in values}
    for name, value in found.items():
        if len(value) != DIGESTS[name] or not HEX.issuperset(value):
            raise ValueError(f"not a digest of {name}: {value}")
    return tuple(f"{name}:{value}" for name, value in found.items()) or None


def _word(value: str | None) -> str | None:
    return None if value is None else unvis(value.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def unvis(text: bytes) -> bytes:
    """The bytes that vis(3) wrote as `text`.

    Raises:
        ValueError: a backslash is followed by what vis never writes.
    """
    return _VIS.sub(_byte, text) if b"\\" in text else text


def _byte(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, meta, meta_control, control, letter = match.groups()
    if octal:
        return bytes([int(octal, 8)])
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    if meta:
        return bytes([meta[0] | 0x80])
    if meta_control or control:
        return bytes([_control((meta_control or control)[0]) | (0x80 if meta_control else 0)])
    if not letter or not 0x21 <= letter[0] <= 0x7E or letter in b"M^x":
        raise ValueError("a backslash that escapes nothing")
    return bytes([_LETTERS.get(letter[0], letter[0])])


def _control(letter: int) -> int:
    return 0x7F if letter == ord("?") else letter & 0x1F
