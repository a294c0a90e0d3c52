"""`auditkit logins HOST...|FILE...`: did they get in? Every log of logins read, and a verdict on three axes."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import click

from auditkit.commands import answering, attempts, moments, options, sealing, timelines
from auditkit.config import Config
from auditkit.errors import UsageError
from auditkit.hosts import HOSTS, Host
from auditkit.logins.nouns import Condition
from auditkit.logs import named
from auditkit.model import HostReport
from auditkit.printable import printable


@click.command("logins")
@click.argument("words", nargs=-1, metavar="[HOST|FILE]...")
@click.option(
    "--since",
    metavar="TIME",
    help='judge what was logged from TIME on, as "2026-11-24 03:10" or yesterday, in this machine\'s zone',
)
@click.option("--until", metavar="TIME", help="judge what was logged up to TIME")
@click.option(
    "--timeline", metavar="FILE", help="write every event there: .csv or .jsonl for Timesketch, .ecs.jsonl for Elastic"
)
@click.option("--timeline-format", type=click.Choice(["csv", "jsonl", "ecs"]), help="the form of it, whatever its name says")
@click.option(
    "--zone", metavar="NAME", help="zone of the stamps in FILEs that name none, as Europe/Berlin; a host tells its own"
)
@options.keeping
@options.resume
@options.fleet_of
@options.case
@options.trust
@options.jobs
@options.output
def command(words: tuple[str, ...], **given: Any) -> int:
    """Read all logs of logins of HOST, or FILEs of one machine: who tried, who got in, and how far the logs can tell.

    A FILE is a log, packed or not, a journal, or a directory of them; a word with a slash in it is one. Logins outside of
    --since and --until are counted, and told of where their address guessed within.

    Exit status: 0 nothing from --fail-on upwards, as noise or a login that nothing speaks against; 1 a login that something
    speaks against, guesses at names that matter, a sign of tampering, a gap in a log; 3 it cannot be told.
    """
    run = options.setting(**(given if given["since"] else {**given, "until": None}))  # --until alone is a window, too
    since, until = _moment(given["since"]), _moment(given["until"])
    key = sealing.key(replace(run, signers=None), given["key"])
    files = [word for word in words if is_file(word, run.config)]
    if files and len(files) < len(words):
        other = next(word for word in words if word not in files)
        raise UsageError(f"{printable(files[0])} is a file and {printable(other)} a host", "ask for them one after the other")
    if given["zone"] and not files:
        raise UsageError("--zone is for FILEs: a host tells its own", "leave it out")
    with timelines.opened(given["timeline"], given["timeline_format"], since, until) as timeline:
        asked = attempts.Asked(since, until, timeline, key)
        code = _of_files(files, run, asked, given["zone"]) if files else _of_hosts(words, run, asked, given)
    if timeline and timeline.timeless and not run.quiet:
        answering.talk(f"auditkit: {timeline.timeless} events have no time and are not in the timeline")
    return code


def is_file(word: str, config: Config) -> bool:
    """Whether a word of the command line names a file or directory and no host."""
    if word in config.hosts or word == "local" or word.startswith("@"):
        return False
    if word.partition(":")[0] in HOSTS and ":" in word:
        return False
    return "/" in word or os.path.lexists(word)


def _moment(text: str | None) -> int | None:
    return int(moments.time_of(text).timestamp() * 10**9) if text else None


def _of_hosts(words: Sequence[str], run: options.Setting, asked: attempts.Asked, given: Mapping[str, Any]) -> int:
    from auditkit.commands import auditing, checking, logtaking, running  # noqa: PLC0415 - files need none of it

    def judge(host: Host, run: options.Setting) -> HostReport:
        notes = (auditing.DEVICE_NOTE,) if auditing.is_device(host) else ()
        return logtaking.added(host, HostReport(host.name, notes=notes), run, asked)

    plan = running.planned("logins", words, run, given)
    return answering.delivered(run, running.reported(plan, run, judge, lambda told: checking.following(told, run)))


def _of_files(words: Sequence[str], run: options.Setting, asked: attempts.Asked, zone: str | None) -> int:
    """Judge files as the logs of one machine, or of as many as a central log names.

    Raises:
        UsageError: one of them is not there.
    """
    from auditkit.report import document  # noqa: PLC0415 - not for --help

    sources, notes = named.sources(words)
    if run.record:
        run.record.logs(source.log.name for source in sources if source.log.condition is Condition.READ)
    name = words[0] if len(words) == 1 else f"{words[0]} and {len(words) - 1} more"
    machine = named.machine(words, run.started)
    machine = replace(machine, localtime=named.zone_named(zone)) if zone else machine
    taken = attempts.Taken(name, sources, machine, named.accounts(words, run.started))
    done = attempts.judge_each(replace(taken, office=run.office), run, asked)
    reports = [attempts.told(HostReport(one), each.verdict, (), len(each.readings)) for one, each in done]
    reports[-1] = replace(reports[-1], notes=(*notes, *reports[-1].notes))
    documents = [document.of_host(report) for report in reports]
    following = dict.fromkeys(chain.from_iterable(map(attempts.following, documents)))
    return answering.delivered(run, answering.made(run, "logins", documents, tuple(following)))
