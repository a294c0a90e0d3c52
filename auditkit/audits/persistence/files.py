"""Files that start something: those that no package has brought, what they run, and who besides root may change that."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from auditkit.answers import Listed
from auditkit.audits.persistence.entry import EVIDENCE, LARGEST, Entry
from auditkit.audits.persistence.phrases import LONGEST, OF_TUNNELS, Phrase, said, together
from auditkit.audits.persistence.seen import Line, Seen, about, is_known, kind, listing, may_change, quoted, real
from auditkit.audits.persistence.table import ENTRIES
from auditkit.model import Finding, Gap, Kind, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

SUSPICIOUS = Rule(
    "startup-suspicious",
    "Something that starts by itself does what hardly anything honest does",
    Severity.HIGH,
    "It opens a connection to hand out a shell, runs what it fetches or what lies where everybody may write, hides what it"
    " runs, or the like. Such lines are how people come back who have been in once; an admin's own odd script may look the"
    " same.",
    f"{EVIDENCE} Ask who wrote it. If nobody did: treat the host as broken into (auditkit explain startup-suspicious is no"
    " proof of that), and turn it off: cp -a FILE FILE.before; take the line out (undo: mv FILE.before FILE).",
    ("MITRE ATT&CK T1037", "MITRE ATT&CK T1053", "MITRE ATT&CK T1543"),
)
WRITABLE = Rule(
    "startup-writable",
    "Others than root may change what starts as root",
    Severity.HIGH,
    "Somebody who is not in charge of this machine can become its master. What may be changed by others here is run as root at"
    " its next start.",
    "See that it says what it should; then: chown root:root FILE; chmod go-w FILE (undo: chown and chmod to what is shown"
    " here).",
    ("crontab(5)", "systemd.exec(5)", "MITRE ATT&CK T1574.010"),
)
DEBUG_SHELL = Rule(
    "debug-shell-enabled",
    "A root shell waits on a virtual console",
    Severity.HIGH,
    "debug-shell.service gives a shell of root on tty9 to whoever stands before the machine, or has its remote console,"
    " without a password. It is meant for finding out why a machine does not start.",
    "systemctl disable --now debug-shell.service (undo: systemctl enable --now debug-shell.service).",
    ("systemd-debug-generator(8)",),
)
RULES = (SUSPICIOUS, WRITABLE, DEBUG_SHELL, *(entry.rule for entry in ENTRIES if entry.rule))
MOST_READ = 400
"""Files that are read because no package has brought them."""
MOST_QUOTES = 10
MOST_TOLD = 10
"""Suspicious files of one kind that are told of one by one."""
MOST_LINES = 3
_WORD = re.compile(r"(?<![\w.$}/-])(/(?:[\w.+@:-]+/)*[\w.+@:-]+)")
_OTHERS_RUN = re.compile(r"^\s*User\s*=\s*(?!root\s*$|0\s*$)\S", re.MULTILINE)
_LEFT_OVER = re.compile(r"\.(dpkg|ucf)-(old|dist|new|bak|tmp)\Z|~\Z|/\.placeholder\Z|/\.SEQ\Z|\.sample\Z|/README[^/]*\Z")
_OF_ACCOUNTS = ("/home/", "/root/", "/run/user/", "/var/spool/cron/", "/var/spool/at")
_PROGRAMS = re.compile(
    r"^\s*Exec\w*\s*=|^\s*(?:[-*0-9,/]+\s+){5}|^\s*@\w+\s|RUN|PROGRAM|-Invoke|pam_exec|omprog|\bprogram\s*\(|use_?askpass"
    r"|^\s*" + OF_TUNNELS + r"|^\s*/|^\s*(?:exec|nohup|sh|bash)\s+/"
)
_COMMENT = re.compile(r"^\s*(#(?!include\s)|//(?!/*(?:tmp|var|dev|home|usr|s?bin|lib|opt|etc|run|root|srv)/)|;|\"\s|!)")
_NO_PROGRAM = ("/dev/null", "/bin/true", "/bin/false")


@dataclass(frozen=True, slots=True)
class Place:
    """A file of an entry: what lies there, and the lines that speak."""

    entry: Entry
    node: Listed
    alien: bool
    """Whether it lies where packages alone put things."""
    ours: bool
    """Whether a package has brought it."""


LOADER = "ld-preload"
"""The entry whose lines name directories, and not programs."""
_UNMERGED = ("/bin/", "/sbin/", "/lib/")
"""Directories of old systems; elsewhere they are links, and what is in them is seen already."""


def _unowned(entry: Entry, path: str) -> Need:
    return Need(Means.UNOWNED, path, f"{entry.what} that no package has brought")


ALTERNATIVES = Need(Means.LISTING, "/etc/alternatives/*", "where links among programs lead")
NEEDS = (
    *(Need(Means.LISTING, path, f"{entry.what} that people have set up") for entry in ENTRIES for path in entry.own),
    *(_unowned(entry, path) for entry in ENTRIES for path in entry.vendor if not path.startswith(_UNMERGED)),
    *(Need(Means.LISTING, place.rstrip("/"), "whether it is a link into /usr") for place in _UNMERGED),
    ALTERNATIVES,
)


def judge(seen: Seen) -> Iterator[Finding | Gap]:
    """Yield what each entry comes to."""
    for entry in ENTRIES:
        for means, paths in ((Means.LISTING, entry.own), (Means.UNOWNED, entry.vendor)):
            for path in paths:
                yield from seen.malformed(means, path)
        yield from _of_entry(seen, entry, tuple(places(seen, entry)))


def follow(seen: Seen) -> Iterator[Need]:
    """Yield what is wanted besides: where links lead, what the files say, and whose the programs are that they name."""
    apart = tuple(place for place in _UNMERGED if (node := seen.nodes.get(place.rstrip("/"))) and kind(node) is Kind.DIRECTORY)
    for entry in ENTRIES:
        yield from (_unowned(entry, path) for path in entry.vendor if path.startswith(apart))
        yield from _texts(seen, entry)
        for one in places(seen, entry):
            if one.node.target is not None and isinstance(end := seen.end(one.node), str):
                yield Need(Means.LISTING, end, f"where links among {entry.what} lead")
            programs = (program for line in _lines(seen, one) for program in _programs(line))
            yield from (Need(Means.LISTING, program, "whose programs are that start by themselves") for program in programs)


def _texts(seen: Seen, entry: Entry) -> Iterator[Need]:
    """Yield what is to be read: by the words that they were listed by, or one by one where those stand for a whole tree."""
    if not entry.read:
        return
    why = f"what {entry.what} run"
    globs = [path for path in entry.own if not _is_wide(path) and _holds_text(seen, path)]
    yield from (Need(Means.FILE, path, why, secret=entry.guarded) for path in globs)
    known = {item.source for path in globs for item in seen.of(Means.LISTING, path)}
    left = (end for one in places(seen, entry) if one.node.path not in known and (end := _text_of(seen, one)))
    yield from (Need(Means.FILE, path, why, secret=entry.guarded) for path in islice(left, MOST_READ))


def _is_wide(pattern: str) -> bool:
    """Whether it takes long to go through all that it may stand for, which is done once and not to read as well."""
    return "**" in pattern or pattern.startswith(("~/*/", "/home/*/*/"))


def _holds_text(seen: Seen, pattern: str) -> bool:
    """Whether there is anything to read: of homes, links too, of which the host sees where they lead."""
    nodes = [node for item in seen.of(Means.LISTING, pattern) if (node := seen.nodes.get(item.source)) is not None]
    return any(kind(node) is Kind.FILE or pattern.startswith(("~/", "/home/")) for node in nodes)


def places(seen: Seen, entry: Entry) -> Iterator[Place]:
    """Yield each file and link of an entry once; directories and what an upgrade has left over are none."""
    met = set()
    for means, paths in ((Means.LISTING, entry.own), (Means.UNOWNED, entry.vendor)):
        for item in (item for path in paths for item in seen.of(means, path)):
            node = seen.nodes.get(item.source)
            if node is None or kind(node) not in (Kind.FILE, Kind.SYMLINK) or _LEFT_OVER.search(node.path):
                continue
            key = real(node.path), node.ctime, node.size
            if key not in met:
                met.add(key)
                yield Place(entry, node, means is Means.UNOWNED, bool(node.packages))


def _text_of(seen: Seen, place: Place) -> str | None:
    """The file whose text says what it does: itself, or where it leads; None where nothing is there to be read."""
    end = seen.end(place.node) if place.node.target is not None else place.node
    if isinstance(end, str) or kind(end) is not Kind.FILE or end.size > LARGEST:
        return None
    if place.node.target is not None and end.packages:
        return None  # what a package has brought, and somebody has turned on
    return place.node.path if place.node.path in seen.texts else end.path


def _lines(seen: Seen, place: Place) -> list[Line]:
    """The lines of a file that make it one of its entry."""
    path = _text_of(seen, place)
    if path is None:
        return []
    every = (line for line in seen.lines(path) if line.text.strip() and not _COMMENT.match(line.text))
    return [line for line in every if not place.entry.line or place.entry.line.search(line.text)]


# --- what is said of them


def _of_entry(seen: Seen, entry: Entry, found: Sequence[Place]) -> Iterator[Finding | Gap]:
    """Yield what is suspicious one by one, and one finding for all else that is nobody's."""
    suspicious, unknown, quiet = 0, 0, list[tuple[Place, list[Line]]]()
    for place in found:
        told = list(_suspicious(seen, place))
        yield from told[: max(0, MOST_TOLD - suspicious)]
        suspicious += len(told)
        yield from _writable(seen, place)
        yield from _debug_shell(place)
        lines = _lines(seen, place)
        if not told and _is_told(seen, place, lines):
            unknown += _end(seen, place).packages is None
            quiet += [(place, lines)] if _end(seen, place).packages == () else []
    if suspicious > MOST_TOLD:
        yield Gap(entry.what, f"{suspicious - MOST_TOLD} more are suspicious, and not told of one by one")
    yield from _unread(seen, entry, found)
    if unknown:
        yield Gap(entry.what, f"whether packages have brought {unknown} of them is not known")
    if entry.rule and quiet:
        yield _nobodys(entry, entry.rule, quiet)


