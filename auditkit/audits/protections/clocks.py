"""Whether something sets the clock, and whether it succeeds: without the right time no log can be held against another."""

import re
from collections.abc import Iterator

from auditkit.audits.protections.machine import Machine, State
from auditkit.audits.protections.tools import CHRONY, NTPD, TIMESYNCD
from auditkit.audits.protections.watcher import Watcher, watcher
from auditkit.model import Finding, Gap, Means, Need, Quote, Rule, Severity

TIMEDATE = Need(Means.COMMAND, "/usr/bin/timedatectl show", "whether the clock is set by the network")
TRACKING = Need(Means.COMMAND, "/usr/bin/chronyc -n tracking", "whether chrony has set the clock")
SYNCED = Need(Means.LISTING, "/var/lib/systemd/timesync/clock", "when systemd-timesyncd set the clock last")
CONTAINER = Need(Means.FILE, "/run/systemd/container", "whether that is a container, whose clock is the host's")
VIRTUAL = tuple(Need(Means.STATUS, path, CONTAINER.why) for path in ("/.dockerenv", "/run/.containerenv"))
NEEDS = (TIMEDATE, TRACKING, CONTAINER, *VIRTUAL)
THEN = (SYNCED,)

UNSET = Rule(
    "clock-not-set",
    "Nothing sets the clock",
    Severity.LOW,
    "When something happens, its traces on this machine cannot be held against those on others, and certificates or one-time"
    " codes fail at random. No service for NTP is installed or turned on; in a virtual machine the host may set the clock.",
    "apt-get install systemd-timesyncd && timedatectl set-ntp true (undo: timedatectl set-ntp false)",
    ("timedatectl(1)", "CIS Debian Linux 12 2.3"),
)
ASTRAY = Rule(
    "clock-not-synchronised",
    "The clock is to be set by the network, and is not",
    Severity.MEDIUM,
    "Somebody has seen to it that the time is right, yet it drifts: logs, certificates and one-time codes go wrong."
    " The service for NTP runs, and the kernel says that the clock is not synchronised: mostly no server answers.",
    "timedatectl timesync-status; chronyc -n sources; ntpq -pn: see which server does not answer, let out UDP port 123, or name"
    " another one in timesyncd.conf, chrony.conf or ntp.conf (undo: write the old one back)",
    ("timedatectl(1)", "chronyc(1)"),
)
RULES = (UNSET, ASTRAY)
TOOLS = (CHRONY, NTPD, TIMESYNCD)
_LEAP = re.compile(r"(?m)^Leap status\s*: (.+)$")
_CONTAINED = frozenset(
    ("docker", "podman", "lxc", "lxc-libvirt", "systemd-nspawn", "openvz", "rkt", "wsl", "proot", "container-other")
)


def judge(told: Machine) -> Iterator[Finding | Gap]:
    """Yield whether the clock is right."""
    states = {tool: told.state(tool) for tool in TOOLS}
    if not told.is_system or _is_contained(told) or None in {state.installed for state in states.values()}:
        return
    alive = [tool.name for tool, state in states.items() if _serves(state)]
    if not alive:
        there = [tool.name for tool, state in states.items() if state.installed]
        message = f"installed, and turned off: {', '.join(there)}" if there else "no service for NTP is installed"
        yield Finding(UNSET, "clock", message, UNSET.severity)
    elif (quote := _astray(told)) is not None and any(state.running for state in states.values()):
        yield Finding(ASTRAY, "clock", f"{', '.join(alive)} runs, and the clock is not synchronised", ASTRAY.severity, (quote,))


def follow(told: Machine) -> Iterator[Need]:
    """Yield when systemd-timesyncd set the clock last, where it is installed."""
    yield from THEN if told.state(TIMESYNCD).installed else ()


def watchers(told: Machine) -> Iterator[Watcher]:
    """Yield what sets the clock."""
    for tool in TOOLS:
        ages = [told.age(one.mtime / 1e9) for one in told.listed(SYNCED)] if tool is TIMESYNCD else []
        detail = "" if not told.state(tool).running else _in_words(told)
        yield watcher(told, tool, detail, ages[0] if ages else None)


def _in_words(told: Machine) -> str:
    said = told.said(TIMEDATE) or told.said(TRACKING)
    return "" if said is None else "the clock is synchronised" if _astray(told) is None else "the clock is not synchronised"


def _serves(state: State) -> bool:
    """Whether a service sets the clock, as far as that is known."""
    return bool(state.installed) and (state.running is True or (state.running is None and state.enabled is not False))


def _astray(told: Machine) -> Quote | None:
    """What says that the clock is not set; chrony's own word goes before the kernel's."""
    said = told.said(TRACKING)
    found = _LEAP.search(said) if said else None
    if found and told.state(CHRONY).running:
        return Quote(TRACKING.what, 0, found[0][:200]) if found[1].strip() == "Not synchronised" else None
    said = told.said(TIMEDATE)
    return Quote(TIMEDATE.what, 0, "NTPSynchronized=no") if said and re.search(r"(?m)^NTPSynchronized=no$", said) else None


def _is_contained(told: Machine) -> bool:
    return bool(told.there(*VIRTUAL)) or (told.text(CONTAINER) or "").strip() in _CONTAINED
