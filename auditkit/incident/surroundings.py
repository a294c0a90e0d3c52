"""What a machine has around it that a block must not hit: asked of the machine itself, and of whoever sits before it."""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from auditkit.collect import collect
from auditkit.hosts import Host
from auditkit.model import Evidence, Gap
from auditkit.probe import procfs
from auditkit.response.blocking import asking

VARIABLES = ("SSH_CONNECTION", "SSH_CLIENT")
"""What sshd sets for whom it lets in: ssh(1)."""
MOST = 64
"""Processes above this one that are looked at."""
LARGEST = 4 << 20
_WHENCE = "where your SSH session comes from"


def taken(host: Host, clock: Callable[[], datetime], *, over_ssh: bool) -> Evidence:
    """What a machine answers; nobody else is asked anything, and no name is looked up.

    Raises:
        HostError: it cannot be asked.
    """
    return collect(host, asking.OVER_SSH if over_ssh else asking.NEEDS, clock)


def clients(environment: Mapping[str, str]) -> Iterator[str | Gap]:
    """Yield the addresses and ports that we are logged in from, as sshd has set them, also where sudo has taken them away.

    The processes above this one are looked at, up to a session's first; a terminal that outlives sessions (tmux) may have
    an old value.
    """
    found = dict.fromkeys(environment[name] for name in VARIABLES if environment.get(name))
    below_sshd = False
    for name, environ in _above(os.getppid()):
        below_sshd = below_sshd or name.startswith(b"sshd")
        found.update(dict.fromkeys(() if below_sshd else _of(environ)))
    yield from found
    if below_sshd and not found:
        yield Gap(_WHENCE, "sshd is above this process, and none below it tells from where somebody came")


def _above(pid: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and environment of a process, of its parent and so on; an empty environment where it may not be seen."""
    for _ in range(MOST):
        try:
            name, parent, _start = procfs.parsed(procfs.begun(b"/proc/%d/stat" % pid))
        except (OSError, ValueError, IndexError):
            return  # it has ended, or is hidden: what could be seen was
        yield name, procfs.some(b"/proc/%d/environ" % pid, LARGEST)
        if parent < 1:
            return
        pid = parent


def _of(environ: bytes) -> Iterator[str]:
    for each in environ.split(b"\0"):
        name, _equals, value = each.decode("utf-8", "surrogateescape").partition("=")
        if name in VARIABLES and value:
            yield value
