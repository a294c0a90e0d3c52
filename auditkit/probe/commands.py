"""Programs of this machine, run for what they write: without a shell, without stdin, bounded in time and size.

What somebody else than root could have put there is not run: who asks may be root.
"""

import errno
import os
import select
import stat
import time

from . import inside, status
from .chain import Chain
from .hints import TYPE_CHECKING, Callable, Dict, Iterable, Iterator, List, Optional, Tuple
from .look import reason

if TYPE_CHECKING:
    from subprocess import Popen

SECONDS = 10.0
"""How long one command may take."""
LONGEST = 120.0
"""How long all commands of one question may take together."""
LIMIT = 1 << 20
"""Bytes of its stdout, and of its stderr."""
AT_ONCE = 4
ENVIRONMENT = {b"PATH": b"/usr/sbin:/usr/bin:/sbin:/bin", b"LC_ALL": b"C"}
NO_CHARACTER = "\ufffd".encode("utf-8")
"""What stands for a NUL."""
MALFORMED = "names no program by its whole path, with single blanks between the words"
TOO_LATE = "not run: what was to run before it took %d seconds" % LONGEST
_TICK = 0.02
"""Seconds until it is looked whether a program has ended that somebody else still writes for."""
_MOMENT = 1.0
_OTHERS = stat.S_IWGRP | stat.S_IWOTH

Told = Tuple[int, Optional[bytes], str]
"""Number of the command; `STATUS\\n`, stdout, NUL, stderr; or None for these, and why there are none."""


class Watch:
    """Whoever ends what is under way when nobody asks any more; this one need not, for it is who asks."""

    starting = False
    """Whether a process that is forked now is a command."""
    in_child: Optional[Callable[[], None]] = None
    """Run in the process of a command before it is the command, first of all in its own group."""

    def ended(self, group: int) -> None:
        """A process group is no more."""


def run(chain: Chain, asked: Iterable[Tuple[int, bytes, bool]], watch: Watch, limit: int = LIMIT) -> Iterator[Told]:
    """Yield what each command comes to, as they end; nothing of a program that is not there, unless it must be.

    STATUS is the exit status, 128 and the number of the signal that has ended it, or `-` where it was ended here.
    """
    waiting, under_way = list(reversed(list(asked))), []  # type: Tuple[List[Tuple[int, bytes, bool]], List[Running]]
    end = time.monotonic() + LONGEST
    try:
        while waiting or under_way:
            while waiting and len(under_way) < AT_ONCE:
                number, what, optional = waiting.pop()
                try:
                    if time.monotonic() > end:
                        raise OSError(errno.ETIMEDOUT, TOO_LATE)
                    under_way.append(Running(number, *program(chain, what), watch, limit))
                except OSError as error:
                    if not optional or error.errno not in inside.ABSENT:
                        yield number, None, reason(error)
            hear(under_way)
            for one in [each for each in under_way if each.is_over()]:
                under_way.remove(one)
                yield one.number, one.end(), ""
    finally:
        for one in under_way:
            one.end()


def program(chain: Chain, what: bytes) -> Tuple[bytes, List[bytes]]:
    """The file to run, in a directory that only root can change, and the words to give to it.

    Raises:
        OSError: there is none, or others than root could have put it there.
    """
    words = what.split(b" ")
    names = tuple(filter(None, words[0].split(b"/")))
    if not words[0].startswith(b"/") or not names or b"" in words or b"\0" in what:
        raise OSError(errno.EINVAL, MALFORMED)
    folder = inside.resolved(chain, names[:-1])
    real = inside.resolved(chain, folder + names[-1:])
    way = [*status.way(chain, real), *status.way(chain, folder)]
    for path, it in way:
        if others(it.st_mode, it.st_uid, it.st_gid, os.geteuid()):
            raise OSError(errno.EPERM, not_run(path.decode("utf-8", "surrogateescape")))
    if not stat.S_ISREG(way[0][1].st_mode):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    return b"/" + b"/".join(folder + names[-1:]), words


def others(mode: int, uid: int, gid: int, own: int) -> bool:
    """Whether somebody else than root, and than who runs this, may change a node."""
    return uid not in (0, own) or bool(mode & (stat.S_IWOTH if gid == 0 else _OTHERS))


def not_run(path: str) -> str:
    """Why a program is not run of which others may change this part of its way."""
    return "not run, for others than root may change " + path


class Running:
    """One command under way."""

    def __init__(self, number: int, path: bytes, words: List[bytes], watch: Watch, limit: int) -> None:
        import subprocess  # noqa: PLC0415 - only for who asks so

        self.number = number
        self.limit = limit
        self.ends = time.monotonic() + SECONDS
        self.cut = False
        self.watch = watch
        watch.starting = True
        try:
            self.process: Popen[bytes] = subprocess.Popen(  # noqa: S603 - whose program that is was looked at
                words,
                executable=path,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
                preexec_fn=watch.in_child,  # noqa: PLW1509 - None but in the probe, which has one thread
            )
        finally:
            watch.starting = False
        streams = filter(None, (self.process.stdout, self.process.stderr))
        self.said: Dict[int, bytearray] = {each.fileno(): bytearray() for each in streams}
        self.open = list(self.said)

    def hear(self, handle: int) -> None:
        """Take in what comes; what is too much ends it."""
        data = os.read(handle, LIMIT)
        if not data:
            self.open.remove(handle)
        self.said[handle] += data
        self.cut = self.cut or len(self.said[handle]) > self.limit

    def is_over(self) -> bool:
        """Whether it has ended, or has to end now."""
        self.cut = self.cut or time.monotonic() > self.ends
        # it is not waited for yet: as long as it is not, nobody else has the number of its group
        return self.cut or os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self) -> bytes:
        """End all that is left of it; gives what it has come to."""
        from . import hashes  # noqa: PLC0415 - only for who asks so

        line = self.ended()
        out, complaints = (bytes(each[: self.limit]).replace(b"\0", NO_CHARACTER) for each in self.said.values())
        return b"%s\n%s\0%s" % (line, hashes.scrubbed(out), hashes.complaints_scrubbed(complaints))

    def ended(self) -> bytes:
        """End all that is left of it, and take in what it has said; gives STATUS."""
        import subprocess  # noqa: PLC0415

        try:
            os.killpg(self.process.pid, 9)
        except OSError:
            pass  # it has become another user's
        hear([self], 0)
        try:
            self.process.wait(_MOMENT)
        except subprocess.TimeoutExpired:
            self.cut = True  # a disk that is dead may hold it
        self.watch.ended(self.process.pid)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        code = self.process.returncode or 0
        return b"-" if self.cut else b"%d" % (code if code >= 0 else 128 - code)


def hear(under_way: List[Running], seconds: float = _TICK) -> None:
    """Take in what commands say, for so long at most; with no time, all that is there."""
    ears = select.poll()
    whose = {handle: one for one in under_way for handle in one.open}
    for handle in whose:
        ears.register(handle, select.POLLIN)
    while whose:
        heard = ears.poll(1000 * seconds)
        for handle, _event in heard:
            whose[handle].hear(handle)
            if handle not in whose[handle].open or whose[handle].cut:
                ears.unregister(handle)
                del whose[handle]
        if seconds or not heard:
            return
    if under_way and seconds:
        time.sleep(seconds / 10)  # it has nothing more to say, and is about to end
