"""The programs that logins start: shells that are not there, that others may change, or that are not what they are called."""

import re
from collections import defaultdict
from collections.abc import Iterator

from auditkit import answers
from auditkit.access import needs
from auditkit.access.nouns import Login
from auditkit.access.passwd import SESSIONLESS
from auditkit.audits.accounts.people import MOST_QUOTES, People, listed, people
from auditkit.audits.accounts.people import NEEDS as OF_PEOPLE
from auditkit.audits.accounts.writers import EVERYBODY, writers
from auditkit.model import Evidence, Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

SHELLS = Need(Means.FILE, "/etc/shells", "which shells are meant for logins")
NEEDS = (*OF_PEOPLE, SHELLS)
SHELL_FALSE = Rule(
    "shell-not-what-it-seems",
    "A shell is not what it is called",
    Severity.CRITICAL,
    "An account that looks closed by /usr/sbin/nologin or /bin/false is open if the path has a blank behind it, or leads to a"
    " real"
    " shell. Nobody writes that by mistake.",
    "Keep a copy of the program and of /etc/passwd as evidence: cp -a. Find out when it came. Then usermod -s"
    " /usr/sbin/nologin NAME"
    " (undo: usermod -s SHELL NAME), and install the package of nologin anew.",
    ("nologin(8)", "MITRE ATT&CK T1036.005", "MITRE ATT&CK T1098"),
)
SHELL_OPEN = Rule(
    "shell-writable",
    "Others may change the shell of an account",
    Severity.HIGH,
    "Somebody else can take over this account the next time its owner logs in. Whoever may write to the program that"
    " /etc/passwd names as its shell, or to a directory above it, decides what runs then.",
    "chown root:root PATH; chmod go-w PATH (undo: the owner and mode that ls -ld showed before). First compare the program"
    " with that"
    " of its package.",
    ("passwd(5)", "MITRE ATT&CK T1554"),
)
SHELL_UNKNOWN = Rule(
    "shell-not-listed",
    "A shell is not in /etc/shells, or is not there",
    Severity.LOW,
    "Programs that ask whether an account is a person's look there. A path that is nowhere lets in whoever manages to put a"
    " program"
    " there.",
    "usermod -s /bin/bash NAME, or /usr/sbin/nologin (undo: usermod -s SHELL NAME).",
    ("shells(5)", "pwck(8)"),
)
RULES = (SHELL_FALSE, SHELL_OPEN, SHELL_UNKNOWN)
_REAL = re.compile(
    r"(?:ba|da|z|k|mk|lk|c|tc|fi|a|y)?sh|bash[0-9.]+|zsh-?[0-9.]+|python[0-9.]*|perl[0-9.]*|busybox\.sh|rbash|env"
)
_CLOSED = re.compile(r"(?:.*/)?(?:nologin|false)\s+")
MOST_SHELLS = 60


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what is wrong with shells."""
    everybody = people(evidence)
    by_shell = defaultdict[str, list[Login]](list)
    for login in everybody.logins:
        by_shell[login.shell].append(login)
    unasked = [shell for shell in _asked(everybody) if not evidence.was_asked(needs.shell(shell))]
    if unasked:
        yield Gap("shells", f"what they are, and whether others may change them, was not looked at: {listed(unasked)}")
    yield from _false(evidence, everybody, by_shell)
    yield from _open(evidence, everybody, by_shell)
    yield from _unknown(evidence, everybody, by_shell)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """The status of the shells."""
    return tuple(needs.shell(path) for path in _asked(people(evidence)))


def _asked(everybody: People) -> tuple[str, ...]:
    found = dict.fromkeys(login.shell for login in everybody.logins)
    return tuple(shell for shell in found if needs.PLAIN.fullmatch(shell))[:MOST_SHELLS]


def _way(evidence: Evidence, shell: str) -> tuple[answers.Step, ...] | None:
    told = next(needs.read(evidence, needs.shell(shell), answers.way), None) if needs.PLAIN.fullmatch(shell) else None
    return told if isinstance(told, tuple) else None


def _false(evidence: Evidence, everybody: People, by_shell: dict[str, list[Login]]) -> Iterator[Finding]:
    for shell, logins in by_shell.items():
        way = _way(evidence, shell) if shell in SESSIONLESS else None
        real = way[0].path if way else ""
        if _CLOSED.fullmatch(shell):
            why = "has a blank behind its name: another program than the one it looks like"
        elif real and _REAL.fullmatch(real.rpartition("/")[2]):
            why = f"leads to {printable(real)}"
        else:
            continue
        message = f"`{printable(shell)}` of {_names(everybody, logins)} {why}"
        yield Finding(SHELL_FALSE, "shells", message, SHELL_FALSE.severity, _quotes(everybody, logins))


def _open(evidence: Evidence, everybody: People, by_shell: dict[str, list[Login]]) -> Iterator[Finding]:
    for shell, logins in by_shell.items():
        way = _way(evidence, shell)
        own = frozenset(login.uid for login in logins) if len({login.uid for login in logins}) == 1 else frozenset[int]()
        found = writers(way, everybody, own) if way else ()
        if found:
            worst = any(login.uid == 0 for login in logins) or any(writer.who == EVERYBODY for writer in found)
            severity = Severity.CRITICAL if worst else SHELL_OPEN.severity
            message = (
                f"{listed([writer.told for writer in found])}; {printable(shell)} is the shell of {_names(everybody, logins)}"
            )
            yield Finding(SHELL_OPEN, "shells", message, severity, _quotes(everybody, logins))


def _unknown(evidence: Evidence, everybody: People, by_shell: dict[str, list[Login]]) -> Iterator[Finding]:
    """Yield the shells of accounts that could log in which /etc/shells does not list, or which are not there."""
    text = needs.text(evidence, SHELLS)
    listed_ = {row.strip() for row in (text or "").split("\n")}
    odd: dict[str, str] = {}
    for shell, logins in by_shell.items():
        if shell in SESSIONLESS or _CLOSED.fullmatch(shell):
            continue
        gone = all(login.barred for login in logins)
        if gone or not needs.PLAIN.fullmatch(shell):
            odd[shell] = "is not there" if gone else "is no plain path"
        elif text is not None and shell not in listed_ and not shell.endswith(("/nologin", "/false", "git-shell")):
            odd[shell] = "is not in /etc/shells"
    if odd:
        words = [f"`{printable(shell)}` of {_names(everybody, by_shell[shell])} {why}" for shell, why in odd.items()]
        logins = [login for shell in odd for login in by_shell[shell]]
        yield Finding(SHELL_UNKNOWN, "shells", listed(words), SHELL_UNKNOWN.severity, _quotes(everybody, logins))


def _names(everybody: People, logins: list[Login]) -> str:
    return listed([printable(login.name) for login in logins])


def _quotes(everybody: People, logins: list[Login]) -> tuple[Quote, ...]:
    return tuple(everybody.lines[login.name].quote for login in logins if login.name in everybody.lines)[:MOST_QUOTES]
