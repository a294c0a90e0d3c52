"""PAM: what its modules write into the log, in the name of whichever service asked them.

The user and, at services that hand it on (FTP, mail, rlogin), `ruser` are what the client sent, blanks and `rhost=` included;
`rhost` is the address that the service saw. sshd, login and screens hand on no `ruser`, so there the first `rhost=` is their
own; elsewhere the last one is. Source: libpam and the modules of Linux-PAM 0.7 to 1.7, pam_sss, pam_krb5, pam_ldap and
pam_winbind.
"""

import re

from auditkit.logins.grammar.forms import Form, grammar, noise, says, usual
from auditkit.logins.nouns import PAM, Said, What

BEGINNINGS = ("pam_", "(pam_", "PAM ", "PAM-", "gkr-pam")
"""How each message of PAM begins."""
HEAD = re.compile(
    r"(?:\((?P<old>pam_\w+)\)|(?P<module>pam[_-]\w+)(?:\((?P<service>[^()]*?)(?::(?P<phase>\w+))?\))?):? ", re.IGNORECASE
)
OF_OLD = re.compile(r"\(([^()\s]*)\) (session .*)", re.DOTALL)
AT_SSHD = re.compile(
    r"(?:pam_\w+\(sshd:auth\): |PAM ([0-9]{1,9}) more )authentication failures?; "
    r"logname=\S* uid=[0-9]+ euid=[0-9]+ tty=ssh ruser= rhost=([^\s=]*)(?: {1,2}user=(.*?))?\s*",
    re.DOTALL,
)
"""The one form that logs are full of, at once."""
ENDED = re.compile(
    r"(?:(?P<times>[0-9]{1,9}) more )?authentication (?P<end>failures?|success); "
    r"logname=(?P<logname>.*?) uid=\S* euid=\S* tty=(?P<tty>\S*) ruser=",
    re.DOTALL,
)
RHOST = re.compile(r"(?P<rhost>[^\s=]*)(?: {1,2}user=(?P<user>.*?))?\s*", re.DOTALL)
"""What stands behind `rhost=`, to the end."""
LOCAL = frozenset(("su", "su-l", "sudo", "sudo-i", "runuser", "runuser-l", "polkit-1", "doas"))
"""Services of those who are on the machine already."""
NO_RUSER = LOCAL | {"sshd", "login", "remote", "cockpit", "xrdp-sesman", "gdm-password", "gdm", "lightdm", "sddm", "kde"}
"""Services that hand on no `ruser` that a client sent, so that only the name behind the address can be hostile."""
MACHINE = frozenset(
    ("cron", "crond", "atd", "anacron", "crontab", "systemd-user", "lightdm-greeter", "gdm-launch-environment", "sddm-greeter")
)
"""Services by which nobody comes in."""
QUIET = frozenset((
    "pam_env", "pam_exec", "pam_limits", "pam_motd", "pam_lastlog", "pam_lastlog2", "pam_loginuid", "pam_mail", "pam_selinux",
    "pam_umask", "pam_keyinit", "pam_gnome_keyring", "pam_kwallet5", "pam_kwallet", "pam_ecryptfs", "pam_cap",
    "pam_mkhomedir", "pam_oddjob_mkhomedir", "pam_console", "pam_xauth", "pam_tty_audit", "pam_systemd", "pam_systemd_home",
    "pam_succeed_if", "pam_pwquality", "pam_cracklib", "pam_passwdqc", "pam_pwhistory", "pam_mount", "pam_fprintd",
    "pam_ck_connector", "pam_namespace", "pam_timestamp", "pam_lsass", "pam_ssh_add", "pam_wtmpdb", "pam_elogind",
    "pam_tmpdir", "pam_apparmor", "pam_issue", "pam_debug", "pam_echo", "pam_warn", "pam_faildelay", "pam_nologin",
    "pam_localuser",
))  # fmt: skip
"""Modules that let nobody in and keep nobody out, or whose refusal another line tells."""

