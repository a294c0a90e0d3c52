"""Tools that hold files against a database of what they were: whether there is one, and whether anybody looks."""

from collections.abc import Iterator

from auditkit.audits.protections.machine import Machine
from auditkit.audits.protections.tools import AIDE, SAMHAIN, TRIPWIRE
from auditkit.audits.protections.watcher import Watcher, watcher
from auditkit.model import Finding, Gap, Means, Need, Rule, Severity
from auditkit.printable import counted

_DATA = "how old the database is that files are held against"
_RUN = "when files were last held against it"
DATA = {
    AIDE: tuple(Need(Means.LISTING, path, _DATA) for path in ("/var/lib/aide/aide.db", "/var/lib/aide/aide.db.gz")),
    TRIPWIRE: (Need(Means.LISTING, "/var/lib/tripwire/*.twd", _DATA),),
    SAMHAIN: tuple(
        Need(Means.LISTING, path, _DATA) for path in ("/var/lib/samhain/samhain_file", "/var/state/samhain/samhain_file")
    ),
}
RUNS = {
    AIDE: tuple(Need(Means.LISTING, path, _RUN) for path in ("/var/log/aide/aide.log", "/var/log/aide.log")),
    TRIPWIRE: (Need(Means.LISTING, "/var/lib/tripwire/report/*.twr", _RUN),),
    SAMHAIN: (),
}
NEEDS: tuple[Need, ...] = ()
THEN = tuple(need for table in (DATA, RUNS) for needs in table.values() for need in needs)

NO_DATABASE = Rule(
    "integrity-database-missing",
    "A tool that watches files has nothing to hold them against",
    Severity.MEDIUM,
    "It is installed, and a changed program would not be noticed. Its database was never made, so each check ends with an error"
    " that nobody reads.",
    "On a system that is known to be clean: aideinit && cp /var/lib/aide/aide.db.new /var/lib/aide/aide.db; tripwire --init;"
    " samhain -t init. (undo: delete the database)",
    ("aide(1)", "tripwire(8)", "samhain(8)"),
)
NOT_CHECKED = Rule(
    "integrity-not-checked",
    "Nobody holds files against their database",
    Severity.MEDIUM,
    "What was changed on this machine in the last week has been seen by nobody. There is a database, and no check of the last"
    " days has left a log; nothing that starts one every day may be turned on.",
    "aide: systemctl enable --now dailyaidecheck.timer (undo: systemctl disable --now dailyaidecheck.timer);"
    " tripwire: a line of cron for tripwire --check",
    ("aide(1)", "tripwire(8)"),
)
RULES = (NO_DATABASE, NOT_CHECKED)
LEAST_RUNS = 7
"""Days in which there must have been a check."""


def judge(told: Machine) -> Iterator[Finding | Gap]:
    """Yield what is installed and does not hold anything against anything."""
    for tool, needs in DATA.items():
        if not told.state(tool).installed or not told.saw(*needs, *RUNS[tool]):
            continue
        if _age(told, needs) is None:
            yield Finding(NO_DATABASE, tool.name, f"{tool.name} is installed, and has no database", NO_DATABASE.severity)
        elif RUNS[tool]:
            last = _age(told, RUNS[tool])
            if last is None or last > LEAST_RUNS:
                when = "no check has left a log" if last is None else f"the last check was {counted(last, 'day')} ago"
                yield Finding(NOT_CHECKED, tool.name, when, NOT_CHECKED.severity)


def follow(told: Machine) -> Iterator[Need]:
    """Yield what tells of the databases and checks of the tools that are installed."""
    yield from (need for tool in DATA if told.state(tool).installed for need in (*DATA[tool], *RUNS[tool]))


def watchers(told: Machine) -> Iterator[Watcher]:
    """Yield each tool, with the age of its database."""
    for tool, needs in DATA.items():
        last = _age(told, RUNS[tool])
        yield watcher(told, tool, "" if last is None else f"last check {counted(last, 'day')} ago", _age(told, needs))


def _age(told: Machine, needs: tuple[Need, ...]) -> int | None:
    """Days since the newest of these was written."""
    return min((told.age(one.mtime / 1e9) for one in told.listed(*needs)), default=None)
