"""What lies at paths: each node as lstat tells, and which packages have put it there.

The node itself is never followed where it is a symlink; those above it are, inside of the root.
"""

import errno
import fnmatch
import json
import os
import stat

from . import inside, owned
from .chain import DIRECTORY, Chain, opened
from .hints import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple
from .inside import Names
from .look import reason
from .stat import BIRTH, reader

BELOW = b"**"
PACKAGES = b"packages"
"""What is not known where it cannot be told whose anything is."""
CAPABILITIES = "security.capability"
Need = Tuple[int, bytes, bool, bool]
"""Number, path or glob, whether a host without it is complete all the same, and whether only what nobody owns is wanted.

A part that is `**` stands for all directories below; behind it stands at most one part more, for names there."""
Told = Tuple[int, bytes, Optional[bytes], str]
Statx = Callable[..., Tuple[int, ...]]
"""See stat.reader."""
Node = Tuple[bytes, bytes, Dict[str, object]]
"""Path as asked for, the same without symlinks above it, and what lstat tells."""


def listing(chain: Chain, needs: Sequence[Need], watch: Any) -> Iterator[Told]:
    """Yield number, path and a JSON object of each node, as answers.Listed has it, or why one cannot be told of.

    Where it is not known who owns what, `packages` is null, and what nobody owns cannot be told at all.
    """
    nodes = []  # type: List[Tuple[Need, Node]]
    statx = reader()
    for need in needs:
        there = False
        for path, node, why in _of_need(chain, need, statx):
            there = True
            if node is not None:
                nodes.append((need, node))
            else:
                yield need[0], path, None, why
        if not there and not need[2]:
            yield need[0], need[1], None, reason(OSError(errno.ENOENT, os.strerror(errno.ENOENT)))
    owners, unknown = owned.known(chain, {node[1] for _need, node in nodes}, watch)
    wanting = [need for need, _node in nodes if need[3]]
    if unknown and wanting:  # once for all of them; where nothing lies, nothing is anybody's
        yield wanting[0][0], PACKAGES, None, unknown
    for (number, _what, _optional, unowned), (path, real, told) in nodes:
        packages = owners(real)
        if not unowned or packages == []:
            yield number, path, written(dict(told, packages=packages)), ""


def written(told: Dict[str, object]) -> bytes:
    """A node as the bytes of a piece of evidence."""
    return json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def _of_need(chain: Chain, need: Need, statx: Statx) -> Iterator[Tuple[bytes, Optional[Node], str]]:
    """Yield each node of a need, or the path that cannot be told of and why; nothing of what is not there."""
    above, is_deep, name = need[1].partition(b"/" + BELOW)
    count = 0
    for names, why, _uid in inside.places(chain, above, inside.LIMIT):
        for each in iter([names]) if why or not is_deep else _below(chain, names, name.strip(b"/")):
            count += 1
            if count > inside.MATCHES:
                yield need[1], None, "more than %d paths match" % inside.MATCHES
                return
            if isinstance(each, OSError):
                yield each.filename, None, reason(each)
            elif why:
                yield b"/" + b"/".join(each), None, why
            else:
                for told in _told(chain, each, statx):
                    yield told


def _told(chain: Chain, names: Names, statx: Statx) -> Iterator[Tuple[bytes, Optional[Node], str]]:
    path = b"/" + b"/".join(names)
    try:
        yield path, node(chain, names, statx), ""
    except OSError as error:
        if error.errno not in inside.ABSENT:
            yield path, None, reason(error)


def node(chain: Chain, names: Names, statx: Statx) -> Node:
    """What lstat tells of a path, with its target or its capabilities, and when it came into being.

    Raises:
        OSError: it is not there, or cannot be looked at.
    """
    path = b"/" + b"/".join(names)
    if not names:
        return path, path, described(os.fstat(chain.root), None, None)
    above = inside.resolved(chain, names[:-1])
    at = chain.open(above)
    it = os.stat(names[-1], dir_fd=at, follow_symlinks=False)
    target = os.readlink(names[-1], dir_fd=at).decode("utf-8", "surrogateescape") if stat.S_ISLNK(it.st_mode) else None
    capabilities = granted(at, names[-1]) if stat.S_ISREG(it.st_mode) else None
    told = dict(described(it, target, capabilities), birth=_born(statx(at, names[-1])))
    return path, b"/" + b"/".join((*above, names[-1])), told


def _born(told: Tuple[int, ...]) -> Optional[int]:
    return told[9] * 1000000000 + told[10] if told[0] & BIRTH else None


def granted(at: int, name: bytes) -> Optional[str]:
    """The capabilities that a file gives to who runs it, in hex; none where it has none."""
    try:
        return os.getxattr(b"/proc/self/fd/%d/%s" % (at, name), CAPABILITIES, follow_symlinks=False).hex()
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return None
        raise


def described(it: os.stat_result, target: Optional[str], capabilities: Optional[str]) -> Dict[str, object]:
    """A node as a JSON object has it; times are nanoseconds since 1970."""
    return {
        "mode": it.st_mode,
        "uid": it.st_uid,
        "gid": it.st_gid,
        "size": it.st_size,
        "links": it.st_nlink,
        "mtime": it.st_mtime_ns,
        "ctime": it.st_ctime_ns,
        "target": target,
        "capabilities": capabilities,
    }


def _below(chain: Chain, top: Names, pattern: bytes) -> Iterator[Any]:
    """Yield each path below a directory that is no directory and whose name matches, or the error of one not listed."""
    waiting = [top]
    while waiting:
        names = waiting.pop()
        try:
            found = _sorted(chain, names)
        except OSError as error:
            if error.errno not in inside.ABSENT:
                yield OSError(error.errno, error.strerror, b"/" + b"/".join(names))
            continue
        waiting.extend((*names, name) for name, is_directory in reversed(found) if is_directory)
        for name, is_directory in found:
            if not is_directory and (not pattern or fnmatch.fnmatchcase(name, pattern)):
                yield (*names, name)


def _sorted(chain: Chain, names: Names) -> List[Tuple[bytes, bool]]:
    """The names in a directory, and which of them are directories; one that a symlink leads to is none, but for the first."""
    handle = opened(b".", DIRECTORY, chain.open(inside.resolved(chain, names)))
    try:
        found = []  # type: List[Tuple[bytes, bool]]
        for told in inside.typed(handle):
            if len(found) == inside.NAMES:
                raise OSError(errno.EFBIG, "more than %d names in it" % inside.NAMES)
            found.append(told)
        return sorted(found)
    finally:
        os.close(handle)
