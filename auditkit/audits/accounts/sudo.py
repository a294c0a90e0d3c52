"""Who becomes root by sudo or doas: without a password, by a command that is more than it seems, by a program of others.

What nobody asked for is a gap; that somebody is root with his own password is how it is meant, and only told.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from auditkit.access import accounts, needs
from auditkit.access.nouns import Password
from auditkit.audits.accounts.become import detours
from auditkit.audits.accounts.people import MOST_QUOTES, listed, people
from auditkit.audits.accounts.privileges import DOAS, NOTHING, OWN, SUDOERS, Grant, gap_of, privileges, usable, wanted, worth
from auditkit.audits.accounts.privileges import NEEDS as OF_SUDO
from auditkit.audits.accounts.writers import Writer, status, statuses, writers
from auditkit.model import Evidence, Finding, Gap, Need, Quote, Rule, Severity
from auditkit.printable import printable
from auditkit.sudoers import disguise
from auditkit.sudoers.nouns import Kind

_UNDO = "(undo: put the line back). Keep a root session open."
_EDIT = f"visudo -f FILE, or for doas cp -p FILE FILE.before and an editor {_UNDO}"
WITHOUT_PASSWORD = Rule(
    "sudo-without-password",
    "An account becomes root and is asked for nothing",
    Severity.HIGH,
    "Whoever gets into such an account, by a stolen key, a hole in a service or a terminal left open, owns the machine at once:"
    " no password stands between. A rule with NOPASSWD, or nopass of doas, is often left over from an installation.",
    f"Take NOPASSWD out, or name the few commands that are needed instead of ALL: {_EDIT} First see that the account has a"
    " password (passwd -S NAME).",
    (
        "sudoers(5) NOPASSWD",
        "CIS Debian Linux Benchmark 5.2.4",
        "SCAP Security Guide sudo_remove_nopasswd",
        "MITRE ATT&CK T1548.003",
    ),
)
GIVES_ROOT = Rule(
    "sudo-command-gives-root",
    "A command that looks limited makes root of whoever may run it",
    Severity.HIGH,
    "The rule means to allow one task, but the program runs other programs or writes any file, so that the account is root in"
    " all"
    " but name. Editors start shells, tar and find run what they are told, package managers run scripts of packages.",
    "Allow a script of root's own that does just the task, with fixed words and no wildcards; sudoedit instead of an editor;"
    " NOEXEC"
    f" for pagers. {_EDIT}",
    ("sudoers(5) SECURITY NOTES", "MITRE ATT&CK T1548.003"),
)
READS_ALL = Rule(
    "sudo-command-reads-all",
    "A command that may be run as root reads any file",
    Severity.MEDIUM,
    "Whoever may do this can read every secret of the machine, and often becomes its master with them. The command opens any"
    " file as root: the hashes of all passwords, private keys, the secrets of services.",
    f"Name the files that it may read, without wildcards: `*` in sudoers fits blanks and slashes too. {_EDIT}",
    ("sudoers(5) Wildcards",),
)
WRITABLE = Rule(
    "sudo-command-writable",
    "Others may change a program that is run as root",
    Severity.HIGH,
    "Somebody who was given one task as root can give himself all of them. Whoever may write to the program of a rule, to a"
    " script it is given, or to a directory above it, puts his own there and has it run as root.",
    "chown root:root PATH and chmod go-w PATH, for the directories above it too (undo: the owner and mode that ls -ld showed"
    " before);"
    " better, put the program below /usr/local/sbin.",
    ("sudoers(5) SECURITY NOTES", "MITRE ATT&CK T1574.010"),
)
BY_PASSWORD = Rule(
    "sudo-root-by-password",
    "Accounts become root with their own password",
    Severity.INFO,
    "That is how administrators are meant to work. It is told so that the list can be compared with who should be on it: each"
    " of"
    " these passwords is as good as that of root.",
    "Take out who does not belong there: gpasswd -d NAME sudo (undo: gpasswd -a NAME sudo).",
    ("sudoers(5)",),
)
RULES = (WITHOUT_PASSWORD, GIVES_ROOT, READS_ALL, WRITABLE, BY_PASSWORD)
NEEDS = OF_SUDO
CLOUD = re.compile(r"/etc/sudoers\.d/(?:9[0-9]-cloud-init-users|waagent|010_pi-nopasswd|google_sudoers|vagrant)")
"""Where images of clouds and of small computers let their one default account become root."""
_PATH = re.compile(r"/[A-Za-z0-9._/@+:,-]{1,400}")
_WHY = "who may change programs that are run as root by sudo or doas"
MOST_PATHS = 400
MOST_TOLD = 6


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield who becomes root, and what nobody could tell."""
    yield from _gaps(evidence)
    told = [grant for grant in privileges(evidence).grants if usable(grant)]
    free = [grant for grant in told if grant.everything and grant.asked == NOTHING]
    yield from _without_password(evidence, free)
    yield from _in_disguise(evidence, told)
    yield from _by_detour(evidence, told)
    yield from _writable(evidence, told)
    masters = {grant.login.name for grant in free}
    asked = [grant for grant in told if grant.everything and grant.asked == OWN and grant.login.name not in masters]
    yield from _by_password(evidence, asked)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """The files that sudoers includes, and the status of the programs that rules name."""
    return (*wanted(evidence), *(status(path, _WHY) for path in _paths(privileges(evidence).grants)))


