"""The command line: COMMANDS has one line per command; each is imported only when it runs."""

import sys
from collections.abc import Mapping
from importlib import import_module

import click

from auditkit import __version__
from auditkit.errors import AuditkitError

COMMANDS: Mapping[str, str] = {
    "scan": "check and audit in one pass: the main job; works without any set-up",
    "baseline": "scan and store a sealed baseline",
    "check": "compare with the newest baseline and judge what changed",
    "accept": "seal the next baseline with reviewed changes",
    "diff": "what changed between two baselines",
    "verify": "is the seal good and the sequence unbroken?",
    "audit": "judge the configuration of a host",
    "policy": "is a policy sound, and what watches a path?",
    "keygen": "make a key that signs baselines",
    "explain": "why a rule matters and what to do",
    "report": "render a saved JSON report",
}
"""Name of a command, which is its module too, and its help in a line."""


class Lazy(click.Group):
    """A group that knows its commands by name and loads the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order a stranger meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, if there is one."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"auditkit.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="auditkit %(version)s")
def auditkit() -> None:
    """Did they get in, did anything change, what is open: integrity checks and audits for one office.

    HOST is `local` (the default) or `root:/mnt/disk`. Exit status: 0 nothing found, 1 findings, 2 usage or file error,
    3 incomplete, 4 untrusted.
    """


def main() -> int:
    """Run the command line and give its exit status."""
    try:
        return int(auditkit.main(standalone_mode=False, prog_name="auditkit") or 0)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("auditkit: interrupted; nothing was stored", err=True)
        return 130
    except AuditkitError as error:
        tell(error)
        return error.exit_code
    except BrokenPipeError:  # the reader has seen enough; there is nobody left to tell
        sys.stdout = None  # type: ignore[assignment]
        return 1


def tell(error: AuditkitError) -> None:
    """Say on stderr why auditkit stops and what to do."""
    click.echo(f"auditkit: error: {_harmless(str(error))}", err=True)
    if error.hint:
        click.echo(f"hint: {_harmless(error.hint)}", err=True)


def _harmless(text: str) -> str:
    """The last net: foreign parts of a message have gone through printable() where it was written."""
    return "".join(char if char.isprintable() else "?" for char in text)
