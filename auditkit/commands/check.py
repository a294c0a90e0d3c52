"""`auditkit check HOST...`: compare with the newest baseline and judge what changed."""

from typing import Any

import click

from auditkit.commands import answering, checking, options, running
from auditkit.hosts import Host
from auditkit.model import HostReport


@click.command("check")
@options.hosts
@options.baseline
@click.option("--older", is_flag=True, help="with --baseline: it may be older than the newest known")
@click.option("--against", metavar="vendor|DIR", help="no baseline: what packages ship, or a backup tree")
@click.option("--policy", "policy_name", metavar="NAME|FILE", help="with --against: what to compare")
@options.window("list what changed its status after TIME too")
@options.resume
@options.reread
@options.fleet_of
@options.case
@options.trust
@options.jobs
@options.output
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Compare HOST with its baseline: what was added, removed or changed, and how much it matters."""
    run = options.setting(**given)
    checking.usable(given)
    plan = running.planned("check", hosts, run, given)

    def judge(host: Host, run: options.Setting) -> HostReport:
        return checking.check(host, run, {**given, "may_lack": plan.several})

    return answering.delivered(run, checking.reported(plan, run, judge))
