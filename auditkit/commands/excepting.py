"""The exceptions of auditkit.yaml, for the hosts that they are for."""

from collections.abc import Iterator
from typing import Any

from auditkit.commands import options
from auditkit.config import Config, ExceptionConfig
from auditkit.printable import printable
from auditkit.strict import near

Document = dict[str, Any]


def unknown(config: Config) -> Iterator[str]:
    """Yield what is to be said of exceptions for rules that there are not: they accept nothing."""
    if not config.exceptions:
        return
    from auditkit.commands.rules import all_rules  # noqa: PLC0415 - it loads every audit

    known = [rule.id for rule in all_rules()]
    for one in config.exceptions:
        if one.rule not in known:
            yield f"exceptions: there is no rule {printable(one.rule)}, so nothing is accepted by it; {near(one.rule, known)}"


def applied(host: Document, run: options.Setting) -> Document:
    """The document of a host without what auditkit.yaml accepts of it; that is told beside it."""
    meant = [one for one in run.config.exceptions if _is_for(one, host["host"], run.config)]
    if not meant:
        return host
    from auditkit.report import accepted  # noqa: PLC0415 - few have any

    risks = [accepted.Risk(one.rule, one.reason, one.until, one.path) for one in meant]
    return accepted.applied(host, risks, run.started.date())


def _is_for(one: ExceptionConfig, name: str, config: Config) -> bool:
    groups = config.hosts[name].groups if name in config.hosts else ()
    return one.host in ("@all", name) or (one.host.startswith("@") and one.host[1:] in groups)
