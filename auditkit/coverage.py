"""What of a host no watch covers: where an intruder could stay unseen. Pure: blocks of the whole host in, paths out."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from auditkit import entries
from auditkit.model import Level, Mount, Policy, Watch

EVERYTHING = Policy(
    "everything",
    (
        Watch("/proc", Level.IGNORE, why="the kernel's, not a disk's"),
        Watch("/sys", Level.IGNORE, why="the kernel's, not a disk's"),
        Watch("/dev", Level.IGNORE, why="the kernel's, not a disk's"),
        Watch("/", Level.METADATA, why="all there is", cross_mounts=True),
    ),
)
"""What to scan for a report of coverage."""

PSEUDO = frozenset(
    (
        *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs"),
        *("fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs", "sysfs"),
        "tracefs",
    )
)
"""File systems that hold no files of anybody's."""
_SET_ID = re.compile(rb"^f [2467]\d{3} .*$", re.MULTILINE)
_UNIT = re.compile(rb"^[fl] .* (\S+\.(?:service|timer|socket|path|mount|automount))$", re.MULTILINE)
_KEYS = re.compile(rb"^[fl] .* (authorized_keys2?)$", re.MULTILINE)
_UNIT_PLACES = (b"/systemd/system", b"/systemd/user", b"/systemd/system.control", b"/systemd/transient")

WatchOf = Callable[[str], Watch | None]
Group = tuple[str, tuple[str, ...]]


def uncovered(
    blocks: Iterable[bytes], mounts: Sequence[Mount], watch_of: WatchOf, concerns: Callable[[str], bool]
) -> tuple[Group, ...]:
    """Top-level directories, mounts, setuid programs, units and authorized_keys that no watch covers."""
    tops, set_id, units, keys = list[str](), list[str](), list[str](), list[str]()
    for block in blocks:
        path = entries.path_of(block)
        if path.count(b"/") == 1 and len(path) > 1 and not concerns(_text(path)):
            tops.append(_text(path))
        set_id.extend(_found(block, path, _SET_ID))
        keys.extend(_found(block, path, _KEYS))
        if any(path.endswith(place) or place + b"/" in path for place in _UNIT_PLACES):
            units.extend(_found(block, path, _UNIT))
    points = [mount.point for mount in mounts if mount.kind not in PSEUDO and not concerns(mount.point)]
    return (
        ("top-level directories that no watch touches", tuple(tops)),
        ("mounts that no watch touches", tuple(dict.fromkeys(points))),
        ("setuid and setgid programs that no watch covers", _unwatched(set_id, watch_of)),
        ("systemd units that no watch covers", _unwatched(units, watch_of)),
        ("authorized_keys that no watch covers", _unwatched(keys, watch_of)),
    )


def _found(block: bytes, path: bytes, pattern: re.Pattern[bytes]) -> Iterator[str]:
    """The paths of a block's lines that the pattern finds."""
    if pattern.search(block) is None:
        return
    lines = [match.group() for match in pattern.finditer(block)]
    yield from (entry.path for _name, entry in entries.decode(block[: block.index(b"\n") + 1] + b"\n".join(lines) + b"\n"))


def _unwatched(paths: Iterable[str], watch_of: WatchOf) -> tuple[str, ...]:
    return tuple(path for path in paths if (watch := watch_of(path)) is None or watch.level is Level.IGNORE)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
