"""The subcommands of `auditkit incident`, a file each, and what they share: the case that is named, and who writes."""

import getpass
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click

from auditkit.commands import options
from auditkit.errors import UsageError
from auditkit.response.chain import LONGEST
from auditkit.response.nouns import Entry, Hand

Command = TypeVar("Command", bound=Callable[..., Any])


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
