"""Whether unattended-upgrades really works: it is there, it is switched on, it may install something, and it has run."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from auditkit import answers
from auditkit.audits.packages.seen import Host, days, files_of
from auditkit.model import Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.packages import dpkg
from auditkit.printable import counted

LOG = Need(Means.FILE, "/var/log/unattended-upgrades/unattended-upgrades.log", "when updates were last installed by themselves")
MASKED = Need(Means.TIMES, "/etc/systemd/system/apt-daily*.timer", "whether apt's timers are switched off")
ENABLED = Need(Means.TIMES, "/etc/systemd/system/timers.target.wants/*", "which timers are switched on")
NEEDS = (LOG, MASKED, ENABLED)

IDLE = Rule(
    "automatic-updates-idle",
    "Updates are to be installed by themselves, and are not",
    Severity.MEDIUM,
    "Everybody believes that security updates come by themselves, and they do not. unattended-upgrades is installed, and its"
    " settings, its timer or its last runs show that it does nothing.",
    "unattended-upgrade --dry-run -d says what it would do. To switch it on: dpkg-reconfigure -plow unattended-upgrades;"
    " systemctl unmask apt-daily.timer apt-daily-upgrade.timer && systemctl enable --now apt-daily.timer"
    " apt-daily-upgrade.timer (undo: systemctl disable --now of the same).",
    ("unattended-upgrade(8)", "apt.conf(5)", "CIS Controls 7.3"),
)
NONE = Rule(
    "automatic-updates-none",
    "Nothing installs updates by itself",
    Severity.INFO,
    "Each update waits for somebody to think of it. That may be meant so; then somebody has to.",
    "apt-get install unattended-upgrades, then dpkg-reconfigure -plow unattended-upgrades (undo: apt-get purge"
    " unattended-upgrades).",
    ("unattended-upgrade(8)", "CIS Controls 7.3"),
)
RULES = (IDLE, NONE)
LATE = 7
"""Days without a run."""
TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer")
_PACKAGE = "unattended-upgrades"
_OTHERS = frozenset({"unattended-upgrades", "dnf-automatic", "cron-apt", "auter"})
_OFF = frozenset({"", "0", "false", "no"})
_STAMP = "/var/lib/apt/periodic/unattended-upgrades-stamp"
_DONE = re.compile(
    r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ INFO (?:All upgrades installed|No packages found that can be upgraded unattended)",
    re.MULTILINE,
)


def judge(host: Host) -> Iterator[Finding | Gap]:
    """Yield a finding where nothing installs updates, or what should does not."""
    if not host.records:
        return
    there = {record.package.name for record in host.records if record.package.state not in dpkg.ABSENT}
    if not there & _OTHERS:
        yield Finding(NONE, "unattended-upgrades", "unattended-upgrades is not installed", NONE.severity)
    if _PACKAGE in there and (why := list(_idle(host))):
        severity = Severity.LOW if why == [_SWITCHED_OFF] else IDLE.severity
        quotes = tuple(Quote("/etc/apt/apt.conf.d", 0, f'APT::Periodic::{name} "{_periodic(host, name)}";') for name in _NAMES)
        yield Finding(IDLE, "unattended-upgrades", "; ".join(why), severity, quotes)


_NAMES = ("Enable", "Update-Package-Lists", "Unattended-Upgrade")
_SWITCHED_OFF = "APT::Periodic::Unattended-Upgrade is not set"


def _periodic(host: Host, name: str) -> str:
    return host.settings.value(f"APT::Periodic::{name}", "1" if name == "Enable" else "0")


def _idle(host: Host) -> Iterator[str]:
    """Yield each reason why nothing comes of it."""
    if _periodic(host, "Enable") in _OFF:
        yield "APT::Periodic::Enable is 0"
    if _periodic(host, "Unattended-Upgrade") in _OFF:
        yield _SWITCHED_OFF
        return
    if _periodic(host, "Update-Package-Lists") in _OFF:
        yield "APT::Periodic::Update-Package-Lists is not set: the lists stay old"
    if not any(host.settings.members(f"Unattended-Upgrade::{name}") for name in ("Origins-Pattern", "Allowed-Origins")):
        yield "no origin may be upgraded from: Origins-Pattern and Allowed-Origins are empty"
    if off := _masked(host):
        yield f"switched off: {', '.join(off)}"
    last = last_run(host)
    if last and days(last, host.now) > LATE:
        yield f"its last run that ended well was {counted(days(last, host.now), 'day')} ago, on {last:%Y-%m-%d}"


def _masked(host: Host) -> list[str]:
    """The timers of apt that are masked: a link of their name stands in /etc, where no unit of theirs is."""
    found = list[str]()
    for item in host.evidence.of(MASKED):
        told = answers.times(item)
        found += [] if isinstance(told, Gap) else [path.rpartition("/")[2] for path in told]
    return [name for name in found if name in TIMERS]


def last_run(host: Host) -> datetime | None:
    """When it last ran to a good end, by its log and by the stamp that apt's own timer leaves."""
    text = "".join(data.decode("utf-8", "replace") for data in files_of(host.evidence, (LOG,)).values())
    found = [datetime.fromisoformat(match).replace(tzinfo=UTC) for match in _DONE.findall(text) if _is_time(match)]
    return host.past([*found, *(each for path, each in host.stamps.items() if path == _STAMP and not found)])


def _is_time(written: str) -> bool:
    try:
        datetime.fromisoformat(written)
    except ValueError:
        return False
    return True
