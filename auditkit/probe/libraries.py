"""Libraries that processes still run though their files are gone: replaced by an upgrade, most of them.

Only what may be executed counts, and only what was a library: what programs make for themselves is passed over, as
needrestart(1) has learnt to. A program whose own file is gone is nothing of this: see listeners.py.
"""

import os
import re

from . import inside, procfs
from .hints import Dict, Iterator, List, Optional, Tuple

SOURCE = b"/proc"
PROCESSES = 10000
LIBRARIES = 200
"""Of one process that are told."""
NOT_ROOT = "only the own processes could be looked at: others are root's to see"
_GONE = re.compile(rb"^[0-9a-f]+-[0-9a-f]+ ..x. [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ [0-9]+ +(/.*) \(deleted\)$", re.MULTILINE)
_MADE = re.compile(
    rb"^/(?:memfd:|SYSV|dev/|drm|\[aio\]|i915|tmp/|var/tmp/|run/|var/run/|home/[^/]+/\.cache/|\[)|JIT|\.gc\d|/orcexec\."
    rb"|/\.?pulse|/anon_hugepage|/usr/share/|/var/cache/|/usr/lib/locale/|\.mo\Z|\.cache\Z"
)

Told = Tuple[bytes, Optional[bytes], str]


def libraries() -> Iterator[Told]:
    """Yield `/proc/PID` with its program, control group and those libraries, each ended by NUL; and what is not to be seen."""
    pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    if os.geteuid() != 0:
        yield SOURCE, None, NOT_ROOT
    if len(pids) > PROCESSES:
        yield SOURCE, None, "more than %d processes; the others were not looked at" % PROCESSES
    for pid in pids[:PROCESSES]:
        gone = deleted(procfs.some(b"/proc/%d/maps" % pid))
        program = procfs.link(b"/proc/%d/exe" % pid)
        gone.pop(program[: -len(b" (deleted)")] if program.endswith(b" (deleted)") else b"", None)
        if gone:
            fields = [program, procfs.unit(procfs.some(b"/proc/%d/cgroup" % pid)), *list(gone)[:LIBRARIES]]
            yield b"/proc/%d" % pid, b"".join(field + b"\0" for field in fields)[: inside.LIMIT], ""


def deleted(maps: bytes) -> Dict[bytes, None]:
    """The files of mappings that may be executed and whose files are gone, as proc_pid_maps(5) has them."""
    found: List[bytes] = _GONE.findall(maps)
    return {path: None for path in found if not _MADE.search(path)}