def _unread(seen: Seen, entry: Entry, found: Sequence[Place]) -> Iterator[Gap]:
    """Yield one gap for all files whose text nobody has seen."""
    ends = ((place, seen.end(place.node)) for place in found if entry.read and not (place.ours and place.alien))
    files = [(place, end) for place, end in ends if isinstance(end, Listed) and kind(end) is Kind.FILE]
    left = [
        place.node.path
        for place, end in files
        if not {place.node.path, end.path} & seen.texts.keys() and not (place.node.target is not None and end.packages)
    ]
    if left:
        yield Gap(entry.what, f"what {listing(left)} says was not read")


def _is_told(seen: Seen, place: Place, lines: Sequence[Line]) -> bool:
    """Whether it starts something and is told of, unless a package has brought it, or what it leads to."""
    entry, end = place.entry, seen.end(place.node)
    is_excused = is_known(place.node) and not entry.guarded  # of those only lines that run something were taken
    if place.ours or is_excused or not (entry.calm or place.alien):
        return False
    if isinstance(end, str) or kind(end) is not Kind.FILE:
        return False  # it leads to nothing, or to /dev/null
    return bool(lines) or entry.line is None or (entry.read and _text_of(seen, place) not in seen.texts)


def _end(seen: Seen, place: Place) -> Listed:
    """What it leads to, or itself."""
    end = seen.end(place.node)
    return place.node if isinstance(end, str) else end


