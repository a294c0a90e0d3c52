"""Debian's package database: /var/lib/dpkg/status, status.d of distroless images, and info/NAME[:ARCH].list and .md5sums.

Formats: deb-control(5), dpkg-query(1); `Conffiles:` as lib/dpkg writes it. The lists name paths and nothing else, so the kind
of a path is known only where a digest or a path below it tells; modes and owners are not known at all.
"""

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass

from auditkit.model import Gap, Kind, Means, Need
from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.reading import LONGEST_PATH, bounded, digest, lines, note, path, shown, text, word
from auditkit.packages.stanzas import Stanza, stanzas

STATUS: Need = Need(Means.FILE, "/var/lib/dpkg/status", "which packages are installed in which version")
DISTROLESS: Need = Need(Means.FILE, "/var/lib/dpkg/status.d/*", "which packages an image without dpkg has, and their digests")
LISTS: Need = Need(Means.FILE, "/var/lib/dpkg/info/*.list", "which paths belong to which package")
SUMS: Need = Need(Means.FILE, "/var/lib/dpkg/info/*.md5sums", "what their content was when they were installed")
CONFFILES: Need = Need(Means.FILE, "/var/lib/dpkg/info/*.conffiles", "which of them the admin may change")

INFO, IMAGE = "/var/lib/dpkg/info/", "/var/lib/dpkg/status.d/"
ABSENT = frozenset({"not-installed", "config-files"})
"""States in which nothing of a package is there but, in the second, its configuration."""
SOUND = frozenset({"installed", "triggers-awaited", "triggers-pending"})
STATES = ABSENT | SOUND | {"half-installed", "unpacked", "half-configured"}
SOURCE = "dpkg's own database on the host"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "config")
"""What a package runs as root when it comes and goes: deb-preinst(5) and those beside it, deb-config."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_VERSION = re.compile(r"[0-9A-Za-z.+~:_-]+")
_SOURCE_VERSION = re.compile(r"\(([^()\s]{1,200})\)")
_SUM = re.compile(r"(\S+)(?: \*|\s+)(.+)")


@dataclass(frozen=True, slots=True)
class Conffile:
    """One configuration file of a package, as dpkg keeps it in the status file."""

    path: str
    md5: str | None
    """`md5:HEX` of what the package shipped; None as long as dpkg has not taken it up."""
    obsolete: bool = False
    """The installed version does not ship it any more."""
    leaves: bool = False
    """It is to be removed at the next upgrade."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the status file says of one package."""

    package: Package
    source: str
    """The file that says so."""
    held: bool
    same: bool
    """Multi-Arch: same, so that its files in info/ carry the architecture."""
    conffiles: tuple[Conffile, ...]
    built_from: str = ""
    """The version of the source package, where it has another one."""


def packages(files: Mapping[str, bytes]) -> Iterator[Package | Gap]:
    """Yield what is installed, whole or in part, according to the files of a host by their path."""
    for what in records(files):
        if isinstance(what, Gap):
            yield what
        elif what.package.state not in ABSENT:
            yield what.package


def records(files: Mapping[str, bytes]) -> Iterator[Record | Gap]:
    """Yield what dpkg knows of each package, of removed ones with configuration left too."""
    for source, data in files.items():
        if source == STATUS.what or (source.startswith(IMAGE) and not source.endswith(".md5sums")):
            yield from bounded(_records(source, data), source)


def _records(source: str, data: bytes) -> Iterator[Record | Gap]:
    seen = set[str]()
    for stanza in stanzas(text(data)):
        place = f"{source} line {stanza.line}"
        yield from (Gap(place, reason) for reason in stanza.odd)
        if not {"version", "status"} & stanza.fields.keys() and stanza.first("package"):
            continue  # a name that was only ever asked for
        try:
            record = _record(stanza, source)
        except ValueError as error:
            yield Gap(place, f"{error}; package {shown(stanza.first('package')) or 'without a name'}")
            continue
        if record.package.key in seen:
            yield Gap(place, f"tells of a package again: {shown(record.package.key)}")
        seen.add(record.package.key)
        yield record
        yield from (Gap(place, reason) for reason in _conffiles(stanza)[1])


def _record(stanza: Stanza, source: str) -> Record:
    """The record of one package, from its stanza of the status file.

    Raises:
        ValueError: it has no name, version or state that dpkg could have written.
    """
    name = word(stanza.first("package"), "a package name", _NAME)
    wanted, state = _state(stanza.first("status"))
    version = stanza.first("version")
    return Record(
        Package(
            system="dpkg",
            name=name,
            version=word(version, "a version", _VERSION) if version or state not in ABSENT else "",
            arch=stanza.first("architecture") and word(stanza.first("architecture"), "an architecture", _NAME),
            state=state,
            source=stanza.first("source").partition(" ")[0],
        ),
        source=source,
        held=wanted == "hold",
        same=stanza.first("multi-arch") == "same",
        conffiles=_conffiles(stanza)[0],
        built_from=_built_from(stanza.first("source")),
    )


def _built_from(source: str) -> str:
    """The version in `gcc-defaults (1.203)`; empty where there is none that could be."""
    found = _SOURCE_VERSION.search(source)
    return found[1] if found and _VERSION.fullmatch(found[1]) else ""


