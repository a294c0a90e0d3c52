"""`auditkit nightly HOST...`: what a timer runs: look at all hosts, go on where the last night was cut, tell what is new."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from auditkit import nights
from auditkit.commands import answering, checking, noticing, options, running, scanning
from auditkit.errors import AuditkitError, UsageError
from auditkit.hosts import Host
from auditkit.model import HostReport
from auditkit.notices import Notice, Trouble, words
from auditkit.printable import said

CUT = "ended without a report: killed, out of memory or out of power"
_RESULT = re.compile(r"[a-z-]{1,40}")


@click.command("nightly")
@options.hosts
@options.what
@options.nights
@click.option("--queue", is_flag=True, help="leave notices in the outbox, for `nightly --send`")
@click.option("--send", is_flag=True, help="look at nothing: send what waits, and tell of a run that was cut short")
@click.option("--try-notify", is_flag=True, help="look at nothing: send a test to everybody who is told")
@options.advisories
@options.keeping
@options.reread
@options.fleet_of
@options.trust
@options.jobs
@options.fail_on
@click.option("-q", "--quiet", is_flag=True, help="write nothing unless there is something to tell, as cron likes it")
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Look at HOST as `scan` does, and tell what no notice has told of yet; HOST is all of auditkit.yaml if none is named.

    Who is told, and by which way, stands under `notify:` in auditkit.yaml; the notice is written to stdout besides. A
    run that was cut short is continued by the next one. Reports are kept in STORE/reports.

    The exit status is that of `scan`; 2 too where another run is under way, or a notice could not be sent.
    """
    _check(hosts, given)
    run = options.setting(**given)
    if given["try_notify"]:
        return noticing.tried(run)
    if given["send"]:
        return _sent(run)
    try:
        with nights.alone(run.store, run.started):
            return _looked(hosts, run, given)
    except nights.BusyError as error:
        if not sys.stderr.isatty():  # a person sees it anyway
            _failed(run, "no run tonight", error, given)
        raise


def _check(hosts: tuple[str, ...], given: Mapping[str, Any]) -> None:
    """Refuse words that do not go together."""
    only = [f"--{name.replace('_', '-')}" for name in ("send", "try_notify", "queue") if given[name]]
    if len(only) > 1:
        raise UsageError(f"{only[0]} and {only[1]} are two things to do", "leave one of them out")
    if hosts and (given["send"] or given["try_notify"]):
        raise UsageError(f"{only[0]} looks at no host", "leave HOST out")


