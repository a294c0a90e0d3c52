"""Every process of this machine: what it runs and loads, and whether the ways to look at processes agree on which there are.

Processes come and go meanwhile. What is told of as hidden was there in three looks, and in no list of any of them.
"""

import errno
import json
import os
import re
import time

from . import libc, procfs
from .hashes import CALLED
from .hints import Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple
from .lineage import LOADS
from .listeners import PROCESSES
from .look import reason

ALL = b"/proc"
"""The source of what is told of all processes together."""
PLACES = (b"/usr/", b"/lib", b"/bin/", b"/sbin/", b"/opt/", b"/nix/store/", b"/gnu/store/", b"/snap/")
"""Where the code of programs lies that a package may have replaced meanwhile."""
EVERYBODYS = (b"/tmp/", b"/var/tmp/", b"/dev/shm/", b"/run/")
DELETED = b" (deleted)"
WORDS = 512
"""Bytes of the arguments of one process."""
LEFT_OUT = b"<left out>"
_SECRET = re.compile(rb"(?i)" + CALLED + rb"|pass|key|cred|auth|env|cookie")
"""What names a value that nobody but its program has to know: of arguments more is left out than of files, which are judged."""
MOST = 50
"""Files with code, variables and memory files of one process."""
HANDLES = 500000
LOOKS, MOMENT = 3, 0.02
"""How often it is looked whether a process is hidden, and seconds in between."""
NUMBERS = 20000
"""Process numbers that are asked about at once."""
SECONDS, ALONE = 0.15, 4.0
"""Seconds of work for all numbers, where control groups have named their processes, and where nothing else tells of them."""
GROUPS = 20000
_CONTROL = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup")
_KTHREAD = 0x00200000
"""PF_KTHREAD in the flags of proc_pid_stat(5)."""
_STATE, _FLAGS = 0, 6
_MEMORY = b"/memfd:"
_COVER = re.compile(rb"^\S+ \S+ \S+ \S+ /proc/([0-9]{1,7})(?:/\S*)? ", re.MULTILINE)
_GONE = (errno.ENOENT, errno.ESRCH)

Told = Tuple[bytes, Optional[bytes], str]


def processes() -> Iterator[Told]:
    """Yield `/proc/PID` and a JSON object of every process, and `/proc` with one of what does not fit together."""
    try:
        listed = numbers()
        own = os.readlink("/proc/self") == str(os.getpid())
    except OSError as error:
        yield ALL, None, reason(error)
        return
    if not own:
        yield ALL, None, "it is of another namespace of processes than who looks"
        return
    views = _Views(listed)
    hidden = views.hidden()
    look = _Look()
    for number, pid in enumerate(sorted(listed.union(hidden))):
        if number == PROCESSES:
            yield ALL, None, "there are more than %d processes; the others are left out" % PROCESSES
            break
        told = look.of(pid)
        if told is not None:
            yield b"/proc/%d" % pid, _written(told), ""
    yield ALL, _written(dict(views.told(), hidden=hidden, packets=look.nobodys())), ""


