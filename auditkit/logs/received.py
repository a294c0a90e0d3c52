"""Logs as a host over a network, or evidence of one, hands them out: items put together to sources, and told from lies."""

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import IO

from auditkit.logins.nouns import Condition, Log
from auditkit.logins.places import JOURNALS, besides, long
from auditkit.logs.files import Nothing, Source, absent
from auditkit.logs.packing import BrokenError
from auditkit.logs.spool import Spool
from auditkit.model import Gap, Item, Means, Need

JOURNAL = "journal"
"""The name of the source that the entries of a journal are, when journalctl(1) writes them."""
CUT = "it was cut while it was read"
LIES = "the host contradicts itself over it"
_HEAD = re.compile(rb"([0-9]{1,15}) (-?[0-9]{1,20}) ([0-7]{5,7}) ([0-9]{1,10}) ([0-9]{1,10}) ([0-9]{1,20}) ([0-9]{1,15})\n")
_LONGEST_HEAD = 120
_NO_ENTRIES = b"-- No entries --\n"
_NONE = b"No journal files were found"
_OTHERS = b"not seeing messages from other users"


@dataclass(slots=True)
class _One:
    """One log under way: its facts and what has come of it."""

    log: Log
    spool: Spool
    reason: str = ""


@dataclass(slots=True)
class Received:
    """What came: sources, other items, and gaps that are none of a source; give it what a host tells, then close it."""

    needs: Sequence[Need]
    items: list[Item] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    _logs: dict[str, _One] = field(default_factory=dict)
    _refused: dict[str, str] = field(default_factory=dict)
    _answered: set[Need] = field(default_factory=set)
    _journal: _One | None = None
    _ended: Item | None = None
    _file: IO[bytes] = field(default_factory=lambda: tempfile.TemporaryFile(prefix="auditkit-"))  # noqa: SIM115

    def close(self) -> None:
        """Give back what was kept."""
        self._file.close()

    def take(self, told: Iterable[Item | Gap]) -> "Received":
        """Take in what a host tells."""
        for one in told:
            match one:
                case Gap():
                    self._gap(one)
                case Item() if one.need.means is Means.LOG:
                    self._answered.add(one.need)
                    self._piece(one)
                case Item() if one.need.means is Means.COMMAND and one.need.long:
                    self._said(one)
                case Item():
                    self.items.append(one)
        return self

    def sources(self) -> tuple[Source, ...]:
        """Every log, those that are absent or could not be read too."""
        return tuple(self._sources())

    def besides(self) -> tuple[Need, ...]:
        """What is to be asked besides, now that this has come: logs that others share, the journal where it was not told of."""
        own = [path for path, one in self._logs.items() if one.log.size]
        asked = any(need.means is Means.COMMAND and need.long for need in self.needs)
        return tuple(map(long, (*besides(own), *(JOURNALS if asked and not self._journal else ()))))

    def _sources(self) -> Iterator[Source]:
        for path, one in self._logs.items():
            yield _source(one, self._refused.get(path, ""))
        for path, why in self._refused.items():
            if path not in self._logs:
                yield Source(Log(path, condition=Condition.UNREADABLE, reason=why), Nothing())
        if any(need.means is Means.COMMAND and need.long for need in self.needs):
            yield self._journal_source(self._journal) if self._journal else absent(JOURNAL)
        for need in self.needs:
            refused = any(_is_for(need, path) for path in self._refused)
            if need.means is Means.LOG and need not in self._answered and not refused:
                yield absent(need.what)

    def _gap(self, gap: Gap) -> None:
        """A log that was refused, or a gap of its own."""
        if gap.subject in self._logs or any(need.means is Means.LOG and _is_for(need, gap.subject) for need in self.needs):
            self._refused.setdefault(gap.subject, gap.reason)
        else:
            self.gaps.append(gap)

    def _piece(self, item: Item) -> None:
        found = _HEAD.match(item.data[:_LONGEST_HEAD])
        if not found:
            self._refused.setdefault(item.source, LIES)
            return
        size, mtime, _mode, uid, gid, inode, at = map(int, found.groups())
        log = Log(item.source, size, mtime, int(found[3], 8), uid, gid, inode)
        one = self._logs.get(item.source)
        if one is None:
            one = self._logs[item.source] = _One(log, Spool(item.source, self._file))
        data = item.data[found.end() :]
        if one.log != log or at < one.spool.size or at + len(data) > size:
            one.reason = one.reason or LIES
        if one.reason:
            return
        try:
            one.spool.add(at, data)
        except BrokenError as error:
            one.reason = str(error)

    def _said(self, item: Item) -> None:
        """A piece of what journalctl writes, or how it ended."""
        if item.data[:1] == b"=":
            self._ended = item
        one = self._journal = self._journal or _One(Log(JOURNAL), Spool(JOURNAL, self._file))
        if item.data[:1] == b">" and item.data[1:] != _NO_ENTRIES and not one.reason:
            try:
                one.spool.add(one.spool.size, item.data[1:])
            except BrokenError as error:
                one.reason = str(error)

    def _journal_source(self, one: _One) -> Source:
        line, _, complaints = (self._ended.data[1:] if self._ended else b"-\n").partition(b"\n")
        said = complaints[:200].decode("utf-8", "replace").strip() or "journalctl was ended before it was done"
        if _OTHERS in complaints:
            self.gaps.append(Gap(JOURNAL, "only part of it can be seen by who asks: root sees all"))
        if one.reason:
            condition, why = Condition.TRUNCATED, one.reason
        elif line == b"0":
            condition, why = (Condition.READ if one.spool.size else Condition.EMPTY), ""
        elif not one.spool.size:
            condition, why = (Condition.ABSENT, "") if _NONE in complaints else (Condition.UNREADABLE, said)
        else:
            condition, why = Condition.TRUNCATED, said
        return Source(Log(JOURNAL, condition=condition, reason=why), one.spool)


def _source(one: _One, refused: str) -> Source:
    """A log as it came, whole or not."""
    log, spool, why = one.log, one.spool, one.reason or refused
    if why and not spool.size:
        return Source(replace(log, condition=Condition.UNREADABLE, reason=why), Nothing())
    if not why and spool.size < (log.size or 0):
        why = CUT
    spool.lost = why
    if not log.size:
        return Source(replace(log, condition=Condition.EMPTY), Nothing())
    return Source(replace(log, packed=spool.packed), spool)


def _is_for(need: Need, path: str) -> bool:
    """Whether a path may be what a need of logs matched, or the directory where it looked."""
    fixed = need.what.partition("*")[0]
    return path.startswith(fixed) or path == need.what or fixed.startswith(path.rstrip("/") + "/")
