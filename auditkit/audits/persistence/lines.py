"""Lines of files that every system has: what PAM runs and says yes to, what the kernel starts first, whose updates come."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from auditkit.audits.persistence.entry import EVIDENCE
from auditkit.audits.persistence.seen import Line, Seen, quoted
from auditkit.model import Finding, Gap, Means, Need, Rule, Severity
from auditkit.printable import printable

SERVICES = Need(Means.FILE, "/etc/pam.d/*", "what PAM runs for each service")
OF_VENDOR = Need(Means.FILE, "/usr/lib/pam.d/*", "what PAM runs for each service")
OLD = Need(Means.FILE, "/etc/pam.conf", "what PAM runs for each service")
GRUB = tuple(
    Need(Means.FILE, path, "which program the kernel starts first")
    for path in (
        *("/etc/default/grub", "/etc/default/grub.d/*", "/etc/grub.d/*", "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"),
        *("/boot/grub/custom.cfg", "/boot/loader/entries/*", "/etc/kernel/cmdline"),
    )
)
ALIASES = (
    Need(Means.FILE, "/etc/aliases", "which mails start a program"),
    Need(Means.FILE, "/etc/mail/aliases", "which mails start a program"),
)
HOSTS = Need(Means.FILE, "/etc/hosts", "whether updates come from elsewhere")
PAM = (SERVICES, OF_VENDOR, OLD)
NEEDS = (*PAM, *GRUB, *ALIASES, HOSTS)
_OUT = "Keep a root session open; cp -a FILE /root/; take the line out (undo: cp -a /root/NAME FILE)."
_LINE = "cp -a FILE FILE.before; take the line out (undo: mv FILE.before FILE)"
PAM_PROGRAM = Rule(
    "pam-program",
    "PAM runs a program when somebody logs in",
    Severity.MEDIUM,
    "pam_exec, pam_script and pam_python run it as root; with expose_authtok it is given the password. It may tell of"
    " logins, and it is a way to stay: whoever may change the program is root at the next login.",
    f"{EVIDENCE} See what the program does, and whose it is. {_OUT}",
    ("pam_exec(8)", "MITRE ATT&CK T1556.003"),
)
PAM_ELSEWHERE = Rule(
    "pam-module-elsewhere",
    "PAM loads a module from where no package puts one",
    Severity.HIGH,
    "Somebody may be listening in on every password. PAM loads the module into each program that asks it, which runs as root,"
    " and packages put modules into one directory only.",
    f"{EVIDENCE} {_OUT}",
    ("pam.conf(5)", "MITRE ATT&CK T1556.003"),
)
PAM_YES = Rule(
    "pam-says-yes",
    "PAM says yes to whoever asks",
    Severity.CRITICAL,
    "A line with `sufficient pam_permit.so` ends the stack with success: any password is right. At the end of Debian's"
    " common-auth pam_permit is `required`, which is harmless.",
    f"{EVIDENCE} {_OUT}",
    ("pam_permit(8)", "MITRE ATT&CK T1556.003"),
)
OTHER_INIT = Rule(
    "boot-other-init",
    "The kernel is told to start another program first",
    Severity.HIGH,
    "What starts first decides all that comes after it, and only a rescue needs another program than systemd there, once."
    " init= on the command line of the kernel names it; systemd.run= adds a command of root, systemd.debug_shell a shell"
    " without a password.",
    f"{EVIDENCE} {_LINE}; update-grub.",
    ("bootparam(7)", "MITRE ATT&CK T1542.003"),
)
MAIL_PROGRAM = Rule(
    "mail-starts-program",
    "A mail starts a program",
    Severity.LOW,
    "Whoever can send a mail to that address starts it, as the account of the mail server. Lists and filters work so, too.",
    f"{EVIDENCE} {_LINE}; newaliases.",
    ("aliases(5)", "MITRE ATT&CK T1546"),
)
UPDATES_ELSEWHERE = Rule(
    "updates-led-elsewhere",
    "/etc/hosts leads the machine's updates to another address",
    Severity.MEDIUM,
    "Updates come from another machine than they should, or not at all. Packages are signed, so nothing false is installed;"
    " one that is out of date is signed as well, and a hole that it has stays open.",
    f"{EVIDENCE} {_LINE}.",
    ("hosts(5)", "MITRE ATT&CK T1565.001"),
)
PAM_SOME = Rule(
    "pam-lets-some-in",
    "PAM lets some in without a password",
    Severity.MEDIUM,
    "Whoever fits a list, a name or an address is in without showing anything. The line ends the questions of the stack, or"
    " jumps over the one for the password, by who somebody says he is; desktops do that on purpose for a group.",
    f"{EVIDENCE} See for whom it holds, and for which services. {_OUT}",
    ("pam_succeed_if(8)", "pam_rhosts(8)", "MITRE ATT&CK T1556.003"),
)
RULES = (PAM_PROGRAM, PAM_ELSEWHERE, PAM_YES, PAM_SOME, OTHER_INIT, MAIL_PROGRAM, UPDATES_ELSEWHERE)
_LEFT_OVER = re.compile(r"\.(dpkg|ucf|pam)-(old|dist|new|bak)\Z|~\Z")
_RUNS = re.compile(r"\bpam_(exec|script|python)\.so\b")
_YES = re.compile(r"^\s*-?(\w+\s+)?auth\s+(sufficient|\[success=(done|ok)[^\]]*\])\s+(\S*/)?pam_permit\.so")
_SOME = re.compile(
    r"^\s*-?(?:\w+\s+)?auth\s+(?:sufficient|\[[^\]]*\bsuccess=(?:done|[1-9])[^\]]*\])\s+(?:\S*/)?"
    r"pam_(?:succeed_if|rhosts|listfile|localuser|access|time|userdb|exec|debug)\.so(?![^#\n]*\bnopasswdlogin\b)"
)
_INIT = re.compile(
    r"\b(?:rd)?init=/(?!(?:usr/)?(?:sbin/init|lib/systemd/systemd)\b)"
    r"|\bsystemd\.(?:run\s*=\s*\S|debug[-_]shell\b(?!=(?:0|no|false)\b))"
)
_PIPE = re.compile(r"^[^#]*[:,]\s*\"?\|")
_UPDATES = re.compile(
    r"^\s*(?!127\.|::1|0\.0\.0\.0)[0-9a-fA-F.:]+\s.*\b(?:deb|security|ftp|archive|ports|mirrors?)[\w.]*\.(?:debian|ubuntu|fedoraproject|redhat|alpinelinux|archlinux)\.(?:org|com)\b"
)
_PLACE = re.compile(r"^\s*-?(?:\w+\s+)?(?:auth|account|session|password)\s+(?:\[[^\]]*\]|\w+)\s+((?:/|(?:\S*/)?\.\./)\S+)")
_USUAL = re.compile(r"/(usr/)?lib(64)?/([^/]+/)?security/[^/]+|/(nix|gnu)/store/.*")


@dataclass(frozen=True, slots=True)
class Speaks:
    """Which lines of which files break a rule, and what is said of the file then."""

    rule: Rule
    needs: tuple[Need, ...]
    does: str
    is_one: Callable[[str], object]


def judge(seen: Seen) -> Iterator[Finding | Gap]:
    """Yield what the lines of each file come to; one finding for each rule and file."""
    for one in SPEAKING:
        for item in (item for need in one.needs for item in seen.of(need.means, need.what)):
            if not _LEFT_OVER.search(item.source):
                lines = [line for line in seen.lines(item.source) if not line.text.lstrip().startswith("#")]
                yield from _told(one, item.source, [line for line in lines if one.is_one(line.text)])


def _is_elsewhere(text: str) -> bool:
    found = _PLACE.search(text)
    return found is not None and not _USUAL.fullmatch(found[1])


def _told(one: Speaks, path: str, lines: list[Line]) -> Iterator[Finding]:
    if lines:
        sees_passwords = one.rule is PAM_PROGRAM and any("expose_authtok" in line.text for line in lines)
        severity = Severity.HIGH if sees_passwords else one.rule.severity
        quotes = tuple(quoted(path, line) for line in lines[:5])
        yield Finding(one.rule, path, f"{printable(path)} {one.does}", severity, quotes)


SPEAKING = (
    Speaks(PAM_YES, PAM, "says yes to everybody", _YES.search),
    Speaks(PAM_SOME, PAM, "lets some in without a password", _SOME.search),
    Speaks(PAM_ELSEWHERE, PAM, "loads a module from where no package puts one", _is_elsewhere),
    Speaks(PAM_PROGRAM, PAM, "runs a program", _RUNS.search),
    Speaks(OTHER_INIT, GRUB, "has the kernel start another program than init", _INIT.search),
    Speaks(MAIL_PROGRAM, ALIASES, "starts a program", _PIPE.search),
    Speaks(UPDATES_ELSEWHERE, (HOSTS,), "names servers of updates", _UPDATES.search),
)
