"""A small Debian archive, made for a test: packages, lists and signed releases as a vendor makes them."""

import bz2
import gzip
import hashlib
import http.server
import io
import lzma
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import zstandard

from auditkit.packages.index import Listed

APT_LISTS = Path("/var/lib/apt/lists")
APT_CACHE = Path("/var/cache/apt/archives")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
Parts = tuple[tarfile.TarInfo, bytes]


def file(path: str, data: bytes = b"", mode: int = 0o644, **more: object) -> Parts:
    """A regular file of an archive, or whatever `more` makes of it."""
    return member(path, data, mode=mode, size=len(data), **more)


def folder(path: str, mode: int = 0o755) -> Parts:
    """A directory of an archive."""
    return member(path, type=tarfile.DIRTYPE, mode=mode)


def link(path: str, target: str, *, hard: bool = False) -> Parts:
    """A link of an archive."""
    return member(path, type=tarfile.LNKTYPE if hard else tarfile.SYMTYPE, linkname=target, mode=0o777)


def member(path: str, data: bytes = b"", **more: object) -> Parts:
    """Any member of an archive; root's, unless it is said otherwise."""
    info = tarfile.TarInfo(path)
    for name, value in {"uname": "root", "gname": "root", **more}.items():
        setattr(info, name, value)
    return info, data


def tar(*parts: Parts, form: Literal[0, 1, 2] = tarfile.GNU_FORMAT) -> bytes:
    """An archive; names stand in it as they are given, whatever they lead to."""
    made = b""
    for info, data in parts:
        header = info.tobuf(form, errors="surrogateescape")
        made += header + data + b"\0" * (-len(data) % 512)
    return made + b"\0" * 1024


def ar(*members: tuple[str, bytes]) -> bytes:
    """An ar archive."""
    made = b"!<arch>\n"
    for name, data in members:
        made += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    return made


def deb(
    *parts: Parts,
    name: str = "hello",
    version: str = "1.0-1",
    arch: str = "amd64",
    packed: str = ".xz",
    control: tuple[Parts, ...] = (),
    data: bytes | None = None,
) -> bytes:
    """A package; `data` is its data.tar, where that shall not be made of `parts`."""
    told = f"Package: {name}\nVersion: {version}\nArchitecture: {arch}\nDescription: says hello\n more of it\n"
    inner = tar(folder("./"), file("./control", told.encode()), *control)
    outer = tar(*parts) if data is None else data
    return ar(
        ("debian-binary", b"2.0\n"),
        (f"control.tar{packed}", PACK[packed](inner)),
        (f"data.tar{packed}", PACK[packed](outer)),
    )


def listed(data: bytes, name: str = "hello", version: str = "1.0-1", arch: str = "amd64") -> Listed:
    """A package as the vendor's list names it."""
    where = f"pool/main/{name[0]}/{name}/{name}_{version.rpartition(':')[2]}_{arch}.deb"
    return Listed(name, version, arch, where, len(data), hashlib.sha256(data).hexdigest())


def packages(*these: Listed) -> bytes:
    """The list that names these packages."""
    return "\n".join(
        f"Package: {one.name}\nVersion: {one.version}\nArchitecture: {one.arch}\nDepends: libc6\nFilename: {one.filename}\n"
        f"Size: {one.size}\nSHA256: {one.sha256}\nDescription: says hello\n more of it\n .\n Package: not-this\n"
        for one in these
    ).encode()


@dataclass
class Vendor:
    """Somebody with a signing key, and an archive below a directory."""

    home: Path
    name: str = "vendor"
    expires: str = "never"
    today: str = ""
    """What gpg takes for the time, instead of what it is."""
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        self.gpg("--quick-gen-key", f"{self.name} <{self.name}@example.org>", "ed25519", "sign", self.expires)
        told = self.gpg("--list-keys", "--with-colons").decode()
        self.fingerprint = next(line.split(":")[9] for line in told.splitlines() if line.startswith("fpr:"))

    def gpg(self, *words: str, data: bytes = b"") -> bytes:
        """What gpg says, with a home of its own."""
        batch = ["--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
        batch += ["--faked-system-time", self.today] if self.today else []
        ended = subprocess.run(
            ["gpg", "--homedir", str(self.home), *batch, *words], input=data, capture_output=True, check=False, timeout=60
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    @property
    def keyring(self) -> bytes:
        """The public key, as in a .gpg."""
        return self.gpg("--export")

    @property
    def armoured(self) -> bytes:
        """The public key, as in an .asc."""
        return self.gpg("--export", "--armor")

    def clear_signed(self, text: bytes) -> bytes:
        """An InRelease."""
        return self.gpg("--clear-sign", "--digest-algo", "SHA256", data=text)

    def signature(self, text: bytes) -> bytes:
        """A Release.gpg."""
        return self.gpg("--detach-sign", "--armor", "--digest-algo", "SHA256", data=text)

    def close(self) -> None:
        """End its agent and forget its key."""
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False, capture_output=True)
        shutil.rmtree(self.home, ignore_errors=True)


def release(files: dict[str, bytes], date: datetime = NOW, until: datetime | None = NOW + timedelta(days=7)) -> bytes:
    """What a vendor signs: the names, sizes and digests of these files."""
    stamp = "%a, %d %b %Y %H:%M:%S UTC"
    told = f"Origin: Example\nLabel: Example-Security\nSuite: stable\nCodename: kiwi\nDate: {date:{stamp}}\n"
    told += f"Valid-Until: {until:{stamp}}\n" if until else ""
    md5 = "".join(f" {hashlib.md5(data).hexdigest()} {len(data):>8} {name}\n" for name, data in files.items())
    sha256 = "".join(f" {hashlib.sha256(data).hexdigest()} {len(data):>8} {name}\n" for name, data in files.items())
    return f"{told}Acquire-By-Hash: yes\nMD5Sum:\n{md5}SHA256:\n{sha256}".encode()


def publish(root: Path, vendor: Vendor, *debs: tuple[Listed, bytes]) -> None:
    """Lay out an archive as it stands on a mirror."""
    for one, data in debs:
        put(root / one.filename, data)
    text = packages(*(one for one, _data in debs))
    names = {"main/binary-amd64/Packages": text, "main/binary-amd64/Packages.xz": lzma.compress(text)}
    for name, data in names.items():
        put(root / "dists/kiwi" / name, data)
    told = release(names)
    put(root / "dists/kiwi/InRelease", vendor.clear_signed(told))
    put(root / "dists/kiwi/Release", told)
    put(root / "dists/kiwi/Release.gpg", vendor.signature(told))


def put(path: Path, data: bytes) -> None:
    """A file with all directories above it."""
    os.makedirs(path.parent, exist_ok=True)
    path.write_bytes(data)


def debian_lists() -> list[str]:
    """The files of this machine's apt that Debian itself has signed, or that belong to such a release."""
    if not KEYRING.exists() or not APT_LISTS.is_dir():
        return []
    names = [path.name for path in APT_LISTS.iterdir()]
    signed = [name for name in names if name.endswith("InRelease") and b"\nOrigin: Debian\n" in (APT_LISTS / name).read_bytes()]
    return [name for name in names if name.startswith(tuple(one.removesuffix("InRelease") for one in signed))]


def stream(data: bytes) -> io.BytesIO:
    """Bytes as an open file."""
    return io.BytesIO(data)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A mirror that says nothing of what it does."""

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(handler: Any) -> Iterator[str]:
    """The address of a mirror on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
