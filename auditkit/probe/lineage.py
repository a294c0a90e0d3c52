"""What is loaded into this process and those that it comes from - sudo, a shell, sshd - and by which variables."""

import os

from .hints import Iterator, List, Optional, Tuple
from .look import reason

PATTERN = b"/proc/self/environ"
"""Who asks for this gets the whole line of processes; of an environment what `ld.so` obeys, for the rest may be secret."""
LOADS = (b"LD_PRELOAD=", b"LD_AUDIT=", b"LD_LIBRARY_PATH=")
"""What makes `ld.so` load something else (ld.so(8)); other names that begin so may be secrets of somebody's program."""
MOST = 64
LARGEST = 4 << 20


def lineage() -> Iterator[Tuple[bytes, Optional[bytes], str]]:
    """Yield of this process, of its parent and so on `/proc/PID/environ`, what is loaded there, or why that is not known.

    The bytes are fields ended by NUL: the name of the program, each variable of LOADS, each file that it runs code
    of. sshd writes its title over its environment, so there only the files tell. The first that is refused ends the line.
    """
    pid = os.getpid()
    for _ in range(MOST):
        path = b"/proc/%d/environ" % pid
        try:
            name, parent = _status(pid)
            variables = [each for each in _bytes_of(path).split(b"\0") if each.startswith(LOADS)]
            fields = [name, *variables, *_files(pid)]
        except FileNotFoundError:
            return  # no /proc, one that hides others, or the parent has ended
        except OSError as error:
            if pid == 1:
                return  # nobody's way in; in a container it belongs to who runs that
            yield path, None, reason(error)
            return
        yield path, b"".join(each + b"\0" for each in fields), ""
        if not parent:
            return
        pid = parent


def _status(pid: int) -> Tuple[bytes, int]:
    """Name and parent of a process: proc_pid_stat(5); the name may hold blanks and parentheses."""
    name, _, rest = _bytes_of(b"/proc/%d/stat" % pid).partition(b"(")[2].rpartition(b")")
    return name, int(rest.split()[1])


def _files(pid: int) -> List[bytes]:
    """The files whose code is mapped: proc_pid_maps(5)."""
    lines = [line.split(None, 5) for line in _bytes_of(b"/proc/%d/maps" % pid).split(b"\n")]
    return sorted({line[5] for line in lines if len(line) > 5 and line[1][2:3] == b"x" and line[5].startswith(b"/")})


def _bytes_of(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return file.read(LARGEST)
