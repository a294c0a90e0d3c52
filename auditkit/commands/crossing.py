"""The hosts of a run taken together: who can log in where, and what only all of them show."""

from collections.abc import Mapping
from typing import Any

from auditkit.commands import options
from auditkit.model import HostReport

Document = dict[str, Any]


def judged(told: Mapping[str, Document], run: options.Setting) -> tuple[dict[str, Document], Document | None]:
    """What is said of each host with what the others show of it, and `access` of the report; None where there is no SSH."""
    if not any("ssh" in host["facts"] for host in told.values()):
        return dict(told), None
    from auditkit import across  # noqa: PLC0415 - not for --help
    from auditkit.report.document import with_more  # noqa: PLC0415

    view = across.view(told, run.config.known_keys)
    if view is None:
        return dict(told), None
    more = {word: HostReport("", findings=findings) for word, findings in view.findings.items()}
    return {word: with_more(host, more[word]) if word in more else host for word, host in told.items()}, view.document
