"""AppArmor and SELinux: whether what was set up to confine programs does."""

import re
from collections.abc import Iterator

from auditkit.audits.protections.machine import Machine
from auditkit.audits.protections.tools import CONFINEMENT
from auditkit.audits.protections.watcher import Watcher
from auditkit.model import Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

_WHY = "whether programs are confined"
APPARMOR = Need(Means.STATUS, "/usr/sbin/apparmor_parser", _WHY)
APPARMOR_BOOT = Need(Means.STATUS, "/etc/systemd/system/sysinit.target.wants/apparmor.service", _WHY)
APPARMOR_ON = Need(Means.FILE, "/sys/module/apparmor/parameters/enabled", _WHY)
PROFILES = Need(Means.FILE, "/sys/kernel/security/apparmor/profiles", "which programs are confined, and which are only watched")
SELINUX_CONF = Need(Means.FILE, "/etc/selinux/config", _WHY)
SELINUX_ON = Need(Means.FILE, "/sys/fs/selinux/enforce", _WHY)
CMDLINE = Need(Means.FILE, "/proc/cmdline", "whether the boot loader turns confinement off")
NEEDS = (APPARMOR, APPARMOR_BOOT, APPARMOR_ON, PROFILES, SELINUX_CONF, SELINUX_ON, CMDLINE)

OFF = Rule(
    "confinement-off",
    "Confinement of programs is installed and off",
    Severity.LOW,
    "One hole in one service opens the whole machine, although the system brings what would contain it. AppArmor or SELinux is"
    " installed, and the kernel does not enforce it; where the configuration says that it should, it is medium.",
    "SELinux: setenforce 1 (undo: setenforce 0), and SELINUX=enforcing in /etc/selinux/config. AppArmor: take apparmor=0 out of"
    " GRUB_CMDLINE_LINUX in /etc/default/grub, update-grub, restart (undo: write it back); systemctl enable --now apparmor",
    ("selinux(8)", "apparmor(7)", "MITRE ATT&CK T1562.001"),
)
RULES = (OFF,)

_MODE = re.compile(r"(?m)^\s*SELINUX\s*=\s*([a-z]+)")
_TURNED_OFF = re.compile(r"(?:^|\s)(apparmor=0|selinux=0|enforcing=0|security=(?:none)?)(?=\s|$)")


def judge(told: Machine) -> Iterator[Finding | Gap]:
    """Yield what is installed to confine programs and does not."""
    yield from _selinux(told)
    enabled = (told.text(APPARMOR_ON) or "").strip()
    if told.there(APPARMOR) and enabled == "N":
        quotes = (Quote(APPARMOR_ON.what, 1, enabled), *_turned_off(told))
        yield Finding(OFF, "AppArmor", "AppArmor is installed, and the kernel has it turned off", OFF.severity, quotes)


def watchers(told: Machine) -> Iterator[Watcher]:
    """Yield AppArmor and SELinux."""
    modes = [line.rpartition("(")[2] for line in (told.text(PROFILES) or "").split("\n")]
    confined = sum(mode.startswith("enforce") for mode in modes)
    enabled = (told.text(APPARMOR_ON) or "").strip()
    there = bool(told.there(APPARMOR))
    detail = f"{confined} profiles are enforced" if confined else ""
    yield Watcher(CONFINEMENT, "AppArmor", there, None, enabled == "Y" if enabled and there else None, None, detail)
    mode = _MODE.findall(told.text(SELINUX_CONF) or "")
    enforced = (told.text(SELINUX_ON) or "").strip()
    yield Watcher(
        CONFINEMENT, "SELinux", bool(mode), mode[-1] == "enforcing" if mode else None,
        enforced == "1" if enforced else None, None,
        f"{printable(mode[-1])}, as configured" if mode else "",
    )  # fmt: skip


def _selinux(told: Machine) -> Iterator[Finding]:
    text = told.text(SELINUX_CONF)
    mode = _MODE.findall(text or "")
    enforced = (told.text(SELINUX_ON) or "").strip()
    if not mode:
        return
    quotes = (Quote(SELINUX_CONF.what, 0, f"SELINUX={mode[-1]}"), *_turned_off(told))
    if mode[-1] != "enforcing":
        yield Finding(OFF, "SELinux", f"SELinux is configured as {printable(mode[-1])}", OFF.severity, quotes)
    elif enforced == "0" or (not enforced and _turned_off(told)):
        yield Finding(OFF, "SELinux", "SELinux is to be enforced, and is not", Severity.MEDIUM, quotes)


def _turned_off(told: Machine) -> tuple[Quote, ...]:
    found = _TURNED_OFF.search(told.text(CMDLINE) or "")
    return (Quote(CMDLINE.what, 1, found[1]),) if found else ()
