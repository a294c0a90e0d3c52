"""The manifest cache: what was learnt of each package, so that later checks need neither the .deb nor a network.

    DIRECTORY/libc/libc6_2.36-9+deb12u13_amd64_SHA256.zst

Each file is zstd-compressed text: a JSON line with the schema, the package, whose word it is and the maintainer scripts;
a JSON line for each path; a JSON line with the BLAKE3 of all before it. Files are named by the SHA-256 of their .deb, which
a signed list names, so that the cache answers for that very .deb, for any host.

The cache is trusted: who may write to it may have any file called the vendor's. So it lies on the auditor's machine, its
files belong to whoever runs auditkit, and one that others may write to is not read. The BLAKE3 finds damage, no malice; a
damaged file counts as not there, and is made anew. Nothing is synced, for the same reason.
"""

import contextlib
import json
import os
import re
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import zstandard
from blake3 import blake3

from auditkit.errors import AuditkitError, ConfigError, FormatError
from auditkit.model import Kind
from auditkit.opening import itself, whole
from auditkit.packages import Manifest, Package, Shipped
from auditkit.printable import printable
from auditkit.vendor.unpack import Unpacked

SCHEMA = "auditkit/manifest/1"
LEVEL = 9
"""Level 19 makes them 7 % smaller and takes 14 times as long: 2 s for the packages of a server."""
QUICK = 1
"""The level for what is made again at any change."""
TOGETHER = "together"
"""The directory below it with what the packages of one host ship, put together."""
DIGEST = 32
UNUSED = 60 * 86400
"""Seconds after which what is put together is removed if nobody has asked for it."""
LARGEST = 1 << 30
"""The most that one file may have unpacked; that of the largest package has 10 MB."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]{0,80}")
_VERSION = re.compile(r"[A-Za-z0-9.+:~-]{1,80}")
_END = len("_.zst") + 64
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LETTER: dict[Kind | None, str] = {
    Kind.FILE: "f", Kind.DIRECTORY: "d", Kind.SYMLINK: "l", Kind.BLOCK: "b", Kind.CHARACTER: "c", Kind.FIFO: "p", None: "?",
}  # fmt: skip
_KIND = {letter: kind for kind, letter in _LETTER.items()}


@dataclass(frozen=True, slots=True)
class Manifests:
    """The cache in a directory, which is made when something is put there; several processes may use it at once."""

    directory: str

    def get(self, sha256: str, name: str, version: str, arch: str) -> Manifest | None:
        """What the .deb with this SHA-256 ships; None if the cache does not know, or no longer.

        Raises:
            ConfigError: others may write to the cache.
        """
        return self._read(self._path(sha256, name, version, arch))

    def of(self, name: str, version: str, arch: str) -> tuple[Manifest, ...]:
        """What every .deb of this name, version and architecture ships: more than one if vendors differ."""
        read = map(self._read, self._paths(name, version, arch))
        return tuple(manifest for manifest in read if manifest is not None)

    def put(self, sha256: str, manifest: Manifest) -> None:
        """Keep what the .deb with this SHA-256 ships.

        Raises:
            AuditkitError: the directory cannot be written to.
        """
        package = manifest.package
        self._write(self._path(sha256, package.name, package.version, package.arch), encode(manifest, sha256))

    def names(self, packages: Iterable[Package]) -> dict[Package, tuple[str, ...]]:
        """How the files are called that tell of these packages, without reading them; none of what no package can be called."""
        found: dict[Package, tuple[str, ...]] = {}
        shelves: dict[str, dict[str, list[str]]] = {}
        for package in packages:
            try:
                shelf, start = os.path.split(self._path("0" * 64, package.name, package.version, package.arch))
            except FormatError:
                found[package] = ()
                continue
            if shelf not in shelves:
                shelves[shelf] = _by_start(shelf)
            found[package] = tuple(shelves[shelf].get(start[:-_END], ()))
        return found

    def recall(self, key: str) -> bytes | None:
        """What was kept by `remember`; None if there is nothing, or it is damaged.

        Raises:
            ConfigError: others may write to the cache.
        """
        try:
            with open(os.path.join(self.directory, TOGETHER, f"{key}.zst"), "rb", opener=itself) as file:
                self._mistrust(os.fstat(file.fileno()))
                data = Unpacked(file, ".zst", LARGEST).read(LARGEST)
                with contextlib.suppress(OSError):  # in a store that is read only nothing is forgotten either
                    os.utime(file.fileno())
        except (OSError, FormatError):
            return None
        return data[DIGEST:] if blake3(data[DIGEST:]).digest() == data[:DIGEST] else None

    def remember(self, key: str, data: bytes) -> None:
        """Keep some bytes by a name, as long as anybody asks for them.

        Raises:
            AuditkitError: the directory cannot be written to.
        """
        folder = os.path.join(self.directory, TOGETHER)
        self._write(os.path.join(folder, f"{key}.zst"), blake3(data).digest() + data, QUICK)
        forget(folder, UNUSED)

    def _write(self, path: str, data: bytes, level: int = LEVEL) -> None:
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with whole(path) as file:
                file.write(zstandard.ZstdCompressor(level=level).compress(data))
        except OSError as error:
            raise AuditkitError(
                f"the manifest cache {printable(self.directory)} cannot be written: {error.strerror}", "name another --store"
            ) from error

    def _paths(self, name: str, version: str, arch: str) -> list[str]:
        directory, start = os.path.split(self._path("0" * 64, name, version, arch))
        return [os.path.join(directory, other) for other in _by_start(directory).get(start[:-_END], ())]

    def _path(self, sha256: str, name: str, version: str, arch: str) -> str:
        if not (_NAME.fullmatch(name) and _VERSION.fullmatch(version) and _NAME.fullmatch(arch) and _SHA256.fullmatch(sha256)):
            raise FormatError(f"no package can have this name and version: {printable(f'{name} {version} {arch}'[:300])}")
        shelf = name[:4] if name.startswith("lib") else name[:1]  # as Debian's own pool does
        return os.path.join(self.directory, shelf, f"{name}_{version.replace(':', '%3a')}_{arch}_{sha256}.zst")

    def _read(self, path: str) -> Manifest | None:
        try:
            with open(path, "rb", opener=itself) as file:
                self._mistrust(os.fstat(file.fileno()))
                return decode(Unpacked(file, ".zst", LARGEST).read(LARGEST), path.removesuffix(".zst")[-64:])
        except (OSError, FormatError):
            return None

    def _mistrust(self, status: os.stat_result) -> None:
        if status.st_uid not in (0, os.geteuid()) or status.st_mode & stat.S_IWOTH:
            raise ConfigError(
                f"the manifest cache {printable(self.directory)} can be written by others",
                f"remove it, or make it yours: chown -R and chmod -R go-w {printable(self.directory)}",
            )


def _by_start(shelf: str) -> dict[str, list[str]]:
    """The files of a shelf by what comes before the digest in their names."""
    found = dict[str, list[str]]()
    try:
        for name in sorted(os.listdir(shelf)):
            found.setdefault(name[:-_END], []).append(name)
    except OSError:  # not there, or not for us to read: whoever wants to put something there is told
        pass
    return found


def forget(folder: str, seconds: float) -> None:
    """Remove what nobody has used for so long."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.stat(follow_symlinks=False).st_mtime < time.time() - seconds:
                remove = shutil.rmtree if entry.is_dir(follow_symlinks=False) else os.unlink
                with contextlib.suppress(OSError):
                    remove(entry.path)