def _nobodys(entry: Entry, rule: Rule, found: Sequence[tuple[Place, list[Line]]]) -> Finding:
    """One finding for all files of an entry that are nobody's; those that lie among packages' stand first."""
    ordered = sorted(found, key=lambda one: (not one[0].alien, one[0].node.path))
    paths = [place.node.path for place, _lines in ordered]
    verb = "is" if len(paths) == 1 else "are"
    severity = entry.alien if ordered[0][0].alien else rule.severity
    subject = paths[0] if len(paths) == 1 else entry.what
    message = f"{listing(paths)} {verb} of no package"
    return Finding(rule, subject, message, severity, tuple(_quotes(ordered))[:MOST_QUOTES])


def _quotes(found: Iterable[tuple[Place, list[Line]]]) -> Iterator[Quote]:
    for place, lines in found:
        yield about(place.node)
        yield from (quoted(place.node.path, line) for line in lines[:MOST_LINES])


def _suspicious(seen: Seen, place: Place) -> Iterator[Finding]:
    """Yield a finding for a file with lines that hardly any honest one has."""
    path = _text_of(seen, place)
    lines = [line for line in (seen.lines(path) if path else ()) if not _COMMENT.match(line.text)]
    told = [(line, phrase) for line in lines for phrase in _odd(line, place)]
    told = told or [(lines[at], phrase) for at, phrase in together([line.text for line in lines])]
    if told:
        does = list(dict.fromkeys(phrase.does for _line, phrase in told))
        by_place = place.entry.rule.severity if place.entry.rule and not place.ours else Severity.INFO
        severity = max(by_place, *(phrase.severity for _line, phrase in told))
        owner = ", ".join(place.node.packages or ()) or "no package"
        message = f"{printable(place.node.path)} ({place.entry.what}, of {printable(owner)}) {' and '.join(does)}"
        odd = dict.fromkeys(line for line, _phrase in told)
        quotes = (*(quoted(place.node.path, line) for line in odd), about(place.node))
        yield Finding(SUSPICIOUS, place.node.path, message, severity, quotes[:MOST_QUOTES])


