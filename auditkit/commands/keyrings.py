"""Whose signatures count: the keys that auditkit.yaml names, else those that this machine has for packages."""

import os
from collections.abc import Iterable, Iterator, Sequence

from auditkit.errors import AuditkitError, UsageError
from auditkit.opening import regular
from auditkit.printable import printable
from auditkit.vendor.gpgv import binary

OF_APT = ("/usr/share/keyrings", "/etc/apt/keyrings", "/etc/apt/trusted.gpg.d")
OF_RPM = ("/etc/pki/rpm-gpg", "/usr/lib/rpm/gnupg/keys")
"""Where Fedora and its kin, and SUSE, have the keys of packages."""
LARGEST = 16 << 20
_KEYS = (".gpg", ".pgp", ".asc")
_NOT_OF_ARCHIVES = ("removed", "debian-keyring", "debian-maintainers", "debian-nonupload", "debian-role")
"""Words in the names of keyrings whose keys sign no releases, or none any more; whoever names them himself has them."""


def of_apt(named: Sequence[str]) -> tuple[bytes, ...]:
    """The keyrings for releases of archives: those named, files or directories, else this machine's own."""
    found = _read(named, _KEYS) if named else (data for path in of_archives() for data in _content(path))
    return tuple(found)


def of_rpm(named: Sequence[str]) -> list[bytes]:
    """The keys for headers of rpm: those named, files or directories, else this machine's own.

    What lies in a directory of them and is no key is passed over.

    Raises:
        UsageError: there is nothing where one is named.
    """
    for place in named:
        if not os.path.exists(place):
            raise UsageError(f"{printable(place)} is not there", "name files of public keys: vendor: keyrings")
    files = [place for place in named if not os.path.isdir(place)]
    folders = [place for place in named or OF_RPM if os.path.isdir(place)]
    return [*_read(files, ()), *filter(_is_key, _read(folders, ("",)))]


def of_archives() -> Iterator[str]:
    """The keyrings of this machine that are for archives."""
    for place in OF_APT:
        for name in _names(place):
            if name.endswith(_KEYS) and not any(word in name for word in _NOT_OF_ARCHIVES):
                yield os.path.join(place, name)


def _is_key(data: bytes) -> bool:
    """Whether it is a file of keys: a folder of them may hold another."""
    try:
        return bool(binary(data))
    except AuditkitError:
        return False


def _read(places: Iterable[str], ends: tuple[str, ...]) -> Iterator[bytes]:
    """Yield files of keys, in folders those whose names end so."""
    for place in places:
        inside = [os.path.join(place, name) for name in _names(place) if name.endswith(ends)]
        for path in inside or ([] if os.path.isdir(place) else [place]):
            yield from _content(path)


def _content(path: str) -> Iterator[bytes]:
    try:
        with open(path, "rb", opener=regular) as file:
            yield file.read(LARGEST)
    except OSError:
        return


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
