"""The command line as click sees it: a group that knows its commands by name and loads the one that runs."""

from importlib import import_module

import click

from auditkit import __version__
from auditkit.commands import COMMANDS, front_page


class Lazy(click.Group):
    """The commands of COMMANDS, imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order a stranger meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, if there is one."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"auditkit.commands.{cmd_name}").command
        return command

    def get_help(self, ctx: click.Context) -> str:
        """The front page, which needs no command."""
        return front_page()


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="auditkit %(version)s")
def auditkit() -> None:
    """Did they get in, did anything change, what is open: integrity checks and audits for one office."""
