"""The vendors' word on packages for one run: what auditkit.yaml names, else what apt of this machine has."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from auditkit.commands import options
from auditkit.errors import AuditkitError
from auditkit.hosts import Host
from auditkit.model import Gap
from auditkit.opening import regular

if TYPE_CHECKING:
    from auditkit.packaged import Files, Signed
    from auditkit.packages import Manifest, Package

KEYRINGS = ("/usr/share/keyrings", "/etc/apt/keyrings", "/etc/apt/trusted.gpg.d")
KEYS_OF_RPM = ("/etc/pki/rpm-gpg", "/usr/lib/rpm/gnupg/keys")
"""Where Fedora and its kin, and SUSE, have the keys of packages."""
LISTS, PACKAGES = "/var/lib/apt/lists", "/var/cache/apt/archives"
CACHE = "manifests"
"""The directory of the store where it is kept what each package ships."""
LARGEST_KEYRING = 16 << 20
_OS = ("/etc/os-release", "/usr/lib/os-release")
_KEYS = (".gpg", ".pgp", ".asc")


def of(run: options.Setting, host: Host) -> "Signed":
    """What asks the vendors of packages of this host."""
    return partial(signed, run, host)


def signed(run: options.Setting, host: Host, packages: "Sequence[Package]", files: "Files") -> "Iterator[Manifest | Gap]":
    """Yield what the vendors signed of these packages, or why that cannot be told; `files` are the host's databases."""
    try:
        yield from _of_debian(run, host, [package for package in packages if package.system == "dpkg"], files)
        yield from _of_rpm(run, [package for package in packages if package.system == "rpm"], files)
    except AuditkitError as error:
        yield Gap("packages", f"the vendors' word could not be had: {error}")


def _of_debian(run: options.Setting, host: Host, wanted: "Sequence[Package]", files: "Files") -> "Iterator[Manifest | Gap]":
    """Yield what the chain from a signed release to packages says.

    Two distributions may build the same version of a package, each its own: lists and manifests that are not of the host's
    are left out. Nothing is fetched but from mirrors that auditkit.yaml names. The dates of releases are not judged: what
    was signed once stays proof of what was shipped then.
    """
    from auditkit.packaged import distribution  # noqa: PLC0415 - only where something changed
    from auditkit.vendor import chain, debs, manifests  # noqa: PLC0415

    said, disk, name = run.config.vendor, _disk(host), distribution(files)
    folders = (*said.lists, *([disk + LISTS] if disk else []), *([LISTS] if name == _here() else []))
    if not wanted or not folders:
        return
    keyrings = list(_keyrings(said.keyrings or KEYRINGS, _KEYS))
    lists = {os.path.join(folder, name): folder for folder in dict.fromkeys(folders) for name in _names(folder)}
    known = chain.of_apt(wanted, lists, _opened, keyrings, None)
    places = debs.Places((*said.packages, *([disk + PACKAGES] if disk else []), PACKAGES), said.mirrors)
    yield from chain.manifests(wanted, known, places, manifests.Manifests(os.path.join(run.store, CACHE)), run.jobs)


def _of_rpm(run: options.Setting, wanted: "Sequence[Package]", files: "Files") -> "Iterator[Manifest | Gap]":
    """Yield what the headers in the host's own database say, which their vendors signed one by one."""
    from auditkit.packages import rpmdb  # noqa: PLC0415 - only where something changed
    from auditkit.vendor import rpmkeys  # noqa: PLC0415

    if wanted:
        keys = list(filter(_is_key, _keyrings(run.config.vendor.keyrings or KEYS_OF_RPM, ("",))))
        yield from rpmkeys.manifests(rpmdb.installed(files), wanted, keys, run.jobs)


def _disk(host: Host) -> str:
    """Where the host's file system lies on this machine; empty where it does not."""
    return host.name.removeprefix("root:") if host.name.startswith("root:") else ""


def _here() -> str:
    """The distribution of this machine."""
    from auditkit.packaged import distribution  # noqa: PLC0415

    return distribution({path: data for path in _OS if (data := _content(path)) is not None})


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
