"""C. Whether the configuration of sshd says what its author believes: lines that are dead, misplaced, refused or not read."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from auditkit import answers
from auditkit.access import needs, seen, telling
from auditkit.access.seen import Seen, Server
from auditkit.model import Evidence, Finding, Gap, Rule, Severity
from auditkit.printable import printable
from auditkit.sshd.effective import MAIN, Effective
from auditkit.sshd.lines import lowered
from auditkit.sshd.reading import Place, Statement
from auditkit.sshd.values import ignored

REFUSED = Rule(
    "ssh-config-refused",
    "sshd will not start with its configuration",
    Severity.HIGH,
    "What runs now was started with another one. After the next restart, upgrade or reboot nobody can log in over SSH.",
    "sudo sshd -t names the line: mend it, and run that again until it says nothing.",
    ("sshd(8) -t",),
)
DEAD = Rule(
    "ssh-dead-line",
    "A line of sshd's configuration has no effect, for another one is read first",
    Severity.LOW,
    "The first value counts. Files of sshd_config.d are read where Include stands, which is before all else on Debian: what a"
    " program has put there beats what you wrote in sshd_config.",
    "Put the line that is meant where it is read first, or take it out.",
    ("sshd_config(5)", "https://github.com/canonical/cloud-init/issues/5934"),
)
UNDER_MATCH = Rule(
    "ssh-line-under-match",
    "A line that looks as if it held for everybody stands under a Match",
    Severity.MEDIUM,
    "A protection that somebody wrote down holds for some people only. A Match block goes on until the next Match or the end"
    " of the file, whatever the indentation.",
    "Move it above the first Match, or write Match all before it.",
    ("sshd_config(5) Match",),
)
NOT_READ = Rule(
    "ssh-drop-in-not-read",
    "A file of sshd_config.d is not read",
    Severity.MEDIUM,
    "Somebody believes that what it says is in force, and SSH is as open as without it. sshd reads only what an Include"
    " line names, which on most systems is *.conf.",
    "Give it a name that ends in .conf, or write Include /etc/ssh/sshd_config.d/*.conf as the first line of sshd_config.",
    ("sshd_config(5) Include",),
)
WRITABLE = Rule(
    "ssh-config-writable",
    "Others than root may change the configuration of sshd",
    Severity.HIGH,
    "Who writes to it lets himself in as root. The file, or a directory above it, may be changed by another account, and"
    " AuthorizedKeysCommand, ForceCommand or PermitRootLogin in it are in force from the next reload on.",
    "sudo chown root: FILE && sudo chmod go-w FILE (undo: chmod and chown with what the message says).",
    ("CIS Debian 12 5.1.1",),
)
DEPRECATED = Rule(
    "ssh-deprecated-keyword",
    "sshd knows a keyword no longer, or by another name",
    Severity.INFO,
    "Who reads the line believes that it protects, and it does not. sshd passes over the keyword, or takes it for another one,"
    " and one day will refuse to start with it.",
    "Take the line out, or write the new name.",
    ("sshd_config(5)",),
)
FORWARDING = Rule(
    "ssh-forwarding",
    "More is forwarded than most hosts need",
    Severity.LOW,
    "Whoever logs in here gets further into the network than he needs. Connections that come in over a login pass the"
    " firewall; with X11 a host that was taken over reads the keyboard of who logs in.",
    "Say GatewayPorts no, PermitTunnel no, X11Forwarding no.",
    ("sshd_config(5) X11Forwarding, GatewayPorts, PermitTunnel", "CIS Debian 12 5.1.8"),
)
QUIET = Rule(
    "ssh-log-too-quiet",
    "sshd does not log who logs in with which key",
    Severity.MEDIUM,
    "After an incident nobody can say who was in. With LogLevel QUIET, FATAL or ERROR sshd writes down no login, neither one"
    " that succeeds nor one that fails.",
    "Say LogLevel VERBOSE, or INFO.",
    ("sshd_config(5) LogLevel", "CIS Debian 12 5.1.14"),
)
NO_PAM = Rule(
    "ssh-without-pam",
    "sshd does not ask PAM",
    Severity.LOW,
    "Rules for logins that hold elsewhere on this machine do not hold over SSH. With UsePAM no nothing of PAM is asked:"
    " limits, two factors, accounts that are over or locked, who may log in where.",
    "Say UsePAM yes, and test a login before you close this session.",
    ("sshd_config(5) UsePAM", "CIS Debian 12 5.1.22"),
)
GENEROUS = Rule(
    "ssh-generous-limits",
    "sshd takes more at once than by default",
    Severity.INFO,
    "Whoever wants to wear it out, or to guess in many connections, can. MaxStartups says how many may wait for a login at"
    " once, MaxSessions how many sessions one login may open.",
    "Take the line out: the default is good for most.",
    ("sshd_config(5) MaxSessions, MaxStartups", "CIS Debian 12 5.1.17, 5.1.18"),
)
RULES = (REFUSED, DEAD, UNDER_MATCH, NOT_READ, WRITABLE, DEPRECATED, FORWARDING, QUIET, NO_PAM, GENEROUS)
NEEDS = seen.NEEDS
STRICT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("PasswordAuthentication", "KbdInteractiveAuthentication", "ChallengeResponseAuthentication", "PermitEmptyPasswords"),
        ("no", "yes"),
    ),
    **dict.fromkeys(("HostbasedAuthentication", "GSSAPIAuthentication", "PermitUserEnvironment"), ("no", "yes")),
    **dict.fromkeys(("AllowTcpForwarding", "GatewayPorts", "PermitTunnel", "X11Forwarding"), ("no", "yes")),
    **dict.fromkeys(("DisableForwarding", "StrictModes", "UsePAM"), ("yes", "no")),
    "PermitRootLogin": ("no", "forced-commands-only", "prohibit-password", "yes"),
}
"""Keywords that decide who gets in or how far, and their values, the strictest first."""


MOST_MATCHES = 20
"""Match blocks of one file that are told of."""


@dataclass(frozen=True, slots=True)
class Worry:
    """Values of a keyword that are worse than they need be."""

    rule: Rule
    severity: Severity
    keyword: str
    values: tuple[str, ...]
    better: str


WORRIES = (
    Worry(FORWARDING, Severity.MEDIUM, "GatewayPorts", ("yes", "clientspecified"), "no"),
    Worry(FORWARDING, Severity.MEDIUM, "PermitTunnel", ("yes", "point-to-point", "ethernet"), "no"),
    Worry(FORWARDING, Severity.INFO, "X11Forwarding", ("yes",), "no"),
    Worry(QUIET, QUIET.severity, "LogLevel", ("QUIET", "FATAL", "ERROR"), "VERBOSE"),
    Worry(QUIET, Severity.INFO, "SyslogFacility", ("DAEMON", "USER", *(f"LOCAL{n}" for n in range(8))), "AUTH"),
    Worry(NO_PAM, NO_PAM.severity, "UsePAM", ("no",), "yes"),
)
PASSWORDS = tuple(STRICT)[:4]
FAR = ("AllowTcpForwarding", "GatewayPorts", "PermitTunnel", "X11Forwarding", "DisableForwarding", "GSSAPIAuthentication")
"""Those of them that let nobody in."""
LEFT_OVER = (
    *("~", ".bak", ".old", ".orig", ".save", ".before", ".disabled", ".off", ".swp", ".md", ".txt"),
    *(".dpkg-dist", ".dpkg-old", ".dpkg-new", ".dpkg-bak", ".rpmnew", ".rpmsave", ".rpmorig", ".ucf-dist"),
)
"""How the name of a file ends that nobody expects to be read."""


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what is wrong with the configuration of each server, one of those that share it."""
    told = seen.seen(evidence)
    yield from _writable(evidence)
    for server in told.alike:
        if server.configuration is None:
            continue
        yield from _refused(told, server)
        yield from _dead(told, server)
        yield from _under_match(told, server)
        yield from _not_read(told, server)
        yield from _deprecated(server)
        yield from _values(told, server)
        yield from _generous(told, server)


