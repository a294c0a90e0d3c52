"""What signed packages say of each path of one host: looked up line by line while a scan comes in.

Pure. A server has 50,000 such paths, so each is kept as the few bytes that the line of a sound entry has, and a line is
only taken apart where it differs.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from blake3 import blake3

from auditkit import entries
from auditkit.model import Entry, Kind
from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.dpkg import INFO, SCRIPTS
from auditkit.packages.layout import Layout
from auditkit.packages.owned import Owned
from auditkit.printable import printable, unescape

UNREAD = "-"
"""Instead of a digest: there is one, by an algorithm that this scan does not have."""
MARK = 16
"""Bytes of a digest of a block."""
LONGEST = 256 << 10
"""Bytes of a block that may be the only one of its directory: a scan makes several of what is far larger."""
_COUNTED: Mapping[bytes, Callable[[Sequence[bytes]], tuple[bytes, ...]]] = {
    b"f": itemgetter(0, 1, 4, 5, 6, 13, 14),
    b"d": itemgetter(0, 1, 4, 5, 14),
    b"l": itemgetter(0, 4, 5, 14, 15),
}
"""The fields of a line of a scan that packages speak of, by kind."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one package says of one path."""

    package: Package
    file: Shipped
    open: bool = False
    """Whether the package leaves open what the content of a file is: nobody vouches for it."""


class Sound:
    """Blocks of a scan that are just what signed packages say, so that the same block need not be looked through again.

    Whether one is depends on nothing but its bytes and what the packages say: so digests of `known` ones stand for both.
    """

    def __init__(self, known: Collection[bytes] = ()) -> None:
        self.known = known
        self.folders = dict[str, bytes]()
        """The digest of each such block, by its directory."""
        self._met = set[str]()
        self._passed = set[str]()

    def passes(self, block: bytes, folder: str) -> bool:
        """Whether a block is one of the known ones; none is of a directory that has several."""
        if folder in self._met or len(block) > LONGEST:
            self._passed.discard(folder)
            self.folders.pop(folder, None)
            return False
        self._met.add(folder)
        self.folders[folder] = blake3(block).digest(length=MARK)
        if self.folders[folder] in self.known:
            self._passed.add(folder)
        return folder in self._passed

    def unseen(self, left: Mapping[str, bytes | list[bytes]]) -> list[str]:
        """Those of the paths left at the end that were not in blocks that passed either.

        A directory stands in its own block, and all else in that of the directory above.
        """
        passed = self._passed
        unseen = [
            path for path, lines in left.items() if path not in passed and (_above(path) not in passed or _is_folder(lines))
        ]
        for path in unseen:
            self.folders.pop(_above(path), None)
            self.folders.pop(path, None)
        return unseen


class Vouched:
    """The paths of all signed packages of a host, each with what may be found there."""

    def __init__(self, layout: Layout, algorithm: str) -> None:
        self.layout = layout
        self.packages = list[Package]()
        self.scripts = list[str]()
        self.numbers = dict[Package, int]()
        self.sources = list[str]()
        self.algorithm = algorithm
        self.sound = Sound()
        self.lines = dict[str, bytes | list[bytes]]()
        """Number of the package, `c` for a conffile, `o` for what may be missing, and the fields that count, by place."""

    def taking(self, manifests: Iterable[Manifest]) -> Iterator[Manifest]:
        """Yield the manifests on, once what they say is kept."""
        for manifest in manifests:
            self.numbers[manifest.package] = len(self.packages)
            self.packages.append(manifest.package)
            self.scripts.append(manifest.scripts)
            self.sources.append(manifest.source)
            for file in manifest.files:
                self._add(self.layout.place(file.path, manifest.package.name), file)
            for script in _scripts(manifest):
                self._add(script.path, script)
            yield manifest

    def _add(self, place: str, file: Shipped) -> None:
        line = self._expected(file)
        if line is None:
            return
        flags = b"c" * file.config + b"o" * file.optional + b"g" * file.ghost
        line = b"%d%s " % (len(self.packages) - 1, flags) + line
        known = self.lines.get(place)
        if known is None:
            self.lines[place] = line
        elif isinstance(known, list):
            if all(_said(line) != _said(other) for other in known):
                known.append(line)
        elif _said(known) != _said(line):
            self.lines[place] = [known, line]

    def _expected(self, file: Shipped) -> bytes | None:
        """The fields of a sound entry, empty what the package leaves open; None for devices, which no package should ship."""
        mode, owner, group = "" if file.mode is None else f"{file.mode:o}", _field(file.owner), _field(file.group)
        match file.kind:
            case Kind.FILE:
                known = next((one for one in file.digests if one.startswith(f"{self.algorithm}:")), UNREAD)
                size = "" if file.size is None else str(file.size)
                text = f"f {mode} {owner} {group} {size} {known if file.digests else ''} {_field(file.capabilities) or '-'}"
            case Kind.DIRECTORY:
                text = f"d {mode} {owner} {group} -"
            case Kind.SYMLINK:
                text = f"l {owner} {group} - {_field(file.target)}"
            case _:
                return None
        return text.encode("utf-8")

    def paths(self) -> Iterable[str]:
        """The paths of all packages; to be asked before any has been seen."""
        return self.lines.keys()

    def unseen(self) -> list[str]:
        """The paths that were not met; to be asked at the end."""
        return self.sound.unseen(self.lines)

    def look(self, place: str) -> tuple[bytes, ...]:
        """The lines of a path that has not been seen yet; none where nobody vouches for it."""
        known = self.lines.get(place, ())
        return tuple(known) if isinstance(known, (list, tuple)) else (known,)

    def claim(self, place: str, line: bytes) -> Claim:
        """What one of the lines of a path says, in full."""
        head, _, rest = line.partition(b" ")
        number = head.rstrip(b"cog")
        flags = head[len(number) :]
        file = replace(_shipped(place, rest), config=b"c" in flags, optional=b"o" in flags, ghost=b"g" in flags)
        return Claim(self.packages[int(number)], file, file.kind is Kind.FILE and rest.split(b" ")[5] == b"")

    def unheld(self) -> int:
        """How many packages have maintainer scripts of which no digest is known: manifests of before these were kept."""
        told = zip(self.packages, self.scripts, strict=True)
        return sum(bool(text) and not self._holds(package) for package, text in told if package.system == "dpkg")

    def _holds(self, package: Package) -> bool:
        return any(f"{INFO}{package.name}.{kind}" in self.lines for kind in SCRIPTS)

    def scripts_of(self, packages: Iterable[Package]) -> list[str]:
        """The maintainer scripts of those packages that a vendor vouches for."""
        return [self.scripts[self.numbers[package]] for package in packages if package in self.numbers]


