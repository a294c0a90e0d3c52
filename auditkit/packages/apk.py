"""Alpine's package database: /lib/apk/db/installed, lines `X:value` and an empty line after each package, apk-v2(5).

    P:musl              the package; V: version, A: architecture, o: origin, f: what is broken, S in it how digests are meant
    F:lib               a directory, and M:uid:gid:mode where these are not 0:0:755
    R:libc.so           a file in it, with a:uid:gid:mode where these are not 0:0:644
    Z:Q1...             its digest: Q1 is SHA-1, Q2 is SHA-256; of a symbolic link, the digest of what is written in it

The database does not tell links from files; mode 777 is what apk has for links, so there the kind is left open.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from auditkit.model import Gap, Kind, Means, Need
from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.reading import bounded, check_sizes, lines, note, number, path, shown, text, word

PLACES: tuple[Need, ...] = (
    Need(Means.FILE, "/lib/apk/db/installed", "which packages are installed in which version"),
    Need(Means.FILE, "/usr/lib/apk/db/installed", "which packages are installed in which version, on a merged /usr"),
)
SOURCE = "apk's own database on the host"
BROKEN = {"f": "broken-files", "s": "broken-script", "x": "broken-xattr"}
"""In apk's own words, the worst first."""
DIGESTS = {("Q1", 20): "sha1", ("Q2", 32): "sha256"}
LAST_SECOND = 253_402_300_799
"""Of the year 9999."""
TRUNCATED = "sha256-160"
"""The first 20 bytes of a SHA-256: what Q1 means in a package with `f:S`."""
_LINE = re.compile(r"([A-Za-z]):(.*)", re.DOTALL)
_OWNER = re.compile(r"([0-9]{1,10}):([0-9]{1,10}):([0-7]{1,5})(?::.*)?")


@dataclass(slots=True)
class _Block:
    """What the lines of one package came to: its fields, its paths, and what was odd."""

    line: int
    fields: dict[str, str] = field(default_factory=dict)
    files: list[Shipped] = field(default_factory=list)
    directory: str | None = None
    named: bool = False
    """Whether the last path could be taken, so that what follows is about it."""
    odd: list[str] = field(default_factory=list)
    length: int = 0
    """Of all its paths together."""


def packages(files: Mapping[str, bytes]) -> Iterator[Package | Gap]:
    """Yield what is installed according to the files of a host by their path."""
    return (what.package if isinstance(what, Manifest) else what for what in manifests(files))


def manifests(files: Mapping[str, bytes]) -> Iterator[Manifest | Gap]:
    """Yield what each package put where."""
    for data in dict.fromkeys(files[need.what] for need in PLACES if need.what in files):  # one may lead to the other
        place = next(need.what for need in PLACES if files.get(need.what) == data)
        yield from bounded(_manifests(place, text(data)), place)


def _manifests(source: str, whole: str) -> Iterator[Manifest | Gap]:
    for block in _blocks(whole):
        place = f"{source} line {block.line}"
        yield from (Gap(place, reason) for reason in block.odd)
        try:
            yield Manifest(_package(block.fields), tuple(block.files), "local", SOURCE)
        except ValueError as error:
            yield Gap(place, f"{error}; package {shown(block.fields.get('P', '')) or 'without a name'}")


def _blocks(whole: str) -> Iterator[_Block]:
    block, length = _Block(1), 0
    for line, row in lines(whole):
        check_sizes(len(block.files), length + block.length, len(whole))
        if not row:
            if block.fields or block.odd:
                yield block
            block, length = _Block(line + 1), length + block.length
            continue
        try:
            _take(block, row)
        except ValueError as error:
            note(block.odd, f"line {line}: {error}")
    if block.fields or block.odd:
        yield block


def _take(block: _Block, row: str) -> None:
    """Take one line into the package that it belongs to.

    Raises:
        ValueError: it is not as apk writes it.
    """
    match = _LINE.fullmatch(row)
    if match is None:
        raise ValueError(f"not a line of apk: {shown(row)}")
    letter, value = match[1], match[2]
    match letter:
        case "F" | "R":
            _named(block, letter, value)
        case "M" | "a":
            _owned(block, letter, value)
        case "Z":
            _digested(block, value)
        case _ if letter in block.fields:
            raise ValueError(f"says again: {shown(row)}")
        case _:
            block.fields[letter] = value


def _named(block: _Block, letter: str, value: str) -> None:
    """Take a path; where that fails, what follows is not taken for part of the one before."""
    block.named = False
    if letter == "F":
        block.directory = None
        block.directory = path(value or ".")
        block.files.append(Shipped(block.directory, Kind.DIRECTORY, 0o755, "0", "0"))
    else:
        block.files.append(_file(block.directory, value))
    block.length += len(block.files[-1].path)
    block.named = True


def _file(directory: str | None, name: str) -> Shipped:
    if directory is None or "/" in name or name in ("", ".", ".."):
        raise ValueError(f"not a file in a directory: {shown(name)}")
    whole = path(f"{directory}/{name}")
    config = whole.startswith("/etc/") and not whole.startswith("/etc/init.d/")
    return Shipped(whole, Kind.FILE, 0o644, "0", "0", config=config)


def _last(block: _Block, directory: bool) -> Shipped:
    """The path that the line before was about."""
    if not block.named or (block.files[-1].kind is Kind.DIRECTORY) is not directory:
        raise ValueError("an attribute of nothing")
    return block.files[-1]


def _owned(block: _Block, letter: str, value: str) -> None:
    what, match = _last(block, letter == "M"), _OWNER.fullmatch(value)
    if match is None:
        raise ValueError(f"not an owner and a mode: {shown(value)}")
    mode = int(match[3], 8) & 0o7777
    kind = None if letter == "a" and mode == 0o777 else what.kind
    block.files[-1] = replace(what, kind=kind, mode=mode, owner=str(int(match[1])), group=str(int(match[2])))


def _digested(block: _Block, value: str) -> None:
    what = _last(block, directory=False)
    try:
        raw = base64.b64decode(value[2:].encode("ascii", "replace"), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not a digest: {shown(value)}") from error
    algorithm = DIGESTS.get((value[:2], len(raw)))
    if algorithm is None:
        raise ValueError(f"not a digest: {shown(value)}")
    if algorithm == "sha1" and "S" in block.fields.get("f", ""):
        algorithm = TRUNCATED
    block.files[-1] = replace(what, digests=(f"{algorithm}:{raw.hex()}",))


def _package(fields: Mapping[str, str]) -> Package:
    broken = fields.get("f", "")
    return Package(
        system="apk",
        name=word(fields.get("P", ""), "a package name"),
        version=word(fields.get("V", ""), "a version"),
        arch=fields.get("A", "") and word(fields["A"], "an architecture"),
        state=next((state for letter, state in BROKEN.items() if letter in broken), "installed"),
        source=fields.get("o", "") if fields.get("o") != fields["P"] else "",
        built=_moment(fields["t"]) if "t" in fields else None,
    )


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(min(number(seconds), LAST_SECOND), UTC)