def _odd(line: Line, place: Place) -> Iterator[Phrase]:
    """Yield what a line says that is odd; where packages alone put things, of theirs only what is odd anywhere."""
    return (phrase for phrase in said(line.text) if phrase.severity >= Severity.HIGH or not (place.ours and place.alien))


def _debug_shell(place: Place) -> Iterator[Finding]:
    if place.node.target is not None and place.node.target.endswith("/debug-shell.service") and ".wants/" in place.node.path:
        message = f"{printable(place.node.path)} starts it"
        yield Finding(DEBUG_SHELL, place.node.path, message, DEBUG_SHELL.severity, (about(place.node),))


# --- who may change them


def _writable(seen: Seen, place: Place) -> Iterator[Finding]:
    """Yield a finding for a file, and for each program that it starts as root, that others may change."""
    node = place.node
    if node.path.startswith(_OF_ACCOUNTS):
        return
    path = _text_of(seen, place)
    targets = [node] if path == node.path and (place.entry.calm or not node.path.startswith("/etc/skel/")) else []
    if path and not _OTHERS_RUN.search(seen.texts.get(path, b"").decode("utf-8", "replace")):
        programs = (program for line in _lines(seen, place) for program in _programs(line))
        ends = (seen.end(found) for program in programs if (found := seen.node(program)) is not None)
        kinds = (Kind.FILE, Kind.DIRECTORY) if place.entry.id == LOADER else (Kind.FILE,)
        targets += [end for end in ends if isinstance(end, Listed) and kind(end) in kinds]
    for target in {target.path: target for target in targets}.values():
        if who := may_change(target):
            starts = "" if target is node else f", which {printable(node.path)} starts as root"
            message = f"{who} may change {printable(target.path)}{starts}"
            yield Finding(WRITABLE, target.path, message, WRITABLE.severity, (about(target),))


def _programs(line: Line) -> Iterator[str]:
    """Yield the programs that a line starts, by their whole paths."""
    if _PROGRAMS.search(line.text):
        found = dict.fromkeys(_WORD.findall(line.text[:LONGEST]))
        yield from (
            path for path in list(found)[:5] if path not in _NO_PROGRAM and not path.startswith(("/proc/", "/sys/", "/dev/"))
        )
