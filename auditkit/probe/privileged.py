"""What gives rights to whoever runs it, on all local file systems: setuid and setgid programs, and file capabilities.

Besides, what lies where nothing of the kind belongs: programs in directories that everybody may write to, files in /dev,
devices outside of it, and directories whose names hide them from who looks. And what of the system others than its owner may
write to. What is on a network, or no file system of files, is passed by.
"""

import errno
import os
import re
import stat
import time
from itertools import islice

from . import inside, listing, owned
from .chain import Chain
from .hints import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple
from .look import reason

_NATIVE = "bcachefs btrfs devtmpfs ext2 ext3 ext4 f2fs jfs nilfs2 overlay ramfs reiserfs rootfs tmpfs ufs xfs zfs"
_FOREIGN = "ecryptfs erofs exfat fuseblk hfs hfsplus iso9660 jffs2 msdos minix ntfs ntfs3 squashfs ubifs udf vfat"
LOCAL = frozenset(_NATIVE.split() + _FOREIGN.split())
"""Kinds of file systems that hold files of this machine; what is of another kind is not entered."""
EVERYBODYS = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/")  # noqa: S108 - where to look
MOST_IN_THEM = 200
"""Programs in the directories of everybody that are told of."""
MOST_OPEN = 200
"""Files and directories of the system that others may write to that are told of, and devices."""
ACL = "system.posix_acl_access"
MOST_GAPS = 20
"""Directories that could not be listed that are named."""
MOST = inside.MATCHES - MOST_GAPS - 5
SECONDS = 120
_HIDING = re.compile("\\.{3,}|\\s.*|.*\\s|.*[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff].*", re.DOTALL)
"""Names that look like `.` and `..`, or like another name, in a list."""
_OF_SYSTEM = re.compile(
    r"/(?:(?:etc|boot|usr(?!/local/)|s?bin|lib(?:32|64|x32)?)/(?:.*/)?"
    r"|(?:(?:opt|srv|usr/local(?:/\w+)?|var(?:/(?:lib|spool|cache|log|opt|mail|local|games))?)/)?(?!\.{3,}/))"
    r"\.(?!build-id/|git/|snapshots?/|zfs/|Trash)[^/]+/",
    re.DOTALL,
)
"""Directories of the system that hide, where hardly any package has one, and programs in them."""
_SYSTEM = re.compile(r"/(?:(?:usr|etc|boot|s?bin|lib(?:32|64|x32)?)/.*)?", re.DOTALL)
"""Directories of the system, where root alone writes."""
_FOR_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_USUAL = re.compile("(?:1:(?:[35789]|11)|4:.*|5:.*|13[6-9]:.*|14[0-3]:.*|10:(?:200|229))")
"""Devices of characters that each chroot has below its /dev: null, zero, full, random, terminals, tun and fuse."""
_MAGIC = (b"\x7fELF", b"#!")
_SET, _RUN = stat.S_ISUID | stat.S_ISGID, 0o111

Told = Tuple[bytes, Optional[bytes], str]
Names = Tuple[str, ...]
More = Dict[str, Optional[str]]
"""What else listing.py has of a node: its capabilities, its ACL, and which device it is."""
Found = Tuple[Names, Tuple[os.stat_result, More]]
Entries = List[Tuple[str, os.stat_result]]
Gap = Tuple[bytes, str]


def privileged(chain: Chain, root: bytes, watch: Any) -> Iterator[Told]:
    """Yield path and a JSON object of each, as listing.py has it, or why something cannot be told of."""
    walk = _Walk(chain, _mount_table(), root.decode("utf-8", "surrogateescape"))
    found = dict(islice(walk.found(), MOST))
    for path, why in walk.gaps():
        yield path, None, why
    paths = [b"/" + "/".join(names).encode("utf-8", "surrogateescape") for names in found]
    owners, unknown = owned.known(chain, paths, watch)
    if unknown and found:
        yield listing.PACKAGES, None, unknown
    for path, (it, more) in zip(paths, found.values()):
        yield path, listing.written(dict(listing.described(it, None, None), packages=owners(path), **more)), ""


