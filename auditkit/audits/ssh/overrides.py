"""P. Lines that send sshd to programs and files of nobody's package, or hand variables to every login; how sshd is started."""

import re
from collections.abc import Iterator, Mapping

from auditkit.access import needs, seen
from auditkit.access.nouns import Server
from auditkit.audits.ssh.owned import ask_owner, owner, runs_anything
from auditkit.audits.ssh.settings import statements
from auditkit.model import Evidence, Finding, Gap, Item, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable
from auditkit.sshd.patterns import matches
from auditkit.sshd.reading import Statement

_UNIT_WHY = "how the SSH server is started"
UNITS = tuple(
    Need(Means.FILE, f"{place}/{name}", _UNIT_WHY)
    for place in needs.UNIT_PLACES
    for name in ("ssh*.service", "ssh*.socket", "ssh*.d/*.conf", "service.d/*.conf")
)
DEFAULTS = tuple(Need(Means.FILE, path, _UNIT_WHY) for path in ("/etc/default/ssh", "/etc/sysconfig/sshd"))
NEEDS = (*UNITS, *DEFAULTS)

PATH_FOREIGN = Rule(
    "ssh-path-foreign",
    "A line sends sshd to a program or file that no package has brought",
    Severity.HIGH,
    "Somebody may have put a program of his own where logins pass. What these keywords name runs as root or at every login,"
    " and no check of packages looks at a file that no package has brought.",
    "See what the file is and when it came; copy it as evidence. If nobody needs it, take the line out: sshd -t && systemctl"
    " reload ssh, keeping this session open (undo: write it back).",
    ("sshd_config(5)",),
)
VARIABLE = Rule(
    "ssh-variable",
    "Logins over SSH get variables that make programs run foreign code",
    Severity.HIGH,
    "With LD_PRELOAD, PATH, BASH_ENV and the like whoever sets the variable decides what a program does. AcceptEnv lets every"
    " client set it, against command= of a key too; SetEnv sets it for all.",
    "Take the pattern out of the line, or the line: sshd -t && systemctl reload ssh, keeping this session open (undo: write it"
    " back). Debian's AcceptEnv LANG LC_* is harmless.",
    ("sshd_config(5) AcceptEnv", "ld.so(8)"),
)
START_CHANGED = Rule(
    "ssh-start-changed",
    "The SSH server is not started as its package starts it",
    Severity.MEDIUM,
    "Who may log in can be decided by something else than the file that everybody reads. A unit, a drop-in or a file of"
    " defaults adds options or programs to the start of sshd, or lets it listen elsewhere; they go before /etc/ssh/sshd_config"
    " and outlive updates.",
    "systemctl cat ssh.service ssh.socket shows what is in force. If nobody needs it: cp -p FILE FILE.before; take the lines"
    " out; systemctl daemon-reload && systemctl restart ssh, keeping this session open (undo: cp -p FILE.before FILE).",
    ("systemd.unit(5)", "sshd(8)", "MITRE ATT&CK T1543.002"),
)
RULES = (PATH_FOREIGN, VARIABLE, START_CHANGED)

