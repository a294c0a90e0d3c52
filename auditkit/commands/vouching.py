"""The vendors' word on packages for one run: what auditkit.yaml names, else what apt of this machine has."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from auditkit.commands import options
from auditkit.errors import AuditkitError, FormatError, UsageError
from auditkit.hosts import Host
from auditkit.model import Gap
from auditkit.opening import regular
from auditkit.printable import printable

if TYPE_CHECKING:
    from auditkit.packaged import Files, Signed
    from auditkit.packages import Manifest, Package
    from auditkit.vendor.manifests import Manifests

KEYRINGS = ("/usr/share/keyrings", "/etc/apt/keyrings", "/etc/apt/trusted.gpg.d")
KEYS_OF_RPM = ("/etc/pki/rpm-gpg", "/usr/lib/rpm/gnupg/keys")
"""Where Fedora and its kin, and SUSE, have the keys of packages."""
LISTS, PACKAGES = "/var/lib/apt/lists", "/var/cache/apt/archives"
CACHE = "manifests"
"""The directory of the store where it is kept what each package ships."""
LARGEST_KEYRING = 16 << 20
_OS = ("/etc/os-release", "/usr/lib/os-release")
_KEYS = (".gpg", ".pgp", ".asc")
_NOT_OF_ARCHIVES = ("removed", "debian-keyring", "debian-maintainers", "debian-nonupload", "debian-role")
"""Words in the names of keyrings whose keys sign no releases, or none any more; whoever names them himself has them."""
MOST_NAMES = 5000
"""Files among the lists of one apt; a machine with twenty sources has 200."""
BUILDERS = frozenset({"debian", "ubuntu", "raspbian"})
"""Distributions that build the same versions of the same packages, each its own."""


def of(run: options.Setting, host: Host) -> "Signed":
    """What asks the vendors of packages of this host."""
    return partial(_of_all, run, host)


def _of_all(run: options.Setting, host: Host, packages: "Sequence[Package]", files: "Files") -> "Iterator[Manifest | Gap]":
    """Yield what the vendors signed of these packages, or why that cannot be told; `files` are the host's databases."""
    from auditkit.packaged import distribution  # noqa: PLC0415 - only where something changed

    yield from signed(run, host, packages, distribution(files))
    yield from of_rpm(run, packages, files)


def of_rpm(run: options.Setting, packages: "Sequence[Package]", files: "Files") -> "Iterator[Manifest | Gap]":
    """Yield what the headers of those that are of rpm say, which their vendors signed one by one, or why that is not known."""
    from auditkit.packages import rpmdb  # noqa: PLC0415 - only where something changed
    from auditkit.vendor import rpmkeys  # noqa: PLC0415

    wanted = [package for package in packages if package.system == "rpm"]
    if not wanted:
        return
    try:
        yield from rpmkeys.manifests(rpmdb.installed(files), wanted, _keys_of_rpm(run.config.vendor.keyrings), run.jobs)
    except AuditkitError as error:
        yield Gap("packages", f"the vendors' word on packages of rpm could not be had: {error}")


def _keys_of_rpm(named: Sequence[str]) -> list[bytes]:
    """The keys that are named, or those of this machine; what lies in a directory of them and is no key is passed over.

    Raises:
        UsageError: there is nothing where one is named.
    """
    for place in named:
        if not os.path.exists(place):
            raise UsageError(f"{printable(place)} is not there", "name files of public keys: vendor: keyrings")
    files = [place for place in named if not os.path.isdir(place)]
    folders = [place for place in named or KEYS_OF_RPM if os.path.isdir(place)]
    return [*_keyrings(files, ()), *filter(_is_key, _keyrings(folders, ("",)))]


