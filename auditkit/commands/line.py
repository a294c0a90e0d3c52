"""The command line as click sees it: a group that knows its commands by name and loads the one that runs."""

import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

import click

from auditkit import __version__, __without__
from auditkit.commands import ARGV, COMMANDS, front_page, hosts_page
from auditkit.errors import AuditkitError
from auditkit.printable import on_one_line


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
        if any("HOST" in (parameter.metavar or "") for parameter in command.params):
            command.epilog = f"\b\nHOST:\n{hosts_page()}"  # \b: to be shown in these lines
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """What was typed stays known to the command: a case of an incident tells of it."""
        ctx.meta[ARGV] = tuple(args)
        return super().parse_args(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        """The front page, which needs no command."""
        return front_page()


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="\n".join(("auditkit %(version)s", *__without__)))
def auditkit() -> None:
    """Did they get in, did anything change, what is open: integrity checks and audits for one office."""


def run() -> int:
    """Run the command that the arguments name and give its exit status; what stops it is told on stderr."""
    if sys.stdout is None or sys.stderr is None:
        if sys.stderr is not None:
            tell(AuditkitError("there is no stdout to answer to", "leave it open, or send it to /dev/null"))
        return 2
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no UTF-8 is no reason to fail
    try:
        return int(auditkit.main(standalone_mode=False, prog_name="auditkit") or 0)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        tell(_usage(error.format_message(), _commands(getattr(error, "ctx", None))))
        return error.exit_code
    except click.Abort:
        tell(AuditkitError("interrupted; nothing more was stored"))
        return 130
    except AuditkitError as error:
        tell(error)
        return error.exit_code
    except BrokenPipeError:  # the reader has seen enough; there is nobody left to tell
        sys.stdout = None
        return 1


def _commands(context: click.Context | None) -> list[str]:
    """The commands that could stand where a mistake was made."""
    group = context.command if context else None
    return group.list_commands(context) if context and isinstance(group, click.Group) else list(COMMANDS)


def _usage(message: str, commands: Sequence[str]) -> AuditkitError:
    """A mistake in the command line as our own error, with the near word if it is a command."""
    from difflib import get_close_matches  # noqa: PLC0415 - only for who errs

    near = get_close_matches(message.rpartition(" '")[2].rstrip("'."), commands, 1) if "command" in message else []
    hint = f"did you mean {near[0]}?" if near else "see `auditkit COMMAND --help`"
    return AuditkitError(message[:1].lower() + message[1:].rstrip("."), hint)


def tell(error: AuditkitError) -> None:
    """Say on stderr why auditkit stops and what to do."""
    sys.stderr.write(f"auditkit: error: {on_one_line(str(error))}\n")
    if error.hint:
        sys.stderr.write(f"hint: {on_one_line(error.hint)}\n")