def _refused(told: Seen, server: Server) -> Iterator[Finding]:
    if not server.refused:
        return
    each = [f"{telling.shown(one.at)}: {printable(one.reason[:120])}" for one in server.refused[:3]]
    more = f" and {len(server.refused) - 3} lines more" if len(server.refused) > 3 else ""
    places = [one.at for one in server.refused if one.at.line]
    message = f"{server.name} would not start again: {'; '.join(each)}{more}"
    remedy = "Mend what is named, and before anything is restarted: sudo sshd -t"
    include = telling.including(server, places[0].file) if places else None
    if include:
        remedy = f"{printable(places[0].file)} is read by the Include at {telling.shown(include)}. If it is no configuration"
        remedy += f" of sshd: {telling.commented(server, told.evidence, [include])}"
    elif places:
        remedy = f"{remedy}. Or take it out: {telling.commented(server, told.evidence, places)}"
    yield Finding(REFUSED, server.name, message, REFUSED.severity, telling.quotes(server, places), remedy)


# --- lines that are dead


def _dead(told: Seen, server: Server) -> Iterator[Finding]:
    by_winner = defaultdict[tuple[str, Place], list[Statement]](list)
    for each in server.configuration.start.held.dead if server.configuration else ():
        line, winner = telling.statement(server, each.line), telling.statement(server, each.winner)
        if line and winner and line.value != winner.value:
            by_winner[each.keyword, each.winner].append(line)
    for (keyword, place), lines in by_winner.items():
        yield _dead_one(told, server, keyword, place, lines)


