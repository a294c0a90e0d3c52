"""Audits: one file per subject, one line here; together they judge the evidence of one host."""

from collections.abc import Iterable, Iterator, Mapping

from auditkit.audits import accounts, listeners, packages, persistence, preload, protections, ssh
from auditkit.model import Audit, Evidence, Finding, Gap, Need, Rule
from auditkit.printable import printable

AUDITS: tuple[Audit, ...] = (
    accounts.AUDIT,
    listeners.AUDIT,
    packages.AUDIT,
    persistence.AUDIT,
    preload.AUDIT,
    protections.AUDIT,
    ssh.AUDIT,
)  # fmt: skip


def needs(audits: Iterable[Audit] = AUDITS) -> tuple[Need, ...]:
    """What the audits want from a host, each thing once."""
    return tuple(dict.fromkeys(need for audit in audits for need in audit.needs))


def follow(evidence: Evidence, audits: Iterable[Audit] = AUDITS) -> tuple[Need, ...]:
    """What the audits want besides, now that the evidence for their needs is there; an audit that breaks wants nothing."""
    found: dict[Need, None] = {}
    for audit in audits:
        try:
            found.update(dict.fromkeys(audit.follow(evidence) if audit.follow else ()))
        except Exception:  # noqa: BLE001, S112  its judge breaks on the same evidence, and says so
            continue
    return tuple(found)


def rules(audits: Iterable[Audit] = AUDITS) -> tuple[Rule, ...]:
    """The rules that the audits know."""
    return tuple(rule for audit in audits for rule in audit.rules)


def judge(evidence: Evidence, audits: Iterable[Audit] = AUDITS) -> Iterator[Finding | Gap]:
    """Yield what every audit says of the evidence; the gaps of the evidence itself stay with it."""
    for audit in audits:
        try:
            yield from audit.judge(evidence)
        except Exception as error:  # noqa: BLE001  hostile evidence that breaks one audit must not silence the others
            yield Gap(f"audit {audit.name}", f"broke on the evidence: {type(error).__name__}: {printable(str(error))}")


def facts(evidence: Evidence, audits: Iterable[Audit] = AUDITS) -> Mapping[str, object]:
    """What the audits tell of the host besides findings; several may tell of one subject, each a part of it."""
    found: dict[str, object] = {}
    for audit in audits:
        try:
            told = audit.facts(evidence) if audit.facts else {}
        except Exception:  # noqa: BLE001, S112  its judge has broken on the same evidence, and said so
            continue
        for subject, fact in told.items():
            before = found.get(subject)
            found[subject] = {**before, **fact} if isinstance(before, Mapping) and isinstance(fact, Mapping) else fact
    return found
