"""P. What PAM asks of whoever logs in: a stack that says yes to everybody, programs that it runs, modules of no package.

auditkit/access reads and runs the stacks; here is said what of them is wrong.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from auditkit.access import modules, needs, pam
from auditkit.access.nouns import Login, Password
from auditkit.access.pam import Handler
from auditkit.audits.ssh.owned import ask_owner, owner
from auditkit.model import Evidence, Finding, Gap, Need, Quote, Rule, Severity
from auditkit.printable import printable

NEEDS = needs.PAM
SERVICE = "sshd"

_BACK = (
    "cp -p FILE FILE.before; take the line out (undo: cp -p FILE.before FILE). Keep a root session open, and test with another."
)
PAM_OPEN = Rule(
    "pam-open",
    "PAM lets in whoever asks",
    Severity.CRITICAL,
    "With these lines the stack comes to success though no module has seen a right password: any account opens with any"
    " password, where sshd takes passwords. pam_permit at the end of Debian's common-auth is harmless: pam_deny is before it.",
    f"Find out who wrote the line and when, and treat the host as broken into if nobody did. {_BACK}",
    ("pam.conf(5)", "pam_permit(8)", "MITRE ATT&CK T1556.003"),
)
PAM_RUNS = Rule(
    "pam-runs-program",
    "PAM runs a program whenever somebody logs in over SSH",
    Severity.CRITICAL,
    "pam_exec runs it as root; with expose_authtok it is given every password. It may tell of logins, and is a way to stay:"
    " whoever may change the program is root at the next login.",
    f"See what the program does and whose it is. {_BACK}",
    ("pam_exec(8)", "MITRE ATT&CK T1556.003"),
)
PAM_FOREIGN = Rule(
    "pam-foreign-module",
    "PAM loads a module that no package has brought",
    Severity.CRITICAL,
    "Somebody may be listening in on every password, and have one of his own. The module runs as root inside sshd; one that"
    " lets in by a password that it knows is a common way to stay.",
    f"Copy the module as evidence before anything is changed, and see when it came. {_BACK}",
    ("pam.conf(5)", "MITRE ATT&CK T1556.003"),
)
PAM_ACCOUNT_OPEN = Rule(
    "pam-account-open",
    "PAM lets in accounts that are over",
    Severity.HIGH,
    "With these lines the account stack comes to success before anything has looked at the last day of an account: whom"
    " somebody has shut out with usermod -e gets in all the same, with a key too. A line sufficient pam_permit before the"
    " others is a known way to stay.",
    f"Have pam_unix come first, as Debian's common-account has it: pam-auth-update --force writes it anew. {_BACK}",
    ("pam.conf(5)", "pam_unix(8)", "shadow(5)"),
)
RULES = (PAM_OPEN, PAM_ACCOUNT_OPEN, PAM_RUNS, PAM_FOREIGN)

_KNOWN = re.compile(
    "pam_(access|cap|debug|deny|echo|env|exec|faildelay|faillock|filter|ftp|group|issue|keyinit|lastlog|limits|listfile|localuser"
    "|loginuid|mail|mkhomedir|motd|namespace|nologin|permit|pwhistory|rhosts|rootok|securetty|selinux|sepermit|setquota|shells"
    "|stress|succeed_if|tally|tally2|time|timestamp|tty_audit|umask|unix(_acct|_auth|_passwd|_session)?|userdb|usertype|warn"
    "|wheel|xauth|systemd)"
)
"""Modules of Linux-PAM itself, and that of systemd."""
_RUN = ("pam_exec", "pam_script", "pam_python")
_DIRECTORIES = (
    *("/usr/lib64/security", "/usr/lib/security", "/usr/lib/x86_64-linux-gnu/security", "/usr/lib/aarch64-linux-gnu/security"),
    *("/usr/lib/i386-linux-gnu/security", "/usr/lib/arm-linux-gnueabihf/security", "/usr/lib/riscv64-linux-gnu/security"),
)
ANYBODY = Login("anybody", 1000, 1000, (), "/home/anybody", "/bin/sh", Password.SET, expired=False)
"""An ordinary account with a password."""
MOST_QUOTES = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One line that names a module."""

    file: str
    number: int
    words: tuple[str, ...]

    @property
    def kind(self) -> str:
        """`auth`, `account`, `password`, `session`"""
        return self.words[0].lower().removeprefix("-")

    @property
    def module(self) -> str:
        """As written: `pam_unix.so`, or an absolute path."""
        return self.words[2]

    @property
    def name(self) -> str:
        """`pam_unix`"""
        return self.module.rpartition("/")[2].removesuffix(".so")

    @property
    def quote(self) -> Quote:
        """The line, its words parted by one blank."""
        return Quote(self.file, self.number, " ".join(self.words)[:200])


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what is wrong with the way PAM lets people in over SSH."""
    files = taken(evidence)
    lines = used(files)
    yield from _open(files, lines)
    yield from _over(files, lines)
    yield from _runs(lines)
    yield from _foreign(evidence, lines)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """Whose the modules are that are not PAM's own."""
    return ask_owner(path for line in used(taken(evidence)) if _to_ask(line) for path in _paths(line.module))


