"""Which rule of doas.conf decides: the last one that fits."""

from collections.abc import Sequence
from dataclasses import dataclass

from auditkit.sudoers.doas import Rule


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks doas."""

    name: str
    uid: int
    groups: tuple[str, ...]
    gids: tuple[int, ...]


def last(rules: Sequence[Rule], asking: Asking, target: str, command: Sequence[str]) -> Rule | None:
    """The rule that decides; None: none fits, so that it is refused."""
    return next((rule for rule in reversed(rules) if fits(rule, asking, target, command)), None)


def fits(rule: Rule, asking: Asking, target: str, command: Sequence[str]) -> bool:
    """Whether a rule is about this: match() of doas.c."""
    if not means(rule, asking) or rule.target not in (None, target):
        return False
    if rule.command is None:
        return True
    return command[:1] == (rule.command,) and rule.arguments in (None, tuple(command[1:]))


def means(rule: Rule, asking: Asking) -> bool:
    """Whether a rule is about who asks, by name or number."""
    if not rule.identity.startswith(":"):
        return rule.identity == asking.name or _is(rule.identity, (asking.uid,))
    group = rule.identity[1:]
    return group in asking.groups or _is(group, asking.gids)


def _is(text: str, numbers: Sequence[int]) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 11 and int(text) in numbers
