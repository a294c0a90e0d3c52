"""`auditkit audit HOST...`: judge how a host is set up."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click

from auditkit import hosts as kinds
from auditkit.commands import answering, auditing, awaiting, checking, options, running, sealing
from auditkit.errors import UsageError
from auditkit.hosts import Host
from auditkit.model import Audit, Gap, HostReport


@click.command("audit")
@options.hosts
@click.option("--only", multiple=True, metavar="AUDIT", help="just this audit; may be given more than once")
@click.option("--list", "only_list", is_flag=True, help="list every rule by audit, and ask nothing")
@click.option("--needs", "only_needs", is_flag=True, help="say what would be read, run and contacted on HOST, and ask nothing")
@options.advisories
@options.window("tell first what of what findings name was changed, or started, after TIME")
@options.active
@options.keeping
@options.resume
@options.timeout
@options.fleet_of
@options.case
@options.trust
@options.output
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Judge the configuration of HOST."""
    run = options.setting(**given)
    wanted = auditing.chosen(given["only"], given["advisories"])
    if given["only_list"] or given["only_needs"]:
        if run.form not in ("text", "json"):
            raise UsageError(f"--list and --needs have no form {run.form}", "take --format text or --format json")
        answering.write(run.output, _beforehand(hosts, run, wanted, rules=given["only_list"]))
        return 0

    key = sealing.key(replace(run, signers=None), given["key"])

    def judge(host: Host, run: options.Setting) -> HostReport:
        notes = (*((auditing.DEVICE_NOTE,) if auditing.is_device(host) else ()), *_left_out(given["only"]))
        before = auditing.known(host, run, wanted)
        gaps, base = ((before,), None) if isinstance(before, Gap) else ((), before)
        begun = HostReport(host.name, notes=notes, gaps=gaps)
        memory = awaiting.recalled(host, run, wanted)
        told = auditing.added(host, begun, wanted, run.office, before=base, missed=memory.updates, span=run.window)
        return awaiting.remembered(host, told, run, key, memory)

    plan = running.planned("audit", hosts, run, given)
    return answering.delivered(run, running.reported(plan, run, judge, lambda told: checking.following(told, run)))


def _left_out(only: Sequence[str]) -> Iterator[str]:
    """Yield a note that not all was asked for."""
    if only:
        yield f"only this was asked for (--only): {', '.join(dict.fromkeys(only))}; nothing else was judged"


def _beforehand(words: Sequence[str], run: options.Setting, audits: Sequence[Audit], *, rules: bool) -> Iterator[str]:
    """Yield the rules that there are, or what would be asked of these hosts.

    Raises:
        UsageError: there is no such host.
    """
    from auditkit.commands import wanted  # noqa: PLC0415 - only for who asks so

    named = () if rules else kinds.named(words or ("local",), run.config)
    if run.form == "json":
        yield wanted.as_json(wanted.rule_document(audits) if rules else wanted.need_document(named, audits))
        return
    if rules:
        yield from (f"{line}\n" for line in wanted.rule_lines(audits))
    for number, word in enumerate(named):
        yield from (f"{line}\n" for line in (*([""] if number else ()), *wanted.need_lines(word, audits)))
