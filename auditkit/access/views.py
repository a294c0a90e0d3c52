"""Whether a server that runs sees the files that this audit sees, and has read them since they were last changed.

A server in a root directory or a mount namespace of its own has other accounts and another configuration: by /proc/PID/root
its files are held against those of the host. OpenSSH reads its configuration when it starts or is reloaded, and then writes
its PidFile anew: what was changed after that it does not know of.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from auditkit import answers
from auditkit.access import needs
from auditkit.answers import Process
from auditkit.model import Evidence, Gap, Item, Means, Need
from auditkit.printable import few, printable

PLACES = (
    *("/", "/etc", "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/pam.d", "/etc/pam.d/sshd", "/etc/ssh"),
    *("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d", "/home", "/root"),
)
"""What decides who may log in, wherever the configuration lies."""
MOST_FILES = 20
SLACK = 2.0
"""Seconds by which the start of a process is not known exactly: proc(5) counts it from the start of the machine."""
WHY = "whether the SSH server sees the same files, and has read them since they were changed"
WHY_PID = "when the SSH server last read its configuration"
_STATED = re.compile(rb"([0-9]{1,20}),([0-9]{1,20}),([0-9]{1,12}),(/[^\n]*)\n")


@dataclass(frozen=True, slots=True)
class Stated:
    """What stat(1) says of a file."""

    device: int
    inode: int
    changed: int
    """Seconds since 1970: its ctime, which nobody can set."""

    @property
    def identity(self) -> tuple[int, int]:
        """What no other file has."""
        return self.device, self.inode


def wanted(evidence: Evidence, process: Process, files: Iterable[str], pid_file: str) -> Iterator[Need]:
    """Yield what to ask of the places that matter, the files of a configuration, and the one that is written at its start."""
    plain = tuple(dict.fromkeys(file for file in (*files, pid_file) if needs.PLAIN.fullmatch(file)))[: MOST_FILES + 1]
    stat = "/usr/bin/stat" if needs.text(evidence, needs.NSSWITCH) is not None else "/bin/stat"  # of busybox, with musl
    for paths in (PLACES, plain):
        words = (*paths, *(f"/proc/{process.pid}/root{path}" for path in paths if path != pid_file))
        if process.pid is not None and paths:
            yield Need(Means.COMMAND, " ".join((f"{stat} -L -c %d,%i,%Z,%n", *words)), WHY)
    if pid_file in plain:
        yield Need(Means.FILE, pid_file, WHY_PID)


def apart(evidence: Evidence, process: Process) -> tuple[str, ...]:
    """The files that are others to a server than to this audit; none where nobody could look."""
    told, root = stated(evidence, process), f"/proc/{process.pid}/root"
    if f"{root}/" not in told:
        return ()
    its = {path.removeprefix(root): one.identity for path, one in told.items() if path.startswith(f"{root}/")}
    mine = {path: one.identity for path, one in told.items() if not path.startswith("/proc/")}
    asked = _asked(evidence, process)
    return tuple(path for path in asked if mine.get(path) != its.get(path))


def _asked(evidence: Evidence, process: Process) -> tuple[str, ...]:
    """The paths that were asked for as a server sees them."""
    root = f"/proc/{process.pid}/root"
    words = (word for item in _answers(evidence, process) for word in item.need.what.split(" "))
    return tuple(dict.fromkeys(word.removeprefix(root) for word in words if word.startswith(f"{root}/")))


def changed_since(evidence: Evidence, process: Process, files: Iterable[str], pid_file: str) -> tuple[str, ...]:
    """The files of its configuration that were changed after a server last read them, the latest first."""
    told = stated(evidence, process)
    read = _read_at(evidence, process, told.get(pid_file), pid_file)
    late = {file: told[file].changed for file in files if file in told and read is not None and told[file].changed > read}
    return tuple(sorted(late, key=lambda file: -late[file]))


def _read_at(evidence: Evidence, process: Process, pid_file: Stated | None, name: str) -> float | None:
    """When a server has read its configuration: at its start, or at a reload, where the PidFile of this one is newer."""
    text = needs.text(evidence, Need(Means.FILE, name)) or ""
    if pid_file is not None and text.strip() == str(process.pid):
        return pid_file.changed
    return None if process.started is None else process.started + SLACK


def _answers(evidence: Evidence, process: Process) -> Iterator[Item]:
    """Yield what was asked for the sake of a server."""
    mine = f" /proc/{process.pid}/root/"
    yield from (
        one for one in evidence.items if one.need.means is Means.COMMAND and one.need.why == WHY and mine in one.need.what
    )


def stated(evidence: Evidence, process: Process) -> Mapping[str, Stated]:
    """What stat(1) said of each path that was asked for the sake of a server."""
    found: dict[str, Stated] = {}
    for item in _answers(evidence, process):
        ran = answers.ran(item)
        for device, inode, seconds, name in _STATED.findall(b"" if isinstance(ran, Gap) else ran.out):
            found[name.decode("utf-8", "surrogateescape")] = Stated(int(device), int(inode), int(seconds))
    return found


def shown(files: Iterable[str]) -> str:
    """A few of these files, as they may be shown."""
    return few(list(map(printable, files)), 3)