def _state(status: str) -> tuple[str, str]:
    """What is wanted and what is; a stanza that does not say is of an image, where all is installed."""
    if not status:
        return "install", "installed"
    words = status.split()
    if len(words) != 3 or words[2] not in STATES:
        raise ValueError(f"not a state of dpkg: {shown(status)}")
    wanted, flag, state = words
    return wanted, "reinstreq" if flag == "reinstreq" else "installed" if state in SOUND else state


def _conffiles(stanza: Stanza) -> tuple[tuple[Conffile, ...], list[str]]:
    """The conffiles of a package, and what is wrong with the other lines."""
    found, odd = list[Conffile](), list[str]()
    for line in stanza.fields.get("conffiles", [""])[1:]:
        try:
            found.append(_conffile(line))
        except ValueError as error:
            note(odd, f"{error}; conffile of {shown(stanza.first('package'))}")
    return tuple(found), odd


def _conffile(line: str) -> Conffile:
    if len(line) > LONGEST_PATH:
        raise ValueError(f"longer than any path: {shown(line)}")
    words = line.strip()
    flags = set[str]()
    while words.endswith((" obsolete", " remove-on-upgrade")):
        words, _, flag = words.rpartition(" ")
        flags.add(flag)
    name, _, md5 = words.rpartition(" ")
    known = None if md5 in ("newconffile", "nonexistent", "-") else digest("md5", md5)
    return Conffile(path(name.strip()), known, "obsolete" in flags, "remove-on-upgrade" in flags)


def manifests(files: Mapping[str, bytes]) -> Iterator[Manifest | Gap]:
    """Yield what each package put where; an installed one of which no list is there is a gap.

    Of a removed package whose configuration is left, these files are told, its state says what it is.
    """
    for what in records(files):
        if isinstance(what, Gap):
            yield what
        elif what.package.state != "not-installed":
            yield from bounded(_manifest(what, files), f"package {what.package.key}")


def _manifest(record: Record, files: Mapping[str, bytes]) -> Iterator[Manifest | Gap]:
    package = record.package
    stem = next((stem for stem in _stems(record) if stem + ".list" in files or stem + ".md5sums" in files), None)
    if stem is None and package.state not in ABSENT:
        yield Gap(f"package {package.key}", "the list of its files is not there")
        return
    listed = yield from _lines(files, f"{stem}.list", _listed)
    sums = yield from _lines(files, f"{stem}.md5sums", _summed)
    also = yield from _lines(files, f"{stem}.conffiles", _configured)
    yield Manifest(package, tuple(_files(record, listed, sums, also)), "local", SOURCE)


def _stems(record: Record) -> tuple[str, ...]:
    """Where the files of a package are, without their ending, the most likely first."""
    if record.source.startswith(IMAGE):
        return (record.source,)
    name, arch = record.package.name, record.package.arch
    plain, with_arch = f"{INFO}{name}", f"{INFO}{name}:{arch}"
    return (with_arch, plain) if record.same else (plain, with_arch)


Paths = dict[str, str | None]


def _lines(
    files: Mapping[str, bytes], source: str, parse: Callable[[str], tuple[str, str | None]]
) -> Generator[Gap, None, Paths]:
    """What each line of a file says of a path; yields a gap for each line that cannot be used."""
    found: Paths = {}
    for number, line in lines(text(files.get(source, b""))):
        if line.strip():
            try:
                name, value = parse(line)
            except ValueError as error:
                yield Gap(f"{source} line {number}", str(error))
            else:
                found.setdefault(name, value)
    return found


def _listed(line: str) -> tuple[str, None]:
    return path(line), None


def _summed(line: str) -> tuple[str, str]:
    """A line of md5sum(1); some packages of others have digests of other kinds there."""
    match = _SUM.fullmatch(line)
    if match is None:
        raise ValueError(f"not a line of md5sums: {shown(line)}")
    return path(match[2]), digest("md5", match[1])


def _configured(line: str) -> tuple[str, None]:
    return path(line.removeprefix("remove-on-upgrade ")), None


def _files(record: Record, listed: Paths, sums: Paths, also: Paths) -> Iterator[Shipped]:
    """Yield every path of a package once: conffiles, what has a digest, and what only is in the list."""
    known = {conffile.path: conffile for conffile in record.conffiles}
    above = {name.rpartition("/")[0] or "/" for name in listed if name != "/"}
    for name in dict.fromkeys((*listed, *sums, *known, *also)):
        conffile, md5 = known.get(name), sums.get(name)
        if conffile is not None or name in also:
            yield _configuration(name, conffile)
        elif md5 is not None:
            yield Shipped(name, Kind.FILE, digests=(md5,))
        else:
            yield Shipped(name, Kind.DIRECTORY if name in above else None)


def _configuration(name: str, conffile: Conffile | None) -> Shipped:
    md5 = conffile.md5 if conffile else None
    optional = conffile is None or conffile.obsolete or conffile.leaves
    return Shipped(name, Kind.FILE, digests=(md5,) if md5 else (), config=True, optional=optional)
