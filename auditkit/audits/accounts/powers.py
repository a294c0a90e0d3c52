"""Groups that are as good as root, why each is, and who is in one: for the rules about them, and for the summary."""

from collections.abc import Mapping
from dataclasses import dataclass

from auditkit.access import needs
from auditkit.access.passwd import Line, lines_of
from auditkit.audits.accounts.people import People, Team, people
from auditkit.model import Evidence, Means, Need, Severity

GSHADOW = Need(Means.FILE, "/etc/gshadow", "which groups have a password, and who may add members", secret=True)


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


def administered(evidence: Evidence) -> Mapping[str, Line]:
    """The lines of /etc/gshadow by group, the first of each."""
    lines = lines_of(GSHADOW.what, needs.text(evidence, GSHADOW) or "")[0]
    return {line.fields[0]: line for line in reversed(lines) if len(line.fields) > 3}


def members(everybody: People, team: Team, line: Line | None) -> tuple[str, ...]:
    """Who is in a group, or may put himself there: members, those whose own group it is, and administrators of it."""
    names = (*team.members, *(name for name in (line.fields[2] if line else "").split(",") if name))
    roots = {login.name for login in everybody.logins if login.uid == 0}
    known = {login.name for login in everybody.logins}
    return tuple(name for name in dict.fromkeys(names) if name not in roots and (name in known or everybody.elsewhere))


def powers_of(evidence: Evidence) -> Mapping[str, tuple[str, ...]]:
    """The groups that make root of each account."""
    everybody = people(evidence)
    lines = administered(evidence)
    found: dict[str, tuple[str, ...]] = {}
    for team in everybody.teams or ():
        power = POWERS.get(team.name)
        for name in members(everybody, team, lines.get(team.name)) if power and power.root else ():
            found[name] = (*found.get(name, ()), team.name)
    return found
