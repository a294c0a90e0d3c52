"""What package systems know of newer versions, reduced here to what is installed: of 60,000 packages 600 count.

    /var/lib/apt/lists/*            each `Packages`, however it is packed, and the head of each Release
    /var/lib/pacman/sync/*.db       the databases of pacman's repositories
    /var/cache/apk/APKINDEX*        the indexes that apk keeps

All come as paragraphs of `Field: value`, with no more fields than are asked of them.
"""

import errno
import os
import re

from . import dpkg, inside, unpacked
from .chain import Chain
from .hints import Any, Callable, Dict, Iterable, Iterator, List, Optional, Set, Tuple
from .look import reason

LARGEST = 256 << 20
"""Bytes of one list, unpacked; that of Debian's unstable has 60 MB."""
ALL = 1 << 30
"""Bytes of all lists of one question."""
LONGEST = 1 << 20
"""Bytes of one paragraph, and of the head of a release."""
MEMBERS = 200000
"""Files in one database of pacman; the largest has 15,000."""
NOT_ALL = "what came before it unpacks to %d MiB already: it is not read" % (ALL >> 20)
_PACKED = (b".gz", b".xz", b".lzma", b".bz2", b".lz4", b".zst")
_NAME = re.compile(rb"^Package:[ \t]*([!-~]+)", re.MULTILINE | re.IGNORECASE)
_FIRST = b"Package: "
_KEPT = re.compile(rb"^(?:Package|Version|Architecture|Source|Phased-Update-Percentage):.*$", re.MULTILINE | re.IGNORECASE)
_OF_APK = ((b"P", b"Package"), (b"V", b"Version"), (b"A", b"Architecture"), (b"t", b"Built"))
_OF_PACMAN = ((b"NAME", b"Package"), (b"VERSION", b"Version"), (b"ARCH", b"Architecture"), (b"BUILDDATE", b"Built"))
_SUMS = re.compile(rb"^(?:MD5Sum|SHA1|SHA256|SHA512):", re.MULTILINE)

Told = Tuple[bytes, Optional[bytes], str]
Reader = Callable[[Iterable[bytes], Set[bytes]], Iterator[bytes]]
"""Of the pieces of a list and the names of what is installed, what is kept."""


class _Left:
    """How much all lists of a question may still unpack to."""

    def __init__(self) -> None:
        self.bytes = ALL


def lists(chain: Chain, pattern: bytes) -> Iterator[Told]:
    """Yield each list or release with what is kept of it, or why there is nothing."""
    names: Optional[Set[bytes]] = None
    left = _Left()
    for number, (place, why, _uid) in enumerate(inside.places(chain, pattern, inside.LIMIT)):
        path = b"/" + b"/".join(place)
        reader = _reader(place[-1]) if place else None
        if number == inside.MATCHES or why:
            yield path, None, why or "more than %d paths match" % inside.MATCHES
            continue
        if reader is None:
            continue
        try:
            if names is None:
                names = installed(chain, pattern)
            yield path, _read(chain, place, reader, names, left), ""
        except OSError as error:
            if error.errno not in (*inside.ABSENT, errno.EISDIR):
                yield path, None, reason(error)


def _reader(name: bytes) -> Optional[Reader]:
    plain = next((name[: -len(end)] for end in _PACKED if name.endswith(end)), name)
    if plain.endswith(b"Packages"):
        return paragraphs
    if name.endswith(b"Release"):
        return head
    if name.startswith(b"APKINDEX"):
        return apk
    return pacman if name.endswith(b".db") else None


def _read(chain: Chain, place: inside.Names, reader: Reader, names: Set[bytes], left: _Left) -> bytes:
    """What a reader keeps of a list, bounded as any file is."""
    handle = inside.opened_file(chain, inside.resolved(chain, place))
    try:
        kept: List[bytes] = []
        size = 0
        for one in reader(_bounded(unpacked.pieces(handle, _packed_as(handle, place[-1]), LARGEST), left), names):
            kept.append(one)
            size += len(one) + 2
            if size > inside.LIMIT:
                raise OSError(errno.EFBIG, "longer than %d bytes, reduced" % inside.LIMIT)
        return b"\n\n".join(kept)
    finally:
        os.close(handle)


def _packed_as(handle: int, name: bytes) -> bytes:
    """The ending that says how a file is packed; that of pacman's and apk's archives does not."""
    if not name.endswith((b".db", b".tar.gz")):
        return name
    begin = os.pread(handle, 6, 0)
    magic = {b"\x1f\x8b": b".gz", b"\x28\xb5": b".zst", b"\xfd7": b".xz", b"BZ": b".bz2"}
    return magic.get(begin[:2], b"")


def _bounded(pieces: Iterable[bytes], left: _Left) -> Iterator[bytes]:
    for piece in pieces:
        left.bytes -= len(piece)
        if left.bytes < 0:
            raise OSError(errno.EFBIG, NOT_ALL)
        yield piece


