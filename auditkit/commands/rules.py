"""Every rule there is, from where it is written."""

from auditkit import against, audits, compare, distrust, explain, makers, mounts, strays
from auditkit.model import Rule


def all_rules() -> tuple[Rule, ...]:
    """The rules of integrity, then those of the audits."""
    return (
        *compare.RULES,
        *mounts.RULES,
        *distrust.RULES,
        *explain.RULES,
        *makers.RULES,
        *against.RULES,
        *strays.RULES,
        *audits.rules(),
    )