def signed(
    run: options.Setting, host: Host, packages: "Sequence[Package]", name: str, *, lists: bool = False
) -> "Iterator[Manifest | Gap]":
    """Yield what the vendors signed of those that are of dpkg, or why that cannot be told; `name` is the host's distribution.

    Two distributions may build the same version of a package, each its own: lists and manifests that are not of the host's
    are left out. Nothing is fetched but from mirrors that auditkit.yaml names. The dates of releases are not judged: what
    was signed once stays proof of what was shipped then. With `lists` it is told, too, which lists could not be believed.
    """
    from auditkit.vendor import chain, debs, manifests  # noqa: PLC0415 - only where something changed

    wanted = [package for package in packages if package.system == "dpkg"]
    said, disk = run.config.vendor, _disk(host)
    folders = (*said.lists, *_inside(disk, LISTS), *([LISTS] if name == _here() else []))
    cache = manifests.Manifests(os.path.join(run.store, CACHE))
    left: list[Package] = []
    try:
        for package in wanted:
            if (kept := _kept(cache, package, name)) is None:
                left.append(package)
            else:
                yield kept
        if not left or not folders:
            return
        keyrings = list(_keyrings(said.keyrings, _KEYS) if said.keyrings else filter(None, map(_content, of_archives())))
        paths = [path for folder in dict.fromkeys(folders) for path in _lists(folder)]
        known = chain.of_apt(left, paths, _opened, keyrings, None)
        yield from known.gaps if lists else ()
        places = debs.Places((*said.packages, *_inside(disk, PACKAGES), PACKAGES), said.mirrors)
        for told in chain.manifests(left, known, places, cache, run.jobs):
            yield told if isinstance(told, Gap) else _own(told, name)
    except AuditkitError as error:
        yield Gap("packages", f"the vendors' word could not be had: {error}")


def _kept(cache: "Manifests", package: "Package", name: str) -> "Manifest | None":
    """What the cache alone has of a package, if there is no doubt: one manifest, on the word of the host's distribution."""
    try:
        found = cache.of(package.name, package.version, package.arch)
    except FormatError:
        return None
    return found[0] if len(found) == 1 and found[0].source.lower().startswith(f"inrelease of {name} ") else None


def _disk(host: Host) -> str:
    """Where the host's file system lies on this machine; empty where it does not."""
    return host.name.removeprefix("root:") if host.name.startswith("root:") else ""


def _inside(disk: str, path: str) -> list[str]:
    """A directory of a disk, unless a link on it leads elsewhere: that would be one of this machine."""
    whole = os.path.realpath(disk) + path
    return [whole] if disk and os.path.realpath(whole) == whole else []


def _lists(folder: str) -> list[str]:
    """The files of a directory of lists; links and devices are passed over.

    Raises:
        AuditkitError: it has more than any apt keeps.
    """
    try:
        with os.scandir(folder) as entries:
            found = [entry.path for entry in islice(entries, MOST_NAMES + 1) if entry.is_file(follow_symlinks=False)]
    except OSError:
        return []
    if len(found) > MOST_NAMES:
        raise AuditkitError(f"{printable(folder)} has more than {MOST_NAMES} files", "run apt clean there")
    return sorted(found)


def _own(manifest: "Manifest", name: str) -> "Manifest | Gap":
    """What a vendor says, unless he is that of another distribution: the same version is another package there."""
    origin = manifest.source.removeprefix("InRelease of ").partition(" ")[0].lower()
    if {origin, name} <= BUILDERS and origin != name:
        package = manifest.package
        return Gap(f"{package.key} {package.version}", f"only the package of another distribution is known, {origin}'s")
    return manifest


def _here() -> str:
    """The distribution of this machine."""
    from auditkit.packaged import distribution  # noqa: PLC0415

    return distribution({path: data for path in _OS if (data := _content(path)) is not None})


def of_archives() -> Iterator[str]:
    """The keyrings of this machine that are for archives."""
    for place in KEYRINGS:
        for name in _names(place):
            if name.endswith(_KEYS) and not any(word in name for word in _NOT_OF_ARCHIVES):
                yield os.path.join(place, name)


def _is_key(data: bytes) -> bool:
    """Whether it is a file of keys: a folder of them may hold another."""
    from auditkit.vendor.gpgv import binary  # noqa: PLC0415

    try:
        return bool(binary(data))
    except AuditkitError:
        return False


def _keyrings(places: Iterable[str], ends: tuple[str, ...]) -> Iterator[bytes]:
    """Yield files of keys, in folders those whose names end so."""
    for place in places:
        inside = [os.path.join(place, name) for name in _names(place) if name.endswith(ends)]
        for path in inside or ([] if os.path.isdir(place) else [place]):
            data = _content(path)
            if data is not None:
                yield data


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb", opener=regular) as file:
            return file.read(LARGEST_KEYRING)
    except OSError:
        return None


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _opened(path: str) -> BinaryIO:
    return open(path, "rb", opener=regular)
