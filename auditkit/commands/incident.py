"""`auditkit incident ...`: the record of an incident, and what is written from it. SUBCOMMANDS has one line for each."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from auditkit.commands import cases, options

SUBCOMMANDS: Mapping[str, str] = {
    "open": "opening",
    "note": "noting",
    "attach": "attaching",
    "show": "showing",
    "verify": "verifying",
    "seal": "sealing",
    "brief": "briefing",
    "abuse": "abuse",
    "block": "block",
    "export": "exporting",
    "close": "closing",
}
"""Name of a subcommand, and its module in commands/cases/."""


class Lazy(click.Group):
    """The subcommands, imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The subcommands, in the order of an incident."""
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand of that name, if there is one."""
        if cmd_name not in SUBCOMMANDS:
            return None
        command: click.Command = import_module(f"auditkit.commands.cases.{SUBCOMMANDS[cmd_name]}").command
        return command


@click.group(cls=Lazy, invoke_without_command=True)
@cases.form
@options.trust
@click.pass_context
def command(context: click.Context, /, **given: Any) -> int:
    """Write down what happened, keep what shows it, and make of it what others are told. Without a command, lists all cases."""
    if context.invoked_subcommand:
        return 0
    from auditkit.commands.cases import showing  # noqa: PLC0415 - not for --help

    return showing.listed(options.setting(**given))
