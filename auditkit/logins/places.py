"""Where a machine keeps what it knows of logins, and what its logs are read by: data, so that one round trip asks for it.

filesystem(7), logrotate(8), systemd-journald(8), utmp(5), lastlog(8), wtmpdb(8), lastlog2(8), auditd(8), faillock(8).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from auditkit.logins.journals import matches
from auditkit.model import Means, Need


def _log(what: str, why: str) -> Need:
    return Need(Means.LOG, what, why)


LOGS = (
    _log("/var/log/auth.log*", "who logged in and who tried, as Debian has it"),
    _log("/var/log/secure*", "who logged in and who tried, as Red Hat and SUSE have it"),
    _log("/var/log/wtmp*", "sessions on terminals, and boots"),
    _log("/var/log/btmp*", "logins that failed"),
    _log("/run/utmp", "sessions that are open"),
    _log("/var/run/utmp", "sessions that are open"),
    _log("/var/log/lastlog", "the last login of each account"),
    _log("/run/utmps/*tmp", "sessions that are open, where utmps keeps them"),
    _log("/var/lib/wtmpdb/wtmp.db", "sessions and boots, as newer systems keep them"),
    _log("/var/lib/wtmpdb/wtmp_*.db", "the same of earlier, as wtmpdb rotate(8) puts it aside"),
    _log("/run/systemd/sessions/*[0-9]", "sessions that are open, as systemd-logind knows them"),
    _log("/var/lib/lastlog/lastlog2.db", "the last login of each account, as newer systems keep it"),
    _log("/var/log/audit/audit.log*", "what the kernel's audit heard of logins"),
    _log("/run/faillock/*", "failures by account since its last success"),
    _log("/var/run/faillock/*", "failures by account since its last success"),
    _log("/var/log/tallylog", "failures by account, as older systems count them"),
    _log("/var/log/faillog", "failures by account, as older systems count them"),
    _log("/var/log/sudo.log*", "who ran what as whom, where sudo has a log of its own"),
    _log("/var/log/vsftpd.log*", "logins to the FTP server"),
    _log("/var/log/proftpd/*.log*", "logins to the FTP server"),
    _log("/var/log/mail.log*", "logins to the mail server"),
    _log("/var/log/maillog*", "logins to the mail server"),
    _log("/var/log/exim4/mainlog*", "logins to the mail server"),
    _log("/var/log/exim/main.log*", "logins to the mail server"),
)
"""Files that are asked of every host."""
GENERAL = (
    _log("/var/log/messages*", "logins, where no log is theirs alone"),
    _log("/var/log/syslog*", "logins, where no log is theirs alone"),
)
"""Asked where none of OWN holds anything."""
OWN = ("/var/log/auth.log", "/var/log/secure")
JOURNALS = (
    _log("/var/log/journal/*/*.journal", "the journal"),
    _log("/var/log/journal/*/*.journal~", "parts of the journal that were not closed"),
    _log("/run/log/journal/*/*.journal", "the journal where none is kept on disk"),
    _log("/var/log/journal/remote/*.journal", "journals that other machines sent here"),
)
"""The files of the journal: read here and on a mounted disk; a host that runs is asked for its entries."""

ENTRIES, FEWER = 2_000_000, 100_000
"""Entries of a journal that are taken at most, the newest ones: when they are judged at once, and into evidence."""
JOURNALCTL = "/bin/journalctl --no-pager --all -o export -n"
"""How what asks for entries begins; how many and which follow."""
VERIFY = Need(Means.COMMAND, "/bin/journalctl --verify", "whether the files of the journal are well-formed")
_HEARTBEAT = ("+", "_COMM=cron", "_COMM=crond", "_COMM=anacron")
"""What writes by the hour, so that a stretch without it is one."""


def journal(entries: int) -> Need:
    """The newest entries of the journal that can tell of logins."""
    what = " ".join((JOURNALCTL, str(entries), *matches.arguments(), *_HEARTBEAT))
    return Need(Means.COMMAND, what, "what the journal tells of logins", long=True)


ALTERNATIVES = (
    OWN,
    ("/var/log/journal/", "/run/log/journal/", "journal"),
    ("/var/log/wtmp", "/var/lib/wtmpdb/wtmp.db"),
    ("/var/log/lastlog", "/var/lib/lastlog/lastlog2.db"),
    ("/var/log/btmp",),
)
"""How the names begin of what most machines have one of: where none is there, something is missing."""

LOCALTIME = Need(Means.FILE, "/etc/localtime", "the zone of stamps in logs")
PASSWD = Need(Means.FILE, "/etc/passwd", "which of the names that were tried exist")
LOGROTATE = Need(Means.FILE, "/etc/logrotate.conf", "how long logs are kept")
ROTATED = Need(Means.FILE, "/var/lib/logrotate/status", "when logs were last rotated")
HOSTNAME = Need(Means.FILE, "/etc/hostname", "how the machine calls itself in its logs")
SHELLS = Need(Means.FILE, "/etc/shells", "which accounts can log in")
CONFIGURED = (
    Need(Means.FILE, "/etc/ssh/sshd_config.d/*.conf", "how much sshd logs"),
    Need(Means.FILE, "/etc/ssh/sshd_config", "how much sshd logs"),
)
CONTEXT = (LOCALTIME, PASSWD, LOGROTATE, ROTATED, HOSTNAME, SHELLS, *CONFIGURED)
"""What logs are read and judged by."""


def of_host() -> tuple[Need, ...]:
    """What is asked of a host that runs and is judged at once."""
    return (*CONTEXT, VERIFY, *map(long, LOGS), journal(ENTRIES))


def of_evidence(asked: Iterable[Need]) -> tuple[Need, ...]:
    """What is asked of evidence: all that may have been taken, and of the journal what was asked then."""
    entries = (long(need) for need in asked if need.means is Means.COMMAND and need.what.startswith(JOURNALCTL))
    return (*CONTEXT, VERIFY, *LOGS, *GENERAL, *JOURNALS, *entries)


def to_keep(*, runs: bool) -> tuple[Need, ...]:
    """What is taken into evidence of a host that runs, or of a disk."""
    return (*CONTEXT, *LOGS, *((VERIFY, journal(FEWER)) if runs else JOURNALS))


def to_be_told() -> tuple[Need, ...]:
    """The same for people, all that may be asked of some host."""
    entries = Need(Means.COMMAND, f"{JOURNALCTL} * *", "what the journal tells of logins: the programs that can")
    return (*CONTEXT, VERIFY, *LOGS, *GENERAL, *JOURNALS, entries)


def long(need: Need) -> Need:
    """The same, however long its logs are."""
    return replace(need, long=True)


def besides(told: Collection[str]) -> tuple[Need, ...]:
    """What is to be asked besides of a host that has told of logs at these paths, with anything in them."""
    return () if any(path.startswith(OWN) for path in told) else GENERAL


def missing(absent: Sequence[str], there: Collection[str]) -> tuple[str, ...]:
    """Which of the logs that are absent are missed, one of each kind: those of which no other one is there either."""
    lacking = (group for group in ALTERNATIVES if not any(name.startswith(group) for name in there))
    firsts = (next((name for name in absent if name.startswith(group)), "") for group in lacking)
    return tuple(filter(None, firsts))
