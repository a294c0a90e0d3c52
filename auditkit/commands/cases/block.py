"""`auditkit incident block CASE ADDRESS|NET`: what a person may paste to keep somebody out for a moment. Nothing is applied."""

import os
import shlex
import socket
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from auditkit.commands import answering, options, running
from auditkit.commands import cases as common
from auditkit.errors import HostError, UsageError
from auditkit.hosts import Host, kind_of, now
from auditkit.incident import cases
from auditkit.incident import surroundings as looking
from auditkit.model import Gap
from auditkit.printable import printable
from auditkit.report import proposal as telling
from auditkit.response import blocking
from auditkit.response.blocking import around, fail2ban, known, refusals, wishing
from auditkit.response.blocking.addresses import Network, network, shown
from auditkit.response.blocking.nouns import Proposal, Surroundings, Wish
from auditkit.response.nouns import Kind, Said

REFUSED = {
    "root": ("on a mounted disk nothing runs that could block, and nobody is logged in", "name the machine itself"),
    "evidence": ("evidence tells who was connected then, and not who is now", "name the machine itself"),
    "device": ("nobody logs in to it, so that it is not known whom a block would hit", "block at a machine before it"),
}
"""Kinds of hosts that no block is proposed for, why, and what to do."""


@click.command("block")
@common.case
@click.argument("target", metavar="ADDRESS|NET")
@click.option("--tool", type=click.Choice(list(blocking.TOOLS)), help="what is to block (default: what is active there)")
@click.option("--for", "duration", metavar="TIME", default="3m", show_default=True, help="when it ends by itself: 1m to 24h")
@click.option("--port", "ports", multiple=True, metavar="PORT|all", help="which ports are shut (default: those of SSH there)")
@click.option("--allow", multiple=True, metavar="ADDRESS|NET", help="who is let in whatever comes; more than once, if need be")
@click.option("--not-ours", is_flag=True, help="say that the sessions from there, which are open now, are nobody's of yours")
@click.option("--host", default="local", show_default=True, metavar="HOST", help="the machine that is to block")
@click.option("-o", "output", metavar="FILE", help="write the proposal there instead of stdout")
@options.timeout
@options.password
@common.form
@common.writer
def command(case: str, target: str, **given: Any) -> int:
    """Propose how to keep ADDRESS or NET out for a while: the commands, what to check, and how to undo it.

    Nothing is applied, and nothing is sent to that address. A block that would hit yourself - your session, your networks,
    gateway or name servers - is refused. The case notes what was proposed; note yourself what you did.
    """
    run = options.setting(**given)
    found = cases.found(run.store, case)
    found.check()
    _room(run.output)
    whom, time, allow = network(target), wishing.seconds(given["duration"]), wishing.allowed(given["allow"])
    there = _looked_at(given["host"], run, allow)
    _refuse(list(refusals.refusals(whom, there, not_ours=given["not_ours"], allowed=bool(allow))))
    tool, chosen = _tool(given["tool"], there)
    if tool == fail2ban.NAME and whom.num_addresses > 1:
        raise UsageError("fail2ban bans one address at a time here", "name the address, or another tool for the net")
    wish = wishing.wish(whom, time, wishing.ports(given["ports"], there), there, found.id)
    proposal = blocking.TOOLS[tool](wish)
    hand = common.hand(given["by"])
    said = _said(proposal, wish, there)
    entry = found.add(hand, said)
    cautions = tuple(refusals.cautions(whom, there, not_ours=given["not_ours"]))
    note = f"blocked {shown(whom)} by {tool} for {wish.time} on {there.host}"
    then = f"auditkit incident note {shlex.quote(printable(case))} {shlex.quote(note)} --kind action"
    lines = telling.told(telling.Offer(proposal, wish, there, cautions, hand.time, chosen, then))
    if run.form == "json":
        lines = iter([common.document({"case": found.id, "entry": entry.seq, "text": "".join(lines), **said.data}), "\n"])
    answering.write(run.output, lines)
    if run.output and not run.quiet:
        answering.talk(
            f"auditkit: {printable(run.output)} is written; entry {entry.seq} of case {printable(found.id)} tells of it"
        )
    return 3 if there.grave or there.gaps else 0


def _room(output: str | None) -> None:
    """See that a file can be written, before the case says that there is one.

    Raises:
        UsageError: it cannot.
    """
    if output and (os.path.isdir(output) or not os.access(os.path.dirname(os.path.abspath(output)), os.W_OK)):
        raise UsageError(f"{printable(output)} cannot be written", "name another file with -o")


def _looked_at(word: str, run: options.Setting, allow: Sequence[Network]) -> Surroundings:
    """What the machine that is to block has around it.

    Raises:
        UsageError: it is none that could.
        HostError: it cannot be asked.
    """
    if word.startswith("@"):
        raise UsageError("--host takes one machine", "block on one after the other: each has people of its own")
    kind = kind_of(word, run.config)
    if kind in REFUSED:
        why, hint = REFUSED[kind]
        raise UsageError(f"{printable(word)}: {why}", hint)
    told = tuple(looking.clients(os.environ))
    hosts = {name: host.address for name, host in run.config.hosts.items()}
    before = known.known(allow, (each for each in told if isinstance(each, str)), run.config.networks or (), hosts)
    if kind == "local":
        before = replace(before, grave=(*before.grave, *(each for each in told if isinstance(each, Gap))))

    def work(host: Host, _run: options.Setting) -> Surroundings:
        evidence = looking.taken(host, lambda: now(host), over_ssh=kind == "ssh")
        return around.surroundings(evidence, before, over_ssh=kind == "ssh")

    for result in running.over((word,), run, work):
        if result.value is None:
            raise result.error or HostError("nothing came of it")
        return replace(result.value, host=printable(socket.gethostname())) if kind == "local" else result.value
    raise HostError("nothing came of it")


def _refuse(found: Sequence[refusals.Refusal]) -> None:
    """Say all that stands against it.

    Raises:
        UsageError: there is something.
    """
    if found:
        reasons = "; and ".join(each.reason for each in found)
        raise UsageError(f"no block is proposed: {reasons}", "; ".join(dict.fromkeys(each.remedy for each in found)))


def _tool(asked: str | None, there: Surroundings) -> tuple[str, str]:
    """The tool that is to block, and why this one.

    Raises:
        UsageError: none was named, and none is seen there.
    """
    seen = telling.tools(there.tools)
    if asked:
        return asked, f"{asked}, as asked for; {seen}"
    fitting = blocking.fitting(there)
    if fitting is None:
        raise UsageError(f"{seen}, or none that is active", f"name one: --tool {'|'.join(blocking.TOOLS)}")
    return fitting, f"{fitting}; {seen}. Another one: --tool NAME"


def _said(proposal: Proposal, wish: Wish, there: Surroundings) -> Said:
    """What the case notes: that it was proposed, word for word, and what was not known."""
    text = f"a block of {shown(wish.target)} at {wish.doors} for {wish.time} by {proposal.tool} was proposed for {there.host}"
    data: dict[str, object] = {
        "tool": proposal.tool,
        "target": str(wish.target),
        "ports": list(wish.ports),
        "seconds": wish.seconds,
        "host": there.host,
        "commands": list(proposal.lines),
        "undo": list(proposal.undo),
        "spared": [str(net) for net in wish.ours][:1000],
        "not_known": [f"{gap.subject}: {gap.reason}" for gap in (*there.grave, *there.gaps)],
    }
    return Said(Kind.PROPOSAL, f"{text}; nothing was changed", data)
