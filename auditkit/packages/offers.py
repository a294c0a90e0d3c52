"""What apt could install, by its own lists: the head of each release, and of its lists the packages that count.

The lists are reduced on the host (auditkit/probe/lists.py). Nothing here is checked against a signature: this is what apt of
the host goes by, and a list that lies is for `check --against vendor` to find.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from auditkit.model import Gap
from auditkit.packages.reading import bounded, shown, text, word
from auditkit.packages.sources import Suite
from auditkit.packages.stanzas import Stanza, stanzas

LISTS = "/var/lib/apt/lists/"
MOST = 50_000
"""Offers of one list; of 700 packages there are as many, and those of some vendors in all versions there ever were."""
MOST_OF_ONE = 500
"""Offers of one package that a list may have."""
_PACKED = re.compile(r"\.(?:xz|gz|zst|bz2|lzma|lz4)$")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_VERSION = re.compile(r"[0-9A-Za-z.+~:_-]+")
_BINARY = re.compile(r"(?:(.+)_)?binary-([a-z0-9-]+)_Packages")
_UNSAFE = '\\|{}[]<>"^~_=!@#$%^&*'
"""What apt quotes in the name of a list: URItoFileName of strutl.cc."""
_SECURITY = re.compile(r"security", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Release:
    """What a suite says of itself."""

    source: str
    """The file that says so."""
    prefix: str
    """What the names of its lists begin with."""
    origin: str = ""
    label: str = ""
    suite: str = ""
    codename: str = ""
    version: str = ""
    date: datetime | None = None
    until: datetime | None = None
    not_automatic: bool = False
    upgrades: bool = False
    """Of what is not taken by itself, whether newer versions are once it is there: ButAutomaticUpgrades."""

    @property
    def security(self) -> bool:
        """Whether it is where its vendor puts what closes holes, by its label or the name of the suite."""
        return any(_SECURITY.search(name) for name in (self.label, self.suite, self.codename))

    @property
    def told(self) -> str:
        """`Debian bookworm-security`, as reports have an origin."""
        return " ".join(filter(None, (self.origin or self.label, self.codename or self.suite)))


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of packages."""

    source: str
    release: Release
    site: str = ""
    """The host that it is from; empty for one on this machine."""
    component: str = ""
    arch: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """One package in one version, as a list has it."""

    name: str
    version: str
    arch: str
    listing: Listing
    source: str = ""
    """The source package, if it has another name."""
    phased: int | None = None
    """To how many machines of a hundred it is given so far; None where to all."""


def releases(heads: Mapping[str, bytes]) -> Iterator[Release | Gap]:
    """Yield what each release says of itself; an InRelease is taken before a Release, as apt does."""
    stems = {name.removesuffix("InRelease") for name in heads if name.endswith("InRelease")}
    for name, data in heads.items():
        prefix = name.removesuffix("Release").removesuffix("In")
        if name.endswith("Release") and (name.endswith("InRelease") or prefix not in stems):
            yield _release(name, prefix, text(data))


def _release(name: str, prefix: str, head: str) -> Release | Gap:
    if head.startswith("-----BEGIN"):
        head = head.partition("\n\n")[2]
    told = next(stanzas(head), None)
    if told is None or told.odd:
        return Gap(name, told.odd[0] if told is not None else "it is empty")
    fields = told

    def first(field: str) -> str:
        return fields.first(field)[:200]

    return Release(
        name,
        prefix,
        first("origin"),
        first("label"),
        first("suite"),
        first("codename"),
        first("version"),
        _date(first("date")),
        _date(first("valid-until")),
        not_automatic=first("notautomatic") == "yes",
        upgrades=first("butautomaticupgrades") == "yes",
    )


def _date(written: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(written)
        return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def listings(names: Iterable[str], found: Iterable[Release], suites: Iterable[Suite]) -> tuple[Listing, ...]:
    """The lists that apt goes by: those whose suite a source still names."""
    named = {LISTS + prefix_of(suite): suite for suite in suites}
    by = {release.prefix: release for release in found if release.prefix in named}
    told = []
    for name in sorted(names):
        plain = _PACKED.sub("", name)
        prefix = max((each for each in by if name.startswith(each)), key=len, default="")
        if prefix and plain.endswith("Packages"):
            told.append(_listing(name, plain.removeprefix(prefix), by[prefix]))
    return tuple(told)


def prefix_of(suite: Suite) -> str:
    """What apt lets the names of a suite's files begin with."""
    scheme, _, place = suite.uri.partition(":")
    place = place.removeprefix("//").rpartition("@")[2].rstrip("/") if scheme else ""
    below = f"/{suite.name.removeprefix('/')}" if suite.name.endswith("/") else f"/dists/{suite.name}/"
    return quoted(place + below).replace("/", "_")


def quoted(place: str) -> str:
    """A place with what apt quotes in it."""
    return "".join(f"%{ord(each):02x}" if each in _UNSAFE else each for each in place)


def _listing(name: str, rest: str, release: Release) -> Listing:
    site = name.removeprefix(LISTS).partition("_")[0].partition(":")[0]
    match = _BINARY.fullmatch(rest)
    return Listing(name, release, site, (match[1] or "").replace("_", "/") if match else "", match[2] if match else "")


def offers(listing: Listing, data: bytes) -> Iterator[Offer | Gap]:
    """Yield what a reduced list offers."""
    yield from bounded(_offers(listing, data), listing.source)


def _offers(listing: Listing, data: bytes) -> Iterator[Offer | Gap]:
    counts = dict[str, int]()
    for number, stanza in enumerate(stanzas(text(data))):
        name = stanza.first("package")
        counts[name] = counts.get(name, 0) + 1
        if number == MOST or counts[name] > MOST_OF_ONE:
            yield Gap(listing.source, f"more than {MOST} packages, or {MOST_OF_ONE} of one name; the others are left out")
            return
        try:
            yield _offer(listing, stanza)
        except ValueError as error:
            yield Gap(listing.source, f"{error}; package {shown(stanza.first('package')) or 'without a name'}")


def _offer(listing: Listing, stanza: Stanza) -> Offer:
    phased = stanza.first("phased-update-percentage")
    return Offer(
        word(stanza.first("package"), "a package name", _NAME),
        word(stanza.first("version"), "a version", _VERSION),
        word(stanza.first("architecture"), "an architecture", _NAME),
        listing,
        stanza.first("source").partition(" ")[0],
        int(phased) if phased.isascii() and phased.isdecimal() and len(phased) < 4 else None,
    )
