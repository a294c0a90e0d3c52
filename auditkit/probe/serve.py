"""The probe on a host: questions come on stdin, answers go to stdout, and nothing outlives who asks.

One process answers, and another one watches whether stdin still has another end: when that is gone, or the time is over
because a cut link never tells, it ends the first with all that it has started.
"""

import _signal as signal  # type: ignore[import-not-found]  # without the enums, which take as long as half a start
import marshal
import os
import pwd
import select
import struct
import sys
import time

from . import digest, frames
from .hints import Any, Callable, Dict, Iterator, List, Optional, Tuple

TAG = 16
"""Bytes of SHA-256 that stand for a block that both sides have."""
_MOST_JOBS = 8
_GRACE = 5
_HUNG_UP = select.POLLHUP | getattr(select, "POLLRDHUP", 0x2000)
"""Of a pipe, and of a socket of which the other side has closed its half."""
_OFTEN, _RARER = 0.25, 10
"""Seconds between two words on how far a scan is, and which part of its time so far if that is more."""
_TRIES, _MOMENT = 50, 0.01
_GROUP = struct.Struct(">i")
_BATCH = 256 << 10
_PIECE = 1 << 20

Told = Tuple[bytes, List[bytes]]
"""Kind and fields of a frame."""


def serve(seconds: int) -> None:
    """Answer questions until none comes any more, for so many seconds at most."""
    try:
        os.nice(19)
    except OSError:
        pass
    done, tell = os.pipe()
    child = os.fork()
    if not child:
        os.close(done)
        _answering(seconds, tell)
    os.close(tell)
    _watch(child, done, seconds)


def _answering(seconds: int, tell: int) -> None:
    """Answer one question after the other; never returns. `tell` is open as long as this process lives."""
    _WATCHER.tell = tell
    end = time.monotonic() + seconds + _GRACE

    def begun() -> None:
        """What a worker begins with: it shall not look like this process, and has an end of its own."""
        if not _WATCHER.starting:
            os.close(tell)
        signal.alarm(max(1, int(end - time.monotonic())))

    try:
        if hasattr(os, "register_at_fork"):  # from Python 3.7 on
            os.register_at_fork(after_in_child=begun)
        os.setpgid(0, 0)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGKILL))  # if who watches is killed first
        signal.alarm(seconds + _GRACE)
        while True:
            kind, number, fields = frames.read(_exactly)
            _answer(kind, number, fields)
    except frames.FrameError:
        pass  # nobody asks any more
    finally:
        os._exit(0)


