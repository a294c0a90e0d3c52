"""Every rule there is, from where it is written."""

from collections.abc import Callable, Collection
from functools import cache

from auditkit.model import Rule


def all_rules() -> tuple[Rule, ...]:
    """The rules of integrity, then those of the audits, of one host and of all together, of logins, and of exceptions."""
    return (*_of_integrity(), *_of_packages(), *_of_audits(), *_of_logins(), *_of_exceptions())


def known(ids: Collection[str]) -> tuple[Rule, ...]:
    """These rules, as far as there are any; what takes long to load is only loaded if one of them is still missing."""
    families: tuple[Callable[[], tuple[Rule, ...]], ...] = (
        _of_integrity, _of_exceptions, _of_packages, _of_logins, _of_audits,
    )  # fmt: skip
    found: dict[str, Rule] = {}
    for family in families:
        if len(found) < len(ids):
            found |= {rule.id: rule for rule in family() if rule.id in ids}
    return tuple(found[name] for name in sorted(found))


@cache
def is_of_files(name: str) -> bool:
    """Whether a rule is one about files, which no audit has to be loaded for."""
    return any(rule.id == name for family in (_of_integrity, _of_packages) for rule in family())


def _of_integrity() -> tuple[Rule, ...]:
    from auditkit import compare, distrust, mounts  # noqa: PLC0415

    return (*compare.RULES, *mounts.RULES, *distrust.RULES)


def _of_packages() -> tuple[Rule, ...]:
    from auditkit import against, databases, explain, makers, strays, unlike  # noqa: PLC0415

    return (*explain.RULES, *databases.RULES, *makers.RULES, *against.RULES, *strays.RULES, *unlike.RULES)


def _of_audits() -> tuple[Rule, ...]:
    from auditkit import across, audits  # noqa: PLC0415

    return (*audits.rules(), *across.RULES)


def _of_logins() -> tuple[Rule, ...]:
    from auditkit.logins import verdict  # noqa: PLC0415

    return verdict.RULES


def _of_exceptions() -> tuple[Rule, ...]:
    from auditkit.report import accepted  # noqa: PLC0415

    return accepted.RULES
