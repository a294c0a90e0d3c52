"""The walk: from a root down every path that a policy watches, directory by directory, in path order.

A task is a list of directories in path order. A worker goes down from each until it has seen enough and hands back those
it did not come to, so that any number of workers share one tree and their blocks can still be put in order.
"""

import errno
import os
import time

from . import lines, names
from .chain import Chain
from .hints import Iterator, List, Optional, Sequence, Tuple
from .look import DIRECTORY, FILE_KIND, OTHER, Look, reason
from .patterns import ANY_DEPTH, IGNORE, Matcher, State
from .stat import MOUNTED, Told, of_the_kernel

ENTRIES_A_TASK = 1024
BYTES_A_TASK = 32 << 20
LINES_A_BLOCK = 4096
BYTES_A_BLOCK = 4 << 20
"""A larger directory makes several blocks, one after the other."""
SETTLED = 2
"""Seconds: what changed before that did not change while it was read. Only where the clock of the disk is ours: a file
system without a block device of its own (NFS, FUSE) is always looked at twice."""
_ON_THE_WAY = (IGNORE, False, True)
_SCANS_HANDLES = os.scandir in os.supports_fd  # from Python 3.7 on
_UNREAD = frozenset(["exists", "metadata", IGNORE])

Names = Tuple[str, ...]
"""A path, component by component."""
Option = Tuple[str, bool, bool]
"""What a watch asks for: its level, whether to keep the text, whether to cross mounts."""
Below = List[Tuple[Names, Optional[State], Tuple[int, ...]]]
"""Directories to go down to: what the matcher knows of each (None: nothing yet), and the device of the one above."""


