"""Two streams of blocks -> changes: what was added, removed, changed or moved, and how much it matters.

Pure. Blocks that are equal are never taken apart; only what both sides show is compared; nothing under a gap is called
removed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from auditkit import entries
from auditkit.model import PASSING, TIMES, Change, ChangeKind, Entry, Finding, Gap, Kind, Level, Rule, Severity, Watch

ADDED = Rule(
    "path-added",
    "a path is there that was not there",
    Severity.MEDIUM,
    "Something new lies where only known things should: an update or a colleague put it there, or an intruder who wants to"
    " stay. In watched places that is done with a cron job, a unit, a key, or a library that is loaded first.",
    "find out who put it there (package? colleague?); accept it with `auditkit accept HOST PATH`, or take it as evidence",
)
REMOVED = Rule(
    "path-removed",
    "a path is gone",
    Severity.MEDIUM,
    "Something that was wanted is gone. It may be a log that told too much, or a protection that stood in the way.",
    "find out who removed it; accept it with `auditkit accept HOST PATH`, or put it back from a backup",
)
CONTENT = Rule(
    "content-changed",
    "the content of a file is not what it was",
    Severity.MEDIUM,
    "It does not say or do what you approved. Its digest differs from the sealed one, whatever its size and times say.",
    "compare it with a backup or the package it comes from; accept it with `auditkit accept HOST PATH` if it is meant",
)
QUIET = Rule(
    "content-changed-quietly",
    "the content of a file changed, its size and time of change did not",
    Severity.HIGH,
    "Editors and package managers move the time of change. Who puts it back wants the change not to be seen. The other cause"
    " is a failing disk.",
    "treat it as an intrusion until you know better: keep the file as evidence, compare it with the package it comes from",
    ("touch(1)", "utimensat(2)"),
)
ATTRIBUTES = Rule(
    "attributes-changed",
    "owner, mode or another attribute is not what it was",
    Severity.MEDIUM,
    "Others may read, change or run it than you approved. Owner, mode and flags decide as much as what is in a file.",
    "put the attribute back (chown, chmod, setfacl, setcap, chattr), or accept it with `auditkit accept HOST PATH`",
)
KIND = Rule(
    "kind-changed",
    "a path is of another kind than it was",
    Severity.HIGH,
    "It may lead somewhere else now. Who reads or writes a path that became a link or a device reaches what that leads to.",
    "look where it leads with `ls -l`; put the original back",
)
TARGET = Rule(
    "link-retargeted",
    "a symlink points elsewhere",
    Severity.MEDIUM,
    "Whoever follows the link now gets another file, perhaps another program under a name that everybody trusts. Links of"
    " /etc/alternatives, of libraries and of services that start at boot decide what runs.",
    "see who owns the new target; accept it with `auditkit accept HOST PATH` if it is meant (update-alternatives?)",
)
SETUID = Rule(
    "setuid-gained",
    "a program runs as its owner or group now, whoever starts it",
    Severity.HIGH,
    "Whoever gets into any account of the machine may be its master through this program. A setuid root program runs as root"
    " for every local user who can make it misbehave, and a setuid shell for everybody.",
    "chmod u-s,g-s PATH unless its package ships it so; find out who set it",
    ("chmod(1)", "inode(7)"),
)
CAPABILITY = Rule(
    "capability-gained",
    "a program has file capabilities that it had not",
    Severity.HIGH,
    "A program can do what only the master of the machine should, in a way that few people look for. File capabilities such as"
    " cap_setuid give root without the setuid bit: getcap shows them, ls does not.",
    "setcap -r PATH unless its package ships it so; find out who set it",
    ("capabilities(7)", "getcap(8)"),
)
TOUCHED = Rule(
    "times-changed",
    "only times, inode or link count of a path changed",
    Severity.LOW,
    "The content is the same, so this is seldom an alarm; it may show that somebody put things back. Reinstalls and backups"
    " that write the same content again, or give it another name, change times, inode and links, too.",
    "nothing, if a reinstall or restore explains it; otherwise look at what else happened at that time",
)
MOVED = Rule(
    "path-moved",
    "a file has another name or place",
    Severity.MEDIUM,
    "The content is still there, under another name: what needs it may not find it, and what finds it may not be meant to. The"
    " same inode or content is at another path; what used the old name does not find it, what reads the new place does.",
    "find out who moved it; accept it with `auditkit accept HOST PATH`",
)
REWRITTEN = Rule(
    "log-rewritten",
    "a log does not begin as it did, or is shorter than it was",
    Severity.HIGH,
    "Logs grow at their end. One whose beginning changed was edited or emptied: that is how traces are removed.",
    "keep the file as evidence; compare it with copies elsewhere (remote syslog, backup, journal)",
)
ROTATED_AWAY = Rule(
    "log-rotated-away",
    "an old log is gone, as rotation removes the oldest",
    Severity.INFO,
    "Rotation deletes the oldest log. That it was rotation cannot be proved from here.",
    "nothing, if it was as old as logrotate keeps logs; otherwise look for a copy",
    ("logrotate(8)",),
)
GREW = Rule(
    "log-grew",
    "a log grew or was rotated, and all that it held is still there",
    Severity.INFO,
    "That is what logs do. What they held when the baseline was made was read again and is unchanged.",
    "nothing",
    ("logrotate(8)",),
)
RULES = (
    *(ADDED, REMOVED, CONTENT, QUIET, ATTRIBUTES, KIND, TARGET),
    *(SETUID, CAPABILITY, TOUCHED, MOVED, REWRITTEN, ROTATED_AWAY, GREW),
)

SET_ID = 0o6000
CAPABILITIES = "security.capability"
_FIELDS = (
    ("size", "size"),
    ("mode", "mode"),
    ("uid", "uid"),
    ("gid", "gid"),
    ("mtime_ns", "mtime"),
    ("ctime_ns", "ctime"),
    ("btime_ns", "btime"),
    ("inode", "inode"),
    ("links", "links"),
    ("flags", "flags"),
    ("target", "target"),
    ("xattrs", "xattrs"),
    ("device", "device"),
)
_SHOWN = (
    ("mode", "modes"),
    ("uid", "owners"),
    ("size", "sizes"),
    ("mtime_ns", "times"),
    ("flags", "flags"),
    ("target", "targets of links"),
    ("xattrs", "capabilities, ACLs and labels"),
)
"""What every look can show that is no lesser one than that before, and how it is called."""
_SECOND = 1_000_000_000
_OF_DIRECTORY = frozenset(("mode", "uid", "gid", "flags", "xattrs", "inode"))
_OF_LOG = frozenset(("mode", "uid", "gid", "flags", "xattrs"))

Pair = tuple[Entry | None, Entry | None]
WatchOf = Callable[[str], Watch | None]


def pairs(before: Iterable[bytes], after: Iterable[bytes]) -> Iterator[Pair]:
    """Yield what differs between two streams of blocks, as entries before and after."""
    old, new = _Stream(before), _Stream(after)
    while old.block or new.block:
        if old.block == new.block:
            old.advance()
            new.advance()
        elif not new.block or (old.block and old.key() < new.key()):
            yield from ((entry, None) for _name, entry in old.directory())
        elif not old.block or new.key() < old.key():
            known = old.block and old.key().startswith(new.key() + b"\0") and _of_a_list(old.block)
            yield from ((None, entry) for name, entry in new.directory() if name or not known)
        else:
            yield from _merged(old.directory(), new.directory())


class _Stream:
    """A stream of blocks with the next one in sight."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self.block = next(self._blocks, b"")

    def advance(self) -> None:
        """Go on to the next block."""
        self.block = next(self._blocks, b"")

    def key(self) -> bytes:
        """What orders the directory that is next."""
        return entries.key(entries.path_of(self.block))

    def directory(self) -> Iterator[tuple[bytes, Entry]]:
        """Yield the entries of all blocks of the directory that is next."""
        key = self.key()
        while self.block and self.key() == key:
            block = self.block
            self.advance()
            yield from entries.decode(block)


