"""Which logs are rotations of one another, and whether an old beginning is still there in one of them.

logrotate(8) leaves `NAME.1`, `NAME.2.gz`, `NAME-20261124.xz`; copytruncate keeps the file and empties it. Whatever was in a
log when the baseline was made must still begin one of its family, as it is or unpacked.
"""

import os
import re
import zlib
from stat import S_ISREG

from . import digest
from .chain import Chain, opened
from .hints import IO, Any, Iterable, Iterator, List, Optional, Sequence, Tuple, Type, Union
from .look import FILE

LARGEST = 1 << 33
"""Unpacked bytes of one log that are looked at."""
MEMBERS = 200

PACKED = (".gz", ".bz2", ".xz", ".lzma", ".zst")

NOT_KNOWN = ""
"""In place of a digest: nobody can tell how the log begins, or asked when it was looked at (then it comes without a name)."""

Asked = Tuple[str, int, Sequence[str], bool]
"""Path of a log, how many of its first bytes, by which algorithms, and whether it rotates."""
Stream = Union[IO[bytes], "Unpacking"]

_FAMILY = re.compile(r"(.+?)(?:[.-]\d{1,8}(?:[-T_]\d{1,6})?)?(?:\.(?:gz|bz2|xz|lzma|zst))?")


def family(name: str) -> str:
    """What the names of a log and its rotations have in common: `auth.log` for `auth.log.2.gz`."""
    found = _FAMILY.fullmatch(name)  # nothing is, of a name with a line feed in it
    return found.group(1) if found else name


def beginnings(root: int, asked: Iterable[Asked]) -> Iterator[Tuple[str, str, str]]:
    """Yield `(path, name, digest field)` for each way to have the first bytes of what was asked for.

    `asked` holds `(path, length, algorithms, whether it rotates)`. The path itself comes first; of a log that rotates its
    family follows, each member as it is and unpacked. A member that is shorter, gone or unreadable gives nothing.
    """
    chain = Chain(root)
    try:
        for path, length, algorithms, rotates in asked:
            if digest.available(algorithms) != tuple(algorithms):
                continue  # with no digest to compare there is nothing to be said
            names = tuple(part for part in path.split("/") if part)
            try:
                at = chain.open(names[:-1])
            except OSError:
                continue
            for name in [names[-1]] + (_relatives(at, names[-1]) if rotates else []):
                for field in _fields(at, name, length, tuple(algorithms), name != names[-1]):
                    yield path, name, field
    finally:
        chain.close()


def _relatives(at: int, name: str) -> List[str]:
    """The other members of a log's family in its directory."""
    try:
        listed = os.listdir(at)
    except OSError:
        return []
    return sorted(each for each in listed if each != name and family(each) == family(name))[:MEMBERS]


def _fields(at: int, name: str, length: int, algorithms: Tuple[str, ...], unpack: bool) -> Iterator[str]:
    try:
        handle = opened(name, FILE, at)
    except OSError:
        return
    with os.fdopen(handle, "rb", buffering=0) as plain:
        if not S_ISREG(os.fstat(handle).st_mode):
            return
        if length > LARGEST:
            if not unpack:
                yield NOT_KNOWN
            return
        for field in _field(plain, length, algorithms):
            yield field
        if unpack and name.endswith(PACKED):
            stream = _unpacked(plain, name)
            for field in _field(stream, length, algorithms) if stream else [NOT_KNOWN]:
                yield field


def _unpacked(plain: IO[bytes], name: str) -> "Optional[Unpacking]":
    """A stream of the unpacked content, by the ending of the name; None where nothing here unpacks it."""
    plain.seek(0)
    try:
        return _unpacking(plain, name)
    except ImportError:
        return None


def _unpacking(plain: IO[bytes], name: str) -> "Optional[Unpacking]":
    # a Python cut down to its core has none of these
    if name.endswith(".gz"):
        import gzip  # noqa: PLC0415

        return Unpacking(gzip.GzipFile(fileobj=plain), zlib.error)
    if name.endswith(".bz2"):
        import bz2  # noqa: PLC0415

        return Unpacking(bz2.BZ2File(plain), ValueError)
    if name.endswith(".zst"):
        try:
            import zstandard  # noqa: PLC0415 - a host may be without it
        except ImportError:
            return None
        unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        return Unpacking(unpacker.stream_reader(plain, read_across_frames=True, closefd=False), zstandard.ZstdError)
    import lzma  # noqa: PLC0415

    return Unpacking(lzma.LZMAFile(plain), lzma.LZMAError)


class Unpacking:
    """A stream being unpacked, whose errors are those of the standard library."""

    def __init__(self, stream: Any, error: Type[Exception]) -> None:
        self._stream = stream
        self._error = error

    def read(self, size: int) -> bytes:
        """The next bytes."""
        try:
            data: bytes = self._stream.read(size)
        except self._error as error:
            raise OSError(str(error)) from error
        return data


def _field(stream: Stream, length: int, algorithms: Tuple[str, ...]) -> Iterator[str]:
    """Yield the digest field of the first `length` bytes, if there are as many."""
    total, left = digest.Digest(algorithms), length
    try:
        while left:
            data = stream.read(min(left, 1 << 18))
            if not data:
                return
            total.update(data)
            left -= len(data)
    except (OSError, EOFError, ValueError):
        return
    yield total.field()
