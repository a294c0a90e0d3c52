"""lstat and fstat with all the kernel tells: birth time and the chattr flags that matter, by statx(2) where there is one."""

import errno
import os
import struct

from . import libc
from .hints import Callable, Tuple

AT_SYMLINK_NOFOLLOW = 0x100
AT_EMPTY_PATH = 0x1000
BIRTH = 0x800
MOUNTED = 0x2000
"""Of the attributes: something is mounted just here, be it a part of the same file system (from Linux 5.8 on)."""
FLAGS = {0: "-", 0x10: "i", 0x20: "a", 0x30: "ia"}
_ALL = 0xFFF

KERNELS = frozenset(
    (
        # magic numbers of linux/magic.h: autofs, binfmt_misc, bpf, cgroup, cgroup2, configfs, debugfs, devpts, efivarfs,
        *(0x187, 0x42494E4D, 0xCAFE4A11, 0x27E0EB, 0x63677270, 0x62656570, 0x64626720, 0x1CD1, 0xDE5E81E4),
        # fusectl, hugetlbfs, mqueue, nsfs, proc, pstore, rpc_pipefs, securityfs, selinuxfs, sysfs, tracefs
        *(0x65735543, 0x958458F6, 0x19800202, 0x6E736673, 0x9FA0, 0x6165676C, 0x67596969, 0x73636673, 0xF97CFF8C),
        *(0x62656572, 0x74726163),
    )
)
"""File systems that hold nobody's files, but what the kernel says of itself."""

Told = Tuple[int, ...]
# struct statx of linux/stat.h without block size, blocks and the time of access
_LAYOUT = struct.Struct("=I4xQIIIH2xQQ8xQ16xqI4xqI4xqI4xIIII")
_MAGIC = struct.Struct("@L")  # what struct statfs begins with


def reader() -> Callable[..., Told]:
    """A function `stat(fd, name=b"")`: of `name` in the directory `fd`, never followed, or of `fd` itself.

    It gives one tuple that is equal to an earlier one when nothing but the time of access has changed: `(mask, attributes,
    links, uid, gid, mode, inode, size, attributes known, birth s, ns, ctime s, ns, mtime s, ns, rdev major, minor, device
    major, minor)`, and raises OSError as lstat(2) does.
    """
    try:
        statx = libc.function("statx")
    except (OSError, AttributeError):  # no ctypes, musl before 1.2.3, glibc before 2.28
        return _by_stat
    # no argtypes: int, bytes and a pointer made once go through as they are, in three quarters of the time
    buffer = libc.buffer(256)
    address = libc.byref(buffer)
    unpack = _LAYOUT.unpack_from

    def stat(fd: int, name: bytes = b"") -> Told:
        if statx(fd, name, AT_SYMLINK_NOFOLLOW if name else AT_EMPTY_PATH, _ALL, address):
            code = libc.get_errno()
            raise OSError(code, os.strerror(code))
        return unpack(buffer)

    root = os.open("/", os.O_PATH | os.O_CLOEXEC)
    try:
        stat(root)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):  # a kernel before 4.11, a strict seccomp filter
            return _by_stat
        raise
    finally:
        os.close(root)
    return stat


def of_the_kernel(fd: int) -> bool:
    """Whether a directory is on a file system of the kernel's own, by fstatfs(2)."""
    try:
        fstatfs = libc.function("fstatfs")
    except (OSError, AttributeError):
        return False
    buffer = libc.buffer(256)
    return not fstatfs(fd, buffer) and _MAGIC.unpack_from(buffer)[0] & 0xFFFFFFFF in KERNELS


def _by_stat(fd: int, name: bytes = b"") -> Told:
    told = os.stat(name, dir_fd=fd, follow_symlinks=False) if name else os.fstat(fd)
    seconds, nanoseconds = divmod(told.st_ctime_ns, 1000000000)
    return (
        0, 0, told.st_nlink, told.st_uid, told.st_gid, told.st_mode, told.st_ino, told.st_size, 0, 0, 0,
        seconds, nanoseconds, *divmod(told.st_mtime_ns, 1000000000),
        os.major(told.st_rdev), os.minor(told.st_rdev), os.major(told.st_dev), os.minor(told.st_dev),
    )  # fmt: skip
