"""What is written down, how long it is kept, and whether a copy leaves the machine: auditd, the journal, syslog."""

import re
import stat
from collections.abc import Iterator, Mapping

from auditkit.audits.protections.machine import DAY, Machine
from auditkit.audits.protections.tools import AUDITD, LOG, OFF_HOST, RSYSLOG, SYSLOG_NG
from auditkit.audits.protections.watcher import Watcher, watcher
from auditkit.model import Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import counted, printable

_JOURNAL = "whether the journal is kept over a restart, and how much of it"
JOURNALD = tuple(
    Need(Means.FILE, path, _JOURNAL)
    for path in (
        "/etc/systemd/journald.conf",
        "/usr/lib/systemd/journald.conf.d/*.conf",
        "/usr/local/lib/systemd/journald.conf.d/*.conf",
        "/run/systemd/journald.conf.d/*.conf",
        "/etc/systemd/journald.conf.d/*.conf",
    )
)
"""In the order in which they count: journald.conf(5)."""
PERSISTENT = Need(Means.STATUS, "/var/log/journal", _JOURNAL)
JOURNALS = Need(Means.LISTING, "/var/log/journal/*/*.journal", "how far back the journal goes")
BORN = Need(Means.LISTING, "/etc/machine-id", "how old the system is, beside its journal")
SYSTEMD = Need(Means.STATUS, "/usr/lib/systemd/systemd-journald", "whether there is a journal at all")
RULED = Need(Means.COMMAND, "/usr/sbin/auditctl -l", "what auditd writes down")
RULE_FILES = tuple(
    Need(Means.FILE, path, "what auditd writes down") for path in ("/etc/audit/audit.rules", "/etc/audit/rules.d/*.rules")
)
_SENT = "whether a copy of the log leaves the machine"
RSYSLOG_CONF = tuple(Need(Means.FILE, path, _SENT) for path in ("/etc/rsyslog.conf", "/etc/rsyslog.d/*.conf"))
SYSLOG_NG_CONF = tuple(
    Need(Means.FILE, path, _SENT) for path in ("/etc/syslog-ng/syslog-ng.conf", "/etc/syslog-ng/conf.d/*.conf")
)
UPLOAD_CONF = tuple(
    Need(Means.FILE, path, _SENT) for path in ("/etc/systemd/journal-upload.conf", "/etc/systemd/journal-upload.conf.d/*.conf")
)
_SHIPPERS = {
    "filebeat": "/usr/bin/filebeat",
    "fluent-bit": "/opt/fluent-bit/bin/fluent-bit",
    "promtail": "/usr/bin/promtail",
    "vector": "/usr/bin/vector",
    "splunk": "/opt/splunkforwarder/bin/splunk",
    "alloy": "/usr/bin/alloy",
}
SHIPPERS = {name: Need(Means.STATUS, path, _SENT) for name, path in _SHIPPERS.items()}
NEEDS = (
    *(*JOURNALD, PERSISTENT, SYSTEMD, RULED, *RULE_FILES),
    *(*RSYSLOG_CONF, *SYSLOG_NG_CONF, *UPLOAD_CONF, *SHIPPERS.values()),
)
THEN = (JOURNALS, BORN)

_BACK = "systemctl restart systemd-journald"
VOLATILE = Rule(
    "journal-lost-at-restart",
    "The journal is gone after a restart",
    Severity.LOW,
    "After an incident nobody can say what happened before the machine was last started, and an intruder needs no more than a"
    " restart to wipe his traces. journald keeps its journal in /run, and no syslog daemon writes a log of its own.",
    f"mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\\nStorage=persistent\\n' >"
    f" /etc/systemd/journald.conf.d/persistent.conf; {_BACK} (undo: rm /etc/systemd/journald.conf.d/persistent.conf; {_BACK})",
    ("journald.conf(5) Storage", "CIS Debian Linux 12 6.2.1"),
)
SHORT = Rule(
    "journal-short",
    "The journal goes back only a few days",
    Severity.LOW,
    "Break-ins are noticed after weeks, and by then the log of the day is gone. The journal is limited so that it holds less"
    " than two weeks of this machine, and no syslog daemon writes a log of its own.",
    "mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\\nSystemMaxUse=2G\\nMaxRetentionSec=0\\n' >"
    f" /etc/systemd/journald.conf.d/zz-size.conf; {_BACK} (undo: rm /etc/systemd/journald.conf.d/zz-size.conf; {_BACK})",
    ("journald.conf(5) SystemMaxUse, MaxRetentionSec",),
)
NO_RULES = Rule(
    "auditd-without-rules",
    "auditd has no rules",
    Severity.LOW,
    "The audit log is thought to show who did what, and shows little more than logins. auditd writes down what rules name and"
    " what programs send by themselves, and not one rule is loaded; that is how distributions install it.",
    "cp /usr/share/doc/auditd/examples/rules/30-stig.rules /etc/audit/rules.d/ && augenrules --load"
    " (undo: rm /etc/audit/rules.d/30-stig.rules; augenrules --load). Or take auditd away: apt-get remove auditd.",
    ("auditctl(8)", "audit.rules(7)"),
)
RULES = (VOLATILE, SHORT, NO_RULES)

