"""What lies where on a host without Python: asked of find(1) and stat(1) there, as far as a policy watches it.

The host never learns what a policy means: what it lists is gone through here as probe/walk.py goes through a disk, and what
is not known yet is asked for, as a rule once for each glob on the way. Rows of an answer belong to names by their place, so
an answer counts only where it is whole; else each name is asked about by itself.
"""

import errno
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from auditkit.errors import HostError
from auditkit.model import State
from auditkit.probe.patterns import ANY_DEPTH, IGNORE, Matcher
from auditkit.probe.patterns import State as Place
from auditkit.ssh.session import cut, lied
from auditkit.ssh.talk import Question, Talk

LISTING = 128 << 20
"""Bytes of one list of names."""
MOST = 1_000_000
"""Names of one scan."""
LONGEST = 4095
"""Bytes of a path that a system call takes."""
PRUNES, SHORT = 50, 160
"""How many paths find(1) is told to pass over, and below which length."""
ABSENT = frozenset(["no such file or directory", "not a directory", "no such file"])
_KERNELS = frozenset(
    b"autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts efivarfs fusectl hugetlbfs mqueue nsfs proc pstore"
    b" rpc_pipefs securityfs selinuxfs sysfs tracefs".split()
)
"""Those of probe/stat.py by their names in mountinfo."""
_NUMBER = rb" ([0-9]{1,20})"
_TIME = rb" (-?[0-9]{1,20}(?:\.[0-9]{9})?|[-?])"
ROW = re.compile(
    rb"([1246ac8][0-9a-f]{3})" + _NUMBER * 5 + _TIME * 3 + _NUMBER + rb" ([0-9a-f]{1,8}) ([0-9a-f]{1,8})"
    rb" :([^:\0\n]{0,256}):([^:\0\n]{0,256})"
)
"""Mode, uid, gid, links, inode, size, mtime, ctime, birth, device, major and minor of a node, owner, group."""
_COMPLAINT = re.compile(rb"find: (?:'(/.*)'|(/.*)): [^:]{1,200}", re.DOTALL)
_OF_LOADER = re.compile(rb": no version information available \(required by .*\)$")
_OWN = re.compile(r"no regular file \([-a-zA-Z?]{1,20}\)|a symlink now")
"""What probe.sh says by itself."""
_MUSL = (
    "i/O error", "symbolic link loop", "filename too long", "value too large for data type", "resource busy",
    "no error information", "no file descriptors available", "out of memory", "not supported",
)  # fmt: skip
_REASONS = ABSENT | {told[:1].lower() + told[1:] for told in map(os.strerror, errno.errorcode)} | set(_MUSL)
"""How complaints end: as strerror(3) of glibc has it, or of musl where that differs."""
_ESCAPED = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


class Plan(NamedTuple):
    """What to ask next: rows of places, all that is below trees, the names that globs on the way may mean."""

    places: list[bytes]
    trees: list[bytes]
    globs: list[bytes]


