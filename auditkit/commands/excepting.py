"""The exceptions of auditkit.yaml, for the hosts that they are for."""

from collections.abc import Iterator, Mapping
from typing import Any

from auditkit.commands import options
from auditkit.config import Config
from auditkit.excuses import Excuse
from auditkit.hosts import is_here
from auditkit.model import Severity
from auditkit.printable import printable
from auditkit.strict import near

Document = dict[str, Any]
ALL = "scan"
"""The command that looks at all that an exception may be about."""


def unknown(config: Config) -> Iterator[str]:
    """Yield what is to be said of exceptions for rules that there are not: they accept nothing."""
    if not config.exceptions:
        return
    known = _severities()
    for one in config.exceptions:
        if one.rule not in known:
            yield f"exceptions: there is no rule {printable(one.rule)}, so nothing is accepted by it; {near(one.rule, known)}"


def applied(told: Mapping[str, Document], command: str, run: options.Setting) -> dict[str, Document]:
    """The documents of hosts, by the words that named them, without what auditkit.yaml accepts; that is told beside it."""
    if not run.config.exceptions:
        return dict(told)
    from auditkit.report import accepted  # noqa: PLC0415 - few have any

    risks = {one: _risk(one) for one in run.config.exceptions}
    hosts = _noted(told, risks, run.config) if command == ALL else told
    return {
        word: accepted.applied(
            host, [risk for one, risk in risks.items() if _is_for(one, word, host, run.config)], run.started.date()
        )
        for word, host in hosts.items()
    }


def _severities() -> dict[str, Severity]:
    from auditkit.commands.rules import all_rules  # noqa: PLC0415 - it loads every audit

    return {rule.id: rule.severity for rule in all_rules()}


def _risk(one: Excuse) -> Any:
    from auditkit.report.accepted import Risk  # noqa: PLC0415 - few have any

    most = one.severity or _severities().get(one.rule, Severity.MEDIUM)
    return Risk(one.rule, one.reason, one.until, one.path, one.subject, most)


def _is_for(one: Excuse, word: str, host: Document, config: Config) -> bool:
    """Whether an exception is for a host; a `local` of which evidence tells may be any machine."""
    name = host["host"]
    if word.startswith("evidence:") and is_here(name):
        return one.host == "@all"
    groups = config.hosts[name].groups if name in config.hosts else ()
    return one.host in ("@all", name) or (one.host.startswith("@") and one.host[1:] in groups)


def _noted(told: Mapping[str, Document], risks: Mapping[Excuse, Any], config: Config) -> dict[str, Document]:
    """The documents, with a note on the first host of each exception that is about nothing any more on any of its hosts."""
    from auditkit.report import accepted  # noqa: PLC0415 - few have any

    noted = dict(told)
    for one, risk in risks.items():
        words = [word for word, host in told.items() if _is_for(one, word, host, config)]
        asked = [word for word in words if _has_looked(told[word], one) and not accepted.concerned(told[word], risk)]
        meant = {name for name in config.hosts if _is_for(one, name, {"host": name}, config)}
        if asked and asked == words and meant <= {told[word]["host"] for word in asked}:
            note = f"the exception for {risk.name} ({one.reason}) is about nothing any more: take it out of auditkit.yaml"
            noted[asked[0]] = {**noted[asked[0]], "notes": [*noted[asked[0]]["notes"], note]}
    return noted


def _has_looked(host: Document, one: Excuse) -> bool:
    """Whether a host was asked to its end for what an exception may be about."""
    from auditkit.report import accepted, document  # noqa: PLC0415 - few have any

    whole = host["state"] not in document.FAILURES and accepted.believed(host) and bool(host["counts"].get("audits"))
    return whole and (not one.path or host["baseline"] is not None)
