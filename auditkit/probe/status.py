"""Modes and owners of a path, and of each directory above it: what decides who else could have put it there.

The way is the one that is really gone, symlinks resolved inside of the root, as sshd looks at a file of keys (StrictModes).
"""

import errno
import os
import stat

from . import inside
from .chain import Chain
from .hints import Iterator, Optional, Tuple
from .inside import Names
from .look import reason


def status(chain: Chain, pattern: bytes, optional: bool) -> Iterator[Tuple[bytes, Optional[bytes], str]]:
    """Yield each path that is there with its way, or with the reason why that cannot be told; nothing of what is absent.

    A way is records ended by NUL, `MODE UID GID PATH`: the node itself, then each directory above it up to `/`. MODE is all
    of st_mode, in octal.
    """
    told = False
    for number, (names, refused, _uid) in enumerate(inside.places(chain, pattern, inside.LIMIT)):
        if number == inside.MATCHES:
            yield pattern, None, "more than %d paths match" % inside.MATCHES
            return
        for data, why in iter([(None, refused)]) if refused else _attempt(chain, names):
            told = True
            yield b"/" + b"/".join(names), data, why
    if not told and not optional:
        yield pattern, None, reason(OSError(errno.ENOENT, os.strerror(errno.ENOENT)))


def _attempt(chain: Chain, names: Names) -> Iterator[Tuple[Optional[bytes], str]]:
    """Yield the way of a path, or why it is not known; nothing of what is not there."""
    try:
        steps = list(way(chain, inside.resolved(chain, names)))
    except OSError as error:
        if error.errno not in inside.ABSENT:
            yield None, reason(error)
        return
    yield b"".join(b"%o %d %d %s\0" % (it.st_mode, it.st_uid, it.st_gid, path) for path, it in steps), ""


def way(chain: Chain, real: Names) -> Iterator[Tuple[bytes, os.stat_result]]:
    """Yield a path without symlinks, then each directory above it, with what stat(2) tells of them.

    Raises:
        OSError: it is not there, or a symlink stands on the way meanwhile.
    """
    if real:
        it = os.stat(real[-1], dir_fd=chain.open(real[:-1]), follow_symlinks=False)
        if stat.S_ISLNK(it.st_mode):
            raise OSError(errno.ELOOP, "it became a symlink just now")
        yield b"/" + b"/".join(real), it
    for length in range(len(real) - 1, -1, -1):
        yield b"/" + b"/".join(real[:length]), os.fstat(chain.open(real[:length]))
    if not real:
        yield b"/", os.fstat(chain.root)