def _dead_one(told: Seen, server: Server, keyword: str, winner: Place, lines: list[Statement]) -> Finding:
    counts = telling.statement(server, winner)
    value = " ".join(counts.value)[:80] if counts else ""
    stricter = [line for line in lines if _stricter(keyword, line.value, counts.value if counts else ())]
    meant = " ".join((stricter or lines)[0].value)[:80]
    where = telling.names([telling.shown(line.at) for line in lines])
    whose, then = ("your ", _result(told, server, keyword)) if stricter else ("", "")
    message = (
        f"{whose}{keyword} {printable(meant)} is not in force: {telling.shown(winner)} says {printable(value)} and is read"
        f" first; {where} {'is' if len(lines) == 1 else 'are'} never used{then}"
    )
    quotes = telling.quotes(server, (winner, *(line.at for line in lines)))
    if stricter and telling.PLAIN_VALUE.fullmatch(meant):
        remedy = telling.closing(server, told.evidence, [f"{keyword} {meant}"])
    else:
        remedy = telling.commented(server, told.evidence, [line.at for line in lines])
    severity = (Severity.MEDIUM if keyword in FAR else Severity.HIGH) if stricter else DEAD.severity
    severity = DEAD.severity if server.running is False else severity
    if severity is DEAD.severity and counts and all(_stricter(keyword, counts.value, line.value) for line in lines):
        severity = Severity.INFO  # what counts lets less through than what is dead: that is how drop-ins are meant
    return Finding(DEAD, server.name, message, severity, quotes, remedy)


def _stricter(keyword: str, meant: tuple[str, ...], counts: tuple[str, ...]) -> bool:
    """Whether a dead line would have let less through than the one that counts."""
    order = STRICT.get(keyword, ())
    if keyword == "AuthenticationMethods":
        return counts == ("any",)
    return len(meant) == len(counts) == 1 and {*meant, *counts} <= {*order} and order.index(meant[0]) < order.index(counts[0])


