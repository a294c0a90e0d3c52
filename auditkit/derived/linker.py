"""The linker's cache: every library that it names must be verified, and stand where the configuration has libraries.

It decides which file is loaded by which name, so its order counts too. That it leaves a library out shows nowhere.
Format: `glibc-ld.so.cache1.1` of elf/cache.c and sysdeps/generic/dl-cache.h of glibc, alone or behind the older form.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise

from auditkit.derived import Known, is_same
from auditkit.errors import FormatError
from auditkit.model import Kind, Means, Need

PATH = "/etc/ld.so.cache"
CACHE = Need(Means.FILE, PATH, "which libraries the linker finds by their names")
CONFIGURATION, PARTS = "/etc/ld.so.conf", "/etc/ld.so.conf.d"
CONFIGURED = (
    Need(Means.FILE, CONFIGURATION, "where libraries are looked for"),
    Need(Means.FILE, f"{PARTS}/*.conf", "where libraries are looked for"),
)
MAGIC = b"glibc-ld.so.cache1.1"
OLDER = b"ld.so-1.7.0"
EXTENSION, NAMES, MAKER_OF_IT = 0xEAA42174, 1, 0
"""The magic number of what follows the libraries, and the kinds of sections in it that are known."""
NAMED = 1 << 62
"""The bit of an entry's `hwcap` that says: the rest of it is the number of a directory's name."""
HEADER, LIBRARY, OLD_HEADER, OLD_LIBRARY = 48, 24, 16, 12
MAKER = "ldconfig made it"
MOST_LIBRARIES = 100_000
MOST_SECTIONS = 16
LONGEST_NAME = 4096
_BUILT_IN = re.compile(r"(?:/usr)?/lib(?:32|64|x32|o32)?")
_INCLUDE = re.compile(r"include\s+(?:/etc/)?ld\.so\.conf\.d/\*\.conf")
_FASTER = re.compile(r"(.+)/glibc-hwcaps/([^/]+)")
Library = tuple[str, int, str]
"""Its path, its flags, and the name of the directory of a kind of processor that it is for."""


def asked(known: Known) -> Iterator[Need]:
    """Yield the cache, where it changed, and what tells of directories."""
    if any(change.path == PATH for change in known.open()):
        yield from (CACHE, *CONFIGURED)


def folders(known: Known) -> set[str]:
    """Where the libraries are that it names, and where links may lead to these directories."""
    found = {path.rpartition("/")[0] for path, *_rest in _libraries(known) or ()}
    return {"/", "/etc", PARTS, *found, *(f"/usr{folder}" for folder in found)} if found else set()


def judge(known: Known) -> None:
    """Explain the cache, if each library in it is verified, and found in the order that the configuration says."""
    change = known.changes.get(PATH)
    if change is None or change.explanation or change.after is None or change.after.kind is not Kind.FILE:
        return
    named, parts = _libraries(known), _parts(known)
    if not named:
        return
    layout, links = known.layout()
    places = [layout.real(path) for path, *_rest in named]
    unknown = next((path for (path, *_rest), place in zip(named, places, strict=True) if known.end(place) is None), None)
    texts = [known.source(part) for part in parts]
    if unknown is not None:
        known.note(PATH, "" if is_same(change) else f"it names {unknown}, which nothing verifies")
    elif None in texts:
        known.note(PATH, f"nothing verifies {parts[texts.index(None)]}, by which it is made")
    elif stray := _stray(named, _directories([text or b"" for text in texts])):
        known.note(PATH, f"it names {stray}, which is not found so by the configuration")
    else:
        known.explain(PATH, MAKER, [*places, *parts, *links])


def _parts(known: Known) -> list[str]:
    """The files of the configuration, in the order in which they are read."""
    there = {path for path in {*known.entries, *known.changes} if path.startswith(PARTS + "/") and known.now(path)}
    parts = sorted(path for path in there if path.endswith(".conf") and not path.startswith(PARTS + "/."))
    return [CONFIGURATION, *parts] if known.now(CONFIGURATION) else []


def _directories(texts: Sequence[bytes]) -> list[str]:
    """The directories that a configuration names, the first ones first; empty where it says what is not known here."""
    found = list[str]()
    for text in texts[:1]:
        for line in _lines(text):
            if _INCLUDE.fullmatch(line):
                found += (each for part in texts[1:] for each in _lines(part))
            else:
                found.append(line)
    return [line.rstrip("/") for line in found] if all(line.startswith("/") and "=" not in line for line in found) else []


def _lines(text: bytes) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in text.decode("utf-8", "surrogateescape").split("\n"))
    return [line for line in lines if line and not line.startswith("hwcap ")]


def _stray(named: Sequence[Library], directories: Sequence[str]) -> str:
    """A library that stands where none is looked for, or before one that is found first; empty if none does."""
    ranks = {directory: rank for rank, directory in reversed(list(enumerate(directories)))}
    last: dict[tuple[str, int, str], int] = {}
    for path, flags, faster in named:
        directory, _, name = path.rpartition("/")
        place = directory.removesuffix(f"/glibc-hwcaps/{faster}") if faster else directory
        rank = ranks.get(place, len(ranks) if _BUILT_IN.fullmatch(place) else -1)
        if rank < last.get((name, flags, faster), 0):
            return path
        last[name, flags, faster] = rank
    return ""


def _libraries(known: Known) -> list[Library] | None:
    data = known.content(PATH)
    try:
        return None if data is None else list(libraries(data))
    except FormatError:
        return None


def libraries(data: bytes) -> Iterator[Library]:
    """Yield each library that a cache names, in its order.

    Raises:
        FormatError: it is none, is not in order, or finds a library by another name than its own.
    """
    try:
        at, older = _start(data)
        found = list(_named(data[at:], alone=not at))
    except struct.error as error:
        raise FormatError("the linker's cache is cut off") from error
    orders = (_order(path.rpartition("/")[2]) for path, *_rest in found)
    if any(one < other for one, other in pairwise(orders)) or not older <= {path for path, *_rest in found}:
        raise FormatError("the linker's cache is not in the order in which libraries are found")
    yield from found


def _named(data: bytes, alone: bool) -> Iterator[Library]:
    number, texts = struct.unpack_from("<II", data, len(MAGIC))
    if number > MOST_LIBRARIES or HEADER + LIBRARY * number + texts > len(data):
        raise FormatError("the linker's cache is cut off")
    # behind the older form, writer and reader do not agree from where such a name is counted
    faster = _names(data, struct.unpack_from("<I", data, 32)[0]) if alone else []
    for at in range(HEADER, HEADER + LIBRARY * number, LIBRARY):
        flags, key, value, _unused, hwcap = struct.unpack_from("<iIIIQ", data, at)
        path = _path(data, key, value)
        found = _FASTER.fullmatch(path.rpartition("/")[0])
        index = hwcap & 0xFFFFFFFF
        name = faster[index] if hwcap & NAMED and index < len(faster) else "" if not hwcap else None
        if name is None or name != (found[2] if found else ""):
            raise FormatError("the linker's cache prefers a library in a way that is not known here")
        yield path, flags, name


def _names(data: bytes, at: int) -> list[str]:
    """The names of directories for kinds of processors."""
    if not at:
        return []
    magic, count = struct.unpack_from("<II", data, at)
    if magic != EXTENSION or count > MOST_SECTIONS:
        raise FormatError("the linker's cache goes on in a way that is not known here")
    found = list[str]()
    for number in range(count):
        kind, _flags, start, size = struct.unpack_from("<IIII", data, at + 8 + 16 * number)
        if kind not in (NAMES, MAKER_OF_IT) or start + size > len(data):
            raise FormatError("the linker's cache goes on in a way that is not known here")
        if kind == NAMES:
            found += (_text(data, place) for (place,) in struct.iter_unpack("<I", data[start : start + size // 4 * 4]))
    return found


def _start(data: bytes) -> tuple[int, set[str]]:
    """Where the newer form begins, and the libraries that the older one before it names."""
    at, older = 0, set[str]()
    if data.startswith(OLDER):
        number = struct.unpack_from("<I", data, OLD_LIBRARY)[0]
        end = OLD_HEADER + OLD_LIBRARY * number
        if number > MOST_LIBRARIES or end > len(data):
            raise FormatError("the linker's cache is cut off")
        pairs = (struct.unpack_from("<II", data, place + 4) for place in range(OLD_HEADER, end, OLD_LIBRARY))
        older = {_path(data[end:], key, value) for key, value in pairs} if number else older
        at = -(-end // 8) * 8
    if data[at : at + len(MAGIC)] != MAGIC:
        raise FormatError("the linker's cache is of a kind that is not known here")
    return at, older


def _path(data: bytes, key: int, value: int) -> str:
    name, path = _text(data, key), _text(data, value)
    if path.rpartition("/")[2] != name or not path.startswith("/") or "/.." in path:
        raise FormatError("the linker's cache finds a library by another name than its own")
    return path


def _text(data: bytes, at: int) -> str:
    end = data.find(b"\0", at, at + LONGEST_NAME)
    if end < 0:
        raise FormatError("the linker's cache has a name without end")
    return data[at:end].decode("utf-8", "surrogateescape")


def _order(name: str) -> list[tuple[bool, int]]:
    """What names are ordered by, the greatest first: `_dl_cache_libcmp` of glibc, for which digits are one number."""
    parts = re.findall(r"[0-9]+|[^0-9]", name, re.DOTALL)
    return [(True, int(part) & 0x7FFFFFFF) if part[0] in "0123456789" else (False, ord(part)) for part in parts]