def differing(blocks: Iterable[bytes], vouched: Vouched, owned: Owned) -> Iterator[tuple[Entry, tuple[bytes, ...]]]:
    """Yield the entries of a scan that are not just as a package says, each with what packages say of it, if any does.

    Of what is `owned` by a package that nobody vouches for, regular files alone are yielded.

    Raises:
        FormatError: a line is none.
    """
    for block in blocks:
        folder = entries.path_of(block).decode("utf-8", "surrogateescape")
        if not vouched.sound.passes(block, folder):
            yield from _differing(block, folder, vouched, owned)


def _differing(block: bytes, folder: str, vouched: Vouched, owned: Owned) -> Iterator[tuple[Entry, tuple[bytes, ...]]]:
    pop: Callable[[str, tuple[()]], bytes | list[bytes] | tuple[()]] = vouched.lines.pop
    head, *lines = block.rstrip(b"\n").split(b"\n")
    above, is_sound = folder.rstrip("/") + "/", True
    for line in lines:
        fields = line.split(b" ", entries.FIELDS)
        is_itself = fields[-1] == b"." and fields[0] == b"d"
        place = folder if is_itself else above + _name(fields[-1])
        known = pop(place, ())
        claims = (known,) if isinstance(known, bytes) else tuple(known)
        seen = _seen(fields) if claims else b""
        if claims and any(_said(claim) == seen for claim in claims):
            is_sound &= len(claims) == 1 or len({_said(claim)[:1] for claim in claims}) == 1
            continue
        is_sound = False
        if claims or fields[0] == b"f" or place not in owned:
            yield from ((entry, claims) for _, entry in entries.decode(head + b"\n" + line + b"\n"))
    if not is_sound:
        vouched.sound.folders.pop(folder, None)


def _scripts(manifest: Manifest) -> Iterator[Shipped]:
    """Yield the programs of control.tar where dpkg keeps them: under one name or the other, so neither has to be there."""
    package = manifest.package
    for file in manifest.control if package.system == "dpkg" else ():
        if file.path in SCRIPTS:
            for name in (package.name, package.key):
                path = f"{INFO}{name}.{file.path}"
                yield replace(file, path=path, mode=None, owner="root", group="root", config=False, optional=True)


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _is_folder(lines: bytes | list[bytes]) -> bool:
    """Whether any package may have a directory there."""
    return b" d " in lines if isinstance(lines, bytes) else any(b" d " in line for line in lines)


def _name(field: bytes) -> str:
    if b"\\" not in field:
        return field.decode("utf-8", "surrogateescape")
    try:
        return unescape(field).decode("utf-8", "surrogateescape")
    except ValueError:  # no line of a scan: whoever decodes it says so
        return ""


def _seen(fields: Sequence[bytes]) -> bytes:
    """The fields of an entry that packages speak of, as a scan writes them; empty where it is none that they ship."""
    counted = _COUNTED.get(fields[0])
    return b" ".join(counted(fields)) if counted and len(fields) == entries.FIELDS + 1 else b""


def _said(line: bytes) -> bytes:
    return line[line.index(b" ") + 1 :]


def _field(text: str | None) -> str:
    """A word as lines of a scan have it; empty where there is none."""
    return printable(text or "").replace(" ", "\\x20")


def _shipped(place: str, line: bytes) -> Shipped:
    fields = [unescape(field).decode("utf-8", "surrogateescape") for field in line.split(b" ")]
    match fields:
        case ["f", mode, owner, group, size, digest, rights]:
            digests = () if digest in ("", UNREAD) else (digest,)
            told = None if rights == "-" else rights
            return Shipped(
                place,
                Kind.FILE,
                _octal(mode),
                owner or None,
                group or None,
                int(size) if size else None,
                digests,
                capabilities=told,
            )
        case ["d", mode, owner, group, _]:
            return Shipped(place, Kind.DIRECTORY, _octal(mode), owner or None, group or None)
        case [_, owner, group, _, target]:
            return Shipped(place, Kind.SYMLINK, None, owner or None, group or None, target=target or None)
    raise ValueError(place)


def _octal(mode: str) -> int | None:
    return int(mode, 8) if mode else None