def _result(told: Seen, server: Server, keyword: str) -> str:
    """Who gets in because of it."""
    roots = {login.name for login in told.logins if login.root}
    doors = [door for door in server.doors if door.sure and keyword in (*PASSWORDS, "AuthenticationMethods", "PermitRootLogin")]
    doors = [door for door in doors if door.account in roots] if keyword == "PermitRootLogin" else doors
    if not doors:
        return ""
    froms = telling.origins((door.source for door in doors), server, told.evidence)
    who = telling.names(door.account for door in doors)
    return f". Result: {who} can log in with a password {telling.sources(froms)}{telling.offered(server)}"


# --- lines that are misplaced or not read


def _under_match(told: Seen, server: Server) -> Iterator[Finding]:
    """Yield lines at the start of a row in a Match block whose other lines are indented."""
    for file in server.configuration.files.read if server.configuration else ():
        held = server.configuration.files.files.get(file) if server.configuration else None
        if not isinstance(held, bytes) or b"\nmatch" not in b"\n" + held.lower():
            continue
        for match, out in islice(_outdented(server, file, held.split(b"\n")), MOST_MATCHES):
            where = f"{telling.lines(each.at for each in out[:3])} {'stands' if len(out) == 1 else 'stand'} under"
            message = (
                f"{where} Match {printable(match.line.rest.strip()[:80])} ({telling.shown(match.at)}), and holds only there"
            )
            quotes = telling.quotes(server, (match.at, *(each.at for each in out)))
            above = (
                f"If it is meant for all: move it above the first Match of {printable(file)}, then{telling.tested(server)[3:]}."
            )
            remedy = f"{above} {telling.KEEP} {telling.again(told.evidence)} If not: indent it (undo: move it back)."
            yield Finding(UNDER_MATCH, server.name, message, UNDER_MATCH.severity, quotes, remedy)


def _outdented(server: Server, file: str, rows: list[bytes]) -> Iterator[tuple[Statement, list[Statement]]]:
    """Yield each Match line with those of its block that are not indented after one that is."""
    match: Statement | None = None
    indented, out = False, list[Statement]()
    for each in (*telling.read_of(server, file), None):
        if each is None or lowered(each.line.keyword) == "match":
            if match and out and lowered(match.line.rest.strip()) != "all":
                yield match, out
            match, indented, out = each, False, []
        elif match and each.at.line <= len(rows):
            inside = rows[each.at.line - 1][:1] in (b" ", b"\t")
            out += [each] if indented and not inside else []
            indented = indented or inside


def _not_read(told: Seen, server: Server) -> Iterator[Finding]:
    if server.main != MAIN or server.configuration is None:
        return
    read = server.configuration.files.read
    there = [item for item in needs.items(told.evidence, needs.DROP_INS) if item.source not in read and _says(item.data)]
    wrong = [each.source for each in there if not each.source.endswith((".conf", *LEFT_OVER))]
    unread = [
        each.source for each in there if each.source.endswith(".conf") and not each.source.rpartition("/")[2].startswith(".")
    ]
    if wrong:
        message = f"{telling.names(wrong)} {'is' if len(wrong) == 1 else 'are'} not read: the name does not end in .conf"
        yield Finding(NOT_READ, server.name, message, NOT_READ.severity)
    if unread:
        message = f"{telling.names(unread)} {'is' if len(unread) == 1 else 'are'} not read: no Include of {MAIN} names it"
        yield Finding(NOT_READ, server.name, message, NOT_READ.severity)


def _says(data: bytes) -> bool:
    """Whether a file has a line that is no comment."""
    return any(row.strip() and not row.lstrip().startswith(b"#") for row in data.split(b"\n", 1000)[:1000])


