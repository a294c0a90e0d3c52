"""Paths inside a root: what a need stands for, where it leads, and the bytes there; no link leads out of the root.

Symlinks are followed here and not by the kernel: an absolute one starts again at the root, and `..` ends there. `Chain`
opens every directory on the way and follows nothing, so that a swap between two looks cannot lead out either.
"""

import errno
import os
import stat

from .chain import DIRECTORY, Chain, opened
from .hints import Dict, Iterator, List, Optional, Tuple
from .look import reason

LIMIT = 16 << 20
"""Bytes of one file; a longer one is a gap."""
MATCHES = 10000
"""Paths that one glob may stand for."""
NAMES = 100000
"""Names that are looked at in one directory."""
HOME = b"~/"
"""What begins a path in every home."""
LINKS = 40
"""Symlinks on the way to one file: as many as the kernel follows, path_resolution(7)."""
ABSENT = (errno.ENOENT, errno.ENOTDIR)

Names = Tuple[bytes, ...]


def places(chain: Chain, pattern: bytes, limit: int) -> Iterator[Tuple[Names, str, Optional[int]]]:
    """Yield each path that a need stands for, why there is none, and whose home it is in where it began with `~`."""
    parts = tuple(filter(None, pattern.split(b"/")))
    if not pattern.startswith(HOME):
        for names, why in _expanded(chain, (), parts):
            yield names, why, None
        return
    try:
        table = read(chain, resolved(chain, (b"etc", b"passwd")), limit)
    except OSError as error:
        yield (b"etc", b"passwd"), "whose homes there are is not known: " + reason(error), None
        return
    for home, uid in homes(table):
        above = tuple(filter(None, home.split(b"/")))
        for names, why in _expanded(chain, above, parts[1:]):
            yield names, why, uid


def homes(table: bytes) -> List[Tuple[bytes, int]]:
    """The homes that passwd(5) names, absolute, and the uid of the first account that lives there, in order."""
    found: Dict[bytes, int] = {}
    for line in table.split(b"\n"):
        fields = line.split(b":")
        if len(fields) > 5 and not line.startswith(b"#") and b"\0" not in fields[5]:
            digits = fields[2][:10]
            # sshd puts it before /.ssh and stands in /: an empty home, or one without a slash, lies there too
            found.setdefault(b"/" + fields[5].strip(b"/"), int(digits) if digits.isdigit() else 0)
    return sorted(found.items())


def _expanded(chain: Chain, above: Names, below: Names) -> Iterator[Tuple[Names, str]]:
    """Yield each path that a glob may stand for, and each directory that could not be listed with the reason."""
    fixed = next((at for at, part in enumerate(below) if is_glob(part)), len(below))
    above, below = above + below[:fixed], below[fixed:]
    if not below:
        yield above, ""
        return
    try:
        matching = _matching(chain, resolved(chain, above), below[0])
    except OSError as error:
        if error.errno not in ABSENT:
            yield above, reason(error)
        return
    for name in matching:
        for told in _expanded(chain, (*above, name), below[1:]):
            yield told


def is_glob(part: bytes) -> bool:
    """Whether a part of a path stands for more than one name."""
    return any(sign in part for sign in (b"*", b"?", b"["))


def _matching(chain: Chain, directory: Names, pattern: bytes) -> List[bytes]:
    import fnmatch  # noqa: PLC0415 - only for who asks so

    handle = opened(b".", DIRECTORY, chain.open(directory))
    try:
        found = []  # type: List[bytes]
        for number, (name, _is_directory) in enumerate(typed(handle)):
            if number == NAMES:
                raise OSError(errno.EFBIG, "more than %d names in it" % NAMES)
            if fnmatch.fnmatchcase(name, pattern):
                found.append(name)
        return sorted(found)
    finally:
        os.close(handle)


def typed(handle: int) -> Iterator[Tuple[bytes, bool]]:
    """Yield each name of a directory, and whether it is one itself, no link followed."""
    if os.scandir not in os.supports_fd:  # Python 3.6
        for name in map(os.fsencode, os.listdir(handle)):
            try:
                yield name, stat.S_ISDIR(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode)
            except FileNotFoundError:
                pass  # it has gone just now
        return
    with os.scandir(handle) as entries:
        for entry in entries:
            yield os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)


def resolved(chain: Chain, path: Names) -> Names:
    """Where a path leads inside the root, without a link in it."""
    names = []  # type: List[bytes]
    rest = list(reversed(path))
    links = 0
    while rest:
        name = rest.pop()
        if name == b"..":
            del names[-1:]
        elif name not in (b"", b"."):
            at = chain.open(names)
            if not stat.S_ISLNK(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
                names.append(name)
                continue
            links += 1
            if links > LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            target = os.readlink(name, dir_fd=at)
            if target.startswith(b"/"):
                names = []
            rest.extend(reversed(target.split(b"/")))
    return tuple(names)


def read(chain: Chain, names: Names, limit: int, uid: Optional[int] = None) -> bytes:
    """The content of a file below a root, up to a byte more than `limit`; where `uid` is given what that account may read.

    Raises:
        OSError: it is none that can be read, or not by that account.
    """
    handle = opened_file(chain, names)
    try:
        if uid is not None:
            _check_own(os.fstat(handle), uid)
        data = some(handle, limit + 1)
    finally:
        os.close(handle)
    if len(data) > limit:
        raise OSError(errno.EFBIG, "longer than %d bytes" % limit)
    return data


def opened_file(chain: Chain, names: Names) -> int:
    """A handle of a file below a root, found name by name, so that no link leads out.

    Raises:
        OSError: there is none, or it is no file.
    """
    if not names:
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    at = chain.open(names[:-1])
    _regular(os.stat(names[-1], dir_fd=at, follow_symlinks=False).st_mode)  # to open a device may already do something
    handle = opened(names[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, at)
    try:
        _regular(os.fstat(handle).st_mode)
    except OSError:
        os.close(handle)
        raise
    return handle


def _regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "no regular file (%s)" % stat.filemode(mode))


def some(handle: int, most: int) -> bytes:
    """The next bytes, fewer than asked for only at the end."""
    pieces = []  # type: List[bytes]
    left = most  # not st_size: it is 0 in /proc
    while left > 0:
        piece = os.read(handle, min(left, 1 << 20))
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _check_own(it: os.stat_result, uid: int) -> None:
    """Refuse a file that the account may not read: a link in its home must not hand out what belongs to others."""
    if it.st_uid != uid and not it.st_mode & stat.S_IROTH:
        raise OSError(errno.EPERM, "not for the account in whose home it is (mode %04o)" % stat.S_IMODE(it.st_mode))
