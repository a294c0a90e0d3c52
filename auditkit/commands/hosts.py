"""`auditkit hosts [HOST...]`: who is reachable, how, with which privilege, and what to fix."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from auditkit.commands import answering, options, running
from auditkit.errors import AuditkitError, HostError, UsageError
from auditkit.fleet import Result
from auditkit.hosts import Host, is_here, named
from auditkit.model import State
from auditkit.printable import grouped, printable
from auditkit.ssh.route import route

SECONDS = 60.0
"""How long a host may take to answer, if nobody says otherwise."""
SKEW = 2.0
"""Seconds that a clock may be off."""
SCHEMA = "auditkit/hosts/1"
TITLES = ("host", "state", "address", "login", "by", "host key", "looks with")
_INIT = "write a first auditkit.yaml: `auditkit init` takes hosts from ~/.ssh/config, known_hosts and Ansible inventories"
_KNOWN = "`auditkit init -o -` shows the hosts that this machine knows"
_UNITS = (("year", 31_557_600), ("day", 86_400), ("hour", 3600), ("minute", 60))
_SHELLS = {"gnu": "GNU tools", "busybox": "busybox"}


Advice = tuple[str, str]
"""What is not as it should be, and what to do about it, which begins with a verb."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one host."""

    word: str
    state: State
    facts: Mapping[str, Any]
    seconds: float
    advice: tuple[Advice, ...] = ()