class _Walk:
    """One way through all directories below a root."""

    def __init__(self, chain: Chain, table: bytes, root: str) -> None:
        self.chain = chain
        self.barred = barred(table, root)
        self.in_everybodys = 0
        self.more_in_them = False
        self.open = 0
        self.refused = 0
        self.refusals = []  # type: List[Gap]
        self.end = time.monotonic() + SECONDS
        self.whole = False
        """Whether all directories have had their turn."""

    def found(self) -> Iterator[Found]:
        """Yield the names, the status and the capabilities of what is to be told of."""
        waiting = [()]  # type: List[Names]
        while waiting:
            names = waiting.pop()
            if time.monotonic() > self.end:
                return
            try:
                handle = self.chain.open(names)
                below, files, devices = _entries(handle)
                opened = list(self._itself(handle, names))
            except OSError as error:
                self._refused(names, error)
                continue
            for told in opened:
                yield names, told
            for name, it in self._hiding(handle, names, below):
                yield (*names, name), (it, {})
            for name, it, more in self._files(handle, names, files):
                yield (*names, name), (it, more)
            for name, it, more in self._devices(names, devices):
                yield (*names, name), (it, more)
            above = "/".join(("", *names, ""))
            waiting.extend((*names, name) for name in below if above + name not in self.barred)
        self.whole = True

    def gaps(self) -> Iterator[Gap]:
        """Yield what could not be seen."""
        for gap in self.refusals:
            yield gap
        if self.refused > MOST_GAPS:
            yield b"/", "%d more directories could not be listed" % (self.refused - MOST_GAPS)
        if self.more_in_them:
            yield b"/tmp", "more than %d programs lie there and in other directories of everybody" % MOST_IN_THEM
        if self.open > MOST_OPEN:
            yield (
                b"/",
                "%d more files of the system that others may write to, or devices, are not told of" % (self.open - MOST_OPEN),
            )
        if not self.whole:
            yield b"/", "not all directories were looked at: there is too much in them"

    def _refused(self, names: Names, error: OSError) -> None:
        """Keep in mind that a directory could not be listed; one that has gone, or was swapped, is none any more."""
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return
        self.refused += 1
        if self.refused <= MOST_GAPS:
            self.refusals.append(("/".join(("", *names)).encode("utf-8", "surrogateescape") or b"/", reason(error)))

    def _hiding(self, handle: int, names: Names, below: Iterable[str]) -> Iterator[Tuple[str, os.stat_result]]:
        for name in below:
            if _HIDING.fullmatch(name):
                try:
                    yield name, os.stat(name, dir_fd=handle, follow_symlinks=False)
                except OSError as error:
                    self._refused((*names, name), error)

    def _files(self, handle: int, names: Names, files: Entries) -> Iterator[Tuple[str, os.stat_result, More]]:
        """Yield those that give rights, those that do not belong where they lie, and those that others may write to."""
        above = "/".join(("", *names, ""))
        everybodys = above.startswith(EVERYBODYS) or _OF_SYSTEM.match(above) is not None
        in_dev = _is_dev(above)
        in_system = _SYSTEM.fullmatch(above) is not None
        for name, it in files:
            more = self._open(handle, names, name, it) if in_system and it.st_mode & _FOR_OTHERS else None
            if it.st_mode & _SET or in_dev:
                yield name, it, dict(more or {}, capabilities=self._granted(handle, names, name))
            elif it.st_mode & _RUN:
                capabilities = self._granted(handle, names, name)
                if capabilities is not None or more is not None or (everybodys and self._is_program(handle, name)):
                    yield name, it, dict(more or {}, capabilities=capabilities)
            elif more is not None:
                yield name, it, more

    def _itself(self, handle: int, names: Names) -> Iterator[Tuple[os.stat_result, More]]:
        """Yield a directory of the system if others may write to it."""
        if _SYSTEM.fullmatch("/".join(("", *names, ""))):
            it = os.fstat(handle)
            more = self._open(handle, names, ".", it) if it.st_mode & _FOR_OTHERS else None
            if more is not None:
                yield it, more

    def _open(self, handle: int, names: Names, name: str, it: os.stat_result) -> Optional[More]:
        """The ACL of what everybody may write to, or a group or an account; None where only root's group may.

        Where there is an ACL, the bits of the group are its mask, so that nothing else has to be asked for one.
        """
        try:
            acl = os.getxattr(b"/proc/self/fd/%d/%s" % (handle, os.fsencode(name)), ACL).hex()
        except OSError as error:
            acl = None
            if error.errno not in (errno.ENODATA, errno.ENOTSUP):
                self._refused((*names, name), error)
        if acl is None and not it.st_mode & stat.S_IWOTH and not it.st_gid:
            return None
        self.open += 1
        return {"acl": acl} if self.open <= MOST_OPEN else None

    def _devices(self, names: Names, devices: Entries) -> Iterator[Tuple[str, os.stat_result, More]]:
        """Yield devices outside of /dev, but whiteouts of overlay(5), what systemd hides with, and those of each chroot."""
        above = "/".join(("", *names, ""))
        for name, it in [] if _is_dev(above) else devices:
            device = "%d:%d" % (os.major(it.st_rdev), os.minor(it.st_rdev))
            usual = stat.S_ISCHR(it.st_mode) and "/dev/" in above and _USUAL.fullmatch(device)
            if it.st_rdev and not usual:
                self.open += 1
                if self.open <= MOST_OPEN:
                    yield name, it, {"rdev": device}

    def _granted(self, handle: int, names: Names, name: str) -> Optional[str]:
        try:
            return listing.granted(handle, os.fsencode(name))
        except OSError as error:
            self._refused((*names, name), error)
            return None

    def _is_program(self, handle: int, name: str) -> bool:
        """Whether the kernel would run it, as far as such programs are still told of."""
        if self.in_everybodys == MOST_IN_THEM:
            self.more_in_them = True
            return False
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=handle)
        except OSError:
            return False  # it has gone meanwhile, or whoever asks is not root and could not tell more of it
        try:
            if not os.read(file, 4).startswith(_MAGIC):
                return False
        except OSError:
            return False
        finally:
            os.close(file)
        self.in_everybodys += 1
        return True


