"""The subcommands of `auditkit incident`, a file each, and what they share: the case that is named, and who writes."""

import getpass
import os
import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from auditkit.commands import options
from auditkit.response.nouns import Hand

Command = TypeVar("Command", bound=Callable[..., Any])


def case(command: Command) -> Command:
    """The CASE argument: an id, a number, or the path of a case's directory."""
    return click.argument("case", metavar="CASE")(command)


def writer(command: Command) -> Command:
    """Who writes, and where cases are kept."""
    who = click.option("--by", metavar="NAME", help="who writes this (default: who is logged in)")
    return who(options.trust(command))


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
