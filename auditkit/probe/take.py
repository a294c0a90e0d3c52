"""Files below a root, taken as evidence: regular files only, bounded, and no link leads out of the root.

Symlinks are followed here and not by the kernel: an absolute one starts again at the root, and `..` ends there. `Chain`
opens every directory on the way and follows nothing, so that a swap between two looks cannot lead out either.

What may hold password hashes never travels as it is: see `reduced`.
"""

import errno
import os
import stat

from .chain import DIRECTORY, Chain, opened
from .hints import Dict, Iterable, Iterator, List, Optional, Tuple
from .lineage import PATTERN, lineage
from .look import reason

LIMIT = 16 << 20
"""Bytes of one file; a longer one is a gap."""
LONGEST = 192 << 20
"""Bytes of all the files of one question whose needs say that they may be longer than that."""
PIECE = 4 << 20
"""Bytes of one piece of those."""
MATCHES = 10000
"""Paths that one glob may stand for."""
NAMES = 100000
"""Names that are looked at in one directory."""
HOME = b"~/"
"""What begins a path in every home."""
LINKS = 40
"""Symlinks on the way to one file: as many as the kernel follows, path_resolution(7)."""

Names = Tuple[bytes, ...]
Need = Tuple[bytes, bool, bool, bool]
"""Path or glob (`~/` before it: in every home), whether it holds secrets, whether a host without it is complete all the same,
and whether it may be long."""
Told = Tuple[int, bytes, Optional[bytes], str]
"""Number of the need, path, and the bytes; or None for the bytes and why there are none.

A file that may be long comes in pieces, one after the other; where there are none for the rest, it is not whole.
"""

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
        long = _Long()
        for number, need in enumerate(needs):
            told = _of_need(chain, number, need, limit, long) if need[0] != PATTERN else lineage() if root == b"/" else ()
            for path, data, why in told:
                yield number, path, data, why
        for number, path in long.changed(chain):
            yield number, path, None, CHANGED
    finally:
        chain.close()
        os.close(handle)


class _Long:
    """The long files of one question: how much they may still have, and which were given, whatever they were called."""

    def __init__(self) -> None:
        self.left = LONGEST
        self.given = []  # type: List[Tuple[Names, int, bytes, Tuple[int, ...]]]
        """Where each lies, number of the need, path and state."""

    def changed(self, chain: Chain) -> Iterator[Tuple[int, bytes]]:
        """Yield need and path of those that are not any more what they were when they were opened: a database under way."""
        for names, number, path, before in self.given:
            try:
                handle = _opened(chain, names)
            except OSError:
                yield number, path
                continue
            try:
                now = _state(handle)
            finally:
                os.close(handle)
            if now != before:
                yield number, path


def _state(handle: int) -> Tuple[int, ...]:
    """What changes when somebody writes to a file or puts another in its place."""
    it = os.fstat(handle)
    return it.st_ino, it.st_size, it.st_mtime_ns, it.st_ctime_ns


CHANGED = "it was written to while it was read"


def too_long(left: int) -> str:
    """Why nothing is given of a file that is longer than what is left for long files."""
    return "longer than the %d bytes that are left for long files" % left


def _of_need(chain: Chain, which: int, need: Need, limit: int, long: _Long) -> Iterator[Tuple[bytes, Optional[bytes], str]]:
    pattern, secret, optional, is_long = need
    globbed = _is_glob(pattern) or pattern.startswith(HOME)
    told = False
    for number, (names, why, uid) in enumerate(_places(chain, pattern, limit)):
        if number == MATCHES:
            yield pattern, None, "more than %d paths match" % MATCHES
            return
        pieces = _pieces(chain, which, names, long) if is_long else _whole(chain, names, secret, limit, uid)
        for data, refused in iter([(None, why)]) if why else _attempt(pieces, globbed):
            told = True
            yield b"/" + b"/".join(names), data, refused
    if not told and not optional:
        yield pattern, None, "nothing matches" if globbed else reason(OSError(errno.ENOENT, os.strerror(errno.ENOENT)))


def _places(chain: Chain, pattern: bytes, limit: int) -> Iterator[Tuple[Names, str, Optional[int]]]:
    """Yield each path that a need stands for, why there is none, and whose home it is in where it began with `~`."""
    parts = tuple(filter(None, pattern.split(b"/")))
    if not pattern.startswith(HOME):
        for names, why in _expanded(chain, (), parts):
            yield names, why, None
        return
    try:
        table = _read(chain, _resolved(chain, (b"etc", b"passwd")), limit)
    except OSError as error:
        yield (b"etc", b"passwd"), "whose homes there are is not known: " + reason(error), None
        return
    for home, uid in homes(table):
        above = tuple(filter(None, home.split(b"/")))
        for names, why in _expanded(chain, above, parts[1:]):
            yield names, why, uid


