"""The probe: a request in, blocks and gaps out. It judges nothing and changes nothing.

A request is plain data, so that it can travel: `{"root": "/", "watches": [[path, level, keep, cross_mounts], ...],
"digests": ["blake3"], "jobs": 2}`, and perhaps `"seconds": 60`.
"""

import grp
import os
import pwd
from stat import S_ISREG

from . import digest, lines
from .haste import Haste
from .hints import Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence, Tuple
from .look import Look
from .patterns import Matcher
from .pool import Pool, Seen
from .walk import Walk

_PASSWD_LARGEST = 16 << 20


class Names(dict):  # type: ignore[type-arg]  # on a host `Dict` stands for nothing
    """Names of owners by number, as fields of a line: from a passwd or group file, else asked, else unknown."""

    def __init__(self, table: bytes, ask: Optional[Callable[[int], Sequence[Any]]] = None) -> None:
        super().__init__()
        self.ask = ask
        for line in table.decode("utf-8", "surrogateescape").split("\n"):
            parts = line.split(":")
            if len(parts) > 2 and parts[0] and parts[2].isdigit():
                self.setdefault(int(parts[2]), lines.word(parts[0]))

    def __missing__(self, number: int) -> str:
        try:
            name = lines.word(self.ask(number)[0]) if self.ask else lines.UNKNOWN
        except (KeyError, OverflowError):
            name = lines.NONE
        self[number] = name
        return name


def scan(request: Mapping[str, Any]) -> Iterator[Seen]:
    """Yield ("blocks", [bytes]), ("gap", path, reason) and ("seen", entries, bytes read) in path order.

    Raises:
        OSError: the root cannot be opened.
    """
    haste = Haste(request.get("seconds"))
    watches = request["watches"]
    options = [(level, keep, cross) for _path, level, keep, cross in watches]
    digests = digest.available(request["digests"])
    root = os.open(os.fsencode(request["root"]), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        live = request["root"] == "/"
        owners = Names(_table(root, "passwd"), pwd.getpwuid if live else None)
        groups = Names(_table(root, "group"), grp.getgrgid if live else None)
        matcher = Matcher([(path, level) for path, level, _keep, _cross in watches])

        def work(mapped: bool) -> Walk:
            # a handle of its own: workers that shared one would share its place in the list of names, and one that is
            # killed while it reads them leaves that place in the middle for the next
            own = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root)
            return Walk(own, matcher, options, Look(digests, owners, groups, mapped, request["jobs"], haste))

        yield from Pool(work, request["jobs"], haste)
    finally:
        os.close(root)


def beginnings(root: str, asked: Iterable[Tuple[str, int, Sequence[str], bool]]) -> Iterator[Tuple[str, str, str]]:
    """Yield `(path, name, digest field)` of the first bytes of logs and of their rotations, see rotation.beginnings."""
    from . import rotation  # noqa: PLC0415 - not for a scan

    handle = os.open(os.fsencode(root), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield from rotation.beginnings(handle, asked)
    finally:
        os.close(handle)


def _table(root: int, name: str) -> bytes:
    """The bytes of /etc/passwd or /etc/group below the root, if they are a plain file there."""
    try:
        etc = os.open("etc", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root)
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=etc)
        finally:
            os.close(etc)
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as table:
        return table.read(_PASSWD_LARGEST) if S_ISREG(os.fstat(handle).st_mode) else b""
