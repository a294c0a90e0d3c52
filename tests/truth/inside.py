"""What happens in another process, as it enters the namespaces of a machine: clients log in, and auditkit looks at it."""

import codecs
import ctypes
import importlib
import os
import pickle
import pkgutil
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import auditkit
from auditkit import audits
from auditkit.audits import ssh
from auditkit.commands import auditing
from auditkit.hosts.local import Local
from auditkit.hosts.root import Root
from auditkit.model import Evidence, Finding, Gap, Office
from truth.clients import Client
from truth.rows import Way

Namespaces = tuple[str, ...]
NETWORK = ("net",)
MACHINE = ("net", "uts", "ipc", "pid", "mnt")
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What auditkit says of a machine."""

    facts: Mapping[str, object]
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What is so, and what auditkit says of it: from the machine itself, and from its disk alone."""

    ways: frozenset[Way]
    live: Verdict
    disk: Verdict
    wire: Verdict | None = None
    """Over SSH, where root's key lets auditkit in."""

    def verdict(self, how: str) -> Verdict:
        """One of them by its name."""
        found = {"live": self.live, "disk": self.disk, "wire": self.wire}[how]
        assert found
        return found


def prepare() -> None:
    """Have all of auditkit at hand, and what it would import later: in the namespaces of a machine there is none of it."""
    codecs.lookup("idna")
    for module in pkgutil.walk_packages(auditkit.__path__, "auditkit."):
        if module.name != "auditkit.__main__":
            importlib.import_module(module.name)


def measured(client: Client, controller: int, machine: int) -> Measured:
    """Have auditkit look at a machine, and log in there in every way."""
    live, disk = _there(machine, lambda: (_seen(Local()), _seen(Root("disk", "/"))))
    _enter(controller, NETWORK)
    return Measured(frozenset(client.ways()), _judged(live), _judged(disk))


def _seen(host: Local | Root) -> Evidence:
    return auditing.taken(host, (ssh.AUDIT,), Office())


def _judged(evidence: Evidence) -> Verdict:
    told = tuple(audits.judge(evidence, (ssh.AUDIT,)))
    gaps = (*evidence.gaps, *(one for one in told if isinstance(one, Gap)))
    return Verdict(audits.facts(evidence, (ssh.AUDIT,)), tuple(one for one in told if isinstance(one, Finding)), gaps)


def _there(machine: int, work: Callable[[], tuple[Evidence, Evidence]]) -> tuple[Evidence, Evidence]:
    """What work in a machine comes to, done by a child: who enters a pid namespace is not in it, but his children are."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _child(machine, work, writing)
    os.close(writing)
    with open(reading, "rb") as told:
        done = pickle.load(told)
    os.waitpid(child, 0)
    if isinstance(done, BaseException):
        raise done
    found: tuple[Evidence, Evidence] = done
    return found


def _child(machine: int, work: Callable[[], tuple[Evidence, Evidence]], writing: int) -> None:
    try:
        _enter(machine, MACHINE)
        inner = os.fork()
        if inner:
            os.waitpid(inner, 0)
            os._exit(0)
        os.chdir("/")
        done: object = work()
    except BaseException as error:  # noqa: BLE001 - it is raised again where somebody can read it
        error.add_note(traceback.format_exc())
        done = error
    with open(writing, "wb") as told:
        pickle.dump(done, told)
    os._exit(0)


def _enter(process: int, spaces: Namespaces) -> None:
    """setns(2), into namespaces of a process; all are opened first, for /proc changes on the way."""
    opened = [os.open(f"/proc/{process}/ns/{name}", os.O_RDONLY) for name in spaces]
    for descriptor in opened:
        if _LIBC.setns(descriptor, 0):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
        os.close(descriptor)
