"""Every rule there is, from where it is written."""

from auditkit import across, against, audits, compare, databases, distrust, explain, makers, mounts, strays, unlike
from auditkit.logins import verdict
from auditkit.model import Rule
from auditkit.report import accepted


def all_rules() -> tuple[Rule, ...]:
    """The rules of integrity, of the audits, of one host and of all together, of logins, and of exceptions."""
    of_packages = (*explain.RULES, *databases.RULES, *makers.RULES, *against.RULES, *strays.RULES, *unlike.RULES)
    integrity = (*compare.RULES, *mounts.RULES, *distrust.RULES, *of_packages)
    return (*integrity, *audits.rules(), *across.RULES, *verdict.RULES, *accepted.RULES)
