"""Rooms: one Debian system in a file, copied for each that is asked, and commands run inside of it."""

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import systems

HERE = Path(__file__).resolve().parent.parent.parent
PATIENCE = 1800
"""Seconds after which a command counts as hanging."""
MOST = 64 << 20
"""Bytes that a command may say: one that asks again and again for an answer says them fast."""
SIZE = 4 << 30
"""Bytes of the disk of a system."""
HOSTNAME = "srv-01"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OUR, ADMIN = "/tmp/auditkit.sh", "/tmp/admin"
INNER = """
mount -o loop "$1" "$2"; hostname "$3"; ip link set lo up; mount --bind "$4" "$2/var/cache/apt/archives"
mount -t proc proc "$2/proc"; mount -t tmpfs tmpfs "$2/tmp"; mount --rbind /dev "$2/dev"; mount --rbind -o ro /sys "$2/sys"
root=$2; shift 4; exec chroot "$root" "$@"
"""
OURS = """
mkdir "$2/tmp/auditkit" "$2/tmp/packages" "$2/tmp/admin" "$2/tmp/python"; mount --bind -o ro "$8" "$2/tmp/python"
mount --bind -o ro "$5" "$2/tmp/auditkit"; mount --bind -o ro "$6" "$2/tmp/packages"; mount --bind -o ro "$7" "$2/tmp/admin"
printf '#!/bin/sh\\nexport PYTHONHOME=/tmp/python PYTHONPATH=/tmp/auditkit:/tmp/packages\\n' >"$2/tmp/auditkit.sh"
loader='/lib64/ld-linux-x86-64.so.2 --library-path /tmp/python/lib'
printf 'exec %s /tmp/python/bin/python3.11 -m auditkit "$@"\\n' "$loader" >>"$2/tmp/auditkit.sh"
chmod 755 "$2/tmp/auditkit.sh"; root=$2; shift 8
"""
"""What is auditkit's own, and the admin's keys: it lies in /tmp there, which is memory, and only where a command names it."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it said on stdout and stderr alike."""

    status: int
    said: str


@dataclass(frozen=True, slots=True)
class Room:
    """A system on a disk of its own, which is a file; what a command does stays there."""

    disk: Path
    admin: Path
    """What the admin keeps elsewhere: his keys. It can be read there, and is not on the system's disk."""

    def copy(self, name: str) -> "Room":
        """A room that is as this one, to the last inode."""
        there = self.disk.parent / f"{name}.disk"
        subprocess.run(["cp", "--sparse=always", self.disk, there], check=True)
        return Room(there, self.admin)

    def run(self, script: str, *, online: bool = False) -> Done:
        """Have a shell of the system run a script as root, with processes and, unless it is `online`, a network of its own."""
        place, debs = self.disk.parent / "place", self.disk.parent / "debs"
        inner = INNER.replace("root=$2; shift 4;", OURS) if ADMIN in script or OUR in script else INNER
        own = (str(HERE), sysconfig.get_path("purelib"), str(self.admin), sys.base_prefix) if inner != INNER else ()
        argv = [
            *("unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", *(() if online else ("--net",))),
            *("sh", "-ec", inner, "sh", str(self.disk), str(place), HOSTNAME, str(debs), *own, "sh", "-c", script),
        ]
        environment = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root"}
        process = subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        patience = Timer(PATIENCE, process.kill)
        patience.start()
        with process:
            assert process.stdout
            said = process.stdout.read(MOST)
            if len(said) == MOST:
                process.kill()
        patience.cancel()
        return Done(process.returncode, said.decode("utf-8", "replace"))


def first(work: Path, packages: tuple[str, ...]) -> Room:
    """A Debian 12 as debootstrap and apt make it, with these packages; what apt fetched lies beside it, and is seen there."""
    if os.geteuid() != 0 or sys.version_info[:2] != (3, 11):
        sys.exit("needs root, and Python 3.11, which Debian 12 has too")
    root, folder, admin = work / "systems" / "compared", work / "rooms", work / "rooms" / "admin"
    if (folder / "first.disk").exists():
        return Room(folder / "first.disk", admin)
    systems.built(root, packages)
    shutil.rmtree(folder, ignore_errors=True)
    for path in (admin, folder / "place"):
        path.mkdir(parents=True)
    shutil.copytree(root / "var/cache/apt/archives", folder / "debs")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "anna@office", "-f", admin / "key"], check=True)
    kind, key, who = (admin / "key.pub").read_text().split()
    (admin / "allowed_signers").write_text(f'{who} namespaces="auditkit" {kind} {key}\n')
    disk = folder / "being-made.disk"
    with disk.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", root, disk], check=True)
    disk.rename(folder / "first.disk")
    return Room(folder / "first.disk", admin)
