"""Digests of what is read: BLAKE3 where the host has it, SHA-256 where only the standard library is there."""

import sys

from .hints import TYPE_CHECKING, Any, Callable, Iterable, List, Tuple, Union

if TYPE_CHECKING:
    import mmap

    Data = Union[bytes, memoryview, mmap.mmap]
else:  # what maps files is loaded where one is mapped
    Data = Any

try:
    import blake3
except ImportError:
    blake3 = None  # type: ignore[assignment]
if getattr(blake3, "SLOW", False):  # the one in Python alone, see .packaging/zipapp: hours for a disk
    blake3 = None  # type: ignore[assignment]

try:
    import _sha256 as _plain  # type: ignore[import-not-found]
except ImportError:
    try:
        import _sha2 as _plain  # type: ignore[import-not-found]  # from Python 3.12 on
    except ImportError:
        _plain = None


OF_PACKAGES = ("md5", "sha1")
"""What package databases of old know files by; no entry has them."""
WINDOW = 32 << 20
"""Bytes of a large file that are mapped at once: what keeps memory flat."""


ENOUGH = 1 << 20
"""Bytes that are hashed before OpenSSL, which is four times as fast, has made good for being loaded."""


def begun() -> Callable[[Data], Any]:
    """A function that begins a SHA-256 with its first bytes; only where there is more to hash OpenSSL is loaded for it."""
    if _plain is None or "hashlib" in sys.modules:
        return _by_openssl()
    new, left = _plain.sha256, float(ENOUGH)

    def begin(data: Data) -> Any:
        nonlocal new, left
        left -= len(data)
        if left < 0:
            new, left = _by_openssl(), float("inf")
        return new(data)

    return begin


def _by_openssl() -> Callable[..., Any]:
    import hashlib  # noqa: PLC0415 - it takes a host's Python half as long as to start

    return hashlib.sha256


def available(wanted: Iterable[str]) -> Tuple[str, ...]:
    """Those of the wanted algorithms that this host can compute, or SHA-256 where it can none of them."""
    return tuple(filter(_is_here, wanted)) or ("sha256",)


def _is_here(name: str) -> bool:
    if name in OF_PACKAGES:
        try:
            _new(name)
        except ValueError:  # a host that its owner forbids what is broken (FIPS)
            return False
    return name in OF_PACKAGES or name == "sha256" or (name == "blake3" and blake3 is not None)


def _new(name: str) -> Any:
    import hashlib  # noqa: PLC0415

    return hashlib.new(name)


def of_bytes(names: Tuple[str, ...]) -> Callable[[Data], str]:
    """A function from bytes to the digest field of an entry: `blake3:HEX,sha256:HEX`."""
    if names == ("blake3",):
        new = blake3.blake3
        return lambda data: "blake3:" + new(data).hexdigest()
    if names == ("sha256",):
        sha256 = begun()
        return lambda data: "sha256:" + sha256(data).hexdigest()

    def field(data: Data) -> str:
        digest = Digest(names)
        digest.update(data)
        return digest.field()

    return field


class Digest:
    """One or more digests of a stream; BLAKE3 with its own threads."""

    def __init__(self, names: Iterable[str], threads: int = 1) -> None:
        self.parts: List[Tuple[str, Any]] = [
            (name, blake3.blake3(max_threads=threads) if name == "blake3" else _new(name)) for name in names
        ]

    def update(self, data: Data) -> None:
        """Take the next bytes."""
        for _name, part in self.parts:
            part.update(data)

    def field(self) -> str:
        """The digest field of an entry."""
        return ",".join(name + ":" + part.hexdigest() for name, part in self.parts)

    def update_mapped(self, fd: int, start: int, size: int) -> int:
        """Take the next window of a file of `size` bytes by mapping it: twice as fast as reading where BLAKE3 has threads.

        A file that is cut meanwhile ends the process with SIGBUS: only for a process whose end somebody watches.
        """
        import mmap  # noqa: PLC0415 - few hosts have BLAKE3

        length = min(WINDOW, size - start)
        with mmap.mmap(fd, length, prot=mmap.PROT_READ, offset=start) as view:
            self.update(view)
        return length
