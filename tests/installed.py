"""A disk as it was installed, on which tests plant ways to come back, and what the audit says of it."""

import os
import stat
from pathlib import Path

from auditkit.audits import persistence
from auditkit.collect import collect
from auditkit.commands.auditing import followed
from auditkit.hosts import now
from auditkit.hosts.root import Root
from auditkit.model import Evidence, Finding, Gap, Need

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
anna:x:1000:1000::/home/anna:/bin/bash
"""
SHELL = b"\x7fELF" + bytes(2000)
PACKAGED = {
    "bash": ("/usr/bin/bash", "/etc/bash.bashrc"),
    "cron": ("/etc/crontab", "/etc/cron.d/e2scrub_all", "/usr/lib/systemd/system/cron.service", "/usr/sbin/cron"),
    "openssh-server": ("/usr/lib/systemd/system/ssh.service", "/etc/init.d/ssh", "/etc/pam.d/sshd", "/usr/sbin/sshd"),
    "systemd": ("/usr/lib/systemd/system/debug-shell.service", "/usr/lib/udev/rules.d/99-systemd.rules"),
    "sudo": ("/usr/bin/sudo", "/etc/pam.d/sudo"),
    "base-files": ("/etc/update-motd.d/10-uname", "/usr/share/base-files/motd"),
    "apt": ("/etc/apt/apt.conf.d/01autoremove", "/usr/bin/apt"),
    "libpam-modules": ("/usr/lib/x86_64-linux-gnu/security/pam_unix.so",),
    "python3": ("/usr/bin/python3", "/usr/lib/python3/dist-packages/apt.py"),
    "nano": ("/usr/bin/nano",),
}
TEXTS = {
    "/etc/crontab": "SHELL=/bin/sh\n17 * * * * root cd / && run-parts --report /etc/cron.hourly\n",
    "/etc/cron.d/e2scrub_all": "30 3 * * 0 root test -e /run/systemd/system || /sbin/e2scrub_all_cron\n",
    "/usr/lib/systemd/system/ssh.service": "[Service]\nExecStart=/usr/sbin/sshd -D\n",
    "/etc/init.d/ssh": "#!/bin/sh\ncheck_for_no_start() {\n  [ -e /etc/ssh/sshd_not_to_be_run ]\n}\n",
    "/etc/pam.d/sshd": "@include common-auth\nsession optional pam_motd.so motd=/run/motd.dynamic\n",
    "/etc/pam.d/sudo": "@include common-auth\n",
    "/etc/update-motd.d/10-uname": "#!/bin/sh\nuname -snrvm\n",
    "/etc/apt/apt.conf.d/01autoremove": 'APT::NeverAutoRemove { "^firmware-linux.*"; };\n',
}
GENERATED = {
    "/etc/pam.d/common-auth": (
        "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\nauth required pam_permit.so\n"
    ),
    "/etc/profile": "if [ -d /etc/profile.d ]; then\n  for i in /etc/profile.d/*.sh; do\n    . $i\n  done\nfi\n",
    "/etc/environment": "",
    "/etc/group": "root:x:0:\nstaff:x:50:anna\nlp:x:7:\nanna:x:1000:\n",
    "/etc/aliases": "root: anna\npostmaster: root\n",
    "/etc/default/grub": 'GRUB_CMDLINE_LINUX="quiet"\n',
    "/etc/modules": "# nothing\n",
    "/etc/network/interfaces": "auto lo\niface lo inet loopback\n",
    "/etc/ld.so.conf.d/x86_64-linux-gnu.conf": "/usr/local/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/home/anna/.bashrc": "alias ll='ls -l'\nHISTSIZE=1000\n",
    "/root/.profile": "mesg n 2> /dev/null || true\n",
    "/usr/lib/modules/6.1.0/modules.dep": "",
}
LINKS = {
    "/bin": "usr/bin",
    "/lib": "usr/lib",
    "/sbin": "usr/sbin",
    "/usr/bin/sh": "bash",
    "/usr/bin/editor": "/etc/alternatives/editor",
    "/etc/alternatives/editor": "/bin/nano",
    "/etc/systemd/system/multi-user.target.wants/ssh.service": "/lib/systemd/system/ssh.service",
    "/etc/systemd/system/sshd.service": "/lib/systemd/system/ssh.service",
    "/etc/systemd/system/apt-daily.timer": "/dev/null",
    "/etc/rc2.d/S01ssh": "../init.d/ssh",
}


class Disk:
    """A disk as it was installed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.put("/etc/passwd", PASSWD)
        self.put("/var/lib/dpkg/status", "")
        for package, paths in PACKAGED.items():
            self.put(f"/var/lib/dpkg/info/{package}.list", "/.\n" + "".join(f"{path}\n" for path in paths))
            for path in paths:
                self.put(path, TEXTS.get(path, "text\n"))
        for path, text in GENERATED.items():
            self.put(path, text)
        for path, target in LINKS.items():
            self.link(path, target)
        self.place("/usr/bin/bash").write_bytes(SHELL)
        self.mode("/usr/bin/bash", 0o755)
        self.mode("/usr/bin/sudo", 0o4755)

    def place(self, path: str) -> Path:
        """Where a path of the disk is."""
        return self.root / path.lstrip("/")

    def put(self, path: str, text: str = "x\n", mode: int = 0o644) -> None:
        """A file."""
        self.place(path).parent.mkdir(parents=True, exist_ok=True)
        self.place(path).write_text(text)
        self.place(path).chmod(mode)

    def add(self, path: str, text: str) -> None:
        """Lines more at the end of a file."""
        with self.place(path).open("a") as file:
            file.write(text)

    def link(self, path: str, target: str) -> None:
        """A symlink."""
        self.place(path).parent.mkdir(parents=True, exist_ok=True)
        self.place(path).symlink_to(target)

    def mode(self, path: str, mode: int) -> None:
        """Change a mode."""
        self.place(path).chmod(mode)

    def said(self) -> list[Finding | Gap]:
        """What the audit says of the disk."""
        return said_of(self.root)

    def evidence(self) -> Evidence:
        """What the audit takes of the disk."""
        return taken_of(self.root)

    def do(self, words: list[str], text: str) -> None:
        """One step of a case."""
        match words:
            case ["put", path, *mode]:
                self.put(path, text, int("".join(mode) or "644", 8))
            case ["add", path]:
                self.add(path, text)
            case ["link", path, target]:
                self.link(path, target)
            case ["mode", path, mode]:
                self.mode(path, int(mode, 8))
            case ["device", path, kind, numbers, mode]:
                self.place(path).parent.mkdir(parents=True, exist_ok=True)
                major, minor = map(int, numbers.split(":"))
                os.mknod(self.place(path), {"b": stat.S_IFBLK, "c": stat.S_IFCHR}[kind], os.makedev(major, minor))
                self.mode(path, int(mode, 8))
            case ["group", path, number]:
                os.chown(self.place(path), -1, int(number))
            case ["copy", source, path, mode]:
                self.put(path)
                self.place(path).write_bytes(self.place(source).read_bytes())
                self.mode(path, int(mode, 8))
            case _:
                raise ValueError(words)


def said_of(root: Path) -> list[Finding | Gap]:
    """What the audit says of a disk, and what it could not see there."""
    evidence = taken_of(root)
    return [*persistence.judge(evidence), *evidence.gaps]


def taken_of(root: Path) -> Evidence:
    """What the audit takes of a disk."""
    host, wanted = Root(f"root:{root}", str(root)), (persistence.AUDIT,)

    def ask(more: tuple[Need, ...]) -> Evidence:
        return collect(host, more, lambda: now(host))

    return followed(ask(persistence.AUDIT.needs), ask, wanted)