def numbers() -> Set[int]:
    """The numbers that a list of /proc shows."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


class _Look:
    """What all looks at single processes share."""

    def __init__(self) -> None:
        self.left = HANDLES
        self.packets = packets(procfs.some(b"/proc/net/packet"))
        self.claimed = set()  # type: Set[int]
        self.talking = connections(procfs.some(b"/proc/net/tcp")) | connections(procfs.some(b"/proc/net/tcp6"))
        self.born = procfs.born()
        self.root = _identity("/")

    def of(self, pid: int) -> Optional[Dict[str, object]]:
        """What is known of a process; nothing of one that has ended meanwhile."""
        stat, status = procfs.some(b"/proc/%d/stat" % pid), procfs.some(b"/proc/%d/status" % pid)
        try:
            name, parent, ticks = procfs.parsed(stat)
            fields = stat.rpartition(b")")[2].split()
            state, kernel = fields[_STATE], bool(int(fields[_FLAGS]) & _KTHREAD)
        except (ValueError, IndexError):
            return None
        program = procfs.link(b"/proc/%d/exe" % pid)
        bare = kernel and not program  # it has no memory of its own, nor handles
        variables, code = ([], []) if bare else (_variables(pid), _code(pid))
        memory, packet, talks = ([], False, False) if bare else self._handles(pid)
        arguments = procfs.split(procfs.arguments_of(pid)[:WORDS])
        # what else stands on a command line may be a secret, and nobody asks for it
        odd = variables or code or memory or packet or talks or is_odd(program) or b"".join(arguments[:1]).startswith(b"[")
        odd = odd or any(word.startswith(EVERYBODYS) for word in arguments[1:4])  # a script
        from . import hashes  # noqa: PLC0415 - only for who asks so

        return {
            "pid": pid,
            "parent": parent,
            "uid": procfs.uid_of(status),
            "started": procfs.started(self.born, ticks),
            "name": procfs.text(name),
            "program": procfs.text(program),
            "arguments": [procfs.text(hashes.scrubbed(each)) for each in told_of(arguments if odd else arguments[:1])],
            "unit": procfs.text(procfs.unit(procfs.some(b"/proc/%d/cgroup" % pid))),
            "kernel": kernel,
            "zombie": state in (b"Z", b"X"),
            "elsewhere": not kernel and _identity("/proc/%d/root" % pid) not in (None, self.root),
            "loads": [procfs.text(each) for each in variables[:MOST]],
            "code": [procfs.text(each) for each in code[:MOST]],
            "memory": [procfs.text(each) for each in memory[:MOST]],
            "packet": packet,
            "talks": talks,
        }

    def _handles(self, pid: int) -> Tuple[List[bytes], bool, bool]:
        """Programs that its handles lead to and that lie in memory alone, and whether it hears packets, or its input a peer."""
        names = procfs.names(b"/proc/%d/fd" % pid)[: self.left]
        self.left -= len(names)
        memory, packet, talks = [], False, False
        for name in names:
            path = b"/proc/%d/fd/%s" % (pid, name)
            link = procfs.link(path)
            if link.startswith(_MEMORY) and procfs.some(path, 4) == b"\x7fELF":
                memory.append(link)
            inode = procfs.inode_of(link)
            if inode is not None and inode in self.packets:
                self.claimed.add(inode)
                packet = True
            talks = talks or (name == b"0" and inode in self.talking)
        return sorted(set(memory)), packet, talks

    def nobodys(self) -> int:
        """How many sockets hear packets and are of no process that was looked at, nor gone meanwhile."""
        left = self.packets - self.claimed
        return len(left & packets(procfs.some(b"/proc/net/packet"))) if left and self.left > 0 else 0


def packets(table: bytes) -> Set[int]:
    """The inodes of sockets that hear packets: /proc/net/packet, packet(7), the last field of each row."""
    fields = [line.split() for line in table.split(b"\n")[1:]]
    return {int(each[8]) for each in fields if len(each) > 8 and each[8].isdigit()}


def connections(table: bytes) -> Set[int]:
    """The inodes of connections of TCP that are open: proc_pid_net(5), the tenth field of each row in state 1."""
    fields = [line.split(None, 10) for line in table.split(b"\n")[1:]]
    return {int(each[9]) for each in fields if len(each) > 9 and each[3] == b"01" and each[9].isdigit()}


def told_of(arguments: Sequence[bytes]) -> List[bytes]:
    """The words of a command line without the values of what may be a secret by its name: `--token X`, `PASSWORD=X`."""
    told, hides = [], False  # type: Tuple[List[bytes], bool]
    for word in arguments:
        name, equals, _value = word.partition(b"=")
        if hides and not word.startswith(b"-"):
            told.append(LEFT_OUT)
        else:
            told.append(name + equals + LEFT_OUT if equals and _SECRET.search(name) else word)
        hides = word.startswith(b"-") and not equals and _SECRET.search(word) is not None
    return told


def is_odd(path: bytes) -> bool:
    """Whether code lies in memory alone, in a directory of everybody, or in a file that is gone and was no package's."""
    return path.startswith((_MEMORY, *EVERYBODYS)) or (path.endswith(DELETED) and not path.startswith(PLACES))


def code_of(maps: bytes) -> List[bytes]:
    """The odd files with code that is mapped: proc_pid_maps(5)."""
    return sorted({path for path in procfs.code(maps) if is_odd(path)})


def _code(pid: int) -> List[bytes]:
    return code_of(procfs.some(b"/proc/%d/maps" % pid))


def _variables(pid: int) -> List[bytes]:
    """The variables that ld.so(8) obeys, and no others: they may hold secrets."""
    return [each[:4096] for each in procfs.some(b"/proc/%d/environ" % pid).split(b"\0") if each.startswith(LOADS)]


def _identity(path: str) -> Optional[Tuple[int, int]]:
    try:
        it = os.stat(path)
    except OSError:
        return None
    return it.st_dev, it.st_ino


def _written(told: Dict[str, object]) -> bytes:
    return json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode("ascii")