@click.command("hosts")
@options.hosts
@click.option("--config", "config_file", metavar="FILE", help="auditkit.yaml to use")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-o", "output", metavar="FILE", help="write the answer there instead of stdout")
@options.timeout
@options.fleet_of
@options.quiet
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Say of each HOST (all of auditkit.yaml, if none is named) whether it can be reached and asked, and what to fix.

    Exit status 3 if one cannot.
    """
    run = options.setting(**given)
    run = replace(run, timeout=run.timeout or SECONDS)
    words = _named(hosts, run)
    told = {each.word: each for each in (_told(result, run) for result in running.over(words, run, _facts))}
    answers = [told[word] for word in words]
    pieces = _json(answers, run) if run.form == "json" else (f"{line}\n" for line in _text(answers, run))
    answering.write(run.output, pieces)
    return 0 if all(each.state is State.OK for each in answers) else 3


def _named(hosts: Sequence[str], run: options.Setting) -> tuple[str, ...]:
    """The hosts that are meant.

    Raises:
        UsageError: one is unknown, or there are none.
    """
    try:
        return named(hosts or ("@all",), run.config)
    except UsageError as error:
        hint = f"{error.hint}; {_KNOWN}" if run.config.hosts else _INIT
        raise UsageError(str(error), hint) from error


def _facts(host: Host, _run: options.Setting) -> dict[str, Any]:
    """What reaching it showed."""
    return dict(host.facts)


def _told(result: Result[dict[str, Any]], run: options.Setting) -> Told:
    """What to say of a host, whether it answered or not."""
    if result.value is not None:
        return Told(result.word, State.OK, result.value, result.seconds, tuple(_advice(result.value)))
    error = result.error or HostError("nothing came of it")
    state = error.state if isinstance(error, HostError) else State.PARTIAL
    return Told(result.word, state, _intended(result.word, run), result.seconds, ((str(error), error.hint),))


def _intended(word: str, run: options.Setting) -> dict[str, Any]:
    """How a host would have been reached, as far as that can be told."""
    try:
        way = None if is_here(word) else route(word, run.config, os.environ, run.home)
    except AuditkitError:
        way = None
    if way is None:
        return {}
    return {
        "address": printable(way.target.hostname),
        "port": way.target.port,
        "login": printable(way.target.user),
        "transport": way.transport,
        "jump": [printable(hop.name) for hop in way.hops[:-1]],
        "become": way.become,
    }


def _advice(facts: Mapping[str, Any]) -> Iterator[Advice]:
    """Yield what of a host that answers is not as it should be."""
    uid, skew = facts.get("uid"), facts.get("clock_skew")
    if isinstance(uid, int) and uid != 0:
        rule = f"{_text_of(facts, 'login')} ALL=(root) NOPASSWD: ALL"
        fix = f"add `become: sudo` to it in auditkit.yaml, and `{rule}` to sudoers there (visudo)"
        yield f"it is asked as {_text_of(facts, 'user') or uid}, who cannot read everything", fix
    if isinstance(skew, int | float) and abs(skew) > SKEW:
        yield f"its clock is {_span(abs(skew))} {'ahead' if skew > 0 else 'behind'}", "see whether a time service runs there"


def _span(seconds: float) -> str:
    """How long that is, in the largest unit of which there are two."""
    unit, size = next((each for each in _UNITS if seconds >= 2 * each[1]), ("second", 1))
    return f"{grouped(round(seconds / size))} {unit}s"


def _text_of(facts: Mapping[str, Any], key: str) -> str:
    return printable(str(facts.get(key) or ""))


# --- as text


def _text(answers: Sequence[Told], run: options.Setting) -> Iterator[str]:
    """Yield a line for each host, then what to fix, then what it comes to."""
    rows = [TITLES, *map(_row, answers)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for each in answers:
        for problem, fix in each.advice:
            yield f"{printable(each.word)}: {problem}"
            yield from (f"  fix: {fix}",) if fix else ()
    for note in (*_shared(answers), *run.config.notes):
        yield f"note  {note}"
    good = sum(each.state is State.OK for each in answers)
    yield f"{good} of {len(answers)} {'host' if len(answers) == 1 else 'hosts'} can be asked"


def _shared(answers: Sequence[Told]) -> Iterator[str]:
    """Yield a note for each host key that more than one host has shown."""
    shown: dict[str, list[str]] = {}
    for each in answers:
        if key := _text_of(each.facts, "host_key"):
            shown.setdefault(key, []).append(printable(each.word))
    for names in shown.values():
        if len(names) > 1:
            who = f"{', '.join(names[:-1])} and {names[-1]}"
            yield f"{who} show one host key: they are one machine, or copies of one, each of which can pass for the others"


def _row(each: Told) -> tuple[str, ...]:
    """The cells of a host; what is not known is left empty."""
    facts = each.facts
    if is_here(each.word):
        return printable(each.word), str(each.state), "here", "", "", "", ""
    by = " ".join((str(facts.get("transport", "")), *(f"via {jump}" for jump in facts.get("jump", ()))))
    return printable(each.word), str(each.state), _place(facts), _login(facts), by.strip(), _key(facts), _eyes(facts)


def _place(facts: Mapping[str, Any]) -> str:
    """Address and port, an IPv6 address in brackets."""
    address, port = _text_of(facts, "address"), facts.get("port", 22)
    if not address:
        return ""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _login(facts: Mapping[str, Any]) -> str:
    """Who logs in, and who that becomes."""
    login, become = _text_of(facts, "login"), str(facts.get("become", "none"))
    if become == "none" or login == "root":
        return login
    return f"{login}, root by {become}" if facts.get("uid") == 0 else f"{login}, {become}"


def _key(facts: Mapping[str, Any]) -> str:
    """The beginning of the fingerprint of the host key, which was the right one."""
    return _text_of(facts, "host_key")[:19]


def _eyes(facts: Mapping[str, Any]) -> str:
    """What looks at files there."""
    shell = str(facts.get("shell", ""))
    if shell == "python":
        return f"Python {_text_of(facts, 'python')}".strip()
    return _SHELLS.get(shell, printable(shell))


# --- as JSON


def _json(answers: Sequence[Told], run: options.Setting) -> Iterator[str]:
    hosts = [
        {
            "host": each.word,
            "state": str(each.state),
            "seconds": round(each.seconds, 1),
            "advice": [{"problem": problem, "fix": fix} for problem, fix in each.advice],
            "connection": dict(each.facts),
        }
        for each in answers
    ]
    document = {"schema": SCHEMA, "tool": options.TOOL, "hosts": hosts, "notes": [*_shared(answers), *run.config.notes]}
    yield json.dumps(document, indent=1, ensure_ascii=True, default=str) + "\n"