def taken(evidence: Evidence) -> dict[str, bytes]:
    """The files of PAM by path."""
    return {item.source: item.data for need in NEEDS for item in needs.items(evidence, need)}


def used(files: Mapping[str, bytes]) -> tuple[Line, ...]:
    """The lines of the service of sshd, and of the files it includes, that name a module."""
    found: dict[Line, None] = {}
    path, data = pam.found(files, SERVICE)
    waiting, met = {path: data}, set[str]()
    while waiting:
        path, data = waiting.popitem()
        met.add(path)
        if isinstance(data, bytes):
            named = (pam.found(files, name) for name in pam.includes({path: data}))
            waiting.update({each: more for each, more in named if each not in met})
            found.update(dict.fromkeys(_lines(path, data)))
    return tuple(sorted(found, key=lambda line: (line.file, line.number)))


def _lines(path: str, data: bytes) -> Iterator[Line]:
    for number, words in pam.lines(data):
        if len(words) > 2 and words[1].lower() not in ("include", "substack") and not words[0].startswith("@"):
            yield Line(path, number, words)


def _open(files: Mapping[str, bytes], lines: tuple[Line, ...]) -> Iterator[Finding]:
    """Yield a finding if the stack lets in an account without its password; modules that are not known are taken to refuse."""
    stack = pam.stack(files, SERVICE, "auth") if lines else pam.Stack(())
    asked = modules.Asked(ANYBODY, knows=False)

    def says(handler: Handler) -> frozenset[str]:
        return modules.says(handler, asked, "auth") if modules.known(handler) else modules.DENIED

    if True in pam.outcomes(stack.handlers, says):
        quotes = tuple(line.quote for line in lines if line.kind == "auth")[:MOST_QUOTES]
        message = f"the auth stack of {SERVICE} comes to success without the right password"
        yield Finding(PAM_OPEN, f"PAM service {SERVICE}", message, PAM_OPEN.severity, quotes)


def _over(files: Mapping[str, bytes], lines: tuple[Line, ...]) -> Iterator[Finding]:
    """Yield a finding if the stack surely lets in an account that is over."""
    stack = pam.stack(files, SERVICE, "account") if lines else pam.Stack(())
    asked = modules.Asked(replace(ANYBODY, expired=True), knows=True)
    told = pam.outcomes(stack.handlers, lambda handler: modules.says(handler, asked, "account"))
    if stack.handlers and not stack.gaps and told == {True}:
        quotes = tuple(line.quote for line in lines if line.kind == "account")[:MOST_QUOTES]
        message = f"the account stack of {SERVICE} lets in accounts whose last day is over"
        yield Finding(PAM_ACCOUNT_OPEN, f"PAM service {SERVICE}", message, PAM_ACCOUNT_OPEN.severity, quotes)


def _runs(lines: tuple[Line, ...]) -> Iterator[Finding]:
    for line in (one for one in lines if one.name in _RUN):
        sees = line.kind in ("auth", "password") or "expose_authtok" in line.words
        program = next((word for word in line.words[3:] if word.startswith("/")), "something")
        what = ", and may be given every password" if sees else ""
        message = f"{line.name} runs {printable(program[:100])} at {printable(line.kind)}{what}"
        yield Finding(PAM_RUNS, line.file, message, PAM_RUNS.severity if sees else Severity.HIGH, (line.quote,))


def _foreign(evidence: Evidence, lines: tuple[Line, ...]) -> Iterator[Finding | Gap]:
    """Yield each module that no package has brought, once; one that need not be there is no gap where nobody can tell."""
    for line in {one.module: one for one in lines if _to_ask(one)}.values():
        owners = [owner(evidence, path) for path in _paths(line.module)]
        if any(owners):
            continue
        if None not in owners:
            message = f"{printable(line.module)} belongs to no package"
            yield Finding(PAM_FOREIGN, line.file, message, PAM_FOREIGN.severity, (line.quote,))
        elif not line.words[0].startswith("-"):
            yield Gap(f"{line.file}:{line.number}", f"whether a package brought {printable(line.module)} is not known")


def _to_ask(line: Line) -> bool:
    return "/" in line.module or not _KNOWN.fullmatch(line.name)


def _paths(module: str) -> tuple[str, ...]:
    """Where a module may lie."""
    return (module,) if module.startswith("/") else tuple(f"{directory}/{module}" for directory in _DIRECTORIES)