# --- which processes there are, by ways that have nothing to do with each other


class _Views:
    """The numbers of processes as a list shows them, and as everything else does."""

    def __init__(self, listed: Set[int]) -> None:
        self.listed = listed
        self.asked = self.last = 0
        """Up to which number it was asked whether there is such a process, and up to which there may be one."""
        self.groups = False
        """Whether control groups have named their processes."""

    def told(self) -> Dict[str, object]:
        """Who has looked, how far, and which processes something is mounted over."""
        covered = sorted({int(each) for each in _COVER.findall(procfs.some(b"/proc/self/mountinfo"))})
        return {"uid": os.geteuid(), "asked": self.asked, "most": self.last, "groups": self.groups, "covered": covered[:MOST]}

    def hidden(self) -> List[int]:
        """Processes that are there, and that a list of /proc does not show, or of which it shows nothing."""
        if os.geteuid() != 0:
            return []  # /proc may be mounted so that it hides those of others: proc(5), hidepid
        found = self._named() | self._answering()
        found |= {pid for pid in self.listed if not procfs.some(b"/proc/%d/stat" % pid, 16)}
        found -= {pid for pid in found & self.listed if procfs.some(b"/proc/%d/stat" % pid, 16)}
        for look in range(LOOKS):
            if found and look:
                time.sleep(MOMENT)
            found = _still_hidden(found)
        return sorted(found)[:MOST]

    def _named(self) -> Set[int]:
        """Those that control groups name, cgroups(7)."""
        top = next((path for path in _CONTROL if os.path.exists(path + "/cgroup.procs")), None)
        found, waiting, count = set(), [top] if top else [], 0  # type: Tuple[Set[int], List[str], int]
        while waiting and count < GROUPS:
            path = waiting.pop()
            count += 1
            found.update(map(int, filter(bytes.isdigit, procfs.some(os.fsencode(path + "/cgroup.procs")).split())))
            try:
                with os.scandir(path) as entries:
                    waiting.extend(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
            except OSError:
                continue
        self.groups = bool(found) and not waiting
        return found - {0}

    def _answering(self) -> Set[int]:
        """Those that answer to their number, without the threads of those that are listed."""
        try:
            session = libc.function("getsid")  # it asks for no rights, and makes no exception of each number that is free
        except AttributeError:
            return set()
        found = set()  # type: Set[int]
        self.last = highest(self.listed)
        end = time.process_time() + (SECONDS if self.groups else ALONE)
        while self.asked < self.last and time.process_time() < end:
            upto = min(self.asked + NUMBERS, self.last)
            some = range(self.asked + 1, upto + 1)
            found.update(pid for pid, answer in zip(some, map(session, some)) if answer != -1)
            self.asked = upto
        return found - _threads(self.listed) if found - self.listed else found


def most() -> int:
    """The highest number that a process may have: proc(5)."""
    digits = procfs.some(b"/proc/sys/kernel/pid_max").strip()
    return int(digits) if digits.isdigit() else 1 << 22


def highest(listed: Iterable[int]) -> int:
    """The highest number that any process has: that of the last one, as long as they have not begun anew."""
    forks = re.search(rb"^processes ([0-9]+)", procfs.some(b"/proc/stat"), re.MULTILINE)
    last = procfs.some(b"/proc/loadavg").split()[-1:]
    upto = most()
    if forks and int(forks.group(1)) < upto and last and last[0].isdigit():
        return min(upto, max(int(last[0]), *listed) + NUMBERS)
    return upto


def _threads(listed: Iterable[int]) -> Set[int]:
    found = set()  # type: Set[int]
    for pid in listed:
        try:
            found.update(map(int, os.listdir("/proc/%d/task" % pid)))
        except OSError:
            continue  # it has ended
    return found


def _still_hidden(found: Iterable[int]) -> Set[int]:
    """Those that are there, are processes and no threads, and that the list does not show, or shows nothing of."""
    left = {pid for pid in found if _is_there(pid) and not _is_thread(pid)}
    if not left:
        return left
    listed = numbers()
    return {pid for pid in left if (pid not in listed or not procfs.some(b"/proc/%d/stat" % pid, 16)) and _is_there(pid)}


def _is_there(pid: int) -> bool:
    try:
        os.getsid(pid)
    except OSError as error:
        return error.errno not in _GONE
    return True


def _is_thread(pid: int) -> bool:
    found = re.search(rb"^Tgid:\s+([0-9]+)", procfs.some(b"/proc/%d/status" % pid), re.MULTILINE)
    return found is not None and int(found.group(1)) != pid
