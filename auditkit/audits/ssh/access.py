"""A. Who can log in: with a password, from where, as whom, by which line; and what else opens or fails to close a door."""

from collections.abc import Iterator

from auditkit.access import seen
from auditkit.model import Evidence, Finding, Gap, Rule

NEEDS = seen.NEEDS
RULES: tuple[Rule, ...] = ()
follow = seen.follow


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield who can log in that should not be able to, and what cannot be told."""
    yield from seen.seen(evidence).gaps
