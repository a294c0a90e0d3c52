"""Whether a firewall drops what nobody asked for: what is loaded, what lies on the disk, what starts it at boot."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.access.needs import LISTENERS
from auditkit.audits.protections.machine import Machine, is_loopback
from auditkit.audits.protections.rulesets import Table, drops, of_iptables, of_nft
from auditkit.audits.protections.tools import FIREWALL, FIREWALLD, IPTABLES, NFTABLES, UFW, Tool
from auditkit.audits.protections.watcher import Watcher, watcher
from auditkit.model import Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

_WHY = "what the firewall does with what no rule names, as configured"
NFT_CONF = tuple(
    Need(Means.FILE, path, _WHY) for path in ("/etc/nftables.conf", "/etc/nftables/*.nft", "/etc/nftables.d/*.nft")
)
UFW_CONF = Need(Means.FILE, "/etc/ufw/ufw.conf", _WHY)
UFW_DEFAULT = Need(Means.FILE, "/etc/default/ufw", _WHY)
FIREWALLD_CONF = Need(Means.FILE, "/etc/firewalld/firewalld.conf", _WHY)
ZONES = Need(Means.FILE, "/etc/firewalld/zones/*.xml", _WHY)
SAVED = tuple(
    Need(Means.FILE, path, _WHY)
    for path in ("/etc/iptables/rules.v4", "/etc/iptables/rules.v6", "/etc/sysconfig/iptables", "/etc/sysconfig/ip6tables")
)
_LOADED = "which firewall rules are loaded"
NFT = tuple(Need(Means.COMMAND, f"{path} -j -t list ruleset", _LOADED) for path in NFTABLES.programs)
SAVES = {
    family: tuple(Need(Means.COMMAND, f"/usr/{place}/{name}-save", _LOADED) for place in ("sbin", "bin"))
    for family, name in (("ip", "iptables"), ("ip6", "ip6tables"))
}
IPV6 = Need(Means.FILE, "/proc/net/if_inet6", "whether the machine has an address of IPv6 that others reach")
NEEDS = (*NFT_CONF, UFW_CONF, UFW_DEFAULT, FIREWALLD_CONF, ZONES, *SAVED, *NFT, *SAVES["ip"], *SAVES["ip6"], IPV6, LISTENERS)

_TEST = "Keep a second session open, and see that ssh still works."
ABSENT = Rule(
    "firewall-absent",
    "No firewall drops what nobody asked for",
    Severity.LOW,
    "Whatever starts to listen on this machine, on purpose or not, can be reached at once by all who reach the machine."
    " No chain of the input hook drops what no rule names; it is medium where more than SSH listens to others.",
    "apt-get install ufw && ufw allow OpenSSH && ufw default deny incoming && ufw enable (undo: ufw disable)."
    f" Allow first what has to be reached: ss -tulpn shows it. {_TEST}",
    ("nft(8)", "ufw(8)", "CIS Distribution Independent Linux 3.5"),
)
NOT_LOADED = Rule(
    "firewall-not-loaded",
    "A firewall is set up, and is not loaded",
    Severity.MEDIUM,
    "People believe that the machine is shut, and it is open. The configuration on the disk drops what no rule names and is to"
    " start at boot, while the kernel has no such rules.",
    f"See why it failed: systemctl status nftables ufw firewalld netfilter-persistent; then start yours. {_TEST}",
    ("systemctl(1)", "nft(8)"),
)
NOT_AT_BOOT = Rule(
    "firewall-not-at-boot",
    "Nothing loads the firewall at boot",
    Severity.LOW,
    "The machine is shut now and open after the next restart, which nobody will notice. Rules are loaded that drop what they do"
    " not name, and no service that loads rules is enabled; a script of your own may do it.",
    "cp -p /etc/nftables.conf /etc/nftables.conf.before; (echo '#!/usr/sbin/nft -f'; echo 'flush ruleset'; nft -s list ruleset)"
    " > /etc/nftables.conf; systemctl enable nftables (undo: cp -p /etc/nftables.conf.before /etc/nftables.conf;"
    " systemctl disable nftables)",
    ("nft(8)", "netfilter-persistent(8)"),
)
HALF = Rule(
    "firewall-without-ipv6",
    "The firewall knows only IPv4",
    Severity.MEDIUM,
    "The front door is locked and the other one is open: over IPv6 everything that listens can be reached. The machine has an"
    " address of IPv6, and no chain drops what comes in over it.",
    "ufw: IPV6=yes in /etc/default/ufw, then ufw reload (undo: IPV6=no, ufw reload). nftables: a table `inet` in place of `ip`."
    f" iptables: the same rules with ip6tables, and icmpv6 let in. {_TEST}",
    ("nft(8)", "ip6tables(8)", "RFC 4890"),
)
RULES = (ABSENT, NOT_LOADED, NOT_AT_BOOT, HALF)

SSH_PORT, DHCP_PORTS = 22, (68, 546)
_NFT_DROPS = re.compile(r"hook\s+input\b[^{}]*?\bpolicy\s+drop\b")
_COMMENT = re.compile(r"(?m)#.*$")
_GLOBAL = re.compile(r"(?m)^[0-9a-f]{32} [0-9a-f]+ [0-9a-f]+ 00 [0-9a-f]+\s+\S+$")
_TRUSTING = re.compile(r"<zone\b[^>]*\btarget=\"ACCEPT\"")
_SHELL = r"(?m)^\s*%s\s*=\s*[\"']?([A-Za-z]*)"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the kernel does with what no rule names; None where no chain looks at it."""

    ip: bool | None
    ip6: bool | None


