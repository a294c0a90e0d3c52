"""Every rule there is, from where it is written."""

from auditkit import across, against, audits, compare, databases, distrust, explain, makers, mounts, strays, unlike
from auditkit.logins import verdict
from auditkit.model import Rule


def all_rules() -> tuple[Rule, ...]:
    """The rules of integrity, then those of the audits, of one host and of all together, then those of logins."""
    of_packages = (*explain.RULES, *databases.RULES, *makers.RULES, *against.RULES, *strays.RULES, *unlike.RULES)
    return (*compare.RULES, *mounts.RULES, *distrust.RULES, *of_packages, *audits.rules(), *across.RULES, *verdict.RULES)
