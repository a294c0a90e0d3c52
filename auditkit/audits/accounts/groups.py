"""Groups that are as good as root, who is in them, and groups that let others in by a password."""

from collections.abc import Iterator, Mapping

from auditkit.access import accounts, needs
from auditkit.access.passwd import Line
from auditkit.audits.accounts.people import MOST_QUOTES, People, Team, fitted, listed, people
from auditkit.audits.accounts.people import NEEDS as OF_PEOPLE
from auditkit.audits.accounts.powers import GSHADOW, POWERS, Power, administered, members
from auditkit.model import Evidence, Finding, Gap, Rule, Severity
from auditkit.printable import printable

NEEDS = (*OF_PEOPLE, GSHADOW)
GROUP_IS_ROOT = Rule(
    "group-is-root",
    "Accounts are in a group that is as good as root",
    Severity.MEDIUM,
    "Members of such a group take over the machine without any password, and no log of sudo tells of it: a container with the"
    " disk"
    " mounted, a raw disk read and written, a hash from /etc/shadow guessed. Few know that they handed out root.",
    "Take out who does not need it: gpasswd -d NAME GROUP (undo: gpasswd -a NAME GROUP). Instead of docker: rootless"
    " containers, or"
    " sudo for single commands.",
    ("docs.docker.com: Docker daemon attack surface", "Debian wiki SystemGroups", "MITRE ATT&CK T1548"),
)
GROUP_PASSWORD = Rule(
    "group-password",
    "A group has a password",
    Severity.LOW,
    "Whoever knows it becomes a member with newgrp. Such passwords are shared, never change, and nobody looks for them.",
    "gpasswd -r GROUP (undo: gpasswd GROUP sets one again).",
    ("newgrp(1)", "gshadow(5)", "SCAP Security Guide"),
)
RULES = (GROUP_IS_ROOT, GROUP_PASSWORD)


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield who is in groups that are as good as root."""
    everybody = people(evidence)
    if everybody.teams is None:
        yield Gap("groups", f"who is in groups that are as good as root was not judged, as {needs.GROUP.what} was not taken")
        return
    services = accounts.directories(evidence, "group", "initgroups") - accounts.LOCAL
    if services:
        yield Gap(needs.NSSWITCH.what, f"members of groups come from {listed(sorted(services))} too, and cannot be seen here")
    gshadow = needs.text(evidence, GSHADOW)
    if gshadow is None and needs.unread(evidence, GSHADOW.what):
        yield Gap(GSHADOW.what, "whether groups have passwords, and who may add members, was not judged")
    lines = administered(evidence)
    for team in everybody.teams:
        power = POWERS.get(team.name)
        if power:
            yield from _powerful(everybody, team, power, lines.get(team.name))
    yield from _passwords(everybody.teams, lines, whole=gshadow is not None)


def _powerful(everybody: People, team: Team, power: Power, line: Line | None) -> Iterator[Finding]:
    by_name = {login.name: login for login in everybody.logins}
    names = list(members(everybody, team, line))
    if not power.root:  # services read logs, and share the group of root, as they are meant to
        names = [name for name in names if name not in by_name or everybody.kind(by_name[name]) == "person"]
    if names:
        shown = [everybody.named(by_name[name]) if name in by_name else printable(name) for name in names]
        message = f"{listed(shown)}: whoever is in it {power.why}"
        quotes = (team.line.quote, *((line.quote,) if line and line.fields[2] else ()))
        remedy = fitted(GROUP_IS_ROOT.remedy, names).replace("GROUP", team.name)
        yield Finding(GROUP_IS_ROOT, f"group {team.name}", message, power.severity, quotes, remedy)


def _passwords(teams: tuple[Team, ...], lines: Mapping[str, Line], *, whole: bool) -> Iterator[Finding]:
    """Yield the groups with a password; /etc/gshadow decides where it is there."""
    found = [(team, lines.get(team.name, team.line)) for team in teams]
    found = [(team, line) for team, line in found if _has_password(line) and (whole or line is team.line)]
    if found:
        strong = [team.name for team, _line in found if team.name in POWERS or team.name in ("sudo", "wheel", "admin")]
        severity = Severity.HIGH if strong else GROUP_PASSWORD.severity
        more = f"; {listed(strong)} is as good as root" if strong else ""
        message = f"whoever knows it becomes a member of {listed([printable(team.name) for team, _line in found])}{more}"
        yield Finding(GROUP_PASSWORD, "groups", message, severity, tuple(line.quote for _team, line in found[:MOST_QUOTES]))


def _has_password(line: Line) -> bool:
    return line.password.startswith("set")
