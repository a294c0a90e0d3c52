"""Groups that are as good as root, who is in them, and groups that let others in by a password."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditkit.access import accounts, needs
from auditkit.access.passwd import Line, lines_of
from auditkit.audits.accounts.people import MOST_QUOTES, People, Team, fitted, listed, people
from auditkit.audits.accounts.people import NEEDS as OF_PEOPLE
from auditkit.model import Evidence, Finding, Gap, Means, Need, Rule, Severity
from auditkit.printable import printable

GSHADOW = Need(Means.FILE, "/etc/gshadow", "which groups have a password, and who may add members", secret=True)
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


@dataclass(frozen=True, slots=True)
class Power:
    """Why a group is as good as root."""

    severity: Severity
    why: str
    root: bool = True
    """Whether it comes to root, and not only to much that is secret."""


POWERS: Mapping[str, Power] = {
    "disk": Power(Severity.HIGH, "reads and writes the raw disks, /etc/shadow among it"),
    "docker": Power(Severity.MEDIUM, "starts containers that have the whole disk"),
    "lxd": Power(Severity.MEDIUM, "starts containers that have the whole disk"),
    "incus-admin": Power(Severity.MEDIUM, "starts containers that have the whole disk"),
    "microk8s": Power(Severity.MEDIUM, "starts containers that have the whole disk"),
    "podman": Power(Severity.MEDIUM, "starts containers that have the whole disk"),
    "libvirt": Power(Severity.MEDIUM, "starts virtual machines that have any disk of the host"),
    "shadow": Power(Severity.MEDIUM, "reads the hashes of all passwords"),
    "kmem": Power(Severity.MEDIUM, "reads the memory of the kernel"),
    "mem": Power(Severity.MEDIUM, "reads the memory of the kernel"),
    "staff": Power(Severity.MEDIUM, "writes to /usr/local, in which root finds programs first"),
    "root": Power(Severity.LOW, "writes to what group root may write to", root=False),
    "incus": Power(Severity.LOW, "starts containers of its own, which a mistake in their limits makes root", root=False),
    "adm": Power(Severity.INFO, "reads the logs, which may hold secrets", root=False),
}
"""Of sudo, wheel and admin the rules of sudoers say what they are worth."""


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
    lines = _gshadow(gshadow)
    for team in everybody.teams:
        power = POWERS.get(team.name)
        if power:
            yield from _powerful(everybody, team, power, lines.get(team.name))
    yield from _passwords(everybody.teams, lines, whole=gshadow is not None)


def _gshadow(text: str | None) -> Mapping[str, Line]:
    lines = lines_of(GSHADOW.what, text or "")[0]
    return {line.fields[0]: line for line in reversed(lines) if len(line.fields) > 3}


def members(everybody: People, team: Team, line: Line | None) -> tuple[str, ...]:
    """Who is in a group, or may put himself there: members, those whose own group it is, and administrators of it."""
    names = (*team.members, *(name for name in (line.fields[2] if line else "").split(",") if name))
    roots = {login.name for login in everybody.logins if login.uid == 0}
    known = {login.name for login in everybody.logins}
    return tuple(name for name in dict.fromkeys(names) if name not in roots and (name in known or everybody.elsewhere))


def _powerful(everybody: People, team: Team, power: Power, line: Line | None) -> Iterator[Finding]:
    by_name = {login.name: login for login in everybody.logins}
    names = list(members(everybody, team, line))
    if power.severity is Severity.INFO:  # services read logs as they are meant to
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


def powers_of(evidence: Evidence) -> Mapping[str, tuple[str, ...]]:
    """The groups that make root of each account."""
    everybody = people(evidence)
    lines = _gshadow(needs.text(evidence, GSHADOW))
    found: dict[str, tuple[str, ...]] = {}
    for team in everybody.teams or ():
        power = POWERS.get(team.name)
        for name in members(everybody, team, lines.get(team.name)) if power and power.root else ():
            found[name] = (*found.get(name, ()), team.name)
    return found
