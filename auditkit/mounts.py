"""The mount table: read from mountinfo, and what it says of a watched path that something else now covers.

Pure: bytes in, mounts and findings out.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from auditkit.model import Finding, Mount, Rule, Severity
from auditkit.printable import printable

_OCTAL = re.compile(r"\\([0-7]{3})")

COVERED = Rule(
    id="mount-covers-watched-path",
    title="a watched path is covered by a mount that was not there",
    severity=Severity.HIGH,
    why=(
        "Whoever mounts something over a directory hides what is in it: programs go on with the new content, or a check is"
        " shown a clean copy while the changed files lie below. Content alone cannot tell."
    ),
    remedy="see what is mounted with `findmnt -R PATH`; look below it from a rescue system or with"
    " `mount --bind / /mnt` before you `umount` it",
    references=("mount(8)", "proc_pid_mountinfo(5)"),
)
GONE = Rule(
    id="mount-gone",
    title="a file system that a watched path was on is not mounted any more",
    severity=Severity.MEDIUM,
    why=(
        "Part of what is watched could not be looked at, so that nothing can be said of it. The file system was unmounted"
        " since the baseline: by accident, to hide it, or to show what lies below."
    ),
    remedy="mount it again and check once more",
    references=("mount(8)",),
)
RULES = (COVERED, GONE)
MOST_ITSELF = 1000
"""Directories that are mounted on themselves; no service has more."""


def read(table: bytes) -> tuple[Mount, ...]:
    """The mounts of a mountinfo table, in its order; lines of another form are passed over.

    A line is `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue` (proc_pid_mountinfo(5)).
    """
    return tuple(_mounts(table.decode("utf-8", "surrogateescape")))


def _mounts(table: str) -> Iterator[Mount]:
    for line in table.split("\n"):
        front, dash, back = line.partition(" - ")
        fields, rest = front.split(" "), back.split(" ")
        if dash and len(fields) >= 6 and len(rest) >= 2:
            point, root = _plain(fields[4]), _plain(fields[3])
            yield Mount(point, _plain(rest[0]), _plain(rest[1]), root, fields[2], fields[5])


def _plain(field: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)


def below(mounts: Sequence[Mount], root: str) -> tuple[Mount, ...]:
    """The mounts on or below a directory, with their points as seen from it."""
    start = root.rstrip("/")
    inside = (mount for mount in mounts if mount.point == root or mount.point.startswith(start + "/"))
    return tuple(replace(mount, point=mount.point[len(start) :] or "/") for mount in inside)


def compare(before: Sequence[Mount], after: Sequence[Mount], concerns: Callable[[str], bool]) -> Iterator[Finding]:
    """Yield a finding for each mount that now covers what is watched or is gone from there.

    `concerns` tells whether anything on, above or below a mount point is watched. Device numbers change from boot to boot
    and say nothing. A directory that is mounted on itself covers nothing: systemd does that to give a service its rights.
    """
    before, after = _covering(before), _covering(after)
    old, new = _by_point(before), _by_point(after)
    deeper = Counter(mount.point for mount in after) - Counter(mount.point for mount in before)
    for point, mount in new.items():
        if (point in deeper or _identity(old[point]) != _identity(mount)) and concerns(point):
            yield Finding(COVERED, point, _covered(mount, old.get(point)), COVERED.severity)
    for point, mount in old.items():
        if point not in new and concerns(point):
            told = f"{_shown(mount)} was mounted here when the baseline was made, and is not now"
            yield Finding(GONE, point, told, GONE.severity)


def _covering(table: Sequence[Mount]) -> Sequence[Mount]:
    """The mounts that show something else than what would be there without them; of very many on themselves all count."""
    seen: dict[str, Mount] = {}
    itself = []
    for at, mount in enumerate(table):
        beneath = next((seen[point] for point in _upwards(mount.point) if point in seen), None)
        seen[mount.point] = mount
        if beneath and _is_of(mount, beneath):
            itself.append(at)
    if len(itself) > MOST_ITSELF:
        return table
    alone = {at for at in itself if _has_all(table[at].point, table[:at], table[at + 1 :])}
    return [mount for at, mount in enumerate(table) if at not in alone]


def _is_of(mount: Mount, beneath: Mount) -> bool:
    """Whether a mount shows the directory of the one beneath it that it lies on."""
    rest = mount.point[len(beneath.point.rstrip("/")) :].rstrip("/")
    path = f"{beneath.root.rstrip('/')}{rest}" or "/"
    return (mount.device, mount.kind, mount.root) == (beneath.device, beneath.kind, path)


def _has_all(point: str, earlier: Sequence[Mount], later: Sequence[Mount]) -> bool:
    """Whether what was mounted below a directory is mounted there once more."""
    inside = {(each.point, each.device, each.root) for each in earlier if each.point.startswith(f"{point.rstrip('/')}/")}
    return inside <= {(each.point, each.device, each.root) for each in later}


def _upwards(point: str) -> Iterator[str]:
    """Yield a path and the directories above it."""
    while True:
        yield point
        if point in ("/", ""):
            return
        point = point.rpartition("/")[0] or "/"


def _by_point(mounts: Sequence[Mount]) -> dict[str, Mount]:
    """The topmost mount of each point: the last one is what is seen."""
    return {mount.point: mount for mount in mounts}


def _identity(mount: Mount) -> tuple[str, str, str]:
    return mount.kind, re.sub(r"^/dev/loop\d+$", "/dev/loop", mount.source), mount.root


def _covered(mount: Mount, old: Mount | None) -> str:
    what = _shown(mount)
    if mount.root != "/" and mount.kind not in ("overlay", "tmpfs", "cgroup2"):
        what = f"a bind mount of {printable(mount.root)} on {what}"
    was = f"where {_shown(old)} was" if old else "where nothing was mounted when the baseline was made"
    return f"{what} is mounted here now, {was}"


def _shown(mount: Mount) -> str:
    return f"{printable(mount.source)} ({printable(mount.kind)})"