LEAST_DAYS = 14
"""How far back a journal should go."""
_ARCHIVED = re.compile(r"system@[0-9a-f]{32}-[0-9a-f]{16}-([0-9a-f]{16})\.journal")
"""Name of a journal that is closed: when its first entry was written stands in it, in microseconds."""
_AUDIT_RULE = re.compile(r"(?m)^\s*-[awS]\s")
_REMOTE = re.compile(
    r"(?m)^[^#\n]*?(?:[ \t]@@?\[?\(?[A-Za-z0-9]|type=\"?om(?:fwd|relp|elasticsearch|kafka)\b|:omrelp:)", re.IGNORECASE
)
_NG_REMOTE = re.compile(r"(?m)^[^#\n]*\b(?:network|tcp6?|udp6?|syslog)\s*\(\s*[\"']?[A-Za-z0-9]")
_NG_SOURCE = re.compile(r"\bsource\s+\S+\s*\{[^{}]*\}")
_URL = re.compile(r"(?m)^\s*URL\s*=\s*(\S+)")
_SPAN = {
    "": 1,
    "s": 1,
    "sec": 1,
    "m": 60,
    "min": 60,
    "h": 3600,
    "hour": 3600,
    "d": DAY,
    "day": DAY,
    "days": DAY,
    "w": 7 * DAY,
    "week": 7 * DAY,
    "weeks": 7 * DAY,
    "month": 30 * DAY,
    "year": 365 * DAY,
}


def judge(told: Machine) -> Iterator[Finding | Gap]:
    """Yield what is wrong with the records that a machine keeps."""
    if told.there(SYSTEMD) and not _has_syslog(told):
        if not _is_persistent(told):
            message = f"Storage is {printable(_storage(told)[:40])}, and what there is lies in /run/log/journal"
            yield Finding(VOLATILE, "journal", message, VOLATILE.severity, _quotes(told, "Storage"))
        else:
            yield from _short(told)
    if told.state(AUDITD).installed:
        yield from _without_rules(told)


def follow(told: Machine) -> Iterator[Need]:
    """Yield how far back the journal goes, where it is kept."""
    if told.there(SYSTEMD) and _is_persistent(told):
        yield from THEN


def watchers(told: Machine) -> Iterator[Watcher]:
    """Yield what writes down, and what sends it away."""
    if told.there(SYSTEMD):
        back = _goes_back(told)
        kept = "kept over a restart" if _is_persistent(told) else "lost at a restart"
        yield Watcher(
            LOG, "journald", True, None, None, None, kept if back is None else f"{kept}, goes back {counted(back, 'day')}"
        )
    rules = _audit_rules(told)
    yield watcher(told, AUDITD, "" if rules is None else "has rules" if rules else "has no rules")
    yield watcher(told, RSYSLOG)
    yield watcher(told, SYSLOG_NG)
    yield from _off_host(told)


def _off_host(told: Machine) -> Iterator[Watcher]:
    """Yield each that is set up to send the log to another machine."""
    for tool, needs, pattern in ((RSYSLOG, RSYSLOG_CONF, _REMOTE), (SYSLOG_NG, SYSLOG_NG_CONF, _NG_REMOTE)):
        texts = (
            _NG_SOURCE.sub("", text[: 1 << 20]) if tool is SYSLOG_NG else text[: 1 << 20]
            for text in told.texts(*needs).values()
        )
        if told.state(tool).installed and any(pattern.search(text) for text in texts):
            state = told.state(tool)
            yield Watcher(OFF_HOST, tool.name, True, state.enabled, state.running, None, "sends to another machine")
    urls = [found[1] for text in told.texts(*UPLOAD_CONF).values() if (found := _URL.search(text))]
    if urls:
        yield Watcher(OFF_HOST, "systemd-journal-upload", True, None, None, None, f"sends to {printable(urls[-1][:100])}")
    for name, need in SHIPPERS.items():
        if told.there(need):
            yield Watcher(OFF_HOST, name, True, None, None, None, "is installed; where it sends to was not looked at")


