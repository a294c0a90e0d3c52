"""Directory handles from the root down to where the walk is: every step an openat(2) that follows no link.

A directory that is swapped for a symlink in the middle of a path is therefore never followed, and a path may be longer
than the 4096 bytes that one system call takes.
"""

import errno
import os

from .hints import List, Sequence, Union

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
BY_PATH = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
DEEPEST = 4096
"""Levels: below that the way back up would cost more than it is worth."""
_HELD = 128

Name = Union[str, bytes]
"""A file name as os takes it: text with surrogateescape, or the bytes themselves."""


def opened(name: Name, flags: int, at: int) -> int:
    """A handle of `name` in the directory `at`, without touching its time of access where that is allowed."""
    try:
        return os.open(name, flags | os.O_NOATIME, dir_fd=at)
    except OSError as error:
        if error.errno != errno.EPERM:  # O_NOATIME is for the owner only
            raise
    return os.open(name, flags, dir_fd=at)


class Chain:
    """The handles of one path; asking for the next path opens only what differs."""

    def __init__(self, root: int) -> None:
        self.root = root
        self.names: List[Name] = []
        self.handles: List[int] = []  # -1 where it was closed to spare handles

    def open(self, names: Sequence[Name]) -> int:
        """A handle of the directory that the names lead to; it belongs to the chain.

        Raises:
            OSError: ENOENT where it is not there, ELOOP or ENOTDIR where a link or something else is in the way.
        """
        if len(names) > DEEPEST:
            raise OSError(errno.ENAMETOOLONG, "deeper than %d levels" % DEEPEST)
        common = 0
        for mine, wanted in zip(self.names, names):
            if mine != wanted:
                break
            common += 1
        if common and self.handles[common - 1] < 0:
            common = 0
        self._cut(common)
        for name in names[common:]:
            self._down(name)
        return self.handles[-1] if names else self.root

    def _down(self, name: Name) -> None:
        at = self.handles[-1] if self.handles else self.root
        try:
            handle = opened(name, DIRECTORY, at)
        except OSError as error:
            if error.errno != errno.EACCES:
                raise
            handle = os.open(name, BY_PATH, dir_fd=at)  # it may be passed through, if not be listed
        self.names.append(name)
        self.handles.append(handle)
        if len(self.handles) > _HELD and self.handles[-_HELD] >= 0:
            os.close(self.handles[-_HELD])
            self.handles[-_HELD] = -1

    def _cut(self, length: int) -> None:
        for handle in self.handles[length:]:
            if handle >= 0:
                os.close(handle)
        del self.names[length:], self.handles[length:]

    def close(self) -> None:
        """Give back all handles but the root's."""
        self._cut(0)
