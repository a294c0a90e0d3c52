"""A host without Python, asked with the tools of GNU or busybox: the same records, and `?` for what they cannot show.

A shell there runs auditkit/probe/probe.sh; `survey` finds what is watched, and here it is hashed, held against what it was
before, and written as the probe would write it. A digest belongs to a file only where its row says the name, or where it was
asked for by itself, and where the file was the same before and after.

It cannot show xattrs, flags and kept texts, which are left out; on busybox times are told in whole seconds. It goes by
paths, not by handles: who swaps directories in time can show it another file, which cannot be done to probe/walk.py.
"""

import bisect
import math
import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from auditkit import entries
from auditkit.answers import OF_SHELLS
from auditkit.errors import HostError
from auditkit.model import OUTSIDE, Entry, Gap, Item, Kind, Need, State
from auditkit.probe.haste import unread
from auditkit.probe.patterns import ANY_DEPTH, IGNORE
from auditkit.probe.patterns import State as Place
from auditkit.probe.pool import Seen
from auditkit.probe.rotation import Asked
from auditkit.ssh import Deadline, Link, Pipe, banners, fetch, means
from auditkit.ssh.pace import Pace
from auditkit.ssh.session import cut, lied
from auditkit.ssh.survey import ABSENT, ROW, Look, fields, ns, reason, text
from auditkit.ssh.talk import MOST_WORK, Talk, Tools, decide

TRIES = 3
SMALL = 1 << 20
"""Bytes up to which a file takes the disk longer to find than to read."""
LARGEST = 1 << 40
"""Bytes: a sparse file can claim more than anybody can read."""
TICK = {True: 0.1, False: 2.0}
"""Seconds after a change in which another one may bear the same time, by whether times are told to the nanosecond."""
_KINDS = {
    "8": Kind.FILE, "4": Kind.DIRECTORY, "a": Kind.SYMLINK, "6": Kind.BLOCK, "2": Kind.CHARACTER, "1": Kind.FIFO,
    "c": Kind.SOCKET,
}  # fmt: skip
_UNREAD = frozenset(["exists", "metadata", IGNORE])
_LOGS = frozenset(["growing", "rotated"])
_SUM = re.compile(rb"(\\?)([0-9a-f]{64})  ")
_HEX = re.compile(rb"([0-9a-f]{64})(?:  -)?\n")
_NOW = re.compile(rb"([0-9]{1,20})(?:\.([0-9]{9}))?")

__all__ = ["Scan", "Shell", "Tools", "decide", "sums_by_name"]


