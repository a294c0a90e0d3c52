"""auditkit loaded once, and a process of its own forked off for each run: most of the time of a short run is its start.

A run has its own arguments, environment, working directory and pipes, and ends as a Python ends. It is a child of whoever
asked for it, as if it had been started there, so that signals, waiting and what is told of a death are as ever.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

LONGEST = 100_000
"""Bytes of a request; the system takes twice as many in one piece."""
LOADER = """
import _strptime, atexit, ctypes, difflib, gc, importlib.readers, json, os, pkgutil
import resource, signal, socket, sys, threading, auditkit
for module in pkgutil.walk_packages(auditkit.__path__, "auditkit."):
    if module.name != "auditkit.__main__":
        importlib.import_module(module.name)
gc.freeze()
CLONE_PARENT, CLONE_NEWNS, PR_SET_DUMPABLE, MS_REC, MS_PRIVATE, LONGEST = 0x8000, 0x20000, 4, 0x4000, 0x40000, int(sys.argv[2])
CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220, "i686": 120, "armv7l": 120, "ppc64le": 120}[os.uname().machine]
asks = socket.socket(fileno=int(sys.argv[1]))
while True:
    request, files, _flags, _from = socket.recv_fds(asks, LONGEST, 3)
    if not request:
        sys.exit()
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = ctypes.PyDLL(None).syscall(CLONE, CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)
    if not pid:
        break
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    asks.send(str(pid).encode())
    for file in files:
        os.close(file)
ctypes.pythonapi.PyOS_AfterFork_Child()
asks.close()
for number, file in enumerate(files):
    os.dup2(file, number)
    os.close(file)
asked, libc = json.loads(request), ctypes.CDLL(None)
for space in [os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in asked["spaces"]]:
    assert libc.setns(space, 0) == 0
    os.close(space)
if asked["empty"]:
    assert libc.unshare(CLONE_NEWNS) == libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0
for path in asked["empty"]:
    assert libc.mount(b"none", path.encode(), b"tmpfs", 0, None) == 0
os.chdir(asked["folder"])
os.environ.clear()
os.environ.update(asked["environment"])
for limit, most in asked["limits"]:
    resource.setrlimit(limit, (most, most))
if (user := asked["user"]) is not None:
    os.setgroups([]), os.setgid(user), os.setuid(user)
    libc.prctl(PR_SET_DUMPABLE, 1)
sys.argv[1:] = asked["words"]
try:
    code = auditkit.commands.main()
except SystemExit as ended:
    code = ended.code
if isinstance(code, int):
    threading._shutdown(), atexit._run_exitfuncs()
    try:
        sys.stdout.flush(), sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit(code & 0xFF)
sys.exit(code)
"""
"""Python's own fork makes children of the one that forks, so here it is the system's. All is imported before the user of a
run changes, who need not be able to read this Python; PR_SET_DUMPABLE gives /proc/self back, as for what the user started. What
is still loaded in the end is not taken apart, which would copy all of it first."""


@dataclass(frozen=True)
class Asked:
    """What a run is given."""

    words: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    user: int | None = None
    limits: Sequence[tuple[int, int]] = ()
    """What it may use, as setrlimit takes it."""
    spaces: Sequence[str] = ()
    """Files of the namespaces that it runs in."""
    empty: Sequence[str] = ()
    """Directories of which it sees nothing; as root only."""


class Loaded:
    """A Python that has loaded auditkit, once the first run is asked for; it ends with this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asks: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def fork(self, asked: Asked, files: Sequence[int]) -> int:
        """The process that runs auditkit as asked, with these files as 0, 1 and 2."""
        request = json.dumps(asdict(asked)).encode()
        assert len(request) <= LONGEST
        with self._lock:
            asks = self._asks = self._asks or self._start(asked.environment)
            socket.send_fds(asks, [request], files)
            return int(asks.recv(20))

    def _start(self, environment: Mapping[str, str]) -> socket.socket:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-c", LOADER, str(there.fileno()), str(LONGEST + 1)],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # no words come: its streams are those of a run, which are pipes, too
                stderr=subprocess.PIPE,
                pass_fds=[there.fileno()],
            )
        return here

    def end(self) -> None:
        """Let it go."""
        if self._asks and self._process:
            self._asks.close()
            self._process.communicate()


PACKAGES = ("/var/cache/apt/archives", "/var/lib/dpkg")
"""Where this machine has packages: a baseline of `local` looks at all of them to know what they ship."""
LOADED = Loaded()


def without_packages() -> tuple[str, ...]:
    """What a run does not see to whom packages of this machine say nothing: it takes a tenth of the time."""
    return tuple(path for path in PACKAGES if os.geteuid() == 0 and os.path.isdir(path))


class Run(subprocess.Popen[bytes]):
    """A run of auditkit that was forked, otherwise as one that was started."""

    def __init__(self, asked: Asked, given: int = subprocess.DEVNULL) -> None:
        self.asked = asked
        super().__init__("auditkit", stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def _execute_child(self, *given: Any) -> None:
        """What Popen does once it has opened the pipes: both ends of those for stdin, stdout and stderr."""
        pipes = given[10:16]
        self._child_created = True
        try:
            self.pid = LOADED.fork(self.asked, (pipes[0], pipes[3], pipes[5]))
        finally:
            self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]
