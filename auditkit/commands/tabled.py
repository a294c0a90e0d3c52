"""What completion.json holds: of each command its options and what each may be given, as click has them; rules and audits."""

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from auditkit import audits
from auditkit.commands import COMMANDS
from auditkit.commands.rules import all_rules
from auditkit.policy import shipped

_MEANT = {"A": ("RUN", "FILE"), "B": ("RUN", "FILE"), "NAME|FILE": ("POLICY", "FILE")}
"""Words of the help that stand for something else elsewhere."""
_LONGEST = 70


def completions() -> str:
    """The text of the file."""
    told = {
        "commands": {name: _of(import_module(f"auditkit.commands.{name}").command, what) for name, what in COMMANDS.items()},
        "options": {"--help": ["show the help", []], "--version": ["show the version", []]},
        "rules": {rule.id: _short(rule.title) for rule in sorted(all_rules(), key=lambda rule: rule.id)},
        "audits": {audit.name: _short(audit.title) for audit in audits.AUDITS},
        "policies": dict.fromkeys(shipped(), "a policy of auditkit"),
    }
    return json.dumps(told, ensure_ascii=True, indent=0, separators=(",", ":")) + "\n"


def _of(command: click.Command, what: str) -> dict[str, Any]:
    """What there is of a command, and of those below it."""
    told: dict[str, Any] = {"what": _short(what), "options": _options(command)}
    if isinstance(command, click.Group):
        context = click.Context(command, info_name="auditkit")
        below = ((name, command.get_command(context, name)) for name in command.list_commands(context))
        return told | {"commands": {name: _of(each, each.get_short_help_str(_LONGEST)) for name, each in below if each}}
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    return told | {
        "arguments": [_kinds(each, each.metavar or (each.name or "").upper()) for each in arguments],
        "more": any(each.nargs == -1 for each in arguments),
    }


def _options(command: click.Command) -> Mapping[str, Sequence[Any]]:
    """By name, what an option does and the kinds of words that it may be given; none for a flag."""
    found = {"--help": ["show the help", []]}
    for each in command.params:
        if isinstance(each, click.Option) and not each.hidden:
            kinds = [] if each.is_flag else _kinds(each, each.metavar or "TEXT")
            found |= {name: [_short(each.help or ""), kinds] for name in (*each.opts, *each.secondary_opts)}
    return found


def _kinds(parameter: click.Parameter, metavar: str) -> list[str]:
    """What may stand there: words in capitals are kinds, others are what may be typed."""
    if isinstance(parameter.type, click.Choice):
        return [str(choice) for choice in parameter.type.choices]
    plain = metavar.replace("[", "").replace("]", "").replace("...", "").replace("/", "")
    return list(_MEANT.get(plain, plain.split("|")))


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 3].rstrip() + "..."
