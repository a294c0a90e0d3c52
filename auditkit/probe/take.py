"""Files below a root, taken as evidence: regular files only, bounded, and no link leads out of the root.

Symlinks are followed here and not by the kernel: an absolute one starts again at the root, and `..` ends there. `Chain`
opens every directory on the way and follows nothing, so that a swap between two looks cannot lead out either.

What may hold password hashes never travels as it is: see `reduced`.
"""

import errno
import os
import stat

from .chain import DIRECTORY, Chain, opened
from .hints import Iterable, Iterator, List, Optional, Tuple
from .lineage import PATTERN, lineage
from .look import reason

LIMIT = 16 << 20
"""Bytes of one file; a longer one is a gap."""
MATCHES = 10000
"""Paths that one glob may stand for."""
NAMES = 100000
"""Names that are looked at in one directory."""
LINKS = 40
"""Symlinks on the way to one file: as many as the kernel follows, path_resolution(7)."""

Names = Tuple[bytes, ...]
Need = Tuple[bytes, bool, bool]
"""Path or glob, whether it holds secrets, whether a host without it is complete all the same."""
Told = Tuple[int, bytes, Optional[bytes], str]
"""Number of the need, path, and the bytes; or None for the bytes and why there are none."""

_ABSENT = (errno.ENOENT, errno.ENOTDIR)
_TABLES = (b"passwd", b"shadow", b"group", b"gshadow")
_ALWAYS = frozenset(
    [b"/etc/" + name + end for name in _TABLES for end in (b"", b"-")]
    + [b"/var/backups/" + name + b".bak" for name in _TABLES]
    + [b"/etc/master.passwd"]
)


def take(root: bytes, needs: Iterable[Need], limit: int = LIMIT) -> Iterator[Told]:
    """Yield what is there for each need, in the order of the needs and of the paths.

    A glob matches component by component, names with a leading dot too; a directory or a dangling link that it meets is
    no file and no gap. `/proc/self/environ` is what lineage() says of this machine, and is on no disk.

    Raises:
        OSError: the root cannot be opened.
    """
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    chain = Chain(handle)
    try:
        for number, need in enumerate(needs):
            told = _of_need(chain, need, limit) if need[0] != PATTERN else lineage() if root == b"/" else ()
            for path, data, why in told:
                yield number, path, data, why
    finally:
        chain.close()
        os.close(handle)


def _of_need(chain: Chain, need: Need, limit: int) -> Iterator[Tuple[bytes, Optional[bytes], str]]:
    pattern, secret, optional = need
    globbed = _is_glob(pattern)
    told = False
    for number, (names, why) in enumerate(_expanded(chain, (), tuple(filter(None, pattern.split(b"/"))))):
        if number == MATCHES:
            yield pattern, None, "more than %d paths match" % MATCHES
            return
        data, refused = (None, why) if why else _attempt(chain, names, secret, limit, globbed)
        if data is not None or refused:
            told = True
            yield b"/" + b"/".join(names), data, refused
    if not told and not optional:
        yield pattern, None, "nothing matches" if globbed else reason(OSError(errno.ENOENT, os.strerror(errno.ENOENT)))


def _attempt(chain: Chain, names: Names, secret: bool, limit: int, globbed: bool) -> Tuple[Optional[bytes], str]:
    """The bytes, or why there are none: no word for what is not there, nor for a directory that a glob met."""
    try:
        return _facts(chain, names, secret, limit), ""
    except OSError as error:
        silent = error.errno in _ABSENT or (globbed and error.errno == errno.EISDIR)
        return None, "" if silent else reason(error)


def _expanded(chain: Chain, above: Names, below: Names) -> Iterator[Tuple[Names, str]]:
    """Yield each path that a glob may stand for, and each directory that could not be listed with the reason."""
    fixed = next((at for at, part in enumerate(below) if _is_glob(part)), len(below))
    above, below = above + below[:fixed], below[fixed:]
    if not below:
        yield above, ""
        return
    try:
        matching = _matching(chain, _resolved(chain, above), below[0])
    except OSError as error:
        if error.errno not in _ABSENT:
            yield above, reason(error)
        return
    for name in matching:
        for told in _expanded(chain, (*above, name), below[1:]):
            yield told


def _is_glob(part: bytes) -> bool:
    return any(sign in part for sign in (b"*", b"?", b"["))