def _merged(before: Iterator[tuple[bytes, Entry]], after: Iterator[tuple[bytes, Entry]]) -> Iterator[Pair]:
    """Yield the pairs of one directory that differ, by name."""
    old, new = next(before, None), next(after, None)
    while old or new:
        if new is None or (old and old[0] < new[0]):
            yield old and old[1], None
            old = next(before, None)
        elif old is None or new[0] < old[0]:
            if new[0] or old is None or not _bare(old[1]):
                yield None, new[1]
            new = next(after, None)
        else:
            if old[1] != new[1]:
                yield old[1], new[1]
            old, new = next(before, None), next(after, None)


def compare(differing: Iterable[Pair], watch_of: WatchOf, passing: frozenset[str] = frozenset()) -> Iterator[Change | Gap]:
    """Yield a change for each pair that is one, judged by what the policy says of its path.

    `passing` names attributes that are not compared: two trees never share inodes.
    """
    lost: Counter[str] = Counter()
    never: Counter[str] = Counter()
    for before, after in differing:
        entry = after or before
        watch = watch_of(entry.path) if entry else None
        if entry is None or watch is None or watch.level is Level.IGNORE:
            continue
        if before and after:
            if _followed(before, after):
                yield Gap(entry.path, "the imported list followed this symlink: where it leads is not compared")
                continue
            if not _comparable(before, after):
                yield Gap(entry.path, "no digest that both the baseline and this scan have: nothing to compare")
            lost.update(_lost(before, after, watch.level))
            never.update(_lost(after, before, watch.level) if _scanned(before) else ())
            attributes = tuple(a for a in differences(before, after, watch.level) if a not in passing)
            if attributes:
                yield _changed(before, after, attributes, watch)
        elif after:
            yield _one_sided(after, ChangeKind.ADDED, ADDED, watch)
        else:
            yield _one_sided(entry, ChangeKind.REMOVED, REMOVED, watch)
    for word, number in lost.items():
        paths = "1 path" if number == 1 else f"{number} paths"
        yield Gap("attributes", f"{word} of {paths} stand in the baseline and cannot be shown now: not compared")
    for word, number in never.items():
        paths = "1 path" if number == 1 else f"{number} paths"
        yield Gap("attributes", f"{word} of {paths} were not seen when the baseline was made: not compared; make a new one")


