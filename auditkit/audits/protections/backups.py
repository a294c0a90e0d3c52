"""When the last backup succeeded, as far as the tools that are installed leave it anywhere on this machine."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from auditkit.audits.protections.machine import SHOWN, Machine, moment, units
from auditkit.audits.protections.tools import (
    BACULA,
    BAREOS,
    BORG,
    BORGMATIC,
    DUPLICITY,
    PROXMOX,
    RESTIC,
    RSNAPSHOT,
    TIMESHIFT,
    Tool,
)  # fmt: skip
from auditkit.audits.protections.watcher import Watcher, watcher
from auditkit.model import Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import counted, printable

_WHY = "when the last backup succeeded"
TRACES = {
    RESTIC: tuple(
        Need(Means.LISTING, f"{place}/restic/*/snapshots/*/*", _WHY)
        for place in ("~/.cache", "/var/cache", "/var/lib/restic/cache")
    ),
    BORG: (Need(Means.LISTING, "~/.cache/borg/*/config", _WHY),),
    BORGMATIC: (Need(Means.LISTING, "~/.cache/borg/*/config", _WHY),),
    RSNAPSHOT: (),
    DUPLICITY: (Need(Means.LISTING, "~/.cache/duplicity/*/*.manifest*", _WHY),),
    TIMESHIFT: (Need(Means.LISTING, "/timeshift/snapshots/*/info.json", _WHY),),
    BACULA: (),
    BAREOS: (),
    PROXMOX: (),
}
"""What a tool leaves behind that is new after each backup."""
RSNAPSHOT_CONF = Need(Means.FILE, "/etc/rsnapshot.conf", "where rsnapshot keeps its backups")
TIMERS = tuple(
    Need(Means.STATUS, f"{place}/{name}", "which timers and services back this machine up")
    for place in ("/etc/systemd/system", "/usr/lib/systemd/system")
    for name in ("*backup*.service", "*restic*.service", "*borg*.service", "*rsnapshot*.service", "*duplicity*.service")
)
CRON = tuple(
    Need(Means.FILE, path, "whether cron backs this machine up")
    for path in ("/etc/crontab", "/etc/cron.d/*", "/var/spool/cron/crontabs/root", "/var/spool/cron/root")
)
NEEDS = (RSNAPSHOT_CONF, *TIMERS, *CRON)
THEN = (
    *dict.fromkeys(need for needs in TRACES.values() for need in needs),
    Need(Means.LISTING, "*/*.0", _WHY),
    Need(Means.COMMAND, "/usr/bin/systemctl show *", _WHY),
)

OLD = Rule(
    "backup-old",
    "The last backup is old",
    Severity.MEDIUM,
    "If this machine is lost or encrypted today, all work since the last backup is gone. What the tool leaves behind after each"
    " backup was last renewed more than a week ago; it is high after a month.",
    "Run it by hand and read what it says: restic backup ...; borgmatic --verbosity 1; rsnapshot -v daily; then see what starts"
    " it: systemctl list-timers, crontab -l. Try a restore of one file.",
    ("CIS Controls 11", "NIST SP 800-34"),
)
FAILED = Rule(
    "backup-failed",
    "The last backup failed",
    Severity.MEDIUM,
    "There is a plan for backups and the last one was not made; whoever needs it will find that out too late. systemd says that"
    " the service ended with an error.",
    "journalctl -u UNIT -n 50; then systemctl start UNIT, and see that it succeeds",
    ("systemctl(1)", "CIS Controls 11"),
)
UNKNOWN = Rule(
    "backup-age-unknown",
    "When the last backup succeeded cannot be told from this machine",
    Severity.INFO,
    "Somebody should ask the backup server whether this machine is among the good ones. A tool is installed, and leaves nothing"
    " here that tells when it last succeeded.",
    "bacula, bareos: `list jobs client=NAME` in bconsole. proxmox-backup-client snapshot list. restic snapshots --latest 1."
    " borg list --last 1.",
    ("CIS Controls 11",),
)
RULES = (OLD, FAILED, UNKNOWN)

MEDIUM_DAYS, HIGH_DAYS = 7, 30
_UNIT = re.compile(r"[A-Za-z0-9_.@\\-]{1,120}\.service")
_NOT_A_BACKUP = re.compile(r"dpkg-db-backup|e2scrub|etckeeper|lvm2|backup-?server|@\.service")
_ROOT = re.compile(r"(?m)^snapshot_root\s+(/\S*)")
MOST_UNITS = 20


@dataclass(frozen=True, slots=True)
class Service:
    """A service that makes backups, as systemd knows it."""

    unit: str
    failed: bool
    age: int | None
    """Days since it last ended well; None where that is not known."""


def judge(told: Machine) -> Iterator[Finding | Gap]:
    """Yield which backups are old, have failed, or are not known of."""
    services = _services(told)
    for one in services:
        if one.failed:
            quote = Quote("systemctl show", 0, f"{one.unit}: Result is not success")
            remedy = FAILED.remedy.replace("UNIT", one.unit)
            yield Finding(FAILED, one.unit, f"{one.unit} ended with an error", FAILED.severity, (quote,), remedy)
    for tool in TRACES:
        if not told.state(tool).installed or not _is_used(told, tool):
            continue
        age, source = _last(told, tool, services)
        if age is None:
            failed = any(one.failed and tool.name in one.unit for one in services)
            if not failed and not (tool is BORG and told.state(BORGMATIC).installed):
                message = f"{tool.name} is installed, and leaves nothing here that tells"
                yield Finding(UNKNOWN, tool.name, message, UNKNOWN.severity)
        elif age > MEDIUM_DAYS:
            severity = Severity.HIGH if age > HIGH_DAYS else OLD.severity
            quotes = (Quote(source, 0, f"{counted(age, 'day')} old"),)
            yield Finding(
                OLD, tool.name, f"the last sign of a backup by {tool.name} is {counted(age, 'day')} old", severity, quotes
            )


def watchers(told: Machine) -> Iterator[Watcher]:
    """Yield each tool with the age of the last backup."""
    services = _services(told)
    for tool in TRACES:
        age, source = _last(told, tool, services) if told.state(tool).installed else (None, "")
        detail = (
            ""
            if not told.state(tool).installed
            else "its last success cannot be told"
            if age is None
            else f"by {printable(source)[:100]}"
        )
        row = watcher(told, tool, detail, age)
        yield replace(row, enabled=row.enabled or (_is_used(told, tool) if row.installed else None))


def follow(told: Machine) -> Iterator[Need]:
    """Yield what the tools leave behind that are installed, and what systemd says of services that make backups."""
    yield from (need for tool, needs in TRACES.items() if told.state(tool).installed for need in needs)
    if (need := _show(told)) is not None:
        yield need
    yield from _newest_of_rsnapshot(told)


def _show(told: Machine) -> Need | None:
    """Asks systemd for the services whose names say that they make backups."""
    names = {path.rpartition("/")[2] for path in told.there(*TIMERS)}
    wanted = sorted(name for name in names if _UNIT.fullmatch(name) and not _NOT_A_BACKUP.search(name))[:MOST_UNITS]
    words = f"/usr/bin/systemctl show --property={','.join(SHOWN)} -- {' '.join(wanted)}"
    return Need(Means.COMMAND, words, _WHY) if wanted and told.units is not None else None


def _services(told: Machine) -> tuple[Service, ...]:
    """What systemd says of them."""
    need = _show(told)
    shown = units(told.said(need)) if need else None
    found = {}
    for name, fields in (shown or {}).items():
        result, ended = fields.get("Result", ""), moment(fields.get("ExecMainExitTimestamp", ""))
        well = result == "success" and ended is not None
        found[name] = Service(name, result not in ("", "success"), told.age(ended) if well and ended is not None else None)
    return tuple(found.values())


def _newest_of_rsnapshot(told: Machine) -> Iterator[Need]:
    found = _ROOT.search(told.text(RSNAPSHOT_CONF) or "")
    if found and told.state(RSNAPSHOT).installed and len(found[1]) < 1000 and not set(found[1]) & set("*?["):
        yield Need(Means.LISTING, f"{found[1].rstrip('/')}/*.0", _WHY)


def _last(told: Machine, tool: Tool, services: tuple[Service, ...]) -> tuple[int | None, str]:
    """Days since the last sign of a backup, and where that sign is."""
    traces = (*TRACES[tool], *(_newest_of_rsnapshot(told) if tool is RSNAPSHOT else ()))
    seen = [(told.age(one.mtime / 1e9), one.path) for one in told.listed(*traces)]
    name = tool.name.split("-")[0]
    seen += [(one.age, one.unit) for one in services if one.age is not None and name in one.unit]
    return min(seen, default=(None, ""))


def _is_used(told: Machine, tool: Tool) -> bool:
    """Whether anything shows that a tool is more than installed: a trace, a timer, a daemon, a line of cron."""
    if told.state(tool).enabled or told.state(tool).running or told.listed(*TRACES[tool]) or any(_newest_of_rsnapshot(told)):
        return True
    name = tool.name.split("-")[0]
    if any(name in path.rpartition("/")[2] for path in told.there(*TIMERS)):
        return True
    called = re.compile(rf"(?m)^[^#\n]*\b{re.escape(name)}\b")
    return any(called.search(text) for text in told.texts(*CRON).values())
