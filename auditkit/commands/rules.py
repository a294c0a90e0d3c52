"""Every rule there is, from where it is written."""

from auditkit import against, audits, compare, databases, distrust, explain, mounts, strays
from auditkit.model import Rule


def all_rules() -> tuple[Rule, ...]:
    """The rules of integrity, then those of the audits."""
    of_packages = (*explain.RULES, *databases.RULES, *against.RULES, *strays.RULES)
    return (*compare.RULES, *mounts.RULES, *distrust.RULES, *of_packages, *audits.rules())
