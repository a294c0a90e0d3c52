"""What of the system others than root may write to, and devices where none belong: both make somebody root who is not."""

import re
from collections.abc import Iterator, Sequence

from auditkit import words
from auditkit.answers import Listed
from auditkit.audits.persistence.entry import EVIDENCE, LARGEST, is_own
from auditkit.audits.persistence.seen import EVERYTHING, LAYERS, OF_SYSTEM, PASSWD, Seen, about, is_person, kind, listing
from auditkit.audits.persistence.table import ENTRIES
from auditkit.model import Finding, Gap, Kind, Means, Need, Quote, Rule, Severity
from auditkit.printable import few, printable

GROUP = Need(Means.FILE, "/etc/group", "which groups have people in them")
NEEDS = (PASSWD, GROUP)
SYSTEM_WRITABLE = Rule(
    "system-writable",
    "Others than root may change the system",
    Severity.HIGH,
    "Programs, libraries and settings of the system are used by root sooner or later: who may write to one becomes root. Who"
    " may write to a directory puts another file in its place. No package of any distribution leaves them so.",
    f"{EVIDENCE} dpkg -V, or rpm -Va, tells whether it was changed. Then: chmod go-w FILE (undo: chmod to the mode that is"
    " shown here); of an ACL: setfacl -b FILE.",
    ("inode(7)", "acl(5)", "MITRE ATT&CK T1222.002", "MITRE ATT&CK T1574.010"),
)
DEVICE_ELSEWHERE = Rule(
    "device-outside-dev",
    "A device lies outside of /dev",
    Severity.MEDIUM,
    "Whoever may read a device of a disk reads every file on it, whatever the files' own modes say; whoever may write to it, or"
    " to memory, changes the system. Devices belong in /dev, and in the /dev of a chroot only null, random and terminals do.",
    f"{EVIDENCE} ls -l FILE shows which device it is. rm FILE takes it away (undo: mknod FILE with what is shown here).",
    ("mknod(1)", "hier(7)", "MITRE ATT&CK T1006"),
)
RULES = (SYSTEM_WRITABLE, DEVICE_ELSEWHERE)
MOST_QUOTES = 10
_SYSTEM = re.compile(r"/(?:(?:usr|etc|boot|s?bin|lib(?:32|64|x32)?)(?:/.*)?)?", re.DOTALL)
_GRANTED = re.compile(r"(user|group):(\d+):.w.")


def judge(seen: Seen) -> Iterator[Finding | Gap]:
    """Yield one finding for what everybody may write to, one for what some may, and one for each device."""
    by: dict[tuple[Severity, str], list[Listed]] = {}
    people = _groups(seen)
    for node in {node.path: node for node in seen.listed(EVERYTHING)}.values():
        if kind(node) in (Kind.BLOCK, Kind.CHARACTER):
            yield from _device(node)
        elif _SYSTEM.fullmatch(node.path) and kind(node) in (Kind.FILE, Kind.DIRECTORY) and not _is_startup(node):
            who = _who(node, people)
            if who is not None:
                by.setdefault(who, []).append(node)
    for (severity, name), found in sorted(by.items(), reverse=True):
        yield _writable(severity, name, found)


def _is_startup(node: Listed) -> bool:
    """Whether files.py says the same of it: it starts something, and lies where people put such files."""
    if kind(node) is not Kind.FILE or node.size > LARGEST or not (node.mode & 0o002 or node.uid or node.gid):
        return False
    return any(entry.calm and entry.read and is_own(entry, node.path) for entry in ENTRIES)


def _who(node: Listed, people: dict[int, str]) -> tuple[Severity, str] | None:
    """Who may write to it, and how bad that is; None where only root may, and groups that nobody is in."""
    if node.mode & 0o002:
        return Severity.HIGH, "everybody"
    if node.acl is not None:
        granted = _GRANTED.findall(words.decoded("system.posix_acl_access", node.acl))
        who = [f"uid {number}" for tag, number in granted if tag == "user" and number != "0"]
        who += [people[int(number)] for tag, number in granted if tag == "group" and int(number) in people]
        if who:
            return Severity.HIGH, f"{few(who, 3)} (by an ACL)"
        return None
    return (Severity.MEDIUM, people[node.gid]) if node.mode & 0o020 and node.gid in people else None


def _groups(seen: Seen) -> dict[int, str]:
    """Groups that people are in, by number, in words."""
    persons = {name: group for name, uid, group in seen.accounts if group.isdigit() and is_person(uid)}
    found: dict[int, str] = {}
    for fields in (line.text.strip().split(":") for line in seen.lines(GROUP.what)):
        if len(fields) > 3 and fields[2].isascii() and fields[2].isdigit():
            inside = [name for name in fields[3].split(",") if name in persons]
            inside += [name for name, group in persons.items() if group == fields[2] and name not in inside]
            if inside and fields[2] != "0":
                found[int(fields[2][:10])] = f"group {printable(fields[0])} ({few(list(map(printable, inside)), 3)})"
    return found


def _writable(severity: Severity, who: str, nodes: Sequence[Listed]) -> Finding:
    paths = sorted(node.path for node in nodes)
    subject = paths[0] if len(paths) == 1 else f"{len(paths)} files and directories"
    quotes = tuple(about(node) for node in sorted(nodes, key=lambda node: node.path)[:MOST_QUOTES])
    return Finding(SYSTEM_WRITABLE, subject, f"{who} may write to {listing(paths)}", severity, quotes)


def _device(node: Listed) -> Iterator[Finding]:
    """Yield a finding for a device, but of those in storage of containers only disks."""
    disk = kind(node) is Kind.BLOCK
    if (
        node.rdev is None
        or OF_SYSTEM.match(node.path)
        or (LAYERS.match(node.path) and not disk)
        or "/volumeDevices/" in node.path
    ):
        return
    readable = disk and node.mode & 0o006
    severity = Severity.HIGH if readable else DEVICE_ELSEWHERE.severity
    ends = ", which everybody may read or write" if readable else ""
    message = f"{printable(node.path)} is {kind(node)} {node.rdev}{ends}"
    quote = about(node)
    letter = "b" if disk else "c"
    yield Finding(DEVICE_ELSEWHERE, node.path, message, severity, (Quote(node.path, 0, f"{letter} {node.rdev}, {quote.text}"),))