def _exactly(length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        more = os.read(0, min(length - len(data), _PIECE))
        if not more:
            break
        data += more
    return bytes(data)


class _Watcher:
    """Who watches, as commands.Watch has it: told of process groups that are under way, each by its first process."""

    starting = False
    tell = -1
    """The pipe to who watches."""

    def in_child(self) -> None:
        """Tell of the process group that this process is."""
        os.write(self.tell, _GROUP.pack(os.getpid()))

    def ended(self, group: int) -> None:
        """Tell that it is no more."""
        os.write(self.tell, _GROUP.pack(-group))


_WATCHER = _Watcher()


def _watch(child: int, done: int, seconds: int) -> None:
    """End the child and all that it has started as soon as the other side is gone, or the time is over; never returns."""
    try:
        os.setpgid(child, child)
    except OSError:
        pass  # it has done so itself
    groups = _until_over(done, seconds)
    for group in [child, *groups]:
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:
            pass
    try:
        for _ in range(_TRIES):  # a disk that is dead may hold it
            if os.waitpid(child, os.WNOHANG)[0]:
                break
            time.sleep(_MOMENT)
    except OSError:
        pass
    os._exit(0)


def _until_over(done: int, seconds: int) -> List[int]:
    """Wait until the child has ended, the other side is gone, or the time is over; gives the process groups under way."""
    groups: List[int] = []
    end = time.monotonic() + seconds
    ends = select.poll()
    ends.register(0, _HUNG_UP)  # what is to be read there is the child's
    ends.register(done, select.POLLIN)
    while True:
        heard = dict(ends.poll(max(0, int(1000 * (end - time.monotonic())))))
        told = os.read(done, 1024 * _GROUP.size) if heard.get(done, 0) & select.POLLIN else b""
        for (group,) in _GROUP.iter_unpack(told):
            if group > 0:
                groups.append(group)
            elif -group in groups:
                groups.remove(-group)
        if not told or 0 in heard:
            return groups


def _answer(kind: bytes, number: int, fields: List[bytes]) -> None:
    """Write all frames of an answer, the last one with their number; what fails is said in words."""
    out = _Out(number)
    try:
        for told in QUESTIONS[kind](fields):
            out.add(told)
    except Exception as error:  # noqa: BLE001 - said to who asks, who decides what it means
        text = "%s: %s" % (type(error).__name__, error)
        out.add((b"X", [text.encode("utf-8", "backslashreplace")]))
    out.add((b"E", [b"%d" % out.count]))
    out.add(None)


class _Out:
    """Frames on their way to stdout: those that come close together go together, for each write costs both sides a packet."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.count = self.size = 0
        self.held = []  # type: List[bytes]

    def add(self, told: Optional[Told]) -> None:
        """Take the next frame; None lets what is held go."""
        if told is not None:
            self.held.append(frames.pack(told[0], self.number, told[1]))
            self.count += 1
            self.size += len(self.held[-1])
        if told is None or self.size >= _BATCH:
            frames.write(1, b"".join(self.held))
            self.held, self.size = [], 0


def _scan(fields: List[bytes]) -> Iterator[Optional[Told]]:
    """Blocks, gaps and counts as they come, and None wherever it may take a while until there is more."""
    from . import probe  # noqa: PLC0415 - only what is asked is loaded

    request, known = _asked(fields), fields[1]
    request["jobs"] = min(_MOST_JOBS, _hands())
    request["root"] = request.get("root", "/")
    out = _Blocks({known[at : at + TAG]: at // TAG for at in range(0, len(known), TAG)})
    seen = _Seen()
    for told in probe.scan(request):
        if told[0] == "blocks":
            for block in told[1]:
                for frame in out.add(block):
                    yield frame
                    if frame[0] == b"B":
                        yield None
        elif told[0] == "gap":
            yield b"G", [_bytes(told[1]), _bytes(told[2])]
        else:
            for frame in seen.add(told[1], told[2]):
                yield frame
                yield None
    for frame in out.end():
        yield frame
    yield seen.all()


def _hands() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Seen:
    """How much has been seen, told less and less often: what is sent of a host shall not grow with its files."""

    def __init__(self) -> None:
        self.entries = self.bytes = 0
        self.began = self.told = time.monotonic()

    def add(self, entries: int, size: int) -> Iterator[Told]:
        """Take what has been seen since, and yield the frame that says so, if it is time."""
        self.entries += entries
        self.bytes += size
        now = time.monotonic()
        if now - self.told >= max(_OFTEN, (now - self.began) / _RARER):
            yield self.all()
            self.told = now

    def all(self) -> Told:
        """The frame for all that was not told yet."""
        told = [b"%d" % self.entries, b"%d" % self.bytes]
        self.entries = self.bytes = 0
        return b"S", told


class _Blocks:
    """Blocks on their way out: those that the other side has too are only counted."""

    def __init__(self, known: Dict[bytes, int]) -> None:
        self.known = known
        self.sha256 = digest.begun()
        self.first = self.count = 0
        self.batch = []  # type: List[bytes]
        self.size = 0

    def add(self, block: bytes) -> Iterator[Told]:
        """Take the next block, and yield the frames that are full."""
        at = self.known.get(self.sha256(block).digest()[:TAG], -1) if self.known else -1
        if at >= 0 and self.count and at == self.first + self.count:
            self.count += 1
            return
        if self.count or at >= 0:
            for frame in self.end():
                yield frame
        if at >= 0:
            self.first, self.count = at, 1
            return
        self.batch.append(block)
        self.size += len(block)
        if self.size >= _BATCH:
            for frame in self.end():
                yield frame

    def end(self) -> Iterator[Told]:
        """Yield what is held back."""
        if self.count:
            yield b"K", [b"%d" % self.first, b"%d" % self.count]
        if self.batch:
            yield b"B", self.batch
        self.first = self.count = self.size = 0
        self.batch = []


def _asked(fields: List[bytes]) -> Any:
    """What is asked for; who asks is believed here."""
    return marshal.loads(fields[0])  # noqa: S302


def _take(fields: List[bytes]) -> Iterator[Told]:
    """Evidence; behind what is asked may come the modules that it takes, where they were not sent before."""
    for more in fields[1:]:
        sys.modules["__main__"].modules.update(marshal.loads(more))  # noqa: S302
    from . import means  # noqa: PLC0415

    for number, path, data, why in means.taken(b"/", _asked(fields), _WATCHER):
        told = [b"1", data] if data is not None else [b"0", _bytes(why)]
        yield b"I", [b"%d" % number, path, *told]


def _mounts(_fields: List[bytes]) -> Iterator[Told]:
    with open("/proc/self/mountinfo", "rb") as table:
        yield b"M", [table.read(8 << 20)]


def _beginnings(fields: List[bytes]) -> Iterator[Told]:
    from . import probe  # noqa: PLC0415

    for path, name, field in probe.beginnings("/", _asked(fields)):
        yield b"L", [_bytes(path), _bytes(name), _bytes(field)]


def _first(fields: List[bytes]) -> Iterator[Told]:
    """What a scan wants to know before it begins, in one question."""
    for frame in _take(fields):
        yield frame
    for frame in _mounts(fields):
        yield frame


def _present(fields: List[bytes]) -> Iterator[Told]:
    """Which of these paths are there: asked of those that no directory lists."""
    for path in fields:
        try:
            told = os.lstat(path)
        except OSError:
            continue
        yield b"P", [path, b"%d" % told.st_ino, b"%d" % max(0, told.st_ctime_ns)]


def _content(fields: List[bytes]) -> Iterator[Told]:
    """The bytes of files, so that they can be hashed elsewhere: `(path, piece)`, and an empty piece at the end.

    Which of them are there then is told after that: a file that changed since its scan is known by it.
    """
    for path in fields:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            yield b"N", [path, _bytes(error.strerror or "?")]
            continue
        try:
            for piece in iter(lambda: os.read(handle, _PIECE), b""):  # noqa: B023 - used at once
                yield b"C", [path, piece]
            yield b"C", [path, b""]
        finally:
            os.close(handle)
    for frame in _present(fields):
        yield frame


QUESTIONS: Dict[bytes, Callable[[List[bytes]], Iterator[Optional[Told]]]] = {
    b"s": _scan,
    b"f": _first,
    b"t": _take,
    b"m": _mounts,
    b"b": _beginnings,
    b"p": _present,
    b"c": _content,
}


def _bytes(text: Any) -> bytes:
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text)


def greeting(nonce: str) -> str:
    """The line that says who is here: nonce, uid, seconds since 1970, user, Python, kernel; blanks only between them."""
    kernel = os.uname()
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = "?"
    words = [nonce, str(os.getuid()), repr(time.time()), user, ".".join(map(str, sys.version_info[:3]))]
    return " ".join(words + ["_".join(each.split()) for each in (kernel.sysname, kernel.release, kernel.machine)])
