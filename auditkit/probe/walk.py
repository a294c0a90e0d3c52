"""The walk: from a root down every path that a policy watches, directory by directory, in path order.

A task is a list of directories in path order. A worker goes down from each until it has seen enough and hands back those
it did not come to, so that any number of workers share one tree and their blocks can still be put in order.
"""

import errno
import os
import time

from . import lines
from .chain import Chain
from .look import DIRECTORY, FILE_KIND, OTHER, reason
from .patterns import ANY_DEPTH, IGNORE

ENTRIES_A_TASK = 1024
BYTES_A_TASK = 32 << 20
LINES_A_BLOCK = 4096
BYTES_A_BLOCK = 4 << 20
"""A larger directory makes several blocks, one after the other."""
SETTLED = 2
"""Seconds: what changed before that did not change while it was read. Only where the clock of the disk is ours: a file
system without a block device of its own (NFS, FUSE) is always looked at twice."""
_ON_THE_WAY = (IGNORE, False, True)


class Walk:
    """Goes down a tree and gives its blocks; what it could not see it adds to `gaps` as (path, reason)."""

    def __init__(self, root, matcher, options, look):
        self.chain = Chain(root)
        self.matcher = matcher
        self.options = options  # of each watch: (level, keep, cross_mounts)
        self.look = look
        self.gaps = []
        self.entries = 0
        self._told = (0, 0)
        self.rest = []
        """Directories of the task still to come."""
        self.inside = None
        """The directory of which more blocks are to come, if any."""

    def run(self, task):
        """Yield the blocks of a task's directories, `b""` for one without, until enough is done."""
        stack = [(tuple(names), None, None) for names in reversed(task)]
        entries, read = self.entries + ENTRIES_A_TASK, self.look.bytes + BYTES_A_TASK
        self.rest = stack
        while stack and self.entries < entries and self.look.bytes < read:
            names, state, device = stack.pop()
            below, last = [], b""
            for block in self._directory(names, state, device, below):
                if last:
                    self.inside = names
                    yield last
                last = block
            self.inside = None
            stack.extend(reversed(below))
            yield last

    def left(self):
        """The directories that this task has not come to, as a task."""
        return [names for names, _state, _device in reversed(self.rest)]

    def news(self):
        """Entries and bytes seen since the last time this was asked."""
        seen, self._told = self._told, (self.entries, self.look.bytes)
        return self.entries - seen[0], self.look.bytes - seen[1]

    def _directory(self, names, state, device, below):
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
        level, keep, cross = self.options[state.watch] if state.watch is not None else _ON_THE_WAY
        block = [] if level == IGNORE else [self.look.directory(handle, told, level)]
        listed = ()
        if device == told[17:19] or cross or state.exact:
            listed = self._listed(handle, path, state)
        else:
            self.gaps.append((path, "another file system is mounted here, and the policy does not cross mounts"))
        header = lines.shown(path) + "\n"
        size = 0
        recent = 0 if told[17] == 0 else int(time.time()) - SETTLED
        for name, kind in listed:
            child = self.matcher.step(state, name) if state.live else state
            if kind == DIRECTORY:
                if child.names != ():
                    below.append((names + (name,), child, told[17:19]))
                continue
            if child.watch is not None:
                line = self._entry(handle, path, name, kind, self.options[child.watch], recent)
                if line is not None:
                    block.append(line)
                    size += len(line)
            if child.live:
                self._through(handle, path, name, child)
            if len(block) >= LINES_A_BLOCK or size >= BYTES_A_BLOCK:
                yield self._block(header, block)
                block, size = [], 0
        if block:
            yield self._block(header, block)
        for name, why in self.look.gaps:
            self.gaps.append((_join(path, name), why))
        del self.look.gaps[:]

    def _block(self, header, block):
        self.entries += len(block)
        return (header + "\n".join(block) + "\n").encode("utf-8")

    def _entry(self, handle, path, name, kind, option, recent):
        level, keep, _cross = option
        try:
            if level == "exists":
                return self.look.bare(handle, name)
            if level == IGNORE:
                return None
            if kind != FILE_KIND or level == "metadata":
                return self.look.node(handle, name)
            return self.look.file(handle, name, level, keep, recent)
        except FileNotFoundError:  # what is gone when its turn comes is not there
            return None
        except OSError as error:
            self.gaps.append((_join(path, name), reason(error)))
            return None

    def _listed(self, handle, path, state):
        """`(name, kind)` of what is below and matters, ordered by the bytes of the names."""
        try:
            if state.names is not None:
                kinds = [(name, self.look.kind(handle, name)) for name in state.names]
                return [pair for pair in kinds if pair[1] is not None]
            with os.scandir(handle) as found:
                listed = [(entry.name, _kind(entry)) for entry in found]
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

    def _through(self, handle, path, name, state):
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
            if self.matcher.find("/".join([real] + below)).watch is None:
                self.gaps.append(
                    (
                        _join(path, name),
                        "%s leads through this symlink to %s: watch that place by its real path"
                        % ("/".join([_join(path, name)] + below), real),
                    )  # fmt: skip
                )


def _kind(entry):
    if entry.is_file(follow_symlinks=False):
        return FILE_KIND
    return DIRECTORY if entry.is_dir(follow_symlinks=False) else OTHER


def _join(path, name):
    return (path if path != "/" else "") + "/" + name


def _reason(error):
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "it stopped being a directory while the scan ran"
    return reason(error)
