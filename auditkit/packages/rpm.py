"""rpm: a header of its database as the package it is and the files it ships.

Everything is read from what the vendor built and signed; of what was added at the installation only the time, and whether
documentation or a language was left out, are believed.
"""

import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from auditkit.errors import FormatError
from auditkit.model import OF_MODE, Kind
from auditkit.packages import Manifest, Package, Shipped, reading
from auditkit.packages.rpm_header import Header, Tags
from auditkit.printable import printable

NAME, VERSION, RELEASE, EPOCH, ARCH, SOURCE = 1000, 1001, 1002, 1003, 1022, 1044
INSTALLED, BUILT = 1008, 1006
WHOLE_PATHS, BASENAMES, DIRECTORIES, DIRECTORY_OF = 1027, 1117, 1118, 1116
MODES, OWNERS, GROUPS, SIZES_OF_FILES, LONG_SIZES = 1030, 1039, 1040, 1028, 5008
DIGESTS, ALGORITHM, TARGETS, CAPABILITIES = 1035, 5011, 1036, 5010
FLAGS, VERIFY, LANGUAGES, STATES, COLORS = 1037, 1045, 1097, 1029, 1140
SCRIPTS = (1151, 1023, 1024, 1152, 1065, 5066, 5076)
"""%pretrans, %pre, %post, %posttrans and all triggers: what may set modes and owners after the files are there."""
ALGORITHMS = {1: ("md5", 32), 2: ("sha1", 40), 8: ("sha256", 64), 9: ("sha384", 96), 10: ("sha512", 128), 11: ("sha224", 56)}
"""Numbers of OpenPGP, with the digits of each in hex."""
CONFIG, DOC, MISSING_OK, GHOST, ARTIFACT = 1, 2, 8, 64, 4096
"""Bits of a file's flags: rpmfileAttrs of rpmfiles.h."""
BY_DIGEST, BY_SIZE, BY_TARGET, BY_OWNER, BY_GROUP, BY_MODE, BY_CAPABILITIES = 1, 2, 4, 8, 16, 64, 256
"""Bits of what the vendor wants verified: rpmVerifyAttrs of rpmvf.h; %verify(not mode) clears one."""
BITS = {1: 32, 2: 64}
"""By the color of a file: rpmfc.h."""
LEFT_OUT = 2
"""The state of a file that was not installed: documentation or a language that nobody wanted."""
UNSIGNED = "no vendor whose key is given signed it"
"""Why nobody vouches for a package though there are keys: it is another's, or made up."""
_HEX = re.compile(r"[0-9a-f]+")
_CLAUSE = re.compile(r"(?:= )?([a-z0-9_,]+)[+=]([eip]+)")


def package(header: Header) -> Package:
    """Which package it is.

    Raises:
        FormatError: its name, version or architecture is no sound word.
    """
    told = header.told
    name, version, release, arch = (told.text(tag) for tag in (NAME, VERSION, RELEASE, ARCH))
    try:
        reading.word(name, "a name")
        for word in (version, release, arch or "noarch"):  # a key that was imported has no architecture
            reading.word(word, "a version or an architecture")
    except ValueError as error:
        raise FormatError(str(error)) from error
    epoch = "".join(f"{number}:" for number in told.numbers(EPOCH)[:1])
    source = told.text(SOURCE).removesuffix(".src.rpm").removesuffix(".nosrc.rpm").rsplit("-", 2)[0]
    installed, built = header.added.numbers(INSTALLED)[:1], told.numbers(BUILT)[:1]
    return Package(
        "rpm",
        name,
        f"{epoch}{version}-{release}",
        arch,
        source="" if source == name else source,
        installed=_time(installed[0]) if installed else None,
        built=_time(built[0]) if built else None,
    )