class Look:
    """What a scan has learned of a host so far: rows of stat(1) by path, and what lies below which directory.

    Paths are bytes; the root is `b""`.
    """

    def __init__(self, talk: Talk, request: Mapping[str, Any], mounts: bytes) -> None:
        self.talk = talk
        self.matcher = Matcher([(path, level) for path, level, _keep, _cross in request["watches"]])
        self.options = [(level, cross) for _path, level, _keep, cross in request["watches"]]
        self.mounts = _mount_points(mounts)
        self.rows: dict[bytes, bytes] = {}
        self.below: dict[bytes, list[bytes]] = {}
        self.asked: set[bytes] = set()
        self.targets: dict[bytes, bytes] = {}
        self.sums: dict[bytes, tuple[str, ...]] = {}
        self.gaps: dict[tuple[bytes, str], None] = {}
        self._ignored = tuple(self._without_watches())

    def level(self, state: Place) -> str:
        """How closely a place is watched; what is only on the way to one is ignored."""
        return IGNORE if state.watch is None else self.options[state.watch][0]

    def walk(self) -> Iterator[tuple[str, bytes, Place]]:
        """Go where probe/walk.py would, and yield paths in its order.

        ("entry", ...) is watched, a pattern goes on behind ("link", ...), and of ("ask", ...) too little is known yet.
        """
        stack: list[tuple[bytes, Place, bytes]] = [(b"", self.matcher.root, b"")]
        while stack:
            path, state, device = stack.pop()
            if path not in self.rows:
                yield "ask", path, state
                continue
            if self.level(state) != IGNORE:
                yield "entry", path, state
            own = device_of(self.rows[path])
            if not self._enters(path, state, own == device):
                continue
            deeper = []
            for child, step in self._children(path, state):
                row = self.rows.get(child)
                if row is None:
                    yield "ask", child, step
                elif not row.startswith(b"4"):
                    if self.level(step) != IGNORE:
                        yield "entry", child, step
                    if step.live and row.startswith(b"a"):
                        yield "link", child, step
                elif step.names != ():
                    deeper.append((child, step, own))
            if state.names is None and path not in self.below:
                yield "ask", path, state
            stack.extend(reversed(deeper))

    def _children(self, path: bytes, state: Place) -> Iterator[tuple[bytes, Place]]:
        """Yield what is below and matters, in its order: what has a row, and names of the policy not asked for yet."""
        if state.names is None:
            names = sorted(set(self.below.get(path, ())))
            yield from ((path + b"/" + name, self.matcher.step(state, text(name))) for name in names)
            return
        for name in state.names:
            child = path + b"/" + bytes_of(name)
            if child in self.rows or child not in self.asked:
                yield child, self.matcher.step(state, name)

    def _enters(self, path: bytes, state: Place, same: bool) -> bool:
        """Whether to look below a directory, on which something else may be mounted."""
        if state.exact or (same and path not in self.mounts) or self.level(state) == IGNORE:
            return True
        if state.watch is not None and self.options[state.watch][1]:
            return self.mounts.get(path) not in _KERNELS
        self.gaps[path, "another file system is mounted here, and the policy does not cross mounts"] = None
        return False

    def explore(self) -> None:
        """Ask until all is known that matters: once for each glob on the way, as a rule."""
        while wanted := [(path, state) for kind, path, state in self.walk() if kind == "ask" and self._open(path)]:
            plan = Plan([], [], [])
            for path, state in wanted:
                self._plan(path, state, plan)
            self._stat(plan.places, named=True)
            lists = [(path, self._pruned(path)) for path in plan.trees] + [(path, None) for path in plan.globs]
            questions = [Question((b"list", *_find(path, pruned)), LISTING) for path, pruned in lists]
            for (path, pruned), answer in zip(lists, list(self.talk.answers(questions)), strict=True):
                self._listed(path, pruned, answer)

    def _open(self, path: bytes) -> bool:
        """Whether there is still something to ask of a place."""
        return path not in self.asked or (path in self.rows and path not in self.below)

    def _plan(self, path: bytes, state: Place, plan: Plan) -> None:
        """Ask of a place, and at once of those below that the policy names."""
        if path not in self.asked:
            self.asked.add(path)
            if path not in self.rows:
                plan.places.append(path)
        anywhere = any(self.matcher.parts[index][at] is ANY_DEPTH for index, at in state.live)
        if self.level(state) != IGNORE or (state.names is None and anywhere):
            plan.trees.append(path)
        elif state.names is None:
            plan.globs.append(path)
        else:
            for name in state.names:
                self._plan(path + b"/" + bytes_of(name), self.matcher.step(state, name), plan)

    def _pruned(self, path: bytes) -> list[bytes]:
        """Where find(1) need not go on below a directory: what is ignored, and where something is mounted."""
        return [each for each in (*self._ignored, *self.mounts) if each.startswith(path + b"/") and len(each) < SHORT][:PRUNES]

    def _without_watches(self) -> Iterator[bytes]:
        """Yield the paths that the policy names to be ignored."""
        for texts, parts in zip(self.matcher.texts, self.matcher.parts, strict=True):
            path = "/" + "/".join(texts)
            if _all_names(parts) and self.level(self.matcher.find(path)) == IGNORE:
                yield bytes_of(path)

    def _listed(self, path: bytes, pruned: list[bytes] | None, answer: bytes) -> None:
        """Take what find(1) has listed below a directory, and what it complained of."""
        names, end, said = (b"\0" + answer).partition(b"\0\0")
        if not end:
            raise lied("its list has no end")
        found = [each for each in names.split(b"\0")[1:] if each != (path or b"/")]
        if not all(each.startswith(path + b"/") and _is_path(each) for each in found):
            raise lied("it lists what it was not asked for")
        if len(self.rows) + len(found) > MOST:
            raise HostError(
                f"it has more than {MOST} names to look at", "watch less of it, or install python3 there", State.PARTIAL
            )
        self._stat([each for each in found if each not in self.rows])
        self._complaints(path, said)
        self.below.setdefault(path, [])
        for each in found:
            above, _, name = each.rpartition(b"/")
            if row := self.rows.get(each):
                self.below.setdefault(above, []).append(name)
                deep = pruned is not None and row.startswith(b"4") and device_of(row) == device_of(self.rows.get(path, b""))
                if deep and each not in (pruned or ()):
                    self.below.setdefault(each, [])

    def _complaints(self, start: bytes, said: bytes) -> None:
        """Turn what find(1) could not see into gaps."""
        lines, _, status = said.rpartition(b"\n=")
        complained = complaints(lines)
        if not (status.isdigit() and int(status) <= bool(complained)):
            self.gaps[start, "its list ended early, or with more complaints than can be kept"] = None
        for line in complained:
            found = _COMPLAINT.fullmatch(line)
            path = (_ESCAPED.sub(_unescaped, found[1]) if found[1] else found[2]).rstrip(b"/") if found else start
            why = last_words(line)
            state = self.matcher.find(text(path))
            if why in ABSENT or (path == start and path not in self.rows):
                continue  # gone, or told by stat(1)
            if found is None or self.level(state) != IGNORE or state.live:
                self.gaps[path, why] = None

    def _stat(self, paths: Sequence[bytes], *, named: bool = False) -> None:
        """Learn the rows of paths; `named` says that the policy names them, so that nobody knows whether they are there."""
        places = [path or b"/" for path in paths if len(path) <= LONGEST]
        for path in paths:
            if len(path) > LONGEST:
                self._unseen(path, "file name too long", named)
        left = places if named else []
        for batch, answer in self.talk.about((b"rows",), () if named else places):
            rows = answer.split(b"\n")[:-1]
            if len(rows) == len(batch):
                self.rows.update(zip((each.rstrip(b"/") for each in batch), map(checked, rows), strict=True))
            else:
                left.extend(batch)
        for batch, answer in self.talk.about((b"rows-one",), left):
            for each, told in zip(batch, fields(answer, len(batch)), strict=True):
                if told.startswith(b"+"):
                    self.rows[each.rstrip(b"/")] = checked(told[1:])
                else:
                    self._unseen(each, reason(told), named)

    def _unseen(self, path: bytes, why: str, named: bool) -> None:
        """Leave a gap where a path may be there: at the directory that cannot be passed, if nobody has listed it."""
        state = self.matcher.find(text(path))
        if why not in ABSENT and (self.level(state) != IGNORE or state.live):
            self.gaps[path.rpartition(b"/")[0] if named else path, why] = None


