"""The files of sudo and doas themselves: whose they are, what in them sudo passes over, and rules for nobody."""

import stat
from collections.abc import Iterator

from auditkit.access import needs
from auditkit.answers import Step
from auditkit.audits.accounts.people import MOST_QUOTES, listed, people
from auditkit.audits.accounts.privileges import NEEDS as OF_SUDO
from auditkit.audits.accounts.privileges import SUDO_WHY, privileges
from auditkit.audits.accounts.writers import status, statuses, writers
from auditkit.model import Evidence, Finding, Gap, Quote, Rule, Severity
from auditkit.printable import printable
from auditkit.sudoers.nouns import Kind, Member

_WHY = "who may write to the files of sudo and doas"
STATUS = tuple(status(path, _WHY) for path in ("/etc/sudoers", "/etc/sudoers.d", "/etc/sudoers.d/*", "/etc/doas.conf"))
NEEDS = (*OF_SUDO, *STATUS)
FILE_OPEN = Rule(
    "sudo-file-open",
    "Others than root may write to the rules of sudo or doas",
    Severity.HIGH,
    "Whoever may write there makes himself root. sudo refuses a file that is not root's or that all may write to, but not what"
    " lies"
    " below a directory that can be renamed; and a file it refuses takes away the rights that it gives.",
    "chown root:root PATH; chmod 0440 PATH, of a directory 0755 (undo: the owner and mode that ls -ld showed before). First see"
    " what has been written into it.",
    ("sudoers(5)", "CIS Debian Linux Benchmark 5.2", "MITRE ATT&CK T1548.003"),
)
FILE_IGNORED = Rule(
    "sudo-file-ignored",
    "sudo passes over a file of rules",
    Severity.LOW,
    "In a directory that is included sudo reads no file whose name has a dot or ends in ~, and none that is not root's. Who"
    " wrote"
    " rules there believes that they hold: a limit may be missing, or a right waits for somebody to rename the file.",
    "mv FILE a name without a dot, after visudo -c -f FILE; or take it away (undo: mv it back).",
    ("sudoers(5) Including other files from within sudoers",),
)
LINE_BROKEN = Rule(
    "sudo-line-broken",
    "A line of sudoers or doas.conf is not understood",
    Severity.MEDIUM,
    "sudo leaves such a line out and goes on, so that a limit or a right that somebody wrote is not there; doas takes nothing"
    " of the"
    " file. If a newer sudo understands the line, auditkit does not: then what it allows was not judged.",
    "visudo -c names the line; mend it with visudo -f FILE (undo: cp -p FILE FILE.before, and back). For doas: doas -C FILE.",
    ("visudo(8)", "doas.conf(5)"),
)
FOR_NOBODY = Rule(
    "sudo-rule-for-nobody",
    "A rule of sudo names an account that is not there",
    Severity.LOW,
    "The rule is left over from somebody who is gone. Whoever creates an account of that name, or is given one, has its"
    " rights.",
    "Take the rule out: visudo -f FILE (undo: write the line back).",
    ("sudoers(5)",),
)
RULES = (FILE_OPEN, FILE_IGNORED, LINE_BROKEN, FOR_NOBODY)


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what is wrong with the files of sudo and doas."""
    told = privileges(evidence)
    yield from _open(evidence)
    yield from _ignored(evidence)
    broken = [(each.quote, each.why) for each in told.policy.broken]
    broken += [(each.quote, each.why) for each in told.doas_broken]
    if broken:
        message = f"{_lines(len(broken))}; the first: {printable(broken[0][1])}"
        quotes = tuple(quote for quote, _why in broken[:MOST_QUOTES])
        yield Finding(LINE_BROKEN, broken[0][0].source, message, LINE_BROKEN.severity, quotes)
    yield from _for_nobody(evidence)


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def _open(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield who may write to the files that are read; the same writer once."""
    said: dict[str, None] = {}
    everybody = people(evidence)
    for several in statuses(evidence, _WHY).values():
        for _path, way in several:
            if isinstance(way, Gap):
                yield way
            else:
                said |= dict.fromkeys(writer.told for writer in writers(way, everybody))
    if said:
        yield Finding(FILE_OPEN, "sudo", listed(list(said)), FILE_OPEN.severity)
    if not needs.looked_at(evidence) and privileges(evidence).taken:
        yield Gap("sudo", "who may write to its files was not looked at")


def _ignored(evidence: Evidence) -> Iterator[Finding]:
    told = privileges(evidence).policy
    rules = {item.source: _rules(item.data) for item in evidence.items if item.need.why == SUDO_WHY}
    names = [path for path in told.skipped if rules.get(path)]
    quotes = [Quote(path, number, row) for path in names for number, row in rules[path][:1]]
    said = [f"{printable(path)} for its name" for path in names]
    ways = dict(_status(evidence))
    for path in told.files:
        why = _refused(ways[path]) if path in ways else ""
        said += [f"{printable(path)}, as {why}"] if why else []
    if said:
        yield Finding(FILE_IGNORED, "sudo", f"not read: {listed(said)}", FILE_IGNORED.severity, tuple(quotes[:MOST_QUOTES]))


def _status(evidence: Evidence) -> Iterator[tuple[str, tuple[Step, ...]]]:
    for several in statuses(evidence, _WHY).values():
        for path, way in several:
            if not isinstance(way, Gap):
                yield path, way


def _refused(way: tuple[Step, ...]) -> str:
    """Why sudo refuses a file, by its owner and mode: sudo_open_sudoers."""
    node = way[0]
    if node.uid:
        return f"it belongs to uid {node.uid} and not to root"
    if node.mode & stat.S_IWOTH:
        return "everybody may write to it"
    return "its group may write to it" if node.mode & stat.S_IWGRP and node.gid else ""


def _rules(data: bytes) -> list[tuple[int, str]]:
    """The lines of a file that say something."""
    rows = data[: 1 << 16].decode("utf-8", "surrogateescape").split("\n")
    return [
        (number, row.strip()[:200]) for number, row in enumerate(rows, 1) if row.strip() and not row.strip().startswith("#")
    ]


def _for_nobody(evidence: Evidence) -> Iterator[Finding]:
    """Yield the rules whose users are all unknown; silent where accounts may come from elsewhere."""
    told, everybody = privileges(evidence).policy, people(evidence)
    if everybody.elsewhere:
        return
    names = {login.name.lower() for login in everybody.logins}
    uids = {f"#{login.uid}" for login in everybody.logins}
    lost: dict[str, list[Quote]] = {}
    for rule in told.rules:
        for each in _users(rule.users, told.aliases):
            if each.kind is Kind.WORD and not each.negated and each.text.lower() not in names and each.text not in uids:
                lost.setdefault(each.text, []).append(rule.quote)
    if lost:
        quotes = tuple(dict.fromkeys(quote for quotes in lost.values() for quote in quotes))[:MOST_QUOTES]
        message = f"no account is called {listed([printable(name) for name in lost])}"
        yield Finding(FOR_NOBODY, "sudo", message, FOR_NOBODY.severity, quotes)


def _users(members: tuple[Member, ...], aliases: object, depth: int = 0) -> Iterator[Member]:
    """Yield the members of a list, aliases taken apart."""
    for each in members:
        inner = aliases.get(("User", each.text)) if each.kind is Kind.ALIAS and isinstance(aliases, dict) else None
        if inner is None:
            yield each
        elif depth < 8:
            yield from _users(inner, aliases, depth + 1)
