"""Whether what is installed to watch this machine runs, and starts again at the next boot: one rule for all of them."""

from collections.abc import Iterator

from auditkit.audits.protections.machine import Machine, State
from auditkit.audits.protections.tools import CLAMD, CLOCK, FIREWALL, FRESHCLAM, TOOLS, Tool
from auditkit.model import Finding, Gap, Need, Quote, Rule, Severity

NEEDS: tuple[Need, ...] = ()

NOT_RUNNING = Rule(
    "protection-not-running",
    "A protection is installed and does not run",
    Severity.MEDIUM,
    "People believe that somebody watches, and nobody does. The service is to start at boot and is not there: it has failed, or"
    " somebody ended it, as intruders do first of all. One that was turned off on purpose is low.",
    "systemctl status UNIT; journalctl -u UNIT -n 50; then systemctl restart UNIT. If it is not wanted any more: apt-get remove"
    " NAME (undo: apt-get install NAME)",
    ("systemctl(1)", "MITRE ATT&CK T1562.001"),
)
NOT_AT_BOOT = Rule(
    "protection-not-at-boot",
    "A protection runs and will not start at the next boot",
    Severity.LOW,
    "After the next restart nobody watches, and nothing will say so. The service was started by hand and nothing starts it at"
    " boot.",
    "systemctl enable UNIT (undo: systemctl disable UNIT)",
    ("systemctl(1)",),
)
RULES = (NOT_RUNNING, NOT_AT_BOOT)

_OTHERS = (CLOCK, FIREWALL)
"""Kinds of which one tool is enough, so that others may lie idle: their own groups judge them."""


def judge(told: Machine) -> Iterator[Finding | Gap]:
    """Yield what is installed and does not run, or will not; and once that it is not known what runs."""
    unknown = []
    for tool in TOOLS:
        state = told.state(tool)
        if not state.installed or not tool.is_daemon or tool.kind in _OTHERS:
            continue
        if state.running is None:
            unknown.append(tool.name)
        if tool is CLAMD and not state.enabled and not state.running:
            continue  # clamscan does without
        yield from _of(told, tool, state)
    if unknown:
        yield Gap("protections", f"whether it runs cannot be told of {', '.join(unknown)}")


def _of(told: Machine, tool: Tool, state: State) -> Iterator[Finding]:
    unit = next(
        (unit for unit in tool.units if told.units is not None and told.units.get(unit, {}).get("LoadState") == "loaded"),
        tool.units[0],
    )
    quotes = _quotes(told, unit)
    remedies = {rule: rule.remedy.replace("UNIT", unit).replace("NAME", tool.name) for rule in RULES}
    off = state.running is None and state.enabled is False
    if (off or state.running is False) and not (tool is FRESHCLAM and told.there(*told.starters(tool))):
        severity = NOT_RUNNING.severity if state.enabled else Severity.LOW
        how = "is to start at boot, and does not run" if state.enabled else "is installed and turned off"
        yield Finding(NOT_RUNNING, tool.name, f"{tool.name} {how}", severity, quotes, remedies[NOT_RUNNING])
    elif state.running and state.enabled is False:
        message = f"{tool.name} runs, and nothing starts it at boot"
        yield Finding(NOT_AT_BOOT, tool.name, message, NOT_AT_BOOT.severity, quotes, remedies[NOT_AT_BOOT])


def _quotes(told: Machine, unit: str) -> tuple[Quote, ...]:
    fields = (told.units or {}).get(unit)
    words = (
        [f"{name}={fields[name]}" for name in ("ActiveState", "UnitFileState", "Result") if fields.get(name)] if fields else []
    )
    return (Quote("systemctl show", 0, f"{unit}: {' '.join(words)}"[:200]),) if words else ()