def _find(path: bytes, pruned: list[bytes] | None) -> list[bytes]:
    """The words of a find(1): of all below a directory on its file system, or (None) of what is just in it."""
    start = path or b"/"
    if pruned is None:
        return [start, b"-mindepth", b"1", b"-maxdepth", b"1", b"-print0"]
    tests = [word for each in pruned for word in (b"-o", b"-path", re.sub(rb"([\\*?\[])", rb"\\\1", each))]
    return [start, b"-xdev", b"-print0", *([b"(", *tests[1:], b")", b"-prune"] if tests else [])]


def _all_names(parts: Sequence[object]) -> bool:
    return all(isinstance(part, str) for part in parts)


def _is_path(path: bytes) -> bool:
    return not {b"", b".", b".."} & set(path.split(b"/")[1:])


def _mount_points(table: bytes) -> dict[bytes, bytes]:
    """Where something is mounted, and of which type: the last one is what is seen (proc_pid_mountinfo(5))."""
    found = {}
    for line in table.split(b"\n"):
        front, _, back = line.partition(b" - ")
        fields = front.split(b" ")
        if back and len(fields) > 5:
            point = re.sub(rb"\\([0-7]{3})", _unescaped, fields[4])
            found[point.rstrip(b"/")] = back.split(b" ")[0]
    return found


def _unescaped(match: "re.Match[bytes]") -> bytes:
    told = match[1]
    return bytes([int(told, 8) & 0xFF]) if told.isdigit() else _LETTERS.get(told, told)


def checked(row: bytes) -> bytes:
    """A row that stat(1) may have written.

    Raises:
        HostError: it did not (`lied`).
    """
    if not ROW.fullmatch(row):
        raise lied("what should be a row of stat is none")
    return row


def fields(answer: bytes, count: int) -> list[bytes]:
    """The fields of an answer, each ended by NUL.

    Raises:
        HostError: they are not as many as there must be (`lied`).
    """
    found = answer.split(b"\0")[:-1]
    if len(found) != count:
        raise cut()
    return found


def complaints(said: bytes) -> list[bytes]:
    """The lines of find(1), among what others write on its stderr: ld.so at its start, whoever is loaded into it."""
    return [line for line in said.split(b"\n") if line.startswith(b"find: ") and not _OF_LOADER.search(line)]


def reason(said: bytes) -> str:
    """Why something could not be seen, from the last complaint that ends as the system's do, as probe/look.py says it."""
    told = (last_words(line) for line in reversed(said.split(b"\n")))
    return next((words for words in told if words in _REASONS or _OWN.fullmatch(words)), "it cannot be seen")


def last_words(complaint: bytes) -> str:
    """What a complaint ends with."""
    words = text(complaint.rpartition(b": ")[2].strip())[:200]
    return words[:1].lower() + words[1:]


def ns(told: str) -> int | None:
    """A time in ns, a whole second where the tool there tells no more (compare.py knows); None where it tells none."""
    seconds, _, rest = told.partition(".")
    return int(seconds + (rest or "000000000")) if seconds.lstrip("-").isdigit() else None


def device_of(row: bytes) -> bytes:
    """The device of a row, b"" where there is none."""
    return b"".join(row.split(b" ")[9:10])


def text(data: bytes) -> str:
    """Bytes of a host as text, whatever they are."""
    return data.decode("utf-8", "surrogateescape")


def bytes_of(name: str) -> bytes:
    """The bytes that a text stands for."""
    return name.encode("utf-8", "surrogateescape")
