"""Accounts: who is root besides root, who needs no password, and which lines of /etc/passwd are not what they seem.

The same line is not the same account everywhere, so each is read as glibc and as musl read it. Passwords come as the
facts that auditkit/probe/take.py leaves of them: `root:<set $6$>:20228:0:99999:7:::`.
"""

import re
from collections.abc import Iterable, Iterator

from auditkit.access.needs import PASSWD, SHADOW
from auditkit.access.passwd import EMPTY, SESSIONLESS, SHADOWED, Line, lines_of
from auditkit.audits.accounts.people import ORDINARY
from auditkit.model import Evidence, Finding, Gap, Means, Need, Rule, Severity
from auditkit.printable import printable

NSSWITCH = Need(Means.FILE, "/etc/nsswitch.conf", "whether `+` lines of /etc/passwd are heeded")

UID_ZERO_TWIN = Rule(
    "uid-zero-twin",
    "A second account is root",
    Severity.CRITICAL,
    "The kernel knows only the number: every account with uid 0 is root under another name, with a password and keys of"
    " its own, and logs blame root for what it does. It is an old way to keep a door open. FreeBSD ships one, `toor`,"
    " locked: there, and only there, except it in auditkit.yaml.",
    "Find out who made it and when before it is touched. Close it: usermod --expiredate 1 NAME"
    " (undo: usermod --expiredate '' NAME). Once nothing runs under it, take its line out with vipw and vipw -s.",
    ("passwd(5)", "SCAP Security Guide accounts_no_uid_except_zero"),
)
UID_ZERO_BY_OVERFLOW = Rule(
    "uid-zero-by-overflow",
    "A uid that does not look like 0 is read as 0",
    Severity.CRITICAL,
    "glibc reads a uid with strtoul(3), so that 00, +0, -0 and a blank before it are 0; musl counts modulo 2^32, so"
    " that 4294967296 and an empty field are 0, and it knows no comments. Whoever looks for `:0:` finds none of them.",
    "Find out who made it. cp -p /etc/passwd /root/passwd.before; take the line out with vipw"
    " (undo: cp -p /root/passwd.before /etc/passwd).",
    ("glibc nss/nss_files/files-parse.c strtou32", "musl src/passwd/getpwent_a.c atou"),
)
EMPTY_PASSWORD = Rule(
    "empty-password",
    "An account needs no password",
    Severity.CRITICAL,
    "Anybody who knows or guesses the name of the account can use it. An empty field in /etc/shadow is taken wherever empty"
    " passwords are accepted: at the console and with su where PAM says nullok, over SSH where sshd says PermitEmptyPasswords"
    " yes.",
    "Lock the password: passwd -l NAME (undo: passwd -d NAME); or set one: passwd NAME."
    " If it is the field of /etc/passwd that is empty: first pwconv, which moves it to /etc/shadow.",
    ("shadow(5)", "pam_unix(8)", "SCAP Security Guide no_empty_passwords_etc_shadow"),
)
PASSWORD_IN_PASSWD = Rule(
    "password-in-passwd",
    "A password hash stands in /etc/passwd",
    Severity.HIGH,
    "Everybody on the machine, and every service that can be talked into showing a file, reads /etc/passwd and may"
    " guess the password at leisure. The hash counts: pam_unix asks /etc/shadow only where the field is `x`.",
    "cp -p /etc/passwd /root/passwd.before; cp -p /etc/shadow /root/shadow.before; pwconv; then a new password: passwd"
    " NAME (undo: cp -p /root/passwd.before /etc/passwd; cp -p /root/shadow.before /etc/shadow).",
    ("pwconv(8)", "linux-pam passverify.c is_pwd_shadowed", "SCAP Security Guide accounts_password_all_shadowed"),
)
PASSWD_LINE_UNREADABLE = Rule(
    "passwd-line-unreadable",
    "A line of /etc/passwd is no account",
    Severity.MEDIUM,
    "Somebody meant to make or change an account, and it did not come out as meant. glibc passes over a line that is malformed"
    " in silence, and other programs may read it otherwise.",
    "pwck -r names it. cp -p /etc/passwd /root/passwd.before; mend it with vipw (undo: cp -p /root/passwd.before /etc/passwd).",
    ("passwd(5)", "pwck(8)"),
)
NIS_INCLUDE = Rule(
    "nis-include",
    "/etc/passwd takes in accounts from NIS",
    Severity.MEDIUM,
    "With `compat` in nsswitch.conf a line that begins with `+` adds accounts that stand in no file here, on the word"
    " of whoever answers as NIS server. Without it glibc ignores the line, but musl reads `+::::::` as an account with"
    " uid 0 and no password.",
    "cp -p /etc/passwd /root/passwd.before; take the line out with vipw (undo: cp -p /root/passwd.before /etc/passwd).",
    ("nsswitch.conf(5)", "SCAP Security Guide no_legacy_plus_entries_etc_passwd", "musl src/passwd/getpwent_a.c"),
)
UID_SHARED = Rule(
    "uid-shared",
    "Two accounts share a uid",
    Severity.LOW,
    "Nobody can say later which of the two did something. For the kernel accounts with one uid are the same: they own each"
    " other's files and may end each other's processes, and logs name whichever stands first.",
    "Give one a number of its own: usermod --uid NEW NAME (undo: usermod --uid OLD NAME), and hand over its files.",
    ("passwd(5)", "SCAP Security Guide account_unique_id"),
)
NAME_TWICE = Rule(
    "name-twice",
    "An account name stands twice in /etc/passwd",
    Severity.MEDIUM,
    "getpwnam(3) gives the first line. The other waits until the order changes, and tools that list accounts show both.",
    "Find out which is meant. cp -p /etc/passwd /root/passwd.before; take the other out with vipw"
    " (undo: cp -p /root/passwd.before /etc/passwd).",
    ("getpwnam(3)", "SCAP Security Guide account_unique_name"),
)
SHADOW_MISMATCH = Rule(
    "shadow-mismatch",
    "/etc/passwd and /etc/shadow do not match",
    Severity.INFO,
    "Accounts were edited by hand or by a tool that broke off, and what is left may surprise somebody later. An account that"
    " points to /etc/shadow and is not there has no password that could match; a password without an account waits for one of"
    " that name.",
    "pwck -r lists them; pwconv mends both (undo: restore copies made before with cp -p).",
    ("pwck(8)", "pwconv(8)"),
)

