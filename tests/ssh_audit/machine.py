"""A machine made of words, and the evidence that auditkit would have taken of it: for tests of judges, which meet no machine.

Files by their path, what commands write, processes that listen, what a server shows, and modes of paths; what is not there is
not there. A test says what it cares about, the rest is a plain Debian.
"""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from meant import fits

from auditkit import answers
from auditkit.answers import Listening, Process, Shown
from auditkit.audits import ssh
from auditkit.commands import auditing
from auditkit.model import Evidence, Gap, Item, Means, Need, Office
from auditkit.probe.take import reduced

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HASH = "$6$saltsalt$" + "h" * 86
PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
anna:x:1000:1000::/home/anna:/bin/bash
bernd:x:1001:1001::/home/bernd:/bin/bash
"""
SHADOW = (
    f"root:{HASH}:20000:0:99999:7:::\ndaemon:*:20000:0:99999:7:::\nanna:{HASH}:20000:0:99999:7:::\nbernd:!:20000:0:99999:7:::\n"
)
GROUP = "root:x:0:\ndaemon:x:1:\nsudo:x:27:anna\nanna:x:1000:\nbernd:x:1001:\n"
COMMON_AUTH = """\
auth [success=1 default=ignore] pam_unix.so nullok
auth requisite pam_deny.so
auth required pam_permit.so
auth optional pam_cap.so
"""
COMMON_ACCOUNT = """\
account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so
account requisite pam_deny.so
account required pam_permit.so
"""
FILES = {
    "/etc/passwd": PASSWD,
    "/etc/shadow": SHADOW,
    "/etc/group": GROUP,
    "/etc/nsswitch.conf": "passwd: files systemd\ngroup: files systemd\nshadow: files\n",
    "/etc/pam.d/sshd": "@include common-auth\naccount required pam_nologin.so\n@include common-account\n",
    "/etc/pam.d/common-auth": COMMON_AUTH,
    "/etc/pam.d/common-account": COMMON_ACCOUNT,
    "/etc/pam.d/other": "@include common-auth\n@include common-account\n",
}
DEBIAN = """\
Include /etc/ssh/sshd_config.d/*.conf
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server
"""
SHELLS = ("/bin/sh", "/bin/bash", "/bin/false", "/usr/sbin/nologin")
VERSIONS = {
    (8, 4): "OpenSSH_8.4p1 Debian-5",
    (9, 2): "OpenSSH_9.2p1 Debian-2",
    (10, 0): "OpenSSH_10.0p2 Debian-7",
    (10, 6): "OpenSSH_10.6p1",
}


@dataclass(frozen=True)
class Machine:
    """One machine."""

    files: Mapping[str, str | bytes] = field(default_factory=dict)
    """Over the plain ones; `None` as text would be one that is not there, an empty one is there."""
    version: tuple[int, int] | None = (9, 2)
    """What `sshd -V` says; None where nobody could run it."""
    processes: tuple[Process, ...] = ()
    shown: tuple[Shown, ...] = ()
    status: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    """Mode, uid and gid by path; shells are there where any other path is."""
    runs: Callable[[str], bytes | None] = lambda command: None
    """What a command comes to, as an Item has it; None where it is not there."""
    gaps: tuple[Gap, ...] = ()
    without: tuple[str, ...] = ()
    """Plain files that it does not have."""
    networks: tuple[str, ...] = ("192.168.10.0/24",)

    def evidence(self) -> Evidence:
        """What is taken of it, round by round."""
        first = self._answers(ssh.AUDIT.needs)
        return auditing.followed(replace(first, office=Office(self.networks)), self._answers, (ssh.AUDIT,))

    def _answers(self, needs: tuple[Need, ...]) -> Evidence:
        return Evidence("srv-01", NOW, tuple(self._items(needs)), self.gaps)

    def _items(self, needs: tuple[Need, ...]) -> Iterator[Item]:
        for need in needs:
            for source, data in self._told(need):
                yield Item(need, source, data, NOW, "")

    def _told(self, need: Need) -> Iterator[tuple[str, bytes]]:
        match need.means:
            case Means.FILE:
                for path, text in {**{p: t for p, t in FILES.items() if p not in self.without}, **self.files}.items():
                    if fits(path, need.what):
                        yield path, table(path, text.encode() if isinstance(text, str) else text)
            case Means.STATUS:
                shells = {path: (0o755, 0, 0) for path in SHELLS if self.status and path not in self.without}
                yield from (
                    (path, way(path, *told)) for path, told in {**shells, **self.status}.items() if fits(path, need.what)
                )
            case Means.COMMAND:
                told = self.runs(need.what)
                if told is None and need.what.endswith(" -V") and self.version:
                    told = b"0\n\0" + VERSIONS[self.version].encode()
                if told is not None:
                    yield need.what, told
            case Means.LISTENERS:
                yield from (
                    (f"/proc/{each.pid}" if each.pid else "/proc/net", answers.written(each)) for each in self.processes
                )
            case Means.BANNER:
                yield from ((f"{each.address}:{each.port}", answers.written(each)) for each in self.shown)


def table(path: str, data: bytes) -> bytes:
    """A file as it leaves a host: passwords as facts."""
    return reduced(data) if path in ("/etc/passwd", "/etc/shadow", "/etc/group") else data


def way(path: str, mode: int, uid: int, gid: int) -> bytes:
    """The status of a path and of each directory above it, which are in order."""
    steps = [f"{mode | (0o100000 if mode < 0o10000 else 0):o} {uid} {gid} {path}"]
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        steps.append(f"40755 0 0 {path}")
    return "".join(f"{step}\0" for step in steps).encode()


def sshd(*arguments: str, pid: int = 700, port: int = 22, uid: int = 0, program: str = "/usr/sbin/sshd") -> Process:
    """An sshd that runs."""
    title = f"sshd: {program} {' '.join(arguments or ('-D',))} [listener] 0 of 10-100 startups"
    listens = (Listening("tcp", "0.0.0.0", port), Listening("tcp", "::", port))
    return Process(pid, 1, uid, 1.0, program, (title,), "/system.slice/ssh.service", listens)


def really(command: str) -> bytes | None:
    """What this machine's own sshd says; other programs are not there."""
    if not command.startswith("/usr/sbin/sshd "):
        return None
    done = subprocess.run(command.split(" "), capture_output=True, check=False, timeout=20, cwd="/", env={"LC_ALL": "C"})
    return b"%d\n%s\0%s" % (done.returncode, done.stdout, done.stderr)