class Walk:
    """Goes down a tree and gives its blocks; what it could not see it adds to `gaps` as (path, reason)."""

    def __init__(self, root: int, matcher: Matcher, options: Sequence[Option], look: Look) -> None:
        self.chain = Chain(root)
        self.matcher = matcher
        self.options = options  # of each watch
        self.look = look
        self.gaps: List[Tuple[str, str]] = []
        self.names = names.reader()
        self.entries = 0
        self._told = (0, 0)
        self.rest: Below = []
        """Directories of the task still to come."""
        self.inside: Optional[Names] = None
        """The directory of which more blocks are to come, if any."""

    def run(self, task: Sequence[Names]) -> Iterator[bytes]:
        """Yield the blocks of a task's directories, `b""` for one without, until enough is done."""
        stack: Below = [(tuple(names), None, ()) for names in reversed(task)]
        entries, read = self.entries + ENTRIES_A_TASK, self.look.bytes + BYTES_A_TASK
        self.rest = stack
        while stack and self.entries < entries and self.look.bytes < read:
            names, state, device = stack.pop()
            below: Below = []
            last = b""
            for block in self._directory(names, state, device, below):
                if last:
                    self.inside = names
                    yield last
                last = block
            self.inside = None
            stack.extend(reversed(below))
            yield last

    def left(self) -> List[Names]:
        """The directories that this task has not come to, as a task."""
        return [names for names, _state, _device in reversed(self.rest)]

    def news(self) -> Tuple[int, int]:
        """Entries and bytes seen since the last time this was asked."""
        seen, self._told = self._told, (self.entries, self.look.bytes)
        return self.entries - seen[0], self.look.bytes - seen[1]

    def _directory(self, names: Names, state: Optional[State], device: Tuple[int, ...], below: Below) -> Iterator[bytes]:
        path = "/" + "/".join(names)
        try:
            if state is None:
                state = self.matcher.find(path)
                device = self.look.stat(self.chain.open(names[:-1]))[17:19]
            handle = self.chain.open(names)
            told = self.look.stat(handle)
        except OSError as error:
            if error.errno != errno.ENOENT:  # what is gone when its turn comes is not there
                self.gaps.append((path, _reason(error)))
            return
        block, listed = self._itself(handle, told, path, state, device)
        header, device = lines.shown(path) + "\n", told[17:19]
        recent = 0 if told[17] == 0 else int(time.time()) - SETTLED
        # from here on for every file: names of its own for all it takes, and no call that can be spared
        step, file, options = self.matcher.step, self.look.file, self.options
        common = None if state.live else step(state, "")
        size = 0
        for name, kind in listed:
            child = common or step(state, name)
            if kind == DIRECTORY:
                if child.names != ():
                    below.append(((*names, name), child, device))
                continue
            if child.watch is not None:
                level, keep, _cross = options[child.watch]
                try:
                    if kind == FILE_KIND and level not in _UNREAD:
                        line = file(handle, name, level, keep, recent)
                    else:
                        line = self._unread(handle, name, level)
                    if line:
                        block.append(line)
                        size += len(line)
                except FileNotFoundError:  # what is gone when its turn comes is not there
                    continue
                except OSError as error:
                    self.gaps.append((_join(path, name), reason(error)))
            if child.live:
                self._through(handle, path, name, child)
            if len(block) >= LINES_A_BLOCK or size >= BYTES_A_BLOCK:
                yield self._block(header, block)
                block, size = [], 0
        if block:
            yield self._block(header, block)
        if self.look.gaps:
            self.gaps.extend((_join(path, name), why) for name, why in self.look.gaps)
            del self.look.gaps[:]

    def _itself(
        self, handle: int, told: Told, path: str, state: State, device: Tuple[int, ...]
    ) -> Tuple[List[str], List[Tuple[str, str]]]:
        """The first lines of a directory's block, and what is listed in it."""
        level, _keep, cross = self.options[state.watch] if state.watch is not None else _ON_THE_WAY
        block = [] if level == IGNORE else [self.look.directory(handle, told, level)]
        if (device == told[17:19] and not told[1] & MOUNTED) or state.exact:
            return block, self._listed(handle, path, state)
        if cross:
            enter = level == IGNORE or not of_the_kernel(handle)
            return block, self._listed(handle, path, state) if enter else []
        self.gaps.append((path, "another file system is mounted here, and the policy does not cross mounts"))
        return block, []

    def _block(self, header: str, block: List[str]) -> bytes:
        self.entries += len(block)
        return (header + "\n".join(block) + "\n").encode("utf-8")

    def _unread(self, handle: int, name: str, level: str) -> str:
        """The line of what is not read, empty for what is ignored."""
        if level == IGNORE:
            return ""
        return self.look.bare(handle, name) if level == "exists" else self.look.node(handle, name)

    def _listed(self, handle: int, path: str, state: State) -> List[Tuple[str, str]]:
        """`(name, kind)` of what is below and matters, ordered by the bytes of the names."""
        try:
            listed = self._found(handle, path, state.names)
        except OSError as error:
            # a handle that may be passed through but not be listed gives EBADF
            self.gaps.append((path, "permission denied" if error.errno == errno.EBADF else reason(error)))
            return []
        try:
            "".join([name for name, _ in listed]).encode("ascii")
            listed.sort()
        except UnicodeEncodeError:
            listed.sort(key=lambda pair: os.fsencode(pair[0]))
        return listed

    def _hidden(self, handle: int, path: str, count: int) -> None:
        """Leave a gap for each name that the kernel has in a directory and the C library does not tell of."""
        if self.names is None or self.names.count(handle) == count:
            return
        # a name may just have come or gone: what the kernel told first and is still not listed afterwards is hidden
        told = self.names.listed(handle)
        seen = {os.fsencode(name) for name in os.listdir(handle)}
        for name in sorted(set(told) - seen):
            if self.names.has(handle, name):
                self.gaps.append((_join(path, os.fsdecode(name)), names.HIDDEN))

    def _found(self, handle: int, path: str, names: Optional[Names]) -> List[Tuple[str, str]]:
        if names is None and _SCANS_HANDLES:
            with os.scandir(handle) as found:
                # most are files: spare them the call
                told = [(each.name, FILE_KIND if each.is_file(follow_symlinks=False) else _kind(each)) for each in found]
            if self.names is not None:
                self._hidden(handle, path, len(told))
            return told
        kinds = [(name, self.look.kind(handle, name)) for name in (os.listdir(handle) if names is None else names)]
        return [(name, kind) for name, kind in kinds if kind is not None]

    def _through(self, handle: int, path: str, name: str, state: State) -> None:
        """Leave a gap where a pattern goes on behind a symlink to a place that no watch covers."""
        try:
            target = os.readlink(name, dir_fd=handle)
        except OSError:
            return
        real = os.path.normpath(os.path.join(path, target))
        for index, at in state.live:
            parts = self.matcher.parts[index]
            if self.options[index][0] == IGNORE or ANY_DEPTH in parts[max(0, at - 1) : at + 1]:
                continue
            below = self.matcher.texts[index][at:]
            if self.matcher.find("/".join([real, *below])).watch is None:
                link = _join(path, name)
                why = "%s leads through this symlink to %s: watch that place by its real path"
                self.gaps.append((link, why % ("/".join([link, *below]), real)))


def _kind(entry: "os.DirEntry[str]") -> str:
    return DIRECTORY if entry.is_dir(follow_symlinks=False) else OTHER


def _join(path: str, name: str) -> str:
    return (path if path != "/" else "") + "/" + name


def _reason(error: OSError) -> str:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "it stopped being a directory while the scan ran"
    return reason(error)
