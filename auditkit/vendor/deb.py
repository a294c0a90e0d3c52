"""A Debian package as a stream of bytes: what it ships, if it is the very file that the vendor's list names.

A .deb is an ar archive of `debian-binary`, `control.tar.*` and `data.tar.*`, deb(5). It is taken apart while it is read
and hashed; nothing of it counts before its SHA-256 has turned out to be the signed one.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from blake3 import blake3

from auditkit.errors import UntrustedError
from auditkit.model import Kind
from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.dpkg import SCRIPTS
from auditkit.printable import printable
from auditkit.vendor.tar import Content, Member, malformed, members
from auditkit.vendor.unpack import CHUNK, Source, Unpacked

MAGIC = b"!<arch>\n"
HEADER = 60
LONGEST_TEXT = 4 << 20
"""The most that any one file of control.tar may have."""
MOST_CONTROL = 64 << 20
MOST_DATA = 64 << 30
"""The most that the files of one package may have together."""
RATIO = 2000
"""The most that data may become by unpacking: zeros do not get smaller than that in xz, and no package is all zeros."""
SPARE = 1 << 30
MOST_KEPT = 100
"""Files of control.tar that are told of; nearly all packages have fewer than ten."""
_AR = re.compile(rb"([!-~ ]{16}).{32}([0-9]{1,10}) *`\n", re.DOTALL)
_KEPT = re.compile(r"[a-z0-9]{1,40}")
_CONFFILE = re.compile(r"(?:remove-on-upgrade[ \t]+)?(/.*)")


@dataclass(frozen=True, slots=True)
class Control:
    """What control.tar says of a package."""

    package: Package
    conffiles: frozenset[str]
    scripts: str
    files: tuple[Shipped, ...]
    """Those of them that dpkg keeps as they are."""


class Hashed:
    """A file being read and hashed, and no further than it may go."""

    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self.left = size

    def read(self, size: int, /) -> bytes:
        """The next `size` bytes; fewer only at the end."""
        parts, missing = list[bytes](), min(size, self.left)
        while missing and (data := self._source.read(missing)):
            self._digest.update(data)
            self.left -= len(data)
            missing -= len(data)
            parts.append(data)
        return b"".join(parts)

    def finish(self) -> str:
        """Read what is left, and give the SHA-256 of it all."""
        while self.read(CHUNK):
            pass
        return self._digest.hexdigest()


class Part:
    """So many bytes of a stream."""

    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self.size = self.left = size

    def read(self, size: int, /) -> bytes:
        """The next `size` bytes; fewer only at the end of the part."""
        data = self._source.read(min(size, self.left))
        self.left -= len(data)
        return data

    def skip(self) -> None:
        """Go to its end."""
        while self.read(CHUNK):
            pass


def read(source: Source, sha256: str, size: int, told: str) -> Manifest:
    """What the package in a stream ships, on the word of `told`, who signed for this size and SHA-256.

    Raises:
        UntrustedError: it is not the file that was signed for.
        FormatError: it is no package, or one that means harm.
    """
    file = Hashed(source, size)
    control, files = _taken_apart(file)
    if file.finish() != sha256 or file.left or source.read(1):
        raise UntrustedError(f"the package {printable(control.package.name)} is not the file that the vendor signed")
    config = (replace(shipped, config=True) if shipped.path in control.conffiles else shipped for shipped in files)
    return Manifest(control.package, tuple(config), "signed", told, control.scripts, (*control.files, _listed(files)))


def _listed(files: Sequence[Shipped]) -> Shipped:
    """The list of its paths that dpkg writes: in the order of data.tar."""
    text = "".join(f"{file.path if file.path != '/' else '/.'}\n" for file in files).encode("utf-8", "surrogateescape")
    return Shipped("list", Kind.FILE, size=len(text), digests=_digests((text,)))


def _taken_apart(file: Source) -> tuple[Control, list[Shipped]]:
    control = None
    for name, part in _parts(file):
        kind, _, packed = name.partition(".tar")
        if kind == "control":
            control = _control(Unpacked(part, packed, MOST_CONTROL))
        elif kind == "data":
            if control is None:
                break
            unpacked = Unpacked(part, packed, min(MOST_DATA, part.size * RATIO + SPARE))
            files = list(_shipped(unpacked))
            while unpacked.read(1 << 16):  # what follows the last file of the archive
                pass
            return control, files
    raise malformed("it lacks one of its parts")


def _parts(file: Source) -> Iterator[tuple[str, Part]]:
    """Yield control.tar and data.tar of an ar archive, and what is beside them."""
    if file.read(len(MAGIC)) != MAGIC:
        raise malformed("it is no ar archive")
    first = True
    while header := file.read(HEADER):
        match = _AR.fullmatch(header)
        if match is None:
            raise malformed("a header of the ar archive is damaged")
        part = Part(file, int(match[2]))
        name = match[1].decode("ascii").rstrip(" ").removesuffix("/")
        if first and (name != "debian-binary" or not part.read(64).startswith(b"2.")):
            raise malformed("it is no package of format 2")
        if not first:
            yield name, part
        first = False
        part.skip()
        if part.left:
            raise malformed("it ends too early")
        file.read(part.size % 2)


def _control(archive: Source) -> Control:
    texts, files = dict[str, str](), list[Shipped]()
    for member, content in members(archive):
        name = member.path[1:]
        if name not in (*SCRIPTS, "control", "conffiles"):
            if _KEPT.fullmatch(name) and member.kind is Kind.FILE and not member.same and len(files) < MOST_KEPT:
                files.append(Shipped(name, Kind.FILE, member.mode, size=member.size, digests=_digests(content)))
            continue
        if member.kind is not Kind.FILE or member.same or member.size > LONGEST_TEXT or name in texts:
            raise malformed(f"its {name} is not as it should be")
        data = b"".join(content)
        texts[name] = data.decode("utf-8", "surrogateescape")
        if name != "control":
            files.append(Shipped(name, Kind.FILE, member.mode, size=member.size, digests=_digests((data,))))
    conffiles = (_CONFFILE.fullmatch(line.rstrip()) for line in texts.get("conffiles", "").split("\n"))
    # a script may be a program of its own, which says nothing to a reader
    scripts = (f"# {name}\n{texts[name]}\n" for name in SCRIPTS if name in texts and "\0" not in texts[name])
    known = frozenset(match[1] for match in conffiles if match)
    return Control(_package(texts.get("control", "")), known, "".join(scripts), tuple(files))


def _package(control: str) -> Package:
    fields = dict[str, str]()
    for line in control.split("\n"):
        name, colon, value = line.partition(":")
        if colon and not line.startswith((" ", "\t")):
            fields.setdefault(name.lower(), value.strip())
    try:
        name, version, arch = fields["package"], fields["version"], fields["architecture"]
    except KeyError as error:
        raise malformed(f"its control file has no {str(error.args[0]).capitalize()}") from error
    return Package("dpkg", name, version, arch, source=fields.get("source", "").partition(" ")[0])


def _shipped(archive: Source) -> Iterator[Shipped]:
    """Yield each path of data.tar."""
    seen = dict[str, Shipped]()
    for member, content in members(archive):
        shipped = _hard_link(member, seen) if member.same is not None else _one(member, content)
        if seen.setdefault(member.path, shipped) is not shipped:
            raise malformed(f"it has {printable(member.path[:200])} twice")
        yield shipped


def _one(member: Member, content: Content) -> Shipped:
    file = member.kind is Kind.FILE
    return Shipped(
        member.path,
        member.kind,
        member.mode,
        member.owner,
        member.group,
        size=member.size if file else None,
        digests=_digests(content) if file else (),
        target=member.target,
    )


def _digests(content: Iterable[bytes]) -> tuple[str, ...]:
    fast, common = blake3(), hashlib.sha256()
    for piece in content:
        fast.update(piece)
        common.update(piece)
    return f"blake3:{fast.hexdigest()}", f"sha256:{common.hexdigest()}"


def _hard_link(member: Member, seen: dict[str, Shipped]) -> Shipped:
    """A hard link as the file that it is another name of."""
    first = seen.get(member.same or "")
    if first is None or first.kind is not Kind.FILE:
        raise malformed(f"{printable(member.path[:200])} is linked to a file that it does not have")
    return replace(first, path=member.path)