def _scanned(entry: Entry) -> bool:
    """Whether an entry comes from a scan of our own, and not from a list that was imported: those know less of a file."""
    return None not in (entry.inode, entry.links, entry.ctime_ns, entry.mode)


def _lost(before: Entry, after: Entry, level: Level) -> Iterator[str]:
    """Yield what the baseline shows of a path and this look cannot: what an intruder would change goes unseen then."""
    if level is not Level.EXISTS and before.kind is after.kind:
        yield from (word for name, word in _SHOWN if getattr(before, name) is not None and getattr(after, name) is None)


def _of_a_list(block: bytes) -> bool:
    """Whether a block comes from a list of checksums: that names no directories, though it knows what is in them."""
    return any(_bare(entry) for _name, entry in islice(entries.decode(block), 1))


def _bare(entry: Entry) -> bool:
    return entry.mode is None and entry.digests is not None


def _followed(before: Entry, after: Entry) -> bool:
    """Whether a list of checksums, which knows no kinds, took the digest of what a symlink leads to."""
    return after.kind is Kind.SYMLINK and before.kind is Kind.FILE and _bare(before)


def _comparable(before: Entry, after: Entry) -> bool:
    if not before.digests or not after.digests:
        return True
    return bool(_algorithms(before) & _algorithms(after))


def _algorithms(entry: Entry) -> set[str]:
    return {digest.partition(":")[0] for digest in entry.digests or ()}


def differences(before: Entry, after: Entry, level: Level) -> tuple[str, ...]:
    """The names of the attributes that differ, of those that both sides show and the level counts."""
    if before.kind is not after.kind:
        return ("kind",)
    if level is Level.EXISTS:
        return ()
    counted = _OF_DIRECTORY if after.kind is Kind.DIRECTORY else _OF_LOG if level in _LOGS else None
    found = ["digest"] if same_content(before, after) is False else []
    coarse = _coarse(before) or _coarse(after)
    for name, word in _FIELDS:
        if counted is None or word in counted:
            one, other = getattr(before, name), getattr(after, name)
            if one is not None and other is not None and one != other:
                if word in TIMES and coarse and one // _SECOND == other // _SECOND:
                    continue
                found.append(word)
    return tuple(found)


def same_time(one: int, other: int) -> bool:
    """Whether two times in ns may be the same, of which one may be told in whole seconds."""
    whole = not one % _SECOND or not other % _SECOND
    return one // _SECOND == other // _SECOND if whole else one == other


