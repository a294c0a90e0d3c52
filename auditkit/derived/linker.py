"""The linker's cache: every library that it names must be verified, for it decides which file is loaded by which name.

Format: `glibc-ld.so.cache1.1` of elf/cache.c of glibc, alone or behind the older form.
"""

import struct
from collections.abc import Iterator

from auditkit.derived import Known, is_same
from auditkit.errors import FormatError
from auditkit.model import Kind, Means, Need
from auditkit.packages.layout import Layout

PATH = "/etc/ld.so.cache"
CACHE = Need(Means.FILE, PATH, "which libraries the linker finds by their names")
AUXILIARY = "/var/cache/ldconfig/aux-cache"
MAGIC = b"glibc-ld.so.cache1.1"
OLDER = b"ld.so-1.7.0"
MAKER = "ldconfig made it"
MOST_LIBRARIES = 100_000
LONGEST_NAME = 4096


def asked(known: Known) -> Iterator[Need]:
    """Yield the cache, where it changed."""
    if any(change.path == PATH for change in known.open()):
        yield CACHE


def folders(known: Known) -> set[str]:
    """Where the libraries are that it names, and where links may lead to these directories."""
    found = {path.rpartition("/")[0] for path in _libraries(known) or ()}
    return {"/", *found, *(f"/usr{folder}" for folder in found)} if found else set()


def judge(known: Known) -> None:
    """Explain the cache, if each library in it is verified, and has the name by which it is found."""
    change = known.changes.get(PATH)
    if change is None or change.explanation or change.after is None or change.after.kind is not Kind.FILE:
        return
    named = _libraries(known)
    if named is None:
        return
    layout = _layout(known)
    places = [layout.real(path) for path in named]
    unknown = next((path for path, place in zip(named, places, strict=True) if known.end(place) is None), None)
    if unknown is None:
        known.explain(PATH, MAKER, places)
    elif not is_same(change):
        known.note(PATH, f"it names {unknown}, which nothing verifies")


def _layout(known: Known) -> Layout:
    """Which directories at the root lead into others."""
    told = {path: known.now(path) for path in {*known.entries, *known.changes} if path.count("/") == 1}
    return Layout({path: entry.target or "" for path, entry in told.items() if entry and entry.kind is Kind.SYMLINK})


def _libraries(known: Known) -> list[str] | None:
    data = known.content(PATH)
    try:
        return None if data is None else list(dict.fromkeys(libraries(data)))
    except FormatError:
        return None


def libraries(data: bytes) -> Iterator[str]:
    """Yield the path of each library that a cache names.

    Raises:
        FormatError: it is none, or finds a library by another name than its own.
    """
    data = data[_start(data) :]
    try:
        number, texts = struct.unpack_from("<II", data, len(MAGIC))
        if number > MOST_LIBRARIES or 48 + 24 * number + texts > len(data):
            raise FormatError("the linker's cache is cut off")
        for at in range(48, 48 + 24 * number, 24):
            key, value = struct.unpack_from("<II", data, at + 4)
            name, path = _text(data, key), _text(data, value)
            if path.rpartition("/")[2] != name or not path.startswith("/") or "/.." in path:
                raise FormatError("the linker's cache finds a library by another name than its own")
            yield path
    except struct.error as error:
        raise FormatError("the linker's cache is cut off") from error


def _start(data: bytes) -> int:
    """Where the newer form begins."""
    at = 0
    if data.startswith(OLDER) and len(data) >= 16:
        at = -(-(16 + 12 * struct.unpack_from("<I", data, 12)[0]) // 8) * 8
    if data[at : at + len(MAGIC)] != MAGIC:
        raise FormatError("the linker's cache is of a kind that is not known here")
    return at


def _text(data: bytes, at: int) -> str:
    end = data.find(b"\0", at, at + LONGEST_NAME)
    if end < 0:
        raise FormatError("the linker's cache has a name without end")
    return data[at:end].decode("utf-8", "surrogateescape")
