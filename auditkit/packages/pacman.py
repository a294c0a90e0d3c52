"""Arch's package database: /var/lib/pacman/local/NAME-VERSION/ with desc, files and mtree.

desc     %NAME% and the like, each with its lines below it and an empty line after
files    %FILES% by path, directories with a slash at the end; %BACKUP% path, tab, MD5 as shipped
mtree    gzip: type, mode, uid, gid, size, link and digests of each path, mtree(5)
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from auditkit.errors import FormatError
from auditkit.importers import mtree
from auditkit.model import Entry, Gap, Kind, Means, Need
from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.reading import bounded, check_sizes, digest, lines, number, path, shown, text, word

LOCAL = "/var/lib/pacman/local/"
DESC: Need = Need(Means.FILE, LOCAL + "*/desc", "which packages are installed in which version")
FILES: Need = Need(Means.FILE, LOCAL + "*/files", "which paths belong to which package")
MTREE: Need = Need(Means.FILE, LOCAL + "*/mtree", "mode, owner, size and digest of each of them")
SOURCE = "pacman's own database on the host"
LARGEST_MTREE = 64 << 20
"""Unpacked; the largest real packages come to a quarter of it."""
LARGEST = 512 << 20
"""All of them; a desktop with two thousand packages comes to a sixth of it."""
_BESIDE = re.compile(r"\./\.[A-Z]+").fullmatch
LAST_SECOND = 253_402_300_799
"""Of the year 9999."""


def packages(files: Mapping[str, bytes]) -> Iterator[Package | Gap]:
    """Yield what is installed according to the files of a host by their path."""
    yield from bounded((what for _folder, what in _packages(files)), LOCAL)


def _packages(files: Mapping[str, bytes]) -> Iterator[tuple[str, Package | Gap]]:
    for source, data in files.items():
        folder, _, base = source.rpartition("/")
        if base == "desc" and folder.startswith(LOCAL):
            try:
                yield folder, _package(_sections(data))
            except ValueError as error:
                yield folder, Gap(source, str(error))


def manifests(files: Mapping[str, bytes]) -> Iterator[Manifest | Gap]:
    """Yield what each package put where; one of which neither files nor mtree is there is a gap."""
    yield from bounded(_told(files), LOCAL)


def _told(files: Mapping[str, bytes]) -> Iterator[Manifest | Gap]:
    left = LARGEST
    for folder, what in _packages(files):
        if isinstance(what, Gap):
            yield what
        elif not {f"{folder}/files", f"{folder}/mtree"} & files.keys():
            yield Gap(f"package {what.key}", "the list of its files is not there")
        else:
            try:
                tree = _unpacked(files.get(f"{folder}/mtree", b""), min(left, LARGEST_MTREE))
            except FormatError as error:
                tree, left = b"", left - LARGEST_MTREE
                yield Gap(f"{folder}/mtree", str(error))
            left -= len(tree)
            yield from bounded(_manifest(folder, what, files.get(f"{folder}/files", b""), tree), f"package {what.key}")


def _sections(data: bytes) -> dict[str, list[str]]:
    """The lines below each `%WORD%`."""
    sections, held = dict[str, list[str]](), list[str]()
    for _number, line in lines(text(data)):
        if line.startswith("%") and line.endswith("%") and len(line) > 2:
            held = sections.setdefault(line.strip("%"), [])
        elif line:
            held.append(line)
    return sections


def _package(sections: Mapping[str, list[str]]) -> Package:
    """One package.

    Raises:
        ValueError: it has no name or version, or one that pacman could not have written.
    """
    first = {name: held[0] for name, held in sections.items() if held}
    name, installed = word(first.get("NAME", ""), "a package name"), first.get("INSTALLDATE", "")
    seconds, made = number(installed) if installed else None, first.get("BUILDDATE", "")
    return Package(
        system="pacman",
        name=name,
        version=word(first.get("VERSION", ""), "a version"),
        arch=first.get("ARCH", "") and word(first["ARCH"], "an architecture"),
        source=first.get("BASE", "") if first.get("BASE") != name else "",
        installed=None if seconds is None else datetime.fromtimestamp(min(seconds, LAST_SECOND), UTC),
        built=datetime.fromtimestamp(min(number(made), LAST_SECOND), UTC) if made else None,
    )


def _manifest(folder: str, package: Package, listed: bytes, tree: bytes) -> Iterator[Manifest | Gap]:
    """Yield what a package put where, the mtree's word before that of the list of files."""
    sections = _sections(listed)
    found, length = dict[str, Shipped](), 0
    for what in _entries(f"{folder}/mtree", tree):
        if isinstance(what, Gap):
            yield what
        else:
            found[what.path] = what
            length += len(what.path)
            check_sizes(len(found), length, len(tree))
    check_sizes(len(found) + len(sections.get("FILES", [])), 0, 0)
    for line in sections.get("FILES", []):
        try:
            name = path(line)
        except ValueError as error:
            yield Gap(f"{folder}/files", str(error))
        else:
            found.setdefault(name, Shipped(name, Kind.DIRECTORY if line.endswith("/") else None))
    for line in sections.get("BACKUP", []):
        try:
            name, *digests = _backup(line)
        except ValueError as error:
            yield Gap(f"{folder}/files", str(error))
        else:
            known = found.get(name) or Shipped(name, Kind.FILE)
            found[name] = replace(known, kind=known.kind or Kind.FILE, digests=known.digests or tuple(digests), config=True)
    yield Manifest(package, tuple(found.values()), "local", SOURCE)


def _backup(line: str) -> tuple[str, str]:
    name, _, md5 = line.partition("\t")
    return path(name), digest("md5", md5)


def _entries(source: str, tree: bytes) -> Iterator[Shipped | Gap]:
    """Yield what an mtree says of each path; of what stands beside the root, as .PKGINFO does, nothing is installed."""
    try:
        for line, what in mtree.parse(_rows(tree)):
            if isinstance(what, str):
                yield Gap(f"{source} line {line}", shown(what))
            elif not _BESIDE(what.path):
                yield _shipped(f"{source} line {line}", what)
    except FormatError as error:
        yield Gap(source, str(error))


def _rows(tree: bytes) -> Iterator[tuple[int, bytes]]:
    return ((line, row.encode("utf-8", "surrogateescape")) for line, row in lines(text(tree)))


def _unpacked(packed: bytes, most: int) -> bytes:
    """The text of an mtree.

    Raises:
        FormatError: it is no gzip, is cut, or is far larger than any.
    """
    if most <= 0 and packed:
        raise FormatError(f"those before it unpack to {LARGEST >> 20} MiB already: it is not read")
    engine = zlib.decompressobj(31)
    try:
        plain = engine.decompress(packed, most) if packed else b""
    except zlib.error as error:
        raise FormatError(f"not gzip: {error}") from error
    if engine.unconsumed_tail:
        raise FormatError(f"it unpacks to more than {most >> 20} MiB")
    if packed and not engine.eof:
        raise FormatError("the compressed text is cut off")
    return plain


def _shipped(place: str, entry: Entry) -> Shipped | Gap:
    try:
        name = path(entry.path)
    except ValueError as error:
        return Gap(place, str(error))
    return Shipped(
        path=name,
        kind=entry.kind,
        mode=None if entry.mode is None else entry.mode & 0o7777,
        owner=None if entry.uid is None else str(entry.uid),
        group=None if entry.gid is None else str(entry.gid),
        size=entry.size,
        digests=entry.digests or (),
        target=entry.target,
    )
