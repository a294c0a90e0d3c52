"""`auditkit init`: write a first auditkit.yaml from what this machine knows already; a person reviews it."""

import os
import shlex
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

import click

from auditkit import config
from auditkit.commands import ownership
from auditkit.commands.candidates import Candidate, in_known_hosts, listed
from auditkit.commands.ownership import Range
from auditkit.errors import AuditkitError, UsageError
from auditkit.printable import printable, said

_HEAD = """\
# A first auditkit.yaml, written by `auditkit init` on {day}. Review it: the networks first, then every host.
# All keys are explained in docs/reference/configuration.md.

# Where baselines are kept. If this is not set: /var/lib/auditkit for root, else ~/.local/state/auditkit.
# store: /srv/auditkit

# Whose signatures count, in the format of ssh-keygen; `auditkit keygen` makes a key. Without it baselines are not signed.
# signers: ~/.ssh/allowed_signers

"""
_NETWORKS = """\
# Own address ranges: no address outside of them is ever contacted. These are guessed: remove what is not yours.
"""
_NO_NETWORKS = """\
# Own address ranges: no address outside of them is ever contacted. If this is not set: all private ones.
# networks: [192.168.10.0/24]
"""
_DEFAULTS = """
# What holds for each host that does not say otherwise. User, port, jump host and key also come from ~/.ssh/config.
# defaults: {user: audit, become: sudo, policy: linux}

# The hosts. Those behind a # are not proposed, for the reason that stands there: remove the # where one is yours.
"""
_LONGEST = 160
"""Characters of a reason or note in a comment."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What goes into the file, and what a reader should know besides."""

    hosts: Mapping[str, Candidate]
    own: tuple[Range, ...]
    further: tuple[Range, ...]
    notes: tuple[str, ...]


@click.command("init")
@click.option("-o", "output", metavar="FILE", default=config.NAME, show_default=True, help="where to write it; - is stdout")
@click.option("--ansible", multiple=True, metavar="FILE", help="an Ansible inventory, INI or YAML, to take hosts from")
def command(output: str, ansible: tuple[str, ...]) -> int:
    """Write a first auditkit.yaml from ~/.ssh/config, known_hosts and Ansible inventories.

    Nobody is contacted, but names are looked up. Hosts at private addresses are proposed; others are written as comments,
    with the reason. A file that is there is never overwritten.
    """
    if output != "-" and os.path.lexists(output):
        raise UsageError(f"{printable(output)} is there already, and is not overwritten", "name another file: -o FILE, or -o -")
    proposal = _proposal(ansible, os.path.expanduser("~"))
    text = "".join(_text(proposal, os.path.expanduser("~")))
    config.read(text, "what init would write")
    if output == "-":
        click.echo(text, nl=False)
    else:
        _write(output, text)
    for line in _summary(proposal, output):
        click.echo(line, err=output == "-")
    return 0


def _proposal(ansible: tuple[str, ...], home: str) -> Proposal:
    """What can be proposed here."""
    hosts, notes = listed([os.path.abspath(path) for path in ansible], home)
    hosts = ownership.sound(hosts)
    asking = ownership.Asking(lambda what: click.echo(f"auditkit: {what}", err=True))
    ways = ownership.routes(hosts, os.environ, home, asking)
    more, further_notes = in_known_hosts(home, hosts, ownership.covered(ways))
    more = ownership.sound(more)
    ways |= ownership.routes(more, os.environ, home, asking)
    hosts |= more
    addresses = ownership.resolved(ownership.asked(ways))
    hosts = ownership.judged(hosts, ways, addresses)
    own = ownership.here()
    return Proposal(hosts, own, ownership.around(hosts, ways, addresses, own), (*notes, *further_notes))


# --- the file


def _text(proposal: Proposal, home: str) -> Iterator[str]:
    yield _HEAD.format(day=f"{datetime.now(UTC):%Y-%m-%d}")
    ranges = sorted((*proposal.own, *proposal.further), key=lambda each: each.inner)
    yield _NETWORKS if any(not each.inner for each in ranges) else _NO_NETWORKS
    if any(not each.inner for each in ranges):
        yield "networks:\n"
        yield from (f"  {'# ' if each.inner else ''}- {each.network}  # {_of(each)}\n" for each in ranges)
    yield _DEFAULTS
    hosts = list(proposal.hosts.values())
    yield "hosts:\n" if any(not host.doubt for host in hosts) else "hosts: {}  # none yet: remove the braces with the first #\n"
    for source, some in groupby(hosts, key=lambda host: host.source):
        yield f"  # from {_shown(source, home)}\n"
        yield from (f"  {_line(host)}\n" for host in some)


def _of(each: Range) -> str:
    return f"{each.note}: for containers and virtual machines of this machine" if each.inner else each.note


def _line(host: Candidate) -> str:
    """The line of a host, behind it where it is, or before it the sign that it is not proposed and behind it why."""
    why = "; ".join(filter(None, (host.doubt, host.note)))
    comment = textwrap.shorten(said(f"line {host.line}: {why}" if why else f"line {host.line}"), _LONGEST, placeholder=" ...")
    return f"{'# ' if host.doubt else ''}{host.text}  # {comment}"


def _shown(path: str, home: str) -> str:
    return printable(f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path)


def _write(path: str, text: str) -> None:
    """Write a file that is not there yet."""
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise AuditkitError(f"{printable(path)} cannot be written: {error.strerror}", "name another file with -o") from error


# --- what is said of it


def _summary(proposal: Proposal, output: str) -> Iterator[str]:
    hosts = proposal.hosts.values()
    there = [host for host in hosts if not host.doubt]
    place = "stdout" if output == "-" else output
    yield f"{printable(place)}: {_many(len(there), 'host')}, {len(hosts) - len(there)} more as comments with the reason"
    for note in proposal.notes:
        yield f"  note  {note}"
    if output == "-":
        return
    if not there:
        yield f"Next: name your hosts in {printable(output)}, then: auditkit hosts{_option(output)}"
        return
    yield f"Review {printable(output)}: are these networks and hosts yours? Then:"
    yield f"Next: auditkit hosts{_option(output)}"
    yield f"      auditkit baseline @all{_option(output)}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _option(output: str) -> str:
    """The option that makes other commands read the file, where they would not by themselves."""
    return "" if output in (config.NAME, f"./{config.NAME}") else f" --config {shlex.quote(printable(output))}"
