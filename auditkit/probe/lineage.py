"""What is loaded into this process and those that it comes from - sudo, a shell, sshd - and by which variables."""

import os
import sys

from . import procfs
from .hints import Iterator, List, Optional, Tuple
from .look import reason

PATTERN = b"/proc/self/environ"
"""Who asks for this gets the whole line of processes; of an environment what `ld.so` obeys, for the rest may be secret."""
LOADS = (b"LD_PRELOAD=", b"LD_AUDIT=", b"LD_LIBRARY_PATH=")
"""What makes `ld.so` load something else (ld.so(8)); other names that begin so may be secrets of somebody's program."""
MOST = 64
LARGEST = 4 << 20
_ABSENT = "no such file or directory"


def lineage() -> Iterator[Tuple[bytes, Optional[bytes], str]]:
    """Yield of this process, of its parent and so on `/proc/PID/environ`, what is loaded there, or why that is not known.

    The bytes are fields ended by NUL: the name of the program, each variable of LOADS, each file that it runs code
    of. sshd writes its title over its environment, so there only the files tell. The first that cannot be seen ends the
    line; it says so, unless it is PID 1, which is nobody's way in, and in a container belongs to who runs that.
    """
    pid, child = os.getpid(), 0
    for _ in range(MOST):
        try:
            parent, fields = _process(pid)
        except OSError as error:
            heir = _parent(child) if child else 0
            if heir not in (0, pid):
                pid = heir  # the parent has ended meanwhile, and another process has its child now
                continue
            if sys.platform.startswith("linux") and not (pid == 1 and isinstance(error, PermissionError)):
                yield _path(pid), None, unseen(reason(error), os.geteuid())
            return
        yield _path(pid), b"".join(each + b"\0" for each in fields), ""
        if not parent:
            return
        pid, child = parent, pid
    yield _path(pid), None, "more than %d processes lie between it and this one" % MOST


def unseen(why: str, uid: int) -> str:
    """Why the line of processes ends too early, what that means, and what helps who is not root."""
    why = "not in /proc, or hidden there" if why == _ABSENT else why
    return why + ": what is loaded into it and those above it is not known" + ("; look as root (become: sudo)" if uid else "")


def _path(pid: int) -> bytes:
    return b"/proc/%d/environ" % pid


def _process(pid: int) -> Tuple[int, List[bytes]]:
    """The parent of a process, and what is to be told of it."""
    name, parent, _start = procfs.parsed(procfs.begun(b"/proc/%d/stat" % pid))
    variables = [each for each in procfs.begun(_path(pid), LARGEST).split(b"\0") if each.startswith(LOADS)]
    code = procfs.code(procfs.begun(b"/proc/%d/maps" % pid, LARGEST))
    return parent, [name, *variables, *sorted(each for each in code if each.startswith(b"/"))]


def _parent(pid: int) -> int:
    try:
        return procfs.parsed(procfs.begun(b"/proc/%d/stat" % pid))[1]
    except OSError:
        return 0