def _coarse(entry: Entry) -> bool:
    """Whether an entry comes from a tool that keeps whole seconds only: a status change never falls on one by chance."""
    return entry.ctime_ns is not None and not entry.ctime_ns % _SECOND and not (entry.mtime_ns or 0) % _SECOND


_LOGS = (Level.GROWING, Level.ROTATED)


def same_content(before: Entry, after: Entry) -> bool | None:
    """Whether every digest that both have agrees; None where they have none in common."""
    ours = dict(digest.split(":", 1) for digest in after.digests or ())
    told = [ours.get(name) == value for name, value in (d.split(":", 1) for d in before.digests or ()) if name in ours]
    return all(told) if told else None


def _changed(before: Entry, after: Entry, attributes: tuple[str, ...], watch: Watch) -> Change:
    rule, severity, note = _judged(before, after, set(attributes), watch)
    return Change(after.path, ChangeKind.CHANGED, before, after, attributes, severity, watch.level, rule.id, note, watch.why)


def _judged(before: Entry, after: Entry, attributes: set[str], watch: Watch) -> tuple[Rule, Severity, str]:
    """The rule that a changed entry falls under, the worst first."""
    if attributes & {"mode", "kind"} and gained_set_id(before, after):
        return SETUID, max(watch.severity, SETUID.severity), ""
    if "xattrs" in attributes and _capability(after) not in (None, _capability(before)):
        return CAPABILITY, max(watch.severity, CAPABILITY.severity), ""
    if "kind" in attributes:
        return KIND, watch.severity, f"{before.kind} → {after.kind}"
    if "digest" in attributes:
        if watch.level in _LOGS:
            return REWRITTEN, watch.severity, ""
        if not attributes & {"size", "mtime"} and after.mtime_ns is not None and before.mtime_ns is not None:
            still = before.ctime_ns is not None and before.ctime_ns == after.ctime_ns
            note = "not even ctime moved: written past the file system, or a failing disk" if still else ""
            return QUIET, max(watch.severity, QUIET.severity), note
        return CONTENT, watch.severity, ""
    if "target" in attributes:
        return TARGET, watch.severity, ""
    if "links" in attributes and attributes <= set(PASSING) and _kept_set_id(before, after):
        return ATTRIBUTES, watch.severity, "it has another name now, which stays when an upgrade replaces this one"
    if attributes <= set(PASSING):
        return TOUCHED, min(watch.severity, TOUCHED.severity), ""
    return ATTRIBUTES, watch.severity, ""


def _kept_set_id(before: Entry, after: Entry) -> bool:
    """Whether a program that runs as its owner or group was given one more name."""
    more = (after.links or 0) > (before.links or 0)
    return more and after.kind is Kind.FILE and bool((after.mode or 0) & SET_ID)


def gained_set_id(before: Entry | None, after: Entry) -> bool:
    """Whether a file runs as its owner or group now and did not before."""
    had = before.mode or 0 if before and before.kind is Kind.FILE else 0
    return after.kind is Kind.FILE and bool((after.mode or 0) & ~had & SET_ID)


def _capability(entry: Entry | None) -> str | None:
    return dict(entry.xattrs or ()).get(CAPABILITIES) if entry else None


def _one_sided(entry: Entry, kind: ChangeKind, rule: Rule, watch: Watch) -> Change:
    before, after = (None, entry) if kind is ChangeKind.ADDED else (entry, None)
    severity = watch.severity
    if after and gained_set_id(None, after):
        rule, severity = SETUID, max(severity, SETUID.severity)
    elif after and _capability(after):
        rule, severity = CAPABILITY, max(severity, CAPABILITY.severity)
    return Change(entry.path, kind, before, after, (), severity, watch.level, rule.id, "", watch.why)


def findings(changes: Iterable[Change], also: tuple[Rule, ...] = ()) -> Iterator[Finding]:
    """Yield a finding for each change that nothing explains; `also` are the rules of who judged the changes further."""
    rules = {rule.id: rule for rule in (*RULES, *also)}
    for change in changes:
        if change.explanation is None:
            yield Finding(rules[change.rule], change.path, _message(change), change.severity)


def _message(change: Change) -> str:
    told = change.change if change.change is not ChangeKind.CHANGED else f"changed: {', '.join(change.attributes)}"
    return f"{told}; {change.note}" if change.note else str(told)