def _is_dev(above: str) -> bool:
    """Whether a directory is of /dev, where devices belong and files do not."""
    return above.startswith("/dev/") and not above.startswith("/dev/shm/")  # noqa: S108


def _entries(handle: int) -> Tuple[List[str], Entries, Entries]:
    """The directories in a directory, the regular files and the devices with their status; no link is followed."""
    below, files, devices = [], [], []  # type: Tuple[List[str], Entries, Entries]
    if os.scandir not in os.supports_fd:  # Python 3.6
        for name in os.listdir(handle):
            _sort(name, handle, below, files, devices)
        return below, files, devices
    with os.scandir(handle) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.name)
            elif entry.is_file(follow_symlinks=False):
                try:
                    files.append((entry.name, entry.stat(follow_symlinks=False)))
                except FileNotFoundError:
                    pass  # it has gone just now
            elif not entry.is_symlink():
                _sort(entry.name, handle, below, files, devices)
    return below, files, devices


def _sort(name: str, handle: int, below: List[str], files: Entries, devices: Entries) -> None:
    """Put an entry where it belongs by its status; what has gone, and links and sockets, nowhere."""
    try:
        it = os.stat(name, dir_fd=handle, follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(it.st_mode):
        below.append(name)
    elif stat.S_ISREG(it.st_mode):
        files.append((name, it))
    elif stat.S_ISBLK(it.st_mode) or stat.S_ISCHR(it.st_mode):
        devices.append((name, it))


# --- where not to go


def barred(table: bytes, root: str) -> Set[str]:
    """The mount points below a root that are not entered, as seen from there: no local files, or files that are seen already.

    `table` is proc_pid_mountinfo(5): `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`.
    """
    start = root.rstrip("/")
    found = set()  # type: Set[str]
    seen = []  # type: List[Tuple[str, str]]
    for device, above, point, kind in sorted(_mounts(table), key=lambda mount: mount[2].count("/")):
        if (root + "/").startswith(point.rstrip("/") + "/"):
            seen = [(device, _joined(above, root[len(point.rstrip("/")) :]))]
        elif point.startswith(start + "/"):
            place = device, _joined(above, "")
            if kind not in LOCAL or any(place[0] == one[0] and place[1].startswith(one[1]) for one in seen):
                found.add(point[len(start) :])
            else:
                seen.append(place)
    return found


def _joined(above: str, rest: str) -> str:
    """A directory of a file system, with a slash at its end."""
    return "".join("/" + part for part in (above + "/" + rest).split("/") if part) + "/"


def _mounts(table: bytes) -> Iterator[Tuple[str, str, str, str]]:
    """Yield device, directory on it, mount point and kind of each mount; what is no row is passed over."""
    for line in table.decode("utf-8", "surrogateescape").split("\n"):
        front, dash, back = line.partition(" - ")
        fields = front.split(" ")
        if dash and len(fields) > 5:
            yield fields[2], _plain(fields[3]), _plain(fields[4]), back.split(" ")[0]


def _plain(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), field)


def _mount_table() -> bytes:
    try:
        with open("/proc/self/mountinfo", "rb") as table:
            return table.read(inside.LIMIT)
    except OSError:
        return b""
