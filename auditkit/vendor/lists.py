"""A vendor's lists of packages, believed as far as a signed release names their SHA-256, and how apt calls both on a host.

apt keeps the lists unpacked, or packed anew in its own way; the release names the SHA-256 of the plain text as well.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from auditkit.errors import UntrustedError
from auditkit.packages import index
from auditkit.printable import printable
from auditkit.vendor.deb import Hashed
from auditkit.vendor.release import Release
from auditkit.vendor.unpack import PIECE, Source, Unpacked

SUFFIXES = (".xz", ".gz", ".zst", ".bz2", ".lzma", ".lz4")
LARGEST = 2 << 30
"""The most that a list may become by unpacking where its release does not name the size; unstable's has 60 MB."""


@dataclass(frozen=True, slots=True)
class Found:
    """A release among the files of a directory of lists, with all that belongs to it."""

    release: str
    """The file's name, `..._InRelease` or `..._Release`."""
    signature: str | None
    """The file with its detached signature, where it has one: `..._Release.gpg`."""
    lists: tuple[str, ...]


def among(names: Iterable[str]) -> Iterator[Found]:
    """Yield each release of those files' names, as they stand in /var/lib/apt/lists, with its lists of packages."""
    present = sorted(set(names))
    for name in present:
        prefix = name.removesuffix("Release").removesuffix("In")
        if prefix == name or not (prefix == "" or prefix.endswith(("_", "/"))):
            continue
        detached = not name.endswith("InRelease")
        if detached and (f"{name}.gpg" not in present or f"{prefix}InRelease" in present):
            continue
        lists = (other for other in present if other.startswith(prefix) and _plain(other).endswith("Packages"))
        yield Found(name, f"{name}.gpg" if detached else None, tuple(lists))


def _plain(name: str) -> str:
    """A name without what says how the file is packed."""
    return name.removesuffix(_suffix(name))


def _suffix(name: str) -> str:
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def called(found: Found, name: str, release: Release) -> str:
    """What the release itself calls one of its lists: `main/binary-amd64/Packages.xz`.

    Raises:
        UntrustedError: it does not name it.
    """
    rest = name[len(found.release.removesuffix("Release").removesuffix("In")) :]
    for path in release.files:
        if path.removeprefix("./").replace("/", "_") in (rest, _plain(rest)):
            return _plain(path) + _suffix(rest)
    raise _unnamed(name)


def read(source: Source, path: str, release: Release, wanted: Collection[index.Key]) -> index.Listing:
    """What a list knows of the packages wanted, if it is the one that the release names `path`.

    Raises:
        UntrustedError: it is not.
        FormatError: it is damaged.
    """
    suffix = _suffix(path)
    if signed := release.files.get(_plain(path)):
        rest: Source = Unpacked(source, suffix, LARGEST)
        text: Source = (whole := Hashed(rest, signed[0]))
    elif signed := release.files.get(path):
        rest, whole = source, Hashed(source, signed[0])
        text = Unpacked(whole, suffix, LARGEST)
    else:
        raise _unnamed(path)
    listing = index.read(iter(lambda: text.read(PIECE), b""), wanted)
    if whole.finish() != signed[1] or whole.left or rest.read(1):
        raise UntrustedError(
            f"the list {printable(path)} is not the one that was signed in the release of {printable(release.codename)}",
            "fetch the lists anew: run apt update where they come from",
        )
    return listing


def _unnamed(name: str) -> UntrustedError:
    return UntrustedError(
        f"the list {printable(name)} is not named in the signed release", "fetch the lists anew: run apt update"
    )
