"""`auditkit scan HOST...`: the main job, check, audits and logins in one pass; works without a baseline and says so."""

from typing import Any

import click

from auditkit.commands import answering, checking, options, running, scanning


@click.command("scan")
@options.hosts
@options.baseline
@options.window("list what changed its status after TIME too, and tell first what findings name of it")
@options.advisories
@options.active
@options.keeping
@options.resume
@options.reread
@options.fleet_of
@options.case
@options.trust
@options.jobs
@options.output
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Check HOST against its baseline, if there is one, audit it, and read its logs of logins.

    Without a baseline nothing can be said of what changed: the command that makes one is shown.
    """
    run = options.setting(**given)
    judge = scanning.work(run, given)
    plan = running.planned("scan", hosts, run, given)
    return answering.delivered(run, checking.reported(plan, run, judge))