def _matching(chain: Chain, directory: Names, pattern: bytes) -> List[bytes]:
    import fnmatch  # noqa: PLC0415 - only for who asks so

    handle = opened(b".", DIRECTORY, chain.open(directory))
    try:
        found = []  # type: List[bytes]
        for number, name in enumerate(_listed(handle)):
            if number == NAMES:
                raise OSError(errno.EFBIG, "more than %d names in it" % NAMES)
            if fnmatch.fnmatchcase(name, pattern):
                found.append(name)
        return sorted(found)
    finally:
        os.close(handle)


def _listed(handle: int) -> Iterator[bytes]:
    if os.scandir not in os.supports_fd:  # Python 3.6
        yield from map(os.fsencode, os.listdir(handle))
        return
    with os.scandir(handle) as entries:
        for entry in entries:
            yield os.fsencode(entry.name)


def _resolved(chain: Chain, path: Names) -> Names:
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


def _facts(chain: Chain, path: Names, secret: bool, limit: int) -> bytes:
    """The bytes of a file, or the facts that may travel where it holds secrets under this or its real name."""
    real = _resolved(chain, path)
    if any(is_secret(b"/" + b"/".join(names)) for names in (path, real)):
        return reduced(_read(chain, real, limit))
    if not secret:
        return _read(chain, real, limit)
    if path[-1:] and path[-1] in _TABLES:
        return reduced(_read(chain, real, limit))
    raise OSError(errno.EPERM, "holds secrets of a kind that cannot be reduced to facts, so nothing of it was taken")


def is_secret(path: bytes) -> bool:
    """Whether this name says that only facts of the file may travel, whatever was asked for."""
    return path in _ALWAYS


def _read(chain: Chain, names: Names, limit: int) -> bytes:
    if not names:
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    at = chain.open(names[:-1])
    _regular(os.stat(names[-1], dir_fd=at, follow_symlinks=False).st_mode)  # to open a device may already do something
    handle = opened(names[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, at)
    try:
        _regular(os.fstat(handle).st_mode)
        return _bounded(handle, limit)
    finally:
        os.close(handle)


def _regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "no regular file (%s)" % stat.filemode(mode))


def _bounded(handle: int, limit: int) -> bytes:
    pieces = []  # type: List[bytes]
    left = limit + 1  # not st_size: it is 0 in /proc
    while left > 0:
        piece = os.read(handle, min(left, 1 << 20))
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        left -= len(piece)
    raise OSError(errno.EFBIG, "longer than %d bytes" % limit)


def reduced(table: bytes) -> bytes:
    """A passwd, shadow, group or gshadow file, each password replaced by what may be known of it; the layout stays.

    root:$6$salt$hash:20228:0:99999:7:::   ->   root:<set $6$>:20228:0:99999:7:::

    `<empty>` nothing there; `x` itself; `<set SCHEME>` a hash; `<locked SCHEME>` a hash behind `!` or `*`; `<locked>`
    such a mark with no hash behind; `<none>` no hash of a scheme in crypt(5). SCHEME is `$6$` and the like, `des`, or
    `$?$` for an id that is not known. Another field that looks like a hash is `<other>`, as is a line without a colon.
    """
    return b"\n".join(map(_reduced_line, table.split(b"\n")))


def _reduced_line(line: bytes) -> bytes:
    fields = [b"<other>" if b"$" in field and _is_hash(field) else field for field in line.split(b":")]
    if len(fields) == 1:
        start = line.lstrip()[:1]
        return b"#<other>" if start == b"#" else fields[0] if start in (b"", b"+", b"-") else b"<other>"
    fields[1] = _fact(line.split(b":", 2)[1])
    return b":".join(fields)


def _fact(password: bytes) -> bytes:
    if not password:
        return b"<empty>"
    if password == b"x":
        return password
    bare = password.lstrip(b"!*")
    scheme = _scheme(bare) if bare else b""
    if len(bare) < len(password):
        return b"<locked %s>" % scheme if scheme else b"<locked>"
    return b"<set %s>" % scheme if scheme else b"<none>"


def _is_hash(field: bytes) -> bool:
    from . import hashes  # noqa: PLC0415 - few tables hold what might be one

    return hashes.CRYPT_ID.search(field) is not None


def _scheme(bare: bytes) -> bytes:
    from . import hashes  # noqa: PLC0415

    return hashes.scheme(bare)
