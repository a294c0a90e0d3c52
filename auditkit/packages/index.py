"""A vendor's list of packages, `Packages` of a Debian archive: where a .deb in one version lies, and its SHA-256.

    Package: bash
    Version: 5.2.15-2+b10
    Architecture: amd64
    Filename: pool/main/b/bash/bash_5.2.15-2+b10_amd64.deb
    Size: 1491056
    SHA256: 4ab0...

Such a list has 60,000 paragraphs, of which a host has 600: the others are passed over by their first line.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from auditkit.errors import FormatError
from auditkit.printable import printable

LONGEST = 1 << 20
"""The longest paragraph that is taken; the longest of Debian's has 12 kB."""
_FIRST = b"Package: "
_NAME = re.compile(rb"^Package[ \t]*:[ \t]*([!-~]+)", re.MULTILINE | re.IGNORECASE)
_FIELD = re.compile(
    rb"^(Package|Version|Architecture|Filename|Size|SHA256)[ \t]*:[ \t]*([!-~]*)[ \t\r]*$", re.MULTILINE | re.IGNORECASE
)
_DIGEST = re.compile(r"[0-9a-f]{64}")

UNLISTED = "no signed list names this version"
"""Why nobody vouches for a package whose name the lists know: they are older than it, or its vendor never had it."""
Key = tuple[str, str, str]
"""Name, version and architecture: what tells one package of an archive from all others."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One package in one version, as a list names it."""

    name: str
    version: str
    arch: str
    filename: str
    """Where it lies, below the archive's address."""
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list knows of the packages that were asked for."""

    found: tuple[Listed, ...]
    known: frozenset[str]
    """The names that it has in any version: what is not among them, this archive has never heard of, or no longer."""
    damaged: tuple[str, ...] = ()
    """What is wrong with paragraphs of packages that were asked for."""


def read(pieces: Iterable[bytes], wanted: Collection[Key]) -> Listing:
    """What the list in these pieces of text knows of `wanted`.

    Raises:
        FormatError: it is no such list.
    """
    names = {name.encode("utf-8", "surrogateescape") for name, _version, _arch in wanted}
    keys = frozenset(wanted)
    found, known, damaged = list[Listed](), set[str](), list[str]()
    for name, paragraph in _named(pieces, names):
        known.add(name)
        try:
            listed = _listed(paragraph)
        except ValueError as error:
            damaged.append(f"{printable(name)}: {error}")
            continue
        if (listed.name, listed.version, listed.arch) in keys:
            found.append(listed)
    return Listing(tuple(found), frozenset(known), tuple(damaged))


def _named(pieces: Iterable[bytes], names: Collection[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the paragraphs of the packages with these names."""
    for paragraph in _paragraphs(pieces):
        if paragraph.startswith(_FIRST):
            name = paragraph[len(_FIRST) : paragraph.find(b"\n")].rstrip() if b"\n" in paragraph else b""
        else:
            match = _NAME.search(paragraph)
            name = match[1] if match else b""
        if name in names:
            yield name.decode("utf-8", "surrogateescape"), paragraph


def _paragraphs(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n\n")
        yield from whole
        if len(rest) > LONGEST:
            raise FormatError(
                f"a list of packages has a paragraph longer than {LONGEST} bytes", "fetch it anew: run apt update"
            )
    yield rest


def _listed(paragraph: bytes) -> Listed:
    """One paragraph, read.

    Raises:
        ValueError: it lacks what is needed, or says something twice.
    """
    pairs = [(match[1].lower().decode(), match[2].decode()) for match in _FIELD.finditer(paragraph)]
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("its paragraph has a field twice")
    try:
        digest, filename, size = fields["sha256"].lower(), fields["filename"], fields["size"]
        listed = Listed(fields["package"], fields["version"], fields["architecture"], filename, int(size), digest)
    except (KeyError, ValueError) as error:
        raise ValueError("its paragraph lacks a field, or has nothing sensible in it") from error
    if not _DIGEST.fullmatch(digest) or not size.isdecimal() or len(size) > 15:
        raise ValueError("its size or its SHA-256 is none")
    if filename.startswith("/") or ".." in filename.split("/") or not filename:
        raise ValueError("its file lies outside of the archive")
    return listed