def judge(told: Machine) -> Iterator[Finding | Gap]:
    """Yield whether the machine is shut, now and after the next boot."""
    loaded = _loaded(told)
    if isinstance(loaded, Gap):
        yield loaded
        return
    ready = [tool for tool, shuts in configured(told) if shuts and told.state(tool).enabled]
    if loaded is None:
        if not ready and told.is_system:
            yield _absent(told, "no firewall that drops what no rule names is set up and starts at boot")
        return
    if not loaded.ip and not loaded.ip6:
        yield _not_loaded(ready) if ready else _absent(told, _how_open(told, loaded))
        return
    if not any(told.state(tool).enabled for tool in (NFTABLES, UFW, FIREWALLD, IPTABLES)):
        message = "rules are loaded that drop what they do not name, and no service that loads them is enabled"
        yield Finding(NOT_AT_BOOT, "firewall", message, NOT_AT_BOOT.severity)
    if not loaded.ip6 and _GLOBAL.search(told.text(IPV6) or ""):
        yield Finding(HALF, "firewall", "over IPv4 it drops what no rule names, over IPv6 everything comes in", HALF.severity)


def watchers(told: Machine) -> Iterator[Watcher]:
    """Yield each tool that loads rules, and what the kernel does."""
    shutting = dict(configured(told))
    for tool in (NFTABLES, UFW, FIREWALLD, IPTABLES):
        yield watcher(told, tool, "drops what no rule names, as configured" if shutting.get(tool) else "")
    loaded = _loaded(told)
    if isinstance(loaded, Loaded):
        shut = [name for name, one in (("IPv4", loaded.ip), ("IPv6", loaded.ip6)) if one]
        detail = f"drops what no rule names: {', '.join(shut)}" if shut else "lets in what no rule names"
        yield Watcher(FIREWALL, "rules in the kernel", loaded != Loaded(None, None), None, bool(shut), None, detail)