# --- what is not known


def _gaps(evidence: Evidence) -> Iterator[Gap]:
    told = privileges(evidence)
    for need in (SUDOERS, *DOAS[:1]):
        if not evidence.was_asked(need) or (gap := gap_of(evidence, need.what)):
            why = gap.reason if evidence.was_asked(need) and gap else "nobody asked for it"
            yield Gap(need.what, f"who becomes root with it was not judged: {why}")
    for path, why in told.policy.unread:
        if path != SUDOERS.what:
            yield Gap(path, f"sudo reads it, and its rules were not judged: {why}")
    for name, quote in told.unknown:
        where = f"{quote.source}:{quote.line}" if quote.line else SUDOERS.what
        yield Gap(where, f"who is in {printable(name)} cannot be told here, and so not what they may run")
    if told.cut:
        yield Gap("sudo", "there are more accounts and rules than are gone through")
    for service in sorted(accounts.directories(evidence, "sudoers") - {"files"}):
        yield Gap(needs.NSSWITCH.what, f"rules of sudo come from {printable(service)} too, and cannot be seen here")


# --- findings


def _without_password(evidence: Evidence, free: list[Grant]) -> Iterator[Finding]:
    by = defaultdict[tuple[Severity, str], list[Grant]](list)
    for grant in free:
        if grant.by_setting is None:  # of those the Defaults line is told
            by[_severity(grant, free)].append(grant)
    for (severity, why), grants in sorted(by.items(), reverse=True):
        message = (
            f"{_who(evidence, grants)} may run any command as root with {_tools(grants)} and {_verb(grants)} asked for nothing"
        )
        yield _finding(WITHOUT_PASSWORD, grants[0].tool, f"{message}{why}{_doubt(grants)}", severity, _quotes(grants))


def _severity(grant: Grant, free: list[Grant]) -> tuple[Severity, str]:
    if _everybody(grant):
        return Severity.CRITICAL, ""
    same = {each.login.name for each in free if each.quote.source == grant.quote.source}
    if CLOUD.fullmatch(grant.quote.source) and len(same) == 1:
        return Severity.MEDIUM, ": the one default account of a cloud image, which is let in by key; its key is the key of root"
    return Severity.HIGH, ""


def _in_disguise(evidence: Evidence, told: list[Grant]) -> Iterator[Finding]:
    """Yield the commands that are as good as root, of accounts that are not root more easily anyway."""
    ways_in = {(grant.login.name, grant.asked) for grant in told if grant.everything}
    by = defaultdict[tuple[Severity, str], list[tuple[Grant, str]]](list)
    for grant in told:
        value = None if grant.everything else worth(grant)
        master = {asked for name, asked in ways_in if name == grant.login.name}
        if value is None or grant.asked not in (NOTHING, OWN) or NOTHING in master or grant.asked in master:
            continue
        rule = READS_ALL if value.reads else GIVES_ROOT
        lower = (grant.asked == OWN) + bool(master)
        by[Severity(max(rule.severity - lower, Severity.LOW)), rule.id].append((grant, value.why))
    for (severity, name), pairs in sorted(by.items(), reverse=True):
        rule = next(rule for rule in (READS_ALL, GIVES_ROOT) if rule.id == name)
        grants = [grant for grant, _why in pairs]
        message = "; ".join(_reasons(evidence, pairs))
        asked = sorted({grant.asked for grant in grants}, key=(NOTHING, OWN).index)
        yield _finding(
            rule, grants[0].tool, f"asked for {' or '.join(asked)}: {message}{_doubt(grants)}", severity, _quotes(grants)
        )


def _reasons(evidence: Evidence, pairs: list[tuple[Grant, str]]) -> Iterator[str]:
    """Yield each reason, with the accounts that have it."""
    by = defaultdict[str, list[Grant]](list)
    for grant, why in pairs:
        by[why].append(grant)
    told = defaultdict[str, list[str]](list)
    for why, grants in list(by.items())[:MOST_TOLD]:
        told[_who(evidence, grants)].append(why)
    yield from (f"{who} by {', '.join(reasons)}" for who, reasons in told.items())
    if len(by) > MOST_TOLD:
        yield f"and {len(by) - MOST_TOLD} more commands"


