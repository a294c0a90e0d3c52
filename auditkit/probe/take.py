"""Files below a root, taken as evidence: regular files only, bounded, and no link leads out of the root (see inside.py).

What may hold password hashes never travels as it is, see `reduced`, nor does a private key, see keyfile.py; what looks like
one in any other file is taken out of it, see hashes.py.
"""

import errno
import os

from . import inside
from .chain import Chain
from .hints import Iterable, Iterator, List, Optional, Tuple
from .inside import LIMIT, Names
from .lineage import PATTERN, lineage
from .look import reason

LONGEST = 192 << 20
"""Bytes of all the files of one question whose needs say that they may be longer than that."""
PIECE = 4 << 20
"""Bytes of one piece of those."""

Need = Tuple[bytes, bool, bool, bool]
"""Path or glob (`~/` before it: in every home), whether it holds secrets, whether a host without it is complete all the same,
and whether it may be long."""
Told = Tuple[int, bytes, Optional[bytes], str]
"""Number of the need, path, and the bytes; or None for the bytes and why there are none.

A file that may be long comes in pieces, one after the other; where there are none for the rest, it is not whole.
"""

BEGIN = b"PRIVATE KEY-----"
BEGIN_PPK = b"PuTTY-User-Key-File-"
FIRST = 64
"""Bytes by which a file is known as a private key."""
TABLES = (b"passwd", b"shadow", b"group", b"gshadow")
_ALWAYS = frozenset(
    [b"/etc/" + name + end for name in TABLES for end in (b"", b"-")]
    + [b"/var/backups/" + name + b".bak" for name in TABLES]
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
        self.given: List[Tuple[Names, int, bytes, Tuple[int, ...]]] = []
        """Where each lies, number of the need, path and state."""

    def changed(self, chain: Chain) -> Iterator[Tuple[int, bytes]]:
        """Yield need and path of those that are not any more what they were when they were opened: a database under way."""
        for names, number, path, before in self.given:
            try:
                handle = inside.opened_file(chain, names)
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
    globbed = inside.is_glob(pattern) or pattern.startswith(inside.HOME)
    told = False
    for number, (names, why, uid) in enumerate(inside.places(chain, pattern, limit)):
        if number == inside.MATCHES:
            yield pattern, None, "more than %d paths match" % inside.MATCHES
            return
        pieces = _pieces(chain, which, names, long) if is_long else _whole(chain, names, secret, limit, uid)
        for data, refused in iter([(None, why)]) if why else _attempt(pieces, globbed):
            told = True
            yield b"/" + b"/".join(names), data, refused
    if not told and not optional:
        yield pattern, None, "nothing matches" if globbed else reason(OSError(errno.ENOENT, os.strerror(errno.ENOENT)))


def begins_as_key(data: bytes) -> bool:
    """Whether a file is a private key by its first line; one that speaks of keys further on may be a program."""
    return BEGIN in data[:FIRST] or data.startswith(BEGIN_PPK)


def _attempt(pieces: Iterator[bytes], globbed: bool) -> Iterator[Tuple[Optional[bytes], str]]:
    """Yield the bytes, or why there are none: no word for what is not there, nor for a directory that a glob met."""
    try:
        for data in pieces:
            yield data, ""
    except OSError as error:
        if error.errno not in inside.ABSENT and not (globbed and error.errno == errno.EISDIR):
            yield None, reason(error)


def _whole(chain: Chain, names: Names, secret: bool, limit: int, uid: Optional[int]) -> Iterator[bytes]:
    data = _facts(chain, names, secret, limit, uid)
    if begins_as_key(data) or (uid is not None and BEGIN in data):
        raise OSError(errno.EPERM, "holds a private key, so nothing of it was taken")
    yield _scrubbed(data, b"/" + b"/".join(names))


def _scrubbed(data: bytes, path: bytes) -> bytes:
    from . import hashes  # noqa: PLC0415 - only for who asks so

    return hashes.scrubbed(data, not hashes.of_a_package(path))


def _pieces(chain: Chain, which: int, names: Names, long: _Long) -> Iterator[bytes]:
    """Yield the pieces of a long file, at least one; none of a file that was given under another name."""
    real = inside.resolved(chain, names)
    if any(real == one[0] for one in long.given):
        return
    if any(is_secret(b"/" + b"/".join(each)) for each in (names, real)):
        raise OSError(errno.EPERM, "holds secrets, and is not expected to be long")
    handle = inside.opened_file(chain, real)
    try:
        if os.fstat(handle).st_size > long.left:
            raise OSError(errno.EFBIG, too_long(long.left))
        long.given.append((real, which, b"/" + b"/".join(names), _state(handle)))
        piece = inside.some(handle, PIECE)
        while True:
            long.left -= len(piece)
            if long.left < 0:
                raise OSError(errno.EFBIG, too_long(0))
            yield piece
            piece = inside.some(handle, PIECE)
            if not piece:
                return
    finally:
        os.close(handle)


def _facts(chain: Chain, path: Names, secret: bool, limit: int, uid: Optional[int]) -> bytes:
    """The bytes of a file, or the facts that may travel where it holds secrets under this or its real name."""
    real = inside.resolved(chain, path)
    if any(is_secret(b"/" + b"/".join(names)) for names in (path, real)):
        return reduced(inside.read(chain, real, limit))
    from . import guarded, keyfile  # noqa: PLC0415 - only for who asks for files

    which = guarded.kind(*(b"/" + b"/".join(names) for names in (path, real)))
    if which is not None:
        return guarded.reduced(which, inside.read(chain, real, limit, uid))
    if not secret:
        return inside.read(chain, real, limit, uid)
    if path[-1:] and path[-1] in TABLES:
        return reduced(inside.read(chain, real, limit))
    data = inside.read(chain, real, limit)
    if path[-1:] and (path[-1].startswith(b"id_") or keyfile.is_one(data)):
        return keyfile.facts(data)
    raise OSError(errno.EPERM, "holds secrets of a kind that cannot be reduced to facts, so nothing of it was taken")


def is_secret(path: bytes) -> bool:
    """Whether this name says that only facts of the file may travel, whatever was asked for."""
    return path in _ALWAYS


def holds_hashes(chain: Chain, names: Iterable[Names], handle: int) -> bool:
    """Whether an open file is a table of hashes, by one of its names or by a hard link of whatever name."""
    tables = [path for path in _ALWAYS if b"shadow" in path or b"master" in path]
    if any(b"/" + b"/".join(each) in tables for each in names):
        return True
    it = os.fstat(handle)
    return it.st_nlink > 1 and any(_is_at(chain, path, it) for path in tables)


def _is_at(chain: Chain, path: bytes, it: os.stat_result) -> bool:
    try:
        handle = inside.opened_file(chain, tuple(path.split(b"/")[1:]))
    except OSError:  # who may not open it there could not by another name
        return False
    try:
        return os.path.samestat(os.fstat(handle), it)
    finally:
        os.close(handle)


def reduced(table: bytes) -> bytes:
    """A passwd, shadow, group or gshadow file, each password replaced by what may be known of it; the layout stays.

    root:$6$salt$hash:20228:0:99999:7:::   ->   root:<set $6$>:20228:0:99999:7:::

    `<empty>` nothing there; `x` itself; `<set SCHEME>` a hash; `<locked ! SCHEME>` a hash behind `!`, or behind `*` with
    that in its place; `<locked !>` such a mark with no hash behind; `<none>` no hash of a scheme in crypt(5). SCHEME is
    `$6$` and the like, `des`, or `$?$` for an id that is not known. Another field that looks like a hash is `<other>`, as is
    a line without a colon.
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
        return b"<locked %s>" % b" ".join(filter(None, (password[:1], scheme)))
    return b"<set %s>" % scheme if scheme else b"<none>"


def _is_hash(field: bytes) -> bool:
    from . import hashes  # noqa: PLC0415 - few tables hold what might be one

    return hashes.CRYPT_ID.search(field) is not None


def _scheme(bare: bytes) -> bytes:
    from . import hashes  # noqa: PLC0415

    return hashes.scheme(bare)
