"""The subcommands of `auditkit incident`, a file each, and what they share: the case that is named, and who writes."""

import getpass
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from auditkit.commands import answering, options
from auditkit.commands.options import Command
from auditkit.errors import UntrustedError, UsageError
from auditkit.response.chain import LONGEST
from auditkit.response.nouns import Entry, Hand

if TYPE_CHECKING:
    from auditkit.incident.cases import Case
    from auditkit.response.summary import Kept
    from auditkit.signers import Signers


def case(command: Command) -> Command:
    """The CASE argument: an id, a number, or the path of a case's directory."""
    return click.argument("case", metavar="CASE")(command)


def writer(command: Command) -> Command:
    """Who writes, and where cases are kept."""
    who = click.option("--by", metavar="NAME", help="who writes this (default: who is logged in)")
    return who(options.trust(command))


def form(command: Command) -> Command:
    """Whether a person or a program reads the answer."""
    quiet = click.option("-q", "--quiet", is_flag=True, help="no hints on stderr")
    forms = click.Choice(["text", "json"])
    return click.option("--format", "form", type=forms, default="text", show_default=True)(quiet(command))


def repeated(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The options of this command that the next one needs, too, to find the case."""
    words = [(f"--{name}", given.get(key)) for name, key in (("config", "config_file"), ("store", "store"))]
    return tuple(word for option, value in words if value for word in (option, str(value)))


def text_of(words: Sequence[str]) -> str:
    """What somebody wants to have written down: the words of the command line, or stdin for a single `-`.

    Raises:
        UsageError: stdin holds more than an entry may.
    """
    if tuple(words) != ("-",):
        return " ".join(words).strip()
    data = sys.stdin.buffer.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise UsageError("an entry holds at most 1 MiB", "write it to a file, and attach the file")
    text = data.decode("utf-8", "surrogateescape").strip("\r\n")
    return text if text.strip() else ""


def signers(run: options.Setting) -> "Signers | None":
    """Whose signatures count, if that is said.

    Raises:
        ConfigError: the file that says it cannot be read.
    """
    if not run.signers:
        return None
    from auditkit import signers  # noqa: PLC0415 - not for --help

    return signers.read(os.path.expanduser(run.signers))


@contextmanager
def reading(run: options.Setting, what: str, case: str) -> Iterator[Callable[[int], None]]:
    """A display of how much was read, where it takes longer than a moment; it is called with how many bytes more."""
    read = 0
    with run.show(what, case, None, "") as progress:

        def passing(more: int) -> None:
            nonlocal read
            read += more
            progress(0, read)

        yield passing


def document(told: Mapping[str, object]) -> str:
    """An answer for programs."""
    return json.dumps(told, indent=1)


def told(form: str, case: str, entry: Entry) -> None:
    """Say which entry was written."""
    if form == "json":
        click.echo(document({"case": case, "entry": entry.seq, "head": entry.hash}))
        return
    click.echo(f"entry {entry.seq} of case {case}: {entry.said.kind.value}")


def say_head(entry: Entry) -> None:
    """Print the hash of the last entry as one writes it down."""
    from auditkit.report.record import on_paper  # noqa: PLC0415 - not for --help

    click.echo(f"head, for paper (entry {entry.seq}):")
    for line in on_paper(entry.hash):
        click.echo(line)


def reports(case: "Case") -> "tuple[Kept, ...]":
    """The reports that are kept in a case, the oldest first: each as the journal says, and as the schema of reports has it.

    Raises:
        UntrustedError: one is not, or the journal is broken: nothing is made of any.
        AuditkitError: the case cannot be read.
    """
    from auditkit.incident import evidence  # noqa: PLC0415 - not for --help
    from auditkit.report.shape import fault  # noqa: PLC0415

    schema = answering.schema()
    found = evidence.reports(case)
    for kept in found:
        if wrong := fault(dict(kept.document), schema):
            raise UntrustedError(
                f"the report of entry {kept.entry.seq} is none: {wrong}", "nothing was made of it: run that command again"
            )
    return found


def hand(by: str | None) -> Hand:
    """Who writes, on which machine, and when: with the offset of this machine's zone."""
    return Hand(by or _login(), socket.gethostname(), options.TOOL, datetime.now().astimezone())


def _login() -> str:
    """The person behind this process: who became root by sudo or doas is still himself."""
    for name in ("SUDO_USER", "DOAS_USER"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
