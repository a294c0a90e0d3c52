"""The hosts of a run taken together: who can log in where, and what only all of them show."""

from collections.abc import Mapping
from typing import Any

from auditkit.commands import options
from auditkit.model import Finding, HostReport

Document = dict[str, Any]
Findings = Mapping[str, tuple[Finding, ...]]


def judged(told: Mapping[str, Document], run: options.Setting) -> tuple[dict[str, Document], Document | None]:
    """What is said of each host with what the others show of it, and `access` of the report; None where there is no SSH."""
    found = _unlike(told)
    over_ssh = {word: host for word, host in told.items() if not host["facts"].get("device")}
    if not any("ssh" in host["facts"] for host in over_ssh.values()):
        return _with(told, found), None
    from auditkit import across  # noqa: PLC0415 - not for --help

    view = across.view(over_ssh, run.config.known_keys)
    if view is None:
        return _with(told, found), None
    return _with(_with(told, found), view.findings), view.document


def _unlike(told: Mapping[str, Document]) -> Findings:
    """What of the services of each host is not as on the others."""
    if len(told) == 1 or not any("listeners" in host["facts"] for host in told.values()):
        return {}
    from auditkit.across import versions  # noqa: PLC0415 - not for --help

    return versions.findings(told)


def _with(told: Mapping[str, Document], found: Findings) -> dict[str, Document]:
    """The hosts with what was found of them besides."""
    from auditkit.report.document import with_more  # noqa: PLC0415 - not for --help

    return {
        word: with_more(host, HostReport("", findings=found[word])) if word in found else host for word, host in told.items()
    }
