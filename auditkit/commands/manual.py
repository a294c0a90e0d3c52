"""auditkit(1), made of what click knows of the commands as docs/reference/cli.md is; and auditkit.yaml(5)."""

from collections.abc import Iterator, Mapping
from importlib import import_module

import click

from auditkit.commands import COMMANDS, HOSTS, roff
from auditkit.commands.options import TOOL
from auditkit.commands.roff import bold, filled, marked, text, title

LOOKED_OVER = "2026-11-30"
"""The date in the foot of the page: when somebody last read it through."""
_CONFIGURATION = "docs/reference/configuration.md"
"""Of a checkout, where alone the pages are made."""
_PARTS: Mapping[str, str] = {
    "DESCRIPTION": """\
auditkit answers four questions after an attack, or before one: did they get in, did anything change, what is open, and what do
I write down. It asks this machine, machines over SSH, a disk that is mounted from a rescue system, and evidence that was taken
earlier. It changes nothing on any of them, and contacts none but your own addresses.

What could not be seen is a gap. It is told in every report, and a host with gaps is never called clean.

Answers go to stdout; progress, hints and errors to stderr.""",
    "EXIT STATUS": """\
`0`: looked at everything; nothing at or above --fail-on

`1`: findings

`2`: usage, configuration, policy or file-format error

`3`: incomplete: something could not be seen, and nothing worse was found

`4`: untrusted: a signature, key, sequence or chain is wrong; nothing was compared

4 goes before 2, 2 before 1, 1 before 3, 3 before 0. An interrupted run ends with 130.""",
    "ENVIRONMENT": """\
`AUDITKIT_CONFIG`: the auditkit.yaml to use, where --config names none

`NO_COLOR`: no colours, as --no-color

`SSH_AUTH_SOCK`: where ssh-agent listens that signs with --key agent, and logs in""",
    "FILES": """\
`./auditkit.yaml`, `~/.config/auditkit/auditkit.yaml`, `/etc/auditkit/auditkit.yaml`: the configuration; the first one counts

`/var/lib/auditkit`: where root's baselines, cases and runs are kept, if nothing else is said

`~/.local/state/auditkit`: the same of other users

`~/.ssh/config`, `~/.ssh/known_hosts`: how hosts are reached, and by which keys they are known""",
    "EXAMPLES": """\
`auditkit scan`: this machine, with no set-up at all

`auditkit baseline --key ~/.ssh/id_ed25519`: what there is now, sealed

`auditkit check root:/mnt/disk --baseline FILE`: a mounted disk against a baseline that was kept elsewhere

`auditkit scan @all -o office.html`: all hosts of auditkit.yaml, as a page""",
    "SEE ALSO": """\
**auditkit.yaml**(5), **ssh-keygen**(1), **sshd**(8), **zstd**(1), **debsums**(1)

All pages are in /usr/share/doc/auditkit, where a package has put them.""",
}
"""What is said of no single command."""


def page() -> str:
    """The text of auditkit(1)."""
    names = iter(_PARTS.items())
    parts = [
        *title("AUDITKIT", 1, LOOKED_OVER, TOOL, "did they get in, did anything change, what is open"),
        ".SH SYNOPSIS",
        ".B auditkit\n.I COMMAND\n.RI [ OPTION ]...\\&\n.RI [ HOST ]...",
        *_section(*next(names)),
        ".SH HOST",
        *(f".TP\n{bold(word)}\n{text(what)}" for word, what in HOSTS.items()),
        ".SH COMMANDS",
        *(line for name, what in COMMANDS.items() for line in _command(name, what)),
        *(line for name, told in names for line in _section(name, told)),
    ]
    return "\n".join(parts) + "\n"


def configuration() -> str:
    """The text of auditkit.yaml(5): docs/reference/configuration.md, as man(1) shows it."""
    with open(_CONFIGURATION, encoding="utf-8") as page:
        told = roff.markdown(page.read())
    head = title("AUDITKIT.YAML", 5, LOOKED_OVER, TOOL, "hosts, networks and whose signatures count, for auditkit(1)")
    return "\n".join((*head, *told, ".SH SEE ALSO", ".BR auditkit (1),\n.BR ssh_config (5)")) + "\n"


def _section(name: str, told: str) -> Iterator[str]:
    yield f".SH {name}"
    yield from _paragraphs(told)


def _paragraphs(told: str) -> Iterator[str]:
    """Yield the paragraphs of a text; one that begins with what is in backquotes and a colon is an item."""
    for number, paragraph in enumerate(told.split("\n\n")):
        item, colon, rest = paragraph.partition("`: ")
        if colon and item.startswith("`"):
            yield f".TP\n{marked(item + '`')}\n{filled(marked(rest))}"
        elif number:
            yield f".PP\n{filled(marked(paragraph))}"
        else:
            yield filled(marked(paragraph))


def _command(name: str, what: str) -> Iterator[str]:
    """Yield the part of a command, and those of what is below it."""
    command: click.Command = import_module(f"auditkit.commands.{name}").command
    context = click.Context(command, info_name=f"auditkit {name}")
    yield from _of(name, command, context, f"{what[:1].upper()}{what[1:]}")
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            each = command.get_command(context, below)
            assert each
            yield from _of(f"{name} {below}", each, click.Context(each, context, below), "")


def _of(name: str, command: click.Command, context: click.Context, what: str) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {text(name)}"
    yield f"{bold(f'auditkit {name}')}\n{filled(text(usage))}"
    yield from (f".PP\n{filled(text(line))}" for line in (what, *_help(command)) if line)
    yield from _options(command, context)


def _help(command: click.Command) -> Iterator[str]:
    """Yield the paragraphs of the help."""
    yield from (" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n"))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record:
            yield f".TP\n{bold(record[0])}\n{filled(text(record[1]))}"