def installed(chain: Chain, pattern: bytes) -> Set[bytes]:
    """The names of what is installed, by the database of the system whose lists these are."""
    if pattern.startswith(b"/var/lib/pacman/"):
        return {place[-2].rsplit(b"-", 2)[0] for place, _why, _uid in inside.places(chain, b"/var/lib/pacman/local/*/desc", 0)}
    if pattern.startswith(b"/var/cache/apk/"):
        files = [(b"lib", b"apk", b"db", b"installed"), (b"usr", b"lib", b"apk", b"db", b"installed")]
        texts = (dpkg.text(chain, place) for place in files)
        return {name for text in texts for name in re.findall(rb"^P:(.+)$", text, re.MULTILINE)}
    return {fields[b"package"] for fields in dpkg.packages(chain) if b"package" in fields}


def paragraphs(pieces: Iterable[bytes], names: Set[bytes]) -> Iterator[bytes]:
    """Yield of the paragraphs of these packages the fields that count; a paragraph is passed over by its first line."""
    rest = b""
    for piece in pieces:
        whole = (rest + piece).split(b"\n\n")
        rest = whole.pop()
        if len(rest) > LONGEST:
            raise OSError(errno.EFBIG, "a paragraph in it is longer than %d bytes" % LONGEST)
        for one in whole:
            if one[9 : one.find(b"\n")] in names or not one.startswith(_FIRST):
                for kept in _kept(one, names):
                    yield kept
    for kept in _kept(rest, names):
        yield kept


def _kept(paragraph: bytes, names: Set[bytes]) -> Iterator[bytes]:
    found = _NAME.search(paragraph)
    if found and found.group(1) in names:
        yield b"\n".join(_KEPT.findall(paragraph))


def head(pieces: Iterable[bytes], _names: object) -> Iterator[bytes]:
    """Yield a Release without its lists of files, and without its signature."""
    text = b""
    for piece in pieces:
        text += piece
        found = _SUMS.search(text)
        if found or len(text) > LONGEST:
            text = text[: found.start()] if found else text[:LONGEST]
            break
    yield text


def apk(pieces: Iterable[bytes], names: Set[bytes]) -> Iterator[bytes]:
    """Yield name, version and time of building of these packages, of an index of apk."""
    for name, data in _members(pieces):
        if name == "APKINDEX":
            for stanza in data.split(b"\n\n"):
                fields = dict(line.split(b":", 1) for line in stanza.split(b"\n") if b":" in line)  # type: Dict[bytes, bytes]
                if fields.get(b"P") in names:
                    yield _paragraph(fields, _OF_APK)


def pacman(pieces: Iterable[bytes], names: Set[bytes]) -> Iterator[bytes]:
    """Yield name, version and time of building of these packages, of a database of pacman."""
    for name, data in _members(pieces, names):
        if name.endswith("/desc"):
            lines = data.split(b"\n")
            fields = {line.strip(b"%"): lines[at + 1] for at, line in enumerate(lines[:-1]) if line.startswith(b"%")}
            if fields.get(b"NAME") in names:
                yield _paragraph(fields, _OF_PACMAN)


def _paragraph(fields: Dict[bytes, bytes], known: Iterable[Tuple[bytes, bytes]]) -> bytes:
    return b"\n".join(b"%s: %s" % (called, fields[key]) for key, called in known if key in fields)


class _Stream:
    """Pieces as a file that is read once, from its beginning to its end."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = iter(pieces)
        self.held = b""

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end."""
        parts, left = [], size
        while left > 0:
            self.held = self.held or next(self.pieces, b"")
            if not self.held:
                break
            parts.append(self.held[:left])
            self.held = self.held[left:]
            left -= len(parts[-1])
        return b"".join(parts)


def _members(pieces: Iterable[bytes], wanted: Optional[Set[bytes]] = None) -> Iterator[Tuple[str, bytes]]:
    """Yield the regular files of an archive; of pacman's only those of packages that are wanted."""
    import tarfile  # noqa: PLC0415 - few hosts have such a database

    stream: Any = _Stream(pieces)
    try:
        with tarfile.open(fileobj=stream, mode="r|", ignore_zeros=True) as archive:
            for number, member in enumerate(archive):
                if number == MEMBERS:
                    raise OSError(errno.EFBIG, "more than %d files in it" % MEMBERS)
                folder = os.fsencode(member.name.split("/")[0]).rsplit(b"-", 2)[0]
                if not member.isreg() or (wanted is not None and folder not in wanted):
                    continue
                if member.size > (LONGEST if wanted is not None else LARGEST):
                    raise OSError(errno.EFBIG, "a file in it is longer than any is")
                file = archive.extractfile(member)
                yield member.name, file.read() if file else b""
                archive.members = []  # type: ignore[attr-defined]  # each would be kept
    except (tarfile.TarError, ValueError, EOFError, UnicodeError):
        raise OSError(errno.EBADMSG, unpacked.DAMAGED) from None
