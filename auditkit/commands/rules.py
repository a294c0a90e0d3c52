"""Every rule there is, from where it is written."""

from auditkit import against, audits, compare, distrust, explain, mounts, strays, unlike
from auditkit.model import Rule


def all_rules() -> tuple[Rule, ...]:
    """The rules of integrity, then those of the audits."""
    of_packages = (*explain.RULES, *against.RULES, *strays.RULES, *unlike.RULES)
    return (*compare.RULES, *mounts.RULES, *distrust.RULES, *of_packages, *audits.rules())