def _writable(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what others than root may change: the files of the configuration, and the directories that they lie in."""
    known = set()
    for told in (one for need in needs.STATUS for one in needs.read(evidence, need, answers.way)):
        if isinstance(told, Gap):
            yield told
            continue
        for step in told:
            severity = _open(step)
            if severity is not None and step.path not in known:
                known.add(step.path)
                who = f"belongs to uid {step.uid}" if step.uid else "may be written to by others than root"
                message = f"{printable(step.path)} {who} (mode {step.permissions:04o}, uid {step.uid}, gid {step.gid})"
                yield Finding(WRITABLE, step.path, message, severity, (), _closing(step))


def _closing(step: answers.Step) -> str:
    """The commands for a path that is fit for one."""
    if not needs.PLAIN.fullmatch(step.path):
        return ""
    before = f"sudo chown {step.uid}:{step.gid} {step.path} && sudo chmod {step.permissions:04o} {step.path}"
    return f"sudo chown root: {step.path} && sudo chmod go-w {step.path} (undo: {before})"


def _open(step: answers.Step) -> Severity | None:
    if step.uid or step.for_everybody:
        return WRITABLE.severity
    return Severity.MEDIUM if step.for_a_group else None


def _deprecated(server: Server) -> Iterator[Finding]:
    found: list[Statement] = []
    for file in server.configuration.files.read if server.configuration else ():
        found += [each for each in telling.read_of(server, file) if not each.refused and _is_old(each)]
    if found:
        each = ", ".join(map(_renamed, found[:5]))
        message = f"sshd does nothing with these, or knows them by another name: {printable(each)}"
        quotes = telling.quotes(server, (one.at for one in found))
        yield Finding(DEPRECATED, server.name, message, DEPRECATED.severity, quotes)


def _renamed(each: Statement) -> str:
    new = "" if each.keyword is None or each.keyword.read is ignored else f" is now {each.keyword.name}"
    return f"{each.line.keyword}{new} ({telling.shown(each.at)})"


def _is_old(each: Statement) -> bool:
    return each.keyword is not None and (
        each.keyword.read is ignored or lowered(each.line.keyword) != lowered(each.keyword.name)
    )


# --- values


def _where(server: Server, keyword: str, values: tuple[str, ...]) -> tuple[Effective | None, str]:
    """What holds where a keyword has one of these values, and for whom that is; nobody named where it is for all."""
    hit = [one for one in server.treated if (one.effective.effects[keyword].value or ("",))[0] in values]
    if not hit:
        return None, ""
    if len(hit) == len(server.treated):
        return hit[0].effective, ""
    return hit[0].effective, f", for {telling.names(login.name for one in hit for login, _source in one.who)}"


def _values(told: Seen, server: Server) -> Iterator[Finding]:
    """Yield each value that is worse than it need be, with the lines to blame and the better value."""
    for worry in WORRIES:
        effective, who = _where(server, worry.keyword, worry.values)
        if effective is not None and (worry.rule is not NO_PAM or _has_pam(told, server)):
            message = f"{telling.note(server)}{telling.saying(server, effective, worry.keyword)}{who}"
            quotes = telling.quotes(server, effective.effects[worry.keyword].set_by)
            places = effective.effects[worry.keyword].set_by
            remedy = telling.instead(server, told.evidence, places, [f"{worry.keyword} {worry.better}"])
            yield Finding(worry.rule, server.name, message, worry.severity, quotes, remedy)


def _has_pam(told: Seen, server: Server) -> bool:
    """Whether sshd could ask PAM: it was not built without, and there is one."""
    built_without = any("usepam" not in dump.values for dump in server.dumps)
    return not built_without and any(needs.items(told.evidence, need) for need in needs.PAM)


def _generous(told: Seen, server: Server) -> Iterator[Finding]:
    effects = server.treated[0].effective.effects if server.treated else {}
    for keyword, most in (("MaxSessions", (10,)), ("MaxStartups", (10, 100, 100))):
        effect = effects.get(keyword)
        numbers = [int(part) for part in (effect.value or ("",))[0].split(":") if part.isdigit()] if effect else []
        if effect and effect.set_by and any(one > limit for one, limit in zip(numbers[::2], most[::2], strict=False)):
            message = f"{telling.note(server)}{telling.saying(server, server.treated[0].effective, keyword)}"
            remedy = telling.commented(server, told.evidence, effect.set_by)
            yield Finding(GENEROUS, server.name, message, GENEROUS.severity, telling.quotes(server, effect.set_by), remedy)