_USUAL: Mapping[str, tuple[str, ...]] = {
    "Subsystem": (
        *("internal-sftp", "/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server"),
        *("/usr/libexec/sftp-server", "/usr/lib/sftp-server", "/usr/lib64/ssh/sftp-server"),
    ),
    "SshdSessionPath": ("/usr/lib/openssh/sshd-session", "/usr/libexec/openssh/sshd-session"),
    "SshdAuthPath": ("/usr/lib/openssh/sshd-auth", "/usr/libexec/openssh/sshd-auth"),
    "SecurityKeyProvider": ("internal",),
    "XAuthLocation": ("/usr/bin/xauth", "/usr/X11R6/bin/xauth"),
    "PAMServiceName": ("sshd",),
    "AgentSocketPath": (),
    "ModuliFile": ("/etc/ssh/moduli", "/usr/share/openssh/moduli"),
    "PidFile": ("none",),
}
"""What each of these keywords says where nothing is wrong."""
_PROGRAMS = frozenset({"Subsystem", "SshdSessionPath", "SshdAuthPath", "SecurityKeyProvider", "XAuthLocation"})
_DANGEROUS = (
    *(
        "LD_PRELOAD",
        "LD_AUDIT",
        "LD_LIBRARY_PATH",
        "BASH_ENV",
        "ENV",
        "PATH",
        "SHELLOPTS",
        "BASHOPTS",
        "PS4",
        "IFS",
        "GCONV_PATH",
    ),
    *("PYTHONPATH", "PYTHONSTARTUP", "PERL5LIB", "PERL5OPT", "RUBYOPT", "NODE_OPTIONS"),
    *("GIT_SSH_COMMAND", "PROMPT_COMMAND"),
)
"""Variables by which whoever sets them runs code of his."""
_VERBS = {
    "AcceptEnv": "lets clients set",
    "SetEnv": "sets",
    "PermitUserEnvironment": "lets ~/.ssh/environment and environment= of a key set",
}
_KEY = re.compile(r"([A-Za-z]+)[ \t]*=[ \t]*(.*)")
_STARTS = re.compile(
    r"[-@:+!]*/usr/s?bin/sshd (-D|-i)( \$SSHD_OPTS)?( \$OPTIONS)?( \$CRYPTO_POLICY)?|[-@:+!]*/usr/sbin/sshd -t"
)
_RELOADS = re.compile(r"[-@:+!]*(/usr)?/bin/kill -HUP \$MAINPID|")
MOST_LINES = 1000


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what leads sshd away from what its package brought."""
    for server in seen.seen(evidence).servers:
        for statement in statements(server, *_USUAL):
            yield from _path(evidence, server, statement)
        for statement in statements(server, "AcceptEnv", "SetEnv", "PermitUserEnvironment"):
            yield from _variables(server, statement)
    for need in NEEDS:
        for item in evidence.of(need):
            yield from _started(item)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """Which package brought the programs that lines name."""
    said = (one for server in seen.seen(evidence).servers for one in statements(server, *_PROGRAMS))
    return ask_owner(path for one in said if (path := _program(one)) not in _USUAL[_name(one)])


def _name(statement: Statement) -> str:
    return statement.keyword.name if statement.keyword else ""


def _program(statement: Statement) -> str:
    """The path, or the word in place of one; of a subsystem without its name and its arguments."""
    words = " ".join(statement.value).split(" ")
    return (words[1:] or words)[0] if _name(statement) == "Subsystem" else words[0]


def _path(evidence: Evidence, server: Server, statement: Statement) -> Iterator[Finding]:
    name, path = _name(statement), _program(statement)
    command = " ".join(statement.value).partition(" ")[2] if name == "Subsystem" else ""
    if command and runs_anything(command):
        message = f"Subsystem {printable(' '.join(statement.value)[:100])} runs what its words say"
        yield Finding(PATH_FOREIGN, server.name, message, PATH_FOREIGN.severity, (_quote(statement),))
        return
    if path in _USUAL[name] or (name == "PidFile" and path.startswith(("/run/", "/var/run/"))):
        return
    whose = owner(evidence, path) if name in _PROGRAMS else None
    if whose:
        return
    known = "belongs to no package" if whose == "" else "is not what packages set"
    severity = PATH_FOREIGN.severity if name in _PROGRAMS or name == "PAMServiceName" else Severity.MEDIUM
    yield Finding(PATH_FOREIGN, server.name, f"{name} {printable(path)} {known}", severity, (_quote(statement),))


def _quote(statement: Statement) -> Quote:
    return Quote(statement.at.file, statement.at.line, f"{_name(statement)} {' '.join(statement.value)}"[:200])


def _variables(server: Server, statement: Statement) -> Iterator[Finding]:
    verb = _VERBS[_name(statement)]
    patterns = [word.partition("=")[0] for word in statement.value]
    if _name(statement) == "PermitUserEnvironment":
        patterns = {"yes": ["*"], "no": []}.get(patterns[0], patterns[0].split(","))
    named = [name for name in _DANGEROUS if any(matches(name, pattern) for pattern in patterns)]
    if named:
        severity = Severity.MEDIUM if _name(statement) == "PermitUserEnvironment" else VARIABLE.severity
        message = f"{_name(statement)} {verb} {', '.join(named[:5])}{' and more' if named[5:] else ''}"
        yield Finding(VARIABLE, server.name, message, severity, (_quote(statement),))


def _started(item: Item) -> Iterator[Finding]:
    """Yield one finding for all the lines of a unit, a drop-in or a file of defaults that change how sshd is started."""
    odd = [quote for quote in _settings(item) if _is_odd(*quote.text.partition("=")[::2])]
    if odd:
        loads = any(re.search(r"\bLD_(PRELOAD|AUDIT|LIBRARY_PATH)\b", quote.text) for quote in odd)
        severity = Severity.HIGH if loads else START_CHANGED.severity
        shown = "; ".join(printable(quote.text[:80]) for quote in odd[:3])
        yield Finding(START_CHANGED, item.source, f"it says {shown}", severity, tuple(odd[:10]))


def _settings(item: Item) -> Iterator[Quote]:
    """Yield the settings of a file as `KEY=VALUE`; a backslash at the end of a line joins the next one to it."""
    text = item.data.decode("utf-8", "surrogateescape")
    number, before = 0, ""
    for row in text.split("\n", MOST_LINES)[:MOST_LINES]:
        number += 1
        if row.lstrip()[:1] in ("#", ";"):
            continue
        if row.endswith("\\"):
            before += row[:-1] + " "
            continue
        if found := _KEY.match((before + row).strip()) or re.match(r"([A-Za-z_]+)=(.*)", (before + row).strip()):
            yield Quote(item.source, number, f"{found[1]}={found[2].strip()}"[:300])
        before = ""


def _is_odd(key: str, value: str) -> bool:
    """Whether a setting is not what packages have; one that is empty only takes back what stood before."""
    bare = value.strip("\"'")
    match key:
        case "ExecStart" | "ExecStartPre":
            return bool(bare) and not _STARTS.fullmatch(bare)
        case "ExecReload" | "ExecStartPost" | "ExecStop" | "ExecStopPost" | "ExecCondition":
            return bool(bare) and not _RELOADS.fullmatch(bare) and not _STARTS.fullmatch(bare)
        case "ListenStream":
            return bare not in ("", "22", "0.0.0.0:22", "[::]:22")
        case "EnvironmentFile":
            return bare.removeprefix("-") not in ("", "/etc/default/ssh", "/etc/sysconfig/sshd", "/etc/sysconfig/ssh")
        case "SSHD_OPTS" | "OPTIONS" | "SSHD_CONFIG" | "RootDirectory" | "RootImage" | "User":
            return bool(bare)
        case "LoadCredential" | "SetCredential" | "LoadCredentialEncrypted" | "SetCredentialEncrypted":
            return bool(bare)
        case "Environment" | "LD_PRELOAD" | "LD_AUDIT" | "LD_LIBRARY_PATH":
            return key != "Environment" or "LD_" in bare or "SSHD_OPTS" in bare
    return False
