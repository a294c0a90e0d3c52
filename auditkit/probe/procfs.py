"""What /proc tells of one process, proc(5): read as far as that goes, for it may have ended, or be somebody else's."""

import os
import re

from . import inside
from .hints import List, Optional, Set, Tuple

ARGUMENTS = 128 << 10
"""Bytes of the arguments of one process."""
_CODE = re.compile(rb"^[0-9a-f]+-[0-9a-f]+ ..x. \S+ \S+ \S+ +(/.*)$", re.MULTILINE)


def begun(path: bytes, most: int = inside.LIMIT) -> bytes:
    """How a file there begins.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        return file.read(most)


def some(path: bytes, most: int = inside.LIMIT) -> bytes:
    """How a file there begins; nothing where it cannot be read."""
    try:
        return begun(path, most)
    except OSError:
        return b""


def link(path: bytes) -> bytes:
    """Where a link there leads; nothing where that may not be seen."""
    try:
        return os.readlink(path)
    except OSError:
        return b""


def names(folder: bytes) -> List[bytes]:
    """What a directory there lists; nothing where that may not be seen."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def parsed(stat: bytes) -> Tuple[bytes, int, int]:
    """Name, parent and start in ticks, of what proc_pid_stat(5) has; the name may hold blanks and parentheses.

    Raises:
        ValueError, IndexError: it is something else.
    """
    name, _, rest = stat.partition(b"(")[2].rpartition(b")")
    fields = rest.split()
    return name, int(fields[1]), int(fields[19])


def code(maps: bytes) -> Set[bytes]:
    """The files whose code is mapped: proc_pid_maps(5)."""
    return set(_CODE.findall(maps))


def uid_of(status: bytes) -> Optional[int]:
    """The effective user: proc_pid_status(5)."""
    found = re.search(rb"^Uid:\s+[0-9]+\s+([0-9]+)", status, re.MULTILINE)
    return int(found.group(1)) if found else None


def born() -> Optional[int]:
    """Seconds since 1970 when the machine started."""
    found = re.search(rb"^btime ([0-9]+)", some(b"/proc/stat"), re.MULTILINE)
    return int(found.group(1)) if found else None


def started(since: Optional[int], ticks: int) -> Optional[float]:
    """Seconds since 1970 of a moment in ticks since the machine started."""
    return since + ticks / float(os.sysconf("SC_CLK_TCK")) if since else None


def arguments_of(pid: int) -> bytes:
    """The arguments of a process, each ended by NUL, as it shows them itself; nothing where they cannot be seen."""
    return some(b"/proc/%d/cmdline" % pid, ARGUMENTS + 1)


def split(arguments: bytes) -> List[bytes]:
    """Arguments one by one; a title that is written over them is one, and the NULs behind it are none."""
    bare = arguments.rstrip(b"\0")
    return bare.split(b"\0") if bare else []


def unit(cgroup: bytes) -> bytes:
    """The control group that names the unit of systemd: of version 2, or systemd's own of version 1 (cgroups(7))."""
    groups = [line.split(b":", 2) for line in cgroup.split(b"\n") if line.count(b":") > 1]
    named = {group[1]: group[2] for group in groups}
    second = named.get(b"", b"")
    return named.get(b"name=systemd", second) if second in (b"", b"/") else second


def inode_of(target: bytes) -> Optional[int]:
    """The inode in `socket:[123]`; None where a handle leads elsewhere."""
    digits = target[8:-1]
    return int(digits) if target.startswith(b"socket:[") and digits.isdigit() else None


def text(data: bytes) -> str:
    """Bytes as JSON can hold them, and back again."""
    return data.decode("utf-8", "surrogateescape")