AUTH = (
    says(What.INVALID_USER, "check pass; user (", r"(?P<user>.*)\) unknown"),
    says(What.INVALID_USER, "bad username [", r"(?P<user>.*)\]"),
    says(What.FAILED, "authentication fails for '", r"(?P<user>.*)' \(.*", method=PAM),
    says(What.PARTIAL, "authentication succeeds for '", r"(?P<user>.*)' \(.*", method=PAM),
    says(What.PARTIAL, "user ", r"(?P<user>.*) authenticated as \S*", method=PAM),
    says(What.FAILED, "user '", r"(?P<user>.*)' denied access \(incorrect password.*\)", method=PAM),
    says(What.DENIED, "user '", r"(?P<user>.*)' denied access(?: .*)?"),
    says(What.PARTIAL, "user '", r"(?P<user>.*)' granted access", method=PAM),
    says(What.FAILED, 'error trying to bind as user "', r'(?:(?:uid|cn)=(?P<user>[^,"]*))?.*" \(Invalid credentials\)',
         method=PAM),
    says(What.FAILED, "Invalid verification code for ", r"(?P<user>.*)", method=PAM),
    says(What.FAILED, "Invalid verification code", method=PAM),
    says(What.PARTIAL, "Accepted google_authenticator for ", r"(?P<user>.*)", method=PAM),
    says(What.REFUSED, "Blocking access from ", r"(?P<address>\S+) to service .*"),
)  # fmt: skip
CLOSED = (
    says(What.DENIED, "account ", r"(?P<user>.*) has expired \(account expired\)", detail="the account has expired"),
    says(What.DENIED, "account ", r"(?P<user>.*) has expired \(failed to change password\)", detail="its password has expired"),
    says(What.DENIED, "expired password for user ", r"(?P<user>.*) \([\w ]+\)", detail="its password has expired"),
    says(What.DENIED, "Access denied for user ", r"(?P<user>.*): (?P<detail>[0-9]+ \(.*\))"),
    says(What.DENIED, "access denied for user `", r"(?P<user>.*)' from `(?P<address>[^'`]*)'"),
    says(What.DENIED, "access denied for user '", r"(?P<user>.*)' from '(?P<address>[^']*)'"),
    says(What.DENIED, "access denied: ", r"(?P<detail>.*)"),
    says(What.DENIED, "Access denied to '", r"(?P<actor>.*)' for '(?P<user>.*)'"),
    says(What.DENIED, "Refused user ", r"(?P<user>.*) for service \S+"),
    says(What.DENIED, "User has an invalid shell '", r".*'", detail="its shell is none that is allowed"),
    says(What.DENIED, "user ", r"(?P<user>.*) \([0-9]+\) tally [0-9]+, deny [0-9]+", detail="locked after guesses"),
    says(What.DENIED, "user ", r"(?P<user>.*) \([0-9]+\) has time limit .*", detail="locked after guesses"),
    says(What.DENIED, "Consecutive login failures for user ", r"(?P<user>.*) account (?:temporarily|permanently) locked",
         detail="locked after guesses"),
    says(What.DENIED, "Consecutive login failures for user ", r"(?P<user>.*) account temporarily locked.*",
         detail="locked after guesses"),
)  # fmt: skip
SESSIONS = (
    says(What.OPENED, "session opened for user ", r"(?P<user>.*?)(?:\(uid=[0-9]+\))? by (?P<actor>.*?)(?:\(uid=[0-9]+\))?"),
    says(What.ENDED, "session closed for user ", r"(?P<user>.*?)(?:\(uid=[0-9]+\))?"),
)
CHANGES = (
    says(What.ACCOUNT, "password changed for ", r"(?P<user>.*)", detail="password changed"),
    says(What.ACCOUNT, "Password change for ", r"(?P<user>.*?):? .*success.*", detail="password changed"),
)
KNOWN: tuple[Form, ...] = (
    *AUTH,
    *CLOSED,
    *SESSIONS,
    *CHANGES,
    *noise(
        "check pass; user unknown", "auth could not identify password for ", "conversation failed", "could not identify user ",
        "received for user ", "requirement ", "error retrieving ", "password for user ", "ignoring max retries",
        "User unknown", "unrecognized option ", "username [", "password - ", "new password not acceptable",
        "Access granted to ", "authentication failed", "authentication succeeded", "user unknown",
        "error reading ", "unable to ", "cannot ",
        "Couldn't ", "Failed to ", "failed to ", "nscd ", "can't ", "Password for user ", "account ",
    ),
)  # fmt: skip
"""What stands behind the name of the module, in whichever module."""
LIBRARY = (
    says(What.NOISE, "PAM service(", r"\S*\) ignoring max retries; [0-9]+ > [0-9]+"),
    *noise("PAM unable to ", "PAM adding faulty module", "PAM [error: ", "PAM audit_", "PAM pam_", "PAM bad jump", "gkr-pam: "),
)
_known = grammar(*KNOWN)
_library = grammar(*LIBRARY)