def encode(manifest: Manifest, sha256: str) -> bytes:
    """The manifest of the .deb with this SHA-256 as text."""
    package = manifest.package
    head = {
        "schema": SCHEMA,
        "sha256": sha256,
        "package": [package.system, package.name, package.version, package.arch, package.source],
        "proof": manifest.proof,
        "source": manifest.source,
        "scripts": manifest.scripts,
        "control": [_fields(file) for file in manifest.control],
    }
    text = b"".join(_line(line) for line in (head, *map(_fields, manifest.files)))
    return text + _line({"blake3": blake3(text).hexdigest()})


def _line(told: object) -> bytes:
    return json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def _fields(shipped: Shipped) -> list[Any]:
    """One path as a list: what is as usual at its end is left out."""
    flags = "c" * shipped.config + "o" * shipped.optional
    fields: list[Any] = [
        shipped.path, _LETTER[shipped.kind], shipped.mode, shipped.owner, shipped.group, shipped.size,
        " ".join(shipped.digests), shipped.target, flags, shipped.capabilities,
    ]  # fmt: skip
    while fields[-1] in (None, ""):
        fields.pop()
    return fields


def decode(text: bytes, sha256: str) -> Manifest:
    """The manifest that `encode` was given.

    Raises:
        FormatError: the text is damaged, of a schema that is not known, or that of another .deb.
    """
    body, newline, last = text.removesuffix(b"\n").rpartition(b"\n")
    if last + b"\n" != _line({"blake3": blake3(body + newline).hexdigest()}):
        raise FormatError("a manifest of the cache is damaged", "remove it: it is made anew")
    try:
        head, *files = json.loads(b"[" + body.replace(b"\n", b",") + b"]")
        if head["schema"] != SCHEMA:
            raise FormatError(f"a manifest of the cache has a schema that is not known: {head['schema']!r}", "update auditkit")
        if head["sha256"] != sha256:
            raise FormatError("a manifest of the cache is that of another package", "remove it: it is made anew")
        system, name, version, arch, source = head["package"]
        package = Package(system, name, version, arch, source=source)
        control = tuple(_shipped(head.get("control", [])))  # those of before it was kept have none
        return Manifest(package, tuple(_shipped(files)), head["proof"], head["source"], head["scripts"], control)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FormatError("a manifest of the cache is not as auditkit writes it", "remove it: it is made anew") from error


def _shipped(files: list[list[Any]]) -> Iterator[Shipped]:
    for fields in files:
        path, letter, mode, owner, group, size, digests, target, flags, capabilities = fields + [None] * (10 - len(fields))
        flags = flags or ""
        yield Shipped(
            path, _KIND[letter], mode, owner, group, size, tuple(digests.split(" ")) if digests else (), target,
            capabilities, "c" in flags, "o" in flags,
        )  # fmt: skip