def _by_detour(evidence: Evidence, told: list[Grant]) -> Iterator[Finding]:
    """Yield who is root by way of another account, of those that are not root more easily anyway."""
    everybody = people(evidence)
    ways_in = {(grant.login.name, grant.asked) for grant in told if grant.everything}
    for asked in (NOTHING, OWN):
        found = [each for each in detours(evidence) if each.asked == asked and (each.login.name, asked) not in ways_in]
        found = [each for each in found if asked == NOTHING or each.login.password not in (Password.NONE, Password.LOCKED)]
        if found:
            words = [f"{everybody.named(each.login)} may act as {_through(each.through)} {each.why}" for each in found]
            severity = Severity(GIVES_ROOT.severity - (asked == OWN))
            quotes = tuple(dict.fromkeys(each.quote for each in found))[:MOST_QUOTES]
            yield _finding(GIVES_ROOT, found[0].tool, f"asked for {asked}: {listed(words)}", severity, quotes)


def _writable(evidence: Evidence, told: list[Grant]) -> Iterator[Finding | Gap]:
    free = {grant.login.name for grant in told if grant.everything and grant.asked == NOTHING}
    by_path = defaultdict[str, list[Grant]](list)
    for grant in told:
        if grant.login.name not in free:
            for path in _paths([grant]):
                by_path[path].append(grant)
    by = defaultdict[Severity, list[tuple[Writer, list[Grant]]]](list)
    found, everybody = statuses(evidence, _WHY), people(evidence)
    for path, grants in by_path.items():
        need = status(path, _WHY)
        if not evidence.was_asked(need):
            yield Gap(path, "it may be run as root, and whether others may change it was not looked at")
        for _path, way in found.get(path, ()):
            if isinstance(way, Gap):
                yield way
                continue
            for writer in writers(way, everybody):
                callers = {grant.login.name for grant in grants}
                close = not writer.names or bool(writer.names & callers)
                by[Severity.HIGH if close else Severity.MEDIUM].append((writer, grants))
    for severity, pairs in sorted(by.items(), reverse=True):
        grants = [grant for _writer, several in pairs for grant in several]
        words = list(dict.fromkeys(writer.told for writer, _grants in pairs))
        more = f"; and {len(words) - MOST_TOLD} more" if len(words) > MOST_TOLD else ""
        message = f"{'; '.join(words[:MOST_TOLD])}{more}; {_who(evidence, grants)} may run what is there as root"
        yield _finding(WRITABLE, grants[0].tool, message, severity, _quotes(grants))


def _by_password(evidence: Evidence, grants: list[Grant]) -> Iterator[Finding]:
    if not grants:
        return
    every = [grant for grant in grants if _everybody(grant)]
    if every:
        message = f"every account with a password becomes root with it by {_tools(every)}"
        yield _finding(BY_PASSWORD, every[0].tool, message, Severity.HIGH, _quotes(every))
        return
    message = f"{_who(evidence, grants)} may run any command as root with {_tools(grants)}"
    yield _finding(BY_PASSWORD, grants[0].tool, f"{message}{_doubt(grants)}", Severity.INFO, _quotes(grants))


# --- words


def _finding(rule: Rule, tool: str, message: str, severity: Severity, quotes: tuple[Quote, ...]) -> Finding:
    """A finding whose remedy names the file, where it is one and has a plain name."""
    sources = {quote.source for quote in quotes}
    plain = len(sources) == 1 and tool == "sudo" and _PATH.fullmatch(next(iter(sources)))
    remedy = rule.remedy.replace(f"{_EDIT}", f"visudo -f {next(iter(sources))} {_UNDO}") if plain else ""
    return Finding(rule, tool, message, severity, quotes, remedy if remedy != rule.remedy else "")


def _everybody(grant: Grant) -> bool:
    return any(each.kind is Kind.ALL and not each.negated for each in grant.users)


def _who(evidence: Evidence, grants: Iterable[Grant]) -> str:
    everybody = people(evidence)
    if any(_everybody(grant) for grant in grants):
        return "every account"
    return listed([everybody.named(grant.login) for grant in grants])


def _verb(grants: list[Grant]) -> str:
    one = len({grant.login.name for grant in grants}) == 1 or any(map(_everybody, grants))
    return "is" if one else "are"


def _tools(grants: list[Grant]) -> str:
    return " and ".join(sorted({grant.tool for grant in grants}))


def _doubt(grants: list[Grant]) -> str:
    return "" if all(grant.sure for grant in grants) else "; whether the rule is about this host and root is not certain"


def _quotes(grants: Iterable[Grant]) -> tuple[Quote, ...]:
    return tuple(dict.fromkeys(grant.quote for grant in grants))[:MOST_QUOTES]


def _paths(grants: Iterable[Grant]) -> tuple[str, ...]:
    """The programs and scripts of rules with the directories they are in, where they are named without wildcards."""
    found: dict[str, None] = {}
    for grant in grants:
        if grant.command.kind is Kind.COMMAND and not grant.command.digests:
            for path in (grant.command.text.rstrip("/"), *disguise.scripts(grant.command)):
                if _PATH.fullmatch(path) and "/../" not in path and "//" not in path:
                    found[path] = found[path.rpartition("/")[0] or "/"] = None
    return tuple(found)[:MOST_PATHS]


def _through(name: str) -> str:
    return f"{printable(name)}, {'which' if name.startswith('group ') else 'who'}"