def parse(message: str) -> Said | None:
    """What a message says that begins with the name of a module, `pam_unix(sshd:auth): `, or with that of PAM."""
    if often := AT_SSHD.fullmatch(message):
        return Said(What.FAILED, often[3], usual(often[2]), None, PAM, "", int(often[1] or 1))
    head = HEAD.match(message)
    if head:
        module = (head["old"] or head["module"]).lower().replace("-", "_")
        return _told(module, head["service"] or "", head["phase"] or "", message[head.end() :])
    if message.startswith("PAM ") and (ended := _ended("", message[4:])):
        return ended
    return _library(message)


def named(program: str, message: str) -> Said | None:
    """What a message says whose program has the module in its name, `sshd(pam_unix)`; None if it is none of PAM."""
    service, _, module = program[:-1].partition("(")
    if not module.lower().startswith("pam"):
        return None
    return _told(module, service, "", message) or Said(What.UNKNOWN)


def old(message: str) -> Said | None:
    """What a message of Linux-PAM before 0.75 says, `PAM_unix[1]: (su) session opened for user root by (uid=0)`."""
    if found := OF_OLD.fullmatch(message):
        return _told("pam_unix", found[1], "session", found[2])
    return _known(message)


def _told(module: str, service: str, phase: str, text: str) -> Said | None:
    """What a module says in the name of a service; `detail` of a session is the service."""
    if module in QUIET:
        return Said(What.NOISE)
    if ended := _ended(service, text):
        return ended
    told = _known(text)
    if told is None or told.what is What.NOISE:
        return told
    if service in MACHINE and told.what is not What.ACCOUNT:
        return Said(What.NOISE)
    if told.what in (What.OPENED, What.ENDED):
        return told._replace(method=PAM, detail=service)
    if told.what is What.DENIED and phase == "account" and service not in LOCAL:
        return told._replace(what=What.CREDENTIAL_HELD)  # accounts are asked about after the credential was right
    return told


def _ended(service: str, text: str) -> Said | None:
    """What a line tells that begins with how authentication ended."""
    found = ENDED.match(text)
    if found is None:
        return None
    ours = found["tty"] == "ssh" or service in NO_RUSER
    rest = text[found.end() :]
    ruser, mark, tail = rest.partition("rhost=") if ours else rest.rpartition("rhost=")
    behind = RHOST.fullmatch(tail) if mark else None
    if behind is None:
        return None
    ruser = ruser.removesuffix(" ")
    what = What.PARTIAL if found["end"] == "success" else What.FAILED  # nobody is in by it yet
    user, times = behind["user"], int(found["times"] or 1)
    if not behind["rhost"] or service in LOCAL:
        return Said(what, user, method=PAM, times=times, actor=ruser or found["logname"].replace("LOGIN", "") or None)
    return Said(what, user or ruser or None, usual(behind["rhost"]), method=PAM, times=times)
