"""Malware scanners and intrusion detection: whether what they go by is of today, or years old."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from auditkit.answers import Listed
from auditkit.audits.protections.machine import Machine, decoded
from auditkit.audits.protections.tools import CHKROOTKIT, CLAMD, FRESHCLAM, OSSEC, RKHUNTER, SNORT, SURICATA, WAZUH, Tool
from auditkit.audits.protections.watcher import Watcher, watcher
from auditkit.model import Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import counted, printable

_AGE = "how old the signatures are"
_DATABASES = tuple(
    f"/var/lib/clamav/{name}" for name in ("daily.cld", "daily.cvd", "daily.inc/daily.info", "main.cvd", "main.cld")
)
CLAMAV = tuple(Need(Means.LISTING, path, _AGE) for path in _DATABASES)
SURICATA_RULES = tuple(
    Need(Means.LISTING, path, _AGE) for path in ("/var/lib/suricata/rules/*.rules", "/etc/suricata/rules/*.rules")
)
SNORT_RULES = tuple(Need(Means.LISTING, path, _AGE) for path in ("/etc/snort/rules/*.rules", "/var/lib/snort/rules/*.rules"))
RKHUNTER_DATA = Need(Means.LISTING, "/var/lib/rkhunter/db/rkhunter.dat", "when rkhunter was last told what is right (propupd)")
RKHUNTER_RUN = Need(Means.LISTING, "/var/log/rkhunter.log", "when rkhunter last looked")
RKHUNTER_DAILY = Need(Means.FILE, "/etc/default/rkhunter", "whether rkhunter looks every day")
CHKROOTKIT_RUN = Need(Means.LISTING, "/var/log/chkrootkit/log.today", "when chkrootkit last looked")
CHKROOTKIT_DAILY = tuple(
    Need(Means.FILE, path, "whether chkrootkit looks every day")
    for path in ("/etc/chkrootkit/chkrootkit.conf", "/etc/chkrootkit.conf")
)
AGENT = Need(Means.FILE, "/var/ossec/var/run/wazuh-agentd.state", "whether the agent of Wazuh reaches its manager")
NEEDS = (RKHUNTER_DAILY, *CHKROOTKIT_DAILY, AGENT)
DATED = {
    FRESHCLAM: CLAMAV,
    SURICATA: SURICATA_RULES,
    SNORT: SNORT_RULES,
    RKHUNTER: (RKHUNTER_RUN, RKHUNTER_DATA),
    CHKROOTKIT: (CHKROOTKIT_RUN,),
}
"""What tells how old the data of a tool is, and when it looked: asked for where the tool is installed."""
THEN = (
    *(need for needs in DATED.values() for need in needs),
    Need(Means.COMMAND, "/usr/bin/head -c 512 /var/lib/clamav/*", _AGE),
)

OLD = Rule(
    "signatures-old",
    "What a scanner goes by is old",
    Severity.MEDIUM,
    "A scanner that does not know this month's malware says `clean` and means nothing. Its signatures were not renewed for"
    " longer than they are good for: 7 days for clamav, 14 for suricata and snort.",
    "clamav: systemctl enable --now clamav-freshclam; journalctl -u clamav-freshclam -n 20. suricata: suricata-update &&"
    " systemctl reload suricata, and a timer for it. snort: pulledpork3 or a newer package."
    " (undo: systemctl disable --now clamav-freshclam)",
    ("freshclam(1)", "suricata-update documentation"),
)
NONE = Rule(
    "signatures-missing",
    "A scanner has no signatures",
    Severity.MEDIUM,
    "It is installed and finds nothing, whatever is there. The files that it would go by are not on the disk: they were never"
    " fetched.",
    "clamav: systemctl stop clamav-freshclam; freshclam; systemctl enable --now clamav-freshclam. suricata: suricata-update &&"
    " systemctl restart suricata. (undo: systemctl disable --now clamav-freshclam)",
    ("freshclam(1)", "suricata-update documentation"),
)
NEVER_LOOKS = Rule(
    "detector-does-not-look",
    "An intrusion detector is installed, and does not look",
    Severity.MEDIUM,
    "People rely on a tool that nobody runs: a break-in would not be noticed by it. It has no run of the last days, or what"
    " starts it every day is switched off.",
    'rkhunter: CRON_DAILY_RUN="true" in /etc/default/rkhunter, and rkhunter --propupd on a system that is known to be clean.'
    ' chkrootkit: RUN_DAILY="true" in /etc/chkrootkit/chkrootkit.conf (undo: write the old value back).'
    " Or take it away: apt-get remove NAME.",
    ("rkhunter(8)", "chkrootkit(1)"),
)
NO_MANAGER = Rule(
    "agent-without-manager",
    "The agent of Wazuh does not reach its manager",
    Severity.MEDIUM,
    "The machine looks watched, and nobody gets to know what happens on it. The agent says that it is not connected, or has had"
    " no answer for more than a day.",
    "tail -n 20 /var/ossec/logs/ossec.log; see that TCP port 1514 of the manager can be reached; systemctl restart wazuh-agent",
    ("Wazuh documentation, wazuh-agentd.state",),
)
RULES = (OLD, NONE, NEVER_LOOKS, NO_MANAGER)

DAYS = {FRESHCLAM: 7, SURICATA: 14, SNORT: 14}
LEAST_RUNS = 7
"""Days in which a detector that runs every day must have looked."""
_BUILT = re.compile(r"ClamAV-VDB:([0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}-[0-9]{2}) ([+-][0-9]{4}):([0-9]{1,9}):")
"""How a database begins: built when, version."""
_OFF = re.compile(r"(?m)^\s*(?:CRON_DAILY_RUN|RUN_DAILY)\s*=\s*(?:[\"']?[nf0]|[\"']{2}|$)", re.IGNORECASE)
_AGENT = re.compile(r"(?m)^(status|last_ack)='([^'\n]{0,40})'")


def judge(told: Machine) -> Iterator[Finding | Gap]:
    """Yield which scanners go by old data, and which do not look at all."""
    for tool, age, built in _scanners(told):
        if age is None and told.saw(*DATED[tool]):
            yield Finding(NONE, tool.name, f"{tool.name} is installed, and there are no signatures", NONE.severity)
        elif age is not None and age > DAYS[tool]:
            severity = OLD.severity if told.state(tool).running is not False or tool is FRESHCLAM else Severity.LOW
            yield Finding(OLD, tool.name, f"its signatures are {counted(age, 'day')} old ({built.text})", severity, (built,))
    yield from _lookers(told)
    yield from _agent(told)


def watchers(told: Machine) -> Iterator[Watcher]:
    """Yield scanners and detectors, with the age of what they go by."""
    ages = {tool: (age, built.text) for tool, age, built in _scanners(told)}
    for tool in (FRESHCLAM, CLAMD, SURICATA, SNORT):
        age, detail = ages.get(tool, (None, ""))
        yield watcher(told, tool, printable(detail), age)
    for tool in (RKHUNTER, CHKROOTKIT):
        found = [told.age(one.mtime / 1e9) for one in told.listed(DATED[tool][-1])]
        last = _last_run(told, tool)
        yield watcher(
            told, tool, "" if last is None else f"last looked {counted(last, 'day')} ago", found[0] if found else None
        )
    state = dict(_AGENT.findall(told.text(AGENT) or ""))
    yield watcher(told, WAZUH, f"agent: {printable(state['status'])}" if "status" in state else "")
    yield watcher(told, OSSEC)


def follow(told: Machine) -> Iterator[Need]:
    """Yield how old the data of the tools is that are installed, and how the database of clamav begins."""
    yield from (need for tool, needs in DATED.items() if told.state(tool).installed for need in needs)
    if (head := _head(told)) is not None:
        yield head


def _head(told: Machine) -> Need | None:
    """The first bytes of the newest kind of database: 512 of what may be 300 MB."""
    paths = [one.path for one in told.listed(*CLAMAV) if one.path in _DATABASES and not one.path.endswith(".info")]
    return Need(Means.COMMAND, f"/usr/bin/head -c 512 {paths[0]}", _AGE) if paths else None


def _scanners(told: Machine) -> Iterator[tuple[Tool, int | None, Quote]]:
    """Yield each scanner that is installed, how old its signatures are, and what says so."""
    for tool in DAYS:
        if told.state(tool).installed:
            newest = max(told.listed(*DATED[tool]), key=lambda one: one.mtime, default=None)
            built = _built(told) if tool is FRESHCLAM else None
            if built is not None:
                yield tool, told.age(built[0].timestamp()), built[1]
            elif newest is not None:
                yield tool, told.age(newest.mtime / 1e9), _dated(newest)
            else:
                yield tool, None, Quote("", 0, "")


def _dated(newest: Listed) -> Quote:
    day = datetime.fromtimestamp(max(0, min(newest.mtime // 10**9, 1 << 33)), UTC)
    return Quote(newest.path, 0, f"last changed {day:%Y-%m-%d}")


def _built(told: Machine) -> tuple[datetime, Quote] | None:
    """When the database of clamav was built, as its own first line says."""
    head = _head(told)
    ran = told.ran(head) if head else None
    found = _BUILT.match(decoded(ran.out)) if ran else None
    try:
        when = datetime.strptime(f"{found[1]} {found[2]}", "%d %b %Y %H-%M %z") if found else None
    except ValueError:
        return None
    quoted = (
        Quote(head.what.rpartition(" ")[2], 1, f"built {when:%Y-%m-%d}, version {found[3]}")
        if head and found and when
        else None
    )
    return (when, quoted) if when and quoted else None


def _lookers(told: Machine) -> Iterator[Finding]:
    """Yield detectors that should look every day and do not."""
    for tool, need in ((RKHUNTER, (RKHUNTER_DAILY,)), (CHKROOTKIT, CHKROOTKIT_DAILY)):
        if not told.state(tool).installed or not told.saw(DATED[tool][0]):
            continue
        off = [(path, line) for path, text in told.texts(*need).items() for line in text.split("\n") if _OFF.match(line)]
        last = _last_run(told, tool)
        if last is not None and last <= LEAST_RUNS:
            continue
        how = "nothing shows that it ever looked" if last is None else f"it last looked {counted(last, 'day')} ago"
        quotes = tuple(Quote(path, 0, line[:200]) for path, line in off[:1])
        severity = NEVER_LOOKS.severity if quotes or last is not None else Severity.LOW
        remedy = NEVER_LOOKS.remedy.replace("NAME", tool.name)
        yield Finding(NEVER_LOOKS, tool.name, how, severity, quotes, remedy)


def _last_run(told: Machine, tool: Tool) -> int | None:
    """Days since it last looked."""
    found = [told.age(one.mtime / 1e9) for one in told.listed(DATED[tool][0])]
    return found[0] if found else None


def _agent(told: Machine) -> Iterator[Finding]:
    """Yield a finding if the agent itself says that nobody hears it."""
    said = dict(_AGENT.findall(told.text(AGENT) or ""))
    if not told.state(WAZUH).installed or not said:
        return
    try:
        silent = told.age(datetime.fromisoformat(said.get("last_ack", "")).replace(tzinfo=UTC).timestamp())
    except (ValueError, OverflowError):
        silent = 0
    if said.get("status") != "connected" or silent > 1:
        message = f"it says {printable(said.get('status', ''))!r}, and had an answer {counted(silent, 'day')} ago"
        quotes = (Quote(AGENT.what, 0, f"status='{said.get('status', '')}'"),)
        yield Finding(NO_MANAGER, "wazuh", message, NO_MANAGER.severity, quotes)