def _looked(hosts: tuple[str, ...], run: options.Setting, given: Mapping[str, Any]) -> int:
    """Do the work of a night, and tell of it; one that fails is told of as well."""
    words = hosts or run.config.every
    last = nights.last(run.store)
    now = nights.Last(nights.written(run.started), nights.asked(given["what"], words, _options(given)))
    try:
        plan, trouble = _planned(words, run, given, last, now)
        now = replace(now, run=plan.kept.id if plan.kept else None)
        nights.keep(run.store, now)
        code = _done(plan, run, given, trouble)
    except AuditkitError as error:
        _quietly(run, replace(now, told=_failed(run, "the nightly run failed", error, given)))
        raise
    nights.keep(run.store, replace(now, finished=nights.written(datetime.now(UTC))))
    nights.prune(run.store, given["keep"])
    return code


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options without which what was said of a host is no answer to what is asked now."""
    return {name: given.get(name) for name in ("advisories", *running.MATTERS)}


def _planned(
    words: Sequence[str], run: options.Setting, given: Mapping[str, Any], last: nights.Last | None, now: nights.Last
) -> tuple[running.Plan, tuple[Trouble, ...]]:
    """What is to be done, and what is to be told of the night before; a run that was cut is continued while it counts."""
    if last is None or last.finished is not None:
        return running.planned(given["what"], words, run, {**given, "resume": None}), ()
    plan = None
    if last.run and last.asked == now.asked and last.begun and run.started - last.begun < running.CURRENT:
        try:
            plan = running.planned(given["what"], (), run, {**given, "resume": last.run})
        except UsageError as error:
            answering.talk(f"auditkit: the last run cannot be continued: {error}")
    done = ""
    if plan and plan.earlier:
        done = f"; {len(plan.earlier)} of {len(plan.words)} hosts were done, and this run went on from there"
    trouble = () if last.told else (_cut(last, done),)
    return plan or running.planned(given["what"], words, run, {**given, "resume": None}), trouble


def _cut(last: nights.Last, more: str = "") -> Trouble:
    """What is told of a night that was cut short."""
    begun = f"{last.begun:%Y-%m-%d %H:%M:%SZ}" if last.begun else said(last.started)
    return Trouble("a run was cut short", f"The run of {begun} {CUT}{more}")


def _done(plan: running.Plan, run: options.Setting, given: Mapping[str, Any], troubles: tuple[Trouble, ...]) -> int:
    """Ask the hosts, write the reports, tell what is new, and give the exit status."""
    from auditkit import report  # noqa: PLC0415 - not for --help

    path = nights.report(run.store, run.started)
    judge = scanning.work(run, given) if given["what"] == "scan" else _checked(run, given)
    document = checking.reported(plan, run, judge)
    code = answering.delivered(replace(run, output=f"{path}.json", form="json"), document)
    answering.write(f"{path}.html", report.render(document, "html", report.Options()))
    night = noticing.night(run, troubles, f"{path}.html")
    verdict = words.judged(document, night)
    _say(verdict.notice, run, due=verdict.due)
    errors = (
        noticing.delivered(run, verdict.notice, f"{path}.html", later=given["queue"]) if verdict.due else _waiting(run, given)
    )
    if noticing.arrived(errors):  # else the next night tells it
        nights.remember(run.store, verdict.told, night.now if verdict.due else night.last)
    return noticing.complained(errors, code)


def _waiting(run: options.Setting, given: Mapping[str, Any]) -> list[AuditkitError]:
    """Send what waits from earlier nights, where there is nothing to tell of this one."""
    return [] if given["queue"] else noticing.sent(run)


def _checked(run: options.Setting, given: Mapping[str, Any]) -> running.Work[HostReport]:
    """What is done with each host by `--what check`; that one has no baseline is a gap."""
    checking.usable(given)

    def judge(host: Host, run: options.Setting) -> HostReport:
        return checking.check(host, run, {**given, "may_lack": True})

    return judge


def _say(notice: Notice, run: options.Setting, *, due: bool) -> None:
    """Write the notice to stdout, or that there is none."""
    if due:
        click.echo(f"auditkit: {notice.subject}\n\n{notice.body}", nl=False)
    elif not run.quiet:
        click.echo(f"auditkit: {notice.subject}")


def _failed(run: options.Setting, short: str, error: AuditkitError, given: Mapping[str, Any]) -> bool:
    """Tell of a night without a report, and give whether that arrived; what goes wrong with it is said on stderr."""
    what = f"{short}: {error.whole}"
    notice = words.of_trouble(Trouble(f"{short}: {error}", f"{what[:1].upper()}{what[1:]}"), noticing.night(run))
    errors = noticing.delivered(run, notice, later=given["queue"])
    noticing.complained(errors, 0)
    return noticing.arrived(errors)


def _quietly(run: options.Setting, night: nights.Last) -> None:
    """Keep how a night stands, if that can be done."""
    try:
        nights.keep(run.store, night)
    except AuditkitError as error:
        answering.talk(f"auditkit: {error}")


def _sent(run: options.Setting) -> int:
    """Send what waits, and first tell of a run that was cut short, if it was and nobody has."""
    errors = []
    try:
        with nights.alone(run.store, run.started):
            last = nights.last(run.store)
            if last and last.finished is None and not last.told:
                trouble = _cut(last, _result())
                errors += noticing.delivered(run, words.of_trouble(trouble, noticing.night(run)), later=True)
                nights.keep(run.store, replace(last, told=noticing.arrived(errors)))
    except nights.BusyError:  # it goes on; what waits may go all the same
        pass
    return noticing.complained([*errors, *noticing.sent(run)], 0)


def _result() -> str:
    """What systemd says of the service that ended, where it has started this one for that (systemd.exec(5))."""
    word = os.environ.get("MONITOR_SERVICE_RESULT", "")
    return f" (systemd says: {word})" if _RESULT.fullmatch(word) and word != "success" else ""