def _time(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise FormatError(f"a time of {seconds} seconds") from error


def manifest(header: Header, proof: str, source: str) -> Manifest:
    """All files of a package as its header has them, on the word of `source`.

    Raises:
        FormatError: its lists of files do not fit each other.
    """
    scripts = "\n".join(text for tag in SCRIPTS for text in header.told.texts(tag))
    return Manifest(package(header), tuple(_files(header)), proof, source, scripts)


def _files(header: Header) -> Iterator[Shipped]:
    told = header.told
    paths = _paths(told)
    number = len(paths)
    algorithm = _algorithm(told)

    def column(tag: int, values: tuple[int, ...] | tuple[str, ...]) -> tuple[int, ...] | tuple[str, ...] | list[None]:
        if values and len(values) != number:
            raise FormatError(f"{number} files and {len(values)} values of tag {tag}")
        return values or [None] * number

    numbers = (MODES, LONG_SIZES if LONG_SIZES in told.places else SIZES_OF_FILES, FLAGS, VERIFY, COLORS)
    columns = [column(tag, told.numbers(tag)) for tag in numbers]
    columns += [column(tag, told.texts(tag)) for tag in (OWNERS, GROUPS, DIGESTS, TARGETS, CAPABILITIES, LANGUAGES)]
    columns += [column(STATES, header.added.numbers(STATES))]
    for path, *values in zip(paths, *columns, strict=True):
        yield _shipped(path, File(*values), algorithm)


class File(NamedTuple):
    """One file's row of the lists of a header."""

    mode: int | None
    size: int | None
    flags: int | None
    verify: int | None
    color: int | None
    owner: str | None
    group: str | None
    digest: str | None
    target: str | None
    capabilities: str | None
    language: str | None
    state: int | None


def _shipped(path: str, file: File, algorithm: tuple[str, int]) -> Shipped:
    flags = file.flags or 0
    verify = 0xFFFFFFFF if file.verify is None else file.verify
    if flags & GHOST:  # of a ghost the package has neither content nor target; rpm -V leaves them out as well
        verify &= ~(BY_DIGEST | BY_SIZE | BY_TARGET)
    if file.mode is None or stat.S_IFMT(file.mode) not in OF_MODE:
        raise FormatError(f"{printable(path)} is of no kind of file")
    kind = OF_MODE[stat.S_IFMT(file.mode)]
    regular, link = kind is Kind.FILE, kind is Kind.SYMLINK
    left_out = file.state == LEFT_OUT and bool(flags & (DOC | ARTIFACT) or file.language)
    return Shipped(
        path,
        kind,
        mode=stat.S_IMODE(file.mode) if verify & BY_MODE and not link else None,
        owner=file.owner or None if verify & BY_OWNER else None,
        group=file.group or None if verify & BY_GROUP else None,
        size=file.size if verify & BY_SIZE and regular else None,
        digests=_digest(path, file.digest, algorithm) if verify & BY_DIGEST and regular else (),
        target=file.target or None if verify & BY_TARGET and link else None,
        capabilities=_capabilities(file.capabilities) if verify & BY_CAPABILITIES and regular else None,
        config=bool(flags & CONFIG),
        optional=bool(flags & (GHOST | MISSING_OK)) or left_out,
        ghost=bool(flags & GHOST),
        bits=BITS.get(file.color or 0, 0),
    )


def _paths(told: Tags) -> tuple[str, ...]:
    names, indexes, directories = told.texts(BASENAMES), told.numbers(DIRECTORY_OF), told.texts(DIRECTORIES)
    if len(names) != len(indexes) or max(indexes, default=-1) >= len(directories):
        raise FormatError("names of files that do not fit the names of directories")
    length = sum(len(directories[index]) for index in indexes) + sum(map(len, names))
    reading.check_sizes(len(names), length, len(told.data))
    joined = (directories[index] + name for index, name in zip(indexes, names, strict=True))
    paths = tuple(joined) or told.texts(WHOLE_PATHS)
    if not all(path.startswith("/") for path in paths):
        raise FormatError("paths that do not begin at the root, as those of a source package")
    try:
        return tuple(map(reading.path, paths))
    except ValueError as error:
        raise FormatError(str(error)) from error


def _algorithm(told: Tags) -> tuple[str, int]:
    number = next(iter(told.numbers(ALGORITHM)), 1)
    if number not in ALGORITHMS:
        raise FormatError(f"digests of files by the unknown algorithm {number}")
    return ALGORITHMS[number]


def _digest(path: str, digest: str | None, algorithm: tuple[str, int]) -> tuple[str, ...]:
    if not digest:
        return ()
    name, length = algorithm
    if len(digest) != length or not _HEX.fullmatch(digest):
        raise FormatError(f"the digest of {printable(path)} is no {name}")
    return (f"{name}:{digest}",)


def _capabilities(text: str | None) -> str | None:
    """`cap_net_raw=ep`, however old the libcap was that wrote it: `= cap_net_raw+ep`; anything else as it stands."""
    match = _CLAUSE.fullmatch(text or "")
    return f"{match[1]}={match[2]}" if match else text or None