def homes(table: bytes) -> List[Tuple[bytes, int]]:
    """The homes that passwd(5) names and the uid of the first account that lives there, in the order of the homes."""
    found: Dict[bytes, int] = {}
    for line in table.split(b"\n"):
        fields = line.split(b":")
        if len(fields) > 5 and fields[5].startswith(b"/") and b"\0" not in fields[5]:
            digits = fields[2][:10]
            found.setdefault(fields[5].rstrip(b"/") or b"/", int(digits) if digits.isdigit() else 0)
    return sorted(found.items())


def _attempt(pieces: Iterator[bytes], globbed: bool) -> Iterator[Tuple[Optional[bytes], str]]:
    """Yield the bytes, or why there are none: no word for what is not there, nor for a directory that a glob met."""
    try:
        for data in pieces:
            yield data, ""
    except OSError as error:
        if error.errno not in _ABSENT and not (globbed and error.errno == errno.EISDIR):
            yield None, reason(error)


def _whole(chain: Chain, names: Names, secret: bool, limit: int, uid: Optional[int]) -> Iterator[bytes]:
    data = _facts(chain, names, secret, limit, uid)
    if uid is not None and b"PRIVATE KEY-----" in data:
        raise OSError(errno.EPERM, "holds a private key, so nothing of it was taken")
    yield data


def _check_own(it: os.stat_result, uid: int) -> None:
    """Refuse a file that the account may not read: a link in its home must not hand out what belongs to others."""
    if it.st_uid != uid and not it.st_mode & stat.S_IROTH:
        raise OSError(errno.EPERM, "not for the account in whose home it is (mode %04o)" % stat.S_IMODE(it.st_mode))


def _pieces(chain: Chain, which: int, names: Names, long: _Long) -> Iterator[bytes]:
    """Yield the pieces of a long file, at least one; none of a file that was given under another name."""
    real = _resolved(chain, names)
    if any(real == one[0] for one in long.given):
        return
    if any(is_secret(b"/" + b"/".join(each)) for each in (names, real)):
        raise OSError(errno.EPERM, "holds secrets, and is not expected to be long")
    handle = _opened(chain, real)
    try:
        if os.fstat(handle).st_size > long.left:
            raise OSError(errno.EFBIG, too_long(long.left))
        long.given.append((real, which, b"/" + b"/".join(names), _state(handle)))
        piece = _some(handle, PIECE)
        while True:
            long.left -= len(piece)
            if long.left < 0:
                raise OSError(errno.EFBIG, too_long(0))
            yield piece
            piece = _some(handle, PIECE)
            if not piece:
                return
    finally:
        os.close(handle)


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


def _facts(chain: Chain, path: Names, secret: bool, limit: int, uid: Optional[int]) -> bytes:
    """The bytes of a file, or the facts that may travel where it holds secrets under this or its real name."""
    real = _resolved(chain, path)
    if any(is_secret(b"/" + b"/".join(names)) for names in (path, real)):
        return reduced(_read(chain, real, limit))
    if not secret:
        return _read(chain, real, limit, uid)
    if path[-1:] and path[-1] in _TABLES:
        return reduced(_read(chain, real, limit))
    if path[-1:] and path[-1].startswith(b"id_"):
        from . import keyfile  # noqa: PLC0415 - only for who asks so

        return keyfile.facts(_read(chain, real, limit))
    raise OSError(errno.EPERM, "holds secrets of a kind that cannot be reduced to facts, so nothing of it was taken")


def is_secret(path: bytes) -> bool:
    """Whether this name says that only facts of the file may travel, whatever was asked for."""
    return path in _ALWAYS


def _read(chain: Chain, names: Names, limit: int, uid: Optional[int] = None) -> bytes:
    handle = _opened(chain, names)
    try:
        if uid is not None:
            _check_own(os.fstat(handle), uid)
        data = _some(handle, limit + 1)
    finally:
        os.close(handle)
    if len(data) > limit:
        raise OSError(errno.EFBIG, "longer than %d bytes" % limit)
    return data


def _opened(chain: Chain, names: Names) -> int:
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


def _some(handle: int, most: int) -> bytes:
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