class Shell:
    """A machine that answers through the tools of its shell.

    All is asked in one conversation: dropbear may refuse a second command while it still cleans up after the first.
    """

    def __init__(self, name: str, link: Link, deadline: Deadline, become: str = "none", pipe: Pipe | None = None) -> None:
        self.name = name
        self.outside: Callable[[tuple[Need, ...]], Iterable[Item | Gap]] = banners.nobody
        """Gives what services say to who connects from outside."""
        self._link = link
        self._deadline = deadline
        self._become = become
        self._free: Talk | None = Talk(pipe or link.run("/bin/sh"), deadline, become)
        self.greeting = self._free.tools.greeting
        self.looks = "gnu" if self._free.tools.gnu else "busybox"
        self.facts: Mapping[str, object] = {"shell": self.looks}

    def close(self) -> None:
        """Leave: nothing stays there."""
        if self._free:
            self._free.close()
        self._link.close()
        self._deadline.cancel()

    @contextmanager
    def _talk(self) -> Iterator[Talk]:
        """The conversation, or a new one where the last was broken off: what it was asked may still be answered."""
        talk, self._free = self._free or Talk(self._link.run("/bin/sh"), self._deadline, self._become), None
        try:
            yield talk
        except BaseException:
            talk.close()
            raise
        self._free = None if talk.closed else talk

    def scan(self, request: Mapping[str, Any], known: object = None) -> Iterator[Seen]:
        """Yield what the tools there show of what is watched."""
        request = {**request, "seconds": min(request.get("seconds") or math.inf, self._deadline.for_a_scan())}
        with self._talk() as talk:
            yield from Scan(talk, request, fetch.mounts(talk) or b"").seen()

    def mounts(self) -> bytes:
        """The kernel's table of that machine."""
        with self._talk() as talk:
            table = fetch.mounts(talk)
        if table is None:
            raise HostError("the mount table cannot be read", "mount /proc there", State.PARTIAL)
        return table

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        """Yield what was asked for; what may hold password hashes is reduced to facts over there."""
        with self._talk() as talk:
            yield from means.take(talk, [need for need in needs if need.means not in OUTSIDE])
        yield from banners.answers(needs, self._link.facts.shown(talk.source))
        yield from self.outside(needs)

    def gives(self, need: Need) -> bool:
        """Whether the tools there can show it; what they cannot is a gap."""
        return need.means in OF_SHELLS

    def beginnings(self, asked: Sequence[Asked]) -> Iterator[tuple[str, str, str]]:
        """Yield digests of how logs and their rotations begin."""
        if asked:
            with self._talk() as talk:
                yield from fetch.beginnings(talk, asked)

    def present(self, paths: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Yield path, inode and time of change, in ns, of each that answers to its name, listed or not."""
        if paths:
            with self._talk() as talk:
                yield from fetch.present(talk, paths)

    def content(self, paths: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield path and digests of files whose bytes are fetched and hashed here; no digests of what is not handed out."""
        if paths:
            with self._talk() as talk:
                yield from fetch.content(talk, paths)


class Scan(Look):
    """One scan: the survey, then digests and targets of links, then the blocks."""

    def __init__(self, talk: Talk, request: Mapping[str, Any], mounts: bytes) -> None:
        super().__init__(talk, request, mounts)
        have = talk.tools.algorithms
        self.algorithms = [name for name in request["digests"] if name in have] or [name for name in have if name == "sha256"]
        self.time = Deadline(request["seconds"])
        self.gnu = talk.tools.gnu
        self.sums: dict[bytes, tuple[str, ...]] = {}
        self.targets: dict[bytes, bytes] = {}

    def seen(self) -> Iterator[Seen]:
        """Yield blocks in path order, gaps, and how much was seen."""
        self.explore()
        self._links()
        if self.algorithms:
            yield from self._digests()
        else:
            self.gaps[b"", "no tool there computes a digest that the policy asks for"] = None
        for block in entries.encode(self._entries()):
            yield "blocks", [block]
            yield "seen", entries.count(block), 0
        for path, why in self.gaps:
            yield "gap", text(path or b"/"), why

    def _links(self) -> None:
        """Learn where the symlinks lead that are watched, or that a pattern goes on behind."""
        paths = {path: None for _kind, path, state in self.walk() if self._is_link(path) and self._close(state)}
        left: list[bytes] = [] if self.gnu else list(paths)
        for batch, answer in self.talk.about((b"links",), paths if self.gnu else ()):
            told = answer.split(b"\0")[:-1]
            if [len(each) for each in told] == [int(self.rows[path].split(b" ")[5]) for path in batch]:
                self.targets.update(zip(batch, told, strict=True))
            else:
                left.extend(batch)
        for batch, answer in self.talk.about((b"links-one",), left):
            told = fields(answer, len(batch))
            self.targets.update({path: each[:-2] for path, each in zip(batch, told, strict=True) if each.endswith(b"\n.")})

    def _is_link(self, path: bytes) -> bool:
        return self.rows.get(path, b"").startswith(b"a")

    def _close(self, state: Place) -> bool:
        return self.level(state) != "exists" or bool(state.live)

    def _digests(self) -> Iterator[Seen]:
        """Hash what the policy wants hashed, until the time is over: an answer that is still to come then is given up."""
        logs = {
            path: self.level(state) in _LOGS for kind, path, state in self.walk() if kind == "entry" and self._read(path, state)
        }
        self.time.guard(self.talk.close)
        try:
            yield from self._hashed(logs)
        except HostError:
            if not self.time.passed:
                raise
        finally:
            self.time.cancel()
        if self.time.passed:
            self.talk.close()
        told = {path for path, _why in self.gaps}
        for path in logs:
            if path in self.rows and path not in self.sums and path not in told:
                self.gaps[path, unread(self.time.seconds)] = None

    def _hashed(self, logs: Mapping[bytes, bool]) -> Iterator[Seen]:
        """Hash files, the large ones last: many at once, then again by itself what did not keep still or was refused."""
        pace = Pace(self.time.end)
        how = " ".join(self.algorithms).encode()
        for part in self._by_size(logs):
            left: list[bytes] = []
            for batch, answer in self._about(pace, part, b"sums", how):
                left.extend(self._whole(batch, answer, logs))
                yield "seen", 0, sum(self._size(path) for path in batch if path in self.sums)
            for _ in range(TRIES):
                again: list[bytes] = []
                for batch, answer in self._about(pace, left, b"sums-one", how, b"%g" % TICK[self.gnu]):
                    again.extend(self._each(batch, answer, logs))
                left = again
            for path in left:
                self.gaps[path, "it kept changing while it was read"] = None

    def _by_size(self, paths: Iterable[bytes]) -> Iterator[list[bytes]]:
        """Yield what is asked together: the small ones as they lie on the disk, then up to those that are asked one by one."""
        ordered = sorted(paths, key=lambda path: max(self._size(path), SMALL))
        large = bisect.bisect(ordered, MOST_WORK, key=self._size)
        yield ordered[:large]
        yield from ([path] for path in ordered[large:])

    def _about(self, pace: Pace, paths: Iterable[bytes], *verb: bytes) -> Iterator[tuple[list[bytes], bytes]]:
        """Yield the files that can still be hashed in time, and what is said of them."""
        for batch, answer in self.talk.about(verb, (path for path in paths if pace.fits(self._size(path))), work=self._size):
            pace.heard([self._size(path) for path in batch])
            yield batch, answer

    def _read(self, path: bytes, state: Place) -> bool:
        """Whether a file is to be hashed."""
        row = self.rows[path]
        if not row.startswith(b"8") or self.level(state) in _UNREAD:
            return False
        size = self._size(path)
        if size > LARGEST:
            self.gaps[path, f"it claims {size} bytes, more than can be read"] = None
        return size <= LARGEST

    def _size(self, path: bytes) -> int:
        return int(self.rows[path].split(b" ")[5])

    def _whole(self, batch: list[bytes], answer: bytes, logs: Mapping[bytes, bool]) -> list[bytes]:
        """Take the digests of files that kept still, if the answer tells of every one; those of which it does not are left."""
        now, parts = _timed(answer)
        sums = [_SUMS[name](part, batch) for name, part in zip(self.algorithms, parts, strict=False)]
        rows = parts[-1].split(b"\n")[:-1]
        if len(parts) != len(self.algorithms) + 1 or None in sums or len(rows) != len(batch):
            return batch
        left = []
        for path, row, *told in zip(batch, rows, *filter(None, sums), strict=True):
            if row == self.rows[path] and (logs[path] or not self._fresh(row, now)):
                self.sums[path] = self._field(told)
            else:
                left.append(path)
        return left

    def _each(self, batch: list[bytes], answer: bytes, logs: Mapping[bytes, bool]) -> list[bytes]:
        """Take what was told of each file by itself; those that changed meanwhile are left."""
        now, parts = _timed(answer)
        width = 2 + 2 * len(self.algorithms)
        if len(parts) != width * len(batch) + 1:
            raise cut()
        one_by_one = (parts[at : at + width] for at in range(0, len(parts) - 1, width))
        return [path for path, told in zip(batch, one_by_one, strict=True) if not self._one(path, told, now, logs[path])]

    def _one(self, path: bytes, told: list[bytes], now: float, log: bool) -> bool:
        """Whether all there is to say of a file is said now."""
        before, after, sums, said = told[0], told[-1], told[1:-1:2], b"".join(told[2:-1:2])
        if not ROW.fullmatch(before):
            del self.rows[path]  # what is gone when its turn comes is not there
            if reason(before) not in ABSENT:
                self.gaps[path, reason(before)] = None
            return True
        self.rows[path] = before
        if not before.startswith(b"8") or said:
            self.gaps[path, reason(said) if said else "it stopped being a file while the scan ran"] = None
            return True
        found = [_HEX.fullmatch(each) for each in sums]
        grown = log and ROW.fullmatch(after) and int(after.split(b" ")[5]) >= int(before.split(b" ")[5])
        if not all(found) or not (grown or (before == after and (log or not self._fresh(before, now)))):
            return False
        self.sums[path] = self._field([each[1] for each in found if each])
        return True

    def _fresh(self, row: bytes, now: float) -> bool:
        """Whether a file has changed so short before it was read that a change after that may bear the same time."""
        return abs(now - float(row.split(b" ")[7])) < TICK[self.gnu]

    def _field(self, sums: Sequence[bytes]) -> tuple[str, ...]:
        return tuple(f"{name}:{each.decode()}" for name, each in zip(self.algorithms, sums, strict=True))

    def _entries(self) -> Iterator[Entry]:
        """Yield what was found in path order, all that is to be known of it known."""
        for kind, path, state in self.walk():
            if kind == "entry":
                yield self._entry(path, state)
            elif kind == "link" and path in self.targets:
                self._through(path, state)

    def _entry(self, path: bytes, state: Place) -> Entry:
        row = ROW.fullmatch(self.rows[path])
        assert row
        mode, uid, gid, links, inode, size, mtime, ctime, btime, device, major, minor, owner, group = map(text, row.groups())
        kind = _KINDS[mode[0]]
        if self.level(state) == "exists":
            return Entry(text(path or b"/"), kind)
        node = f"{int(major, 16)}:{int(minor, 16)}" if kind in (Kind.BLOCK, Kind.CHARACTER) else None
        target = self.targets.get(path)
        return Entry(
            path=text(path or b"/"),
            kind=kind,
            mode=int(mode, 16) & 0o7777,
            uid=int(uid),
            gid=int(gid),
            owner=None if owner in ("UNKNOWN", "") else owner,
            group=None if group in ("UNKNOWN", "") else group,
            size=int(size),
            mtime_ns=ns(mtime),
            ctime_ns=ns(ctime),
            btime_ns=ns(btime) or None,
            inode=int(inode),
            links=int(links),
            device=f"{os.major(int(device))}:{os.minor(int(device))}" if kind is Kind.DIRECTORY else node,
            digests=self.sums.get(path),
            target=None if target is None else text(target),
        )

    def _through(self, path: bytes, state: Place) -> None:
        """Leave a gap where a pattern goes on behind a symlink to a place that no watch covers, as probe/walk.py does."""
        real = posixpath.normpath(posixpath.join(text(path.rpartition(b"/")[0]) or "/", text(self.targets[path])))
        for index, at in state.live:
            if self.options[index][0] == IGNORE or ANY_DEPTH in self.matcher.parts[index][max(0, at - 1) : at + 1]:
                continue
            below = self.matcher.texts[index][at:]
            if self.matcher.find("/".join([real, *below])).watch is None:
                why = "{} leads through this symlink to {}: watch that place by its real path"
                self.gaps[path, why.format("/".join([text(path), *below]), real)] = None


def _timed(answer: bytes) -> tuple[float, list[bytes]]:
    """The time over there when it was begun, and the parts of an answer."""
    line, _, rest = answer.partition(b"\n")
    now = _NOW.match(line)
    if not now:
        raise lied("its clock tells no time")
    return float(b".".join(filter(None, now.groups()))), rest.split(b"\0")


def sums_by_name(said: bytes, names: Sequence[bytes]) -> list[bytes] | None:
    """The digests that sha256sum has written of all of the names, in their order; None where it is not just that.

    A name may hold what looks like a row, and who takes a file away at the right moment moves such a row to its place.
    Each row has the length that its name gives it, so that all of them fill the answer only if each is there.
    GNU escapes a name with a line feed or a backslash in it, and says so by a backslash before the row; busybox does not.
    """
    sums, at = [], 0
    for name in names:
        found = _SUM.match(said, at)
        if not found:
            return None
        plain = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n") if found[1] else name
        ends = [plain + b"\n", plain.replace(b"\r", b"\\r") + b"\n"]  # from coreutils 9.2 on also a carriage return
        end = next((each for each in ends if said.startswith(each, found.end())), None)
        if end is None:
            return None
        sums.append(found[2])
        at = found.end() + len(end)
    return sums if at == len(said) else None


def _sums_alone(said: bytes, names: Sequence[bytes]) -> list[bytes] | None:
    """The digests that b3sum has written without names; None where they are not as many."""
    sums = [each[1] for line in said.splitlines(keepends=True) if (each := _HEX.fullmatch(line))]
    return sums if len(sums) == len(names) == said.count(b"\n") else None


_SUMS = {"sha256": sums_by_name, "blake3": _sums_alone}