def configured(told: Machine) -> Iterator[tuple[Tool, bool]]:
    """Yield each tool that has a configuration on the disk, and whether that drops what no rule names."""
    files = told.texts(*NFT_CONF)
    if files:
        yield NFTABLES, any(_NFT_DROPS.search(_COMMENT.sub("", text)) for text in files.values())
    if (text := told.text(UFW_CONF)) is not None:
        policy = _said(told.text(UFW_DEFAULT) or "", "DEFAULT_INPUT_POLICY") or "drop"
        yield UFW, _said(text, "ENABLED") == "yes" and policy in ("drop", "reject")
    if (text := told.text(FIREWALLD_CONF)) is not None:
        zone = re.search(r"(?m)^\s*DefaultZone\s*=\s*(\S+)", text)
        name = zone[1] if zone else "public"
        own = told.texts(ZONES).get(f"/etc/firewalld/zones/{name}.xml", "")
        yield FIREWALLD, name != "trusted" and not _TRUSTING.search(own)
    saved = [
        of_iptables(text, "ip6" if path.endswith(("v6", "ip6tables")) else "ip") for path, text in told.texts(*SAVED).items()
    ]
    if saved:
        yield IPTABLES, any(drops(tables, family) for tables in saved for family in ("ip", "ip6"))


def _said(text: str, name: str) -> str:
    found = re.findall(_SHELL % name, text)
    return found[-1].lower() if found else ""


def _loaded(told: Machine) -> Loaded | Gap | None:
    """What is in the kernel; None where nobody could be asked."""
    if not told.evidence.was_asked(NFT[0]):
        return None
    asked = [(need, "") for need in NFT] + [(need, family) for family, needs in SAVES.items() for need in needs]
    tables: list[Table] = []
    for need, family in asked:
        ran = told.ran(need)
        if ran is None:
            continue
        said = told.said(need)
        if said is None:
            why = (
                "was cut short"
                if ran.status is None
                else f"failed: {printable(ran.complaints.decode('utf-8', 'replace')[:100].strip())}"
            )
            return Gap("firewall", f"which rules are loaded is not known: {need.what.split(' ')[0]} {why}")
        try:
            tables += of_iptables(said, family) if family else of_nft(said)
        except ValueError as error:
            return Gap("firewall", f"what {need.what.split(' ')[0]} shows makes no sense: {error}")
    not_run = [gap for gap in told.evidence.gaps if gap.subject in {need.what for need, _family in asked}]
    if not_run:
        return Gap("firewall", f"which rules are loaded is not known: {not_run[0].reason}")
    return Loaded(drops(tables, "ip"), drops(tables, "ip6"))


def _how_open(told: Machine, loaded: Loaded) -> str:
    if loaded != Loaded(None, None):
        return "rules are loaded, and what none of them names is let in"
    if not any(told.state(tool).installed for tool in (NFTABLES, IPTABLES)):
        return "neither nft nor iptables is installed"
    return "no rules for what comes in are loaded"


def _absent(told: Machine, how: str) -> Finding:
    """No firewall: how bad that is depends on who listens."""
    others = outside(told)
    more = [name for name, ports in others.items() if ports - {SSH_PORT}]
    severity = Severity.MEDIUM if more else ABSENT.severity
    shown = f"; others reach {', '.join(map(printable, sorted(others)[:8]))}" if others else ""
    quotes = tuple(
        Quote("/proc/net", 0, f"{name} listens on {', '.join(map(str, sorted(ports)[:8]))}") for name, ports in others.items()
    )
    return Finding(ABSENT, "firewall", f"{how}{shown}", severity, quotes[:10])


def _not_loaded(ready: list[Tool]) -> Finding:
    names = ", ".join(tool.name for tool in ready)
    message = f"{names} is set up to drop what no rule names, and the kernel lets it in"
    return Finding(NOT_LOADED, "firewall", message, NOT_LOADED.severity)


def outside(told: Machine) -> dict[str, set[int]]:
    """The programs that listen to others than this machine, with their ports; those of DHCP have to."""
    found: dict[str, set[int]] = {}
    for process in told.processes(LISTENERS):
        for one in process.listens:
            if not is_loopback(one.address) and not (one.protocol == "udp" and one.port in DHCP_PORTS):
                name = process.program.removesuffix(" (deleted)").rpartition("/")[2] or "a program"
                found.setdefault(name, set()).add(one.port)
    return found