def _has_syslog(told: Machine) -> bool:
    """Whether a syslog daemon writes a log besides the journal."""
    return any(state.installed and state.running is not False for state in map(told.state, (RSYSLOG, SYSLOG_NG)))


def _setting(told: Machine, name: str) -> tuple[str, Quote | None]:
    """What journald is set to, the last line that says so; nothing where none does."""
    found: tuple[str, Quote | None] = ("", None)
    for path, text in _ordered(told.texts(*JOURNALD)):
        for number, line in enumerate(text.split("\n"), 1):
            key, equals, value = line.partition("=")
            if equals and key.strip() == name:
                found = (value.strip(), Quote(path, number, line[:200]))
    return found


def _ordered(files: Mapping[str, str]) -> list[tuple[str, str]]:
    """The files in the order in which they count: drop-ins by name, of two of one name that of the later directory."""
    drop_ins = {path.rpartition("/")[2]: (path, text) for path, text in files.items() if ".conf.d/" in path}
    return [*(one for one in files.items() if ".conf.d/" not in one[0]), *(drop_ins[name] for name in sorted(drop_ins))]


def _quotes(told: Machine, *names: str) -> tuple[Quote, ...]:
    return tuple(quote for name in names if (quote := _setting(told, name)[1]) is not None)


def _storage(told: Machine) -> str:
    return _setting(told, "Storage")[0] or "auto"


def _is_persistent(told: Machine) -> bool:
    """Whether the journal outlives a restart: `auto`, the default, keeps it where the directory is there."""
    storage = _storage(told).lower()
    return storage == "persistent" or (storage not in ("volatile", "none") and bool(told.there(PERSISTENT)))


def _goes_back(told: Machine) -> int | None:
    """Days since the first entry that is still there; None where no journal is closed yet, so that nothing was lost."""
    found = (_ARCHIVED.fullmatch(one.path.rpartition("/")[2]) for one in told.listed(JOURNALS) if stat.S_ISREG(one.mode))
    first = [int(each[1], 16) / 1e6 for each in found if each]
    return told.age(min(first)) if first else None


def _short(told: Machine) -> Iterator[Finding]:
    """Yield a finding where the journal is known to hold less than two weeks."""
    kept = _setting(told, "MaxRetentionSec")[0]
    seconds = _seconds(kept)
    if seconds and seconds < LEAST_DAYS * DAY:
        message = f"MaxRetentionSec is {printable(kept[:40])}"
        yield Finding(SHORT, "journal", message, SHORT.severity, _quotes(told, "MaxRetentionSec"))
        return
    back, born = _goes_back(told), [told.age(one.mtime / 1e9) for one in told.listed(BORN)]
    if back is not None and back < LEAST_DAYS and born and born[0] > 2 * LEAST_DAYS:
        message = f"it goes back {counted(back, 'day')}, and the system is {counted(born[0], 'day')} old"
        yield Finding(SHORT, "journal", message, SHORT.severity, _quotes(told, "SystemMaxUse", "SystemKeepFree"))


def _seconds(text: str) -> int | None:
    """A span of time of one number, systemd.time(7): `2week`, `1month`; None where it is none."""
    found = re.fullmatch(r"([0-9]{1,12})\s*([a-z]*)", text)
    unit = _SPAN.get(found[2], _SPAN.get(found[2].rstrip("s"))) if found else None
    return int(found[1]) * unit if found and unit is not None else None


def _audit_rules(told: Machine) -> bool | None:
    """Whether auditd has rules: those that are loaded, else those on the disk."""
    said = told.said(RULED)
    if said is not None:
        return bool(_AUDIT_RULE.search(said))
    files = told.texts(*RULE_FILES)
    return any(_AUDIT_RULE.search(text) for text in files.values()) if files else None


def _without_rules(told: Machine) -> Iterator[Finding]:
    if _audit_rules(told) is False:
        where = "auditctl -l shows none" if told.said(RULED) is not None else "the files of /etc/audit hold none"
        yield Finding(NO_RULES, "auditd", f"not one rule is loaded: {where}", NO_RULES.severity)
