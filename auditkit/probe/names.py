"""The names in a directory as the kernel tells them, past the C library: what hides files by a preloaded library hides there.

getdents64(2) is called by its number. That finds `readdir` replaced through /etc/ld.so.preload; it finds nothing that the
kernel itself hides.
"""

import errno
import os
import struct

from . import libc
from .hints import Iterator, List, Optional

HIDDEN = "hidden: the kernel has this name in its directory, the C library does not tell of it"
"""The reason of the gap that stands for such a name; judged by distrust.py."""
_NUMBERS = {"x86_64": 217, "aarch64": 61, "riscv64": 61, "loongarch64": 61, "ppc64le": 202, "ppc64": 202, "s390x": 220}
_SIZE = 64 << 10
_LENGTH = struct.Struct("=H")
_WIDE = 8
_AT_LENGTH, _AT_NAME = 16, 19
"""Where struct linux_dirent64 has them."""


class Names:
    """Asks the kernel for the names in a directory, from its beginning, and leaves its handle there."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._syscall = libc.function("syscall")
        self._buffer = libc.buffer(_SIZE)

    def count(self, handle: int) -> int:
        """How many names there are, without `.` and `..`."""
        return sum(self._counted(length) for length in self._pieces(handle)) - 2

    def listed(self, handle: int) -> List[bytes]:
        """All names but `.` and `..`."""
        found = []  # type: List[bytes]
        for length in self._pieces(handle):
            data = self._buffer.raw[:length]
            at = 0
            while at < length:
                step = _LENGTH.unpack_from(data, at + _AT_LENGTH)[0]
                found.append(data[at + _AT_NAME : at + step].split(b"\0", 1)[0])
                at += step
        return [name for name in found if name not in (b".", b"..")]

    def has(self, handle: int, name: bytes) -> bool:
        """Whether the name is still there."""
        return name in self.listed(handle)

    def _counted(self, length: int) -> int:
        buffer, unpack, count, at = self._buffer, _LENGTH.unpack_from, 0, _AT_LENGTH
        while at < length:
            at += unpack(buffer, at)[0]
            count += 1
        return count

    def _pieces(self, handle: int) -> Iterator[int]:
        """Yield how many bytes of the buffer are full, time and again."""
        os.lseek(handle, 0, os.SEEK_SET)
        try:
            while True:
                length = self._syscall(self._number, handle, self._buffer, _SIZE)
                if length <= 0:
                    if length < 0:
                        code = libc.get_errno()
                        raise OSError(code, os.strerror(code))
                    return
                yield length
        finally:
            os.lseek(handle, 0, os.SEEK_SET)


def reader() -> Optional[Names]:
    """What asks the kernel; None where that cannot be done: no ctypes, a kernel of another kind."""
    number = _NUMBERS.get(os.uname().machine)
    if number is None or struct.calcsize("P") != _WIDE:
        return None
    try:
        names = Names(number)
        handle = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            names.count(handle)
        finally:
            os.close(handle)
    except (OSError, AttributeError) as error:  # no ctypes is the latter
        if getattr(error, "errno", errno.ENOSYS) in (errno.ENOSYS, errno.EPERM, errno.ENOENT):
            return None
        raise
    return names