MOST_QUOTES = 10
_COMPAT = re.compile(r"^[ \t]*passwd:[^#\n]*\bcompat\b", re.MULTILINE)


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what is wrong with the accounts of a host."""
    text = _text(evidence, PASSWD)
    if text is None:
        yield Gap("accounts", f"not judged, as {PASSWD.what} was not taken")
        return
    lines, left_out = lines_of(PASSWD.what, text)
    yield from left_out
    accounts = tuple(line for line in lines if line.glibc is not None)
    yield from _superusers(accounts)
    yield from _disguised(lines)
    yield from _unreadable(lines)
    yield from _included(lines, _text(evidence, NSSWITCH))
    yield from _twins(accounts)
    yield from _hashes(accounts)
    yield from _passwords(_first_of_each_name(accounts), _text(evidence, SHADOW))


def _text(evidence: Evidence, need: Need) -> str | None:
    items = evidence.of(need)
    return items[0].data.decode("utf-8", "surrogateescape") if items else None


def _finding(rule: Rule, line: Line, message: str, severity: Severity | None = None, *others: Line) -> Finding:
    name = line.fields[0]
    return Finding(
        rule,
        f"account {name}",
        message,
        rule.severity if severity is None else severity,
        tuple(quoted.quote for quoted in (line, *others)[:MOST_QUOTES]),
        # a name that is no ordinary one must not end up in a command line that somebody pastes
        rule.remedy.replace("NAME", name) if ORDINARY.fullmatch(name) else "",
    )


def _superusers(accounts: tuple[Line, ...]) -> Iterator[Finding]:
    supers = [line for line in accounts if line.fields[2] == "0"]
    root = next((line for line in supers if line.fields[0] == "root"), supers[0] if supers else None)
    for line in supers:
        if root and line is not root:
            shown = printable(line.fields[0])
            yield _finding(UID_ZERO_TWIN, line, f"{shown} has uid 0, as {printable(root.fields[0])} has", None, root)


def _disguised(lines: Iterable[Line]) -> Iterator[Finding]:
    for line in lines:
        readers = [libc for libc, uid in (("glibc", line.glibc), ("musl", line.musl)) if uid == 0]
        if not readers or line.nis or (line.glibc is not None and line.fields[2] == "0"):
            continue
        uid = f"uid `{printable(line.fields[2])}`" if line.fields[2] else "an empty uid"
        message, severity = f"{uid} is 0 for {' and '.join(readers)}", None
        if line.comment:  # an attack on Alpine and the like, elsewhere just a comment
            message, severity = "a comment for glibc, but an account with uid 0 for musl", Severity.LOW
        yield _finding(UID_ZERO_BY_OVERFLOW, line, message, severity)


def _unreadable(lines: Iterable[Line]) -> Iterator[Finding]:
    broken = [line for line in lines if line.glibc is None and not line.comment and not line.nis]
    if broken:
        message = f"{_counted(len(broken))} no account for glibc"
        quotes = tuple(line.quote for line in broken[:MOST_QUOTES])
        yield Finding(PASSWD_LINE_UNREADABLE, PASSWD.what, message, PASSWD_LINE_UNREADABLE.severity, quotes)


def _counted(lines: int) -> str:
    return "1 line is" if lines == 1 else f"{lines} lines are"


def _included(lines: Iterable[Line], nsswitch: str | None) -> Iterator[Finding]:
    plus = [line for line in lines if line.nis]
    if not plus:
        return
    severity, heeded = Severity.MEDIUM, "whether it is heeded is not known, as nsswitch.conf was not taken"
    if nsswitch is not None and _COMPAT.search(nsswitch):
        severity, heeded = Severity.HIGH, "nsswitch.conf says compat, so glibc heeds it"
    elif nsswitch is not None:
        severity, heeded = Severity.LOW, "nsswitch.conf does not say compat, so glibc ignores it"
    message = f"{_counted(len(plus))} for NIS; {heeded}"
    yield Finding(NIS_INCLUDE, PASSWD.what, message, severity, tuple(line.quote for line in plus[:MOST_QUOTES]))


def _twins(accounts: tuple[Line, ...]) -> Iterator[Finding]:
    by_uid: dict[int | None, list[Line]] = {}
    by_name: dict[str, list[Line]] = {}
    for line in accounts:
        by_uid.setdefault(line.glibc, []).append(line)
        by_name.setdefault(line.fields[0], []).append(line)
    for uid, (first, *rest) in by_uid.items():
        names = dict.fromkeys(printable(line.fields[0]) for line in (first, *rest)[:MOST_QUOTES])
        if uid and len(names) > 1:  # of uid 0 uid-zero-twin tells
            yield _finding(UID_SHARED, rest[0], f"uid {uid} is shared by {', '.join(names)}", None, first, *rest[1:])
    for name, (first, *rest) in by_name.items():
        if rest:
            message = f"{printable(name)} stands on {1 + len(rest)} lines; the first, with uid {first.glibc}, counts"
            yield _finding(NAME_TWICE, first, message, None, *rest)


def _hashes(accounts: Iterable[Line]) -> Iterator[Finding]:
    for line in accounts:
        kind, _blank, scheme = line.password.partition(" ")
        shown = f"{printable(line.fields[0])} has its password hash{scheme and f' ({printable(scheme)})'} in /etc/passwd"
        if kind == "set":
            yield _finding(PASSWORD_IN_PASSWD, line, shown)
        elif kind == "locked" and scheme:
            yield _finding(PASSWORD_IN_PASSWD, line, f"{shown}, locked", Severity.MEDIUM)


def _first_of_each_name(lines: Iterable[Line]) -> dict[str, Line]:
    """Who is who: getpwnam(3) and getspnam(3) give the first line of a name."""
    named: dict[str, Line] = {}
    for line in lines:
        named.setdefault(line.fields[0], line)
    return named


def _passwords(accounts: dict[str, Line], text: str | None) -> Iterator[Finding | Gap]:
    for line in accounts.values():
        if line.password == EMPTY:
            yield _open(line, line)
    if text is None:
        if any(line.password == SHADOWED for line in accounts.values()):
            yield Gap("passwords", f"whether any is empty was not judged, as {SHADOW.what} was not taken")
        return
    lines, left_out = lines_of(SHADOW.what, text)
    yield from left_out
    broken = [line.number for line in lines if len(line.fields) == 1 and not line.comment and not line.nis]
    if broken:
        yield Gap(SHADOW.what, f"{_counted(len(broken))} no entry, the first is line {broken[0]}")
    named = _first_of_each_name(line for line in lines if len(line.fields) > 1 and not line.comment and not line.nis)
    yield from _shadowed(accounts, named)


def _shadowed(accounts: dict[str, Line], shadow: dict[str, Line]) -> Iterator[Finding]:
    for name, line in accounts.items():
        if line.password != SHADOWED:
            continue  # pam_unix looks into /etc/shadow for no other word
        if name not in shadow:
            yield _finding(SHADOW_MISMATCH, line, f"{printable(name)} points to /etc/shadow, where it is not")
        elif shadow[name].password == EMPTY:
            yield _open(line, shadow[name])
    for name, line in shadow.items():
        if name not in accounts and line.password.partition(" ")[0] in ("set", EMPTY):
            yield _finding(SHADOW_MISMATCH, line, f"{printable(name)} has an entry in /etc/shadow, but no account")


def _open(account: Line, seen: Line) -> Finding:
    """The account whose password field, here or in /etc/shadow, is empty."""
    shell = account.shell
    lasting = shell not in SESSIONLESS
    ends = "" if lasting else ", which gives no session"
    message = f"{printable(account.fields[0])} has no password in {seen.source}; its shell is {printable(shell)}{ends}"
    return _finding(EMPTY_PASSWORD, seen, message, None if lasting else Severity.LOW)


NEEDS = (PASSWD, SHADOW, NSSWITCH)
RULES = (
    UID_ZERO_TWIN,
    UID_ZERO_BY_OVERFLOW,
    EMPTY_PASSWORD,
    PASSWORD_IN_PASSWD,
    PASSWD_LINE_UNREADABLE,
    NIS_INCLUDE,
    UID_SHARED,
    NAME_TWICE,
    SHADOW_MISMATCH,
)
