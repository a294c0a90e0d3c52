"""`auditkit scan HOST...`: the main job, check and audits in one pass; works without a baseline and says so."""

from typing import Any

import click

from auditkit.commands import auditing, checking, options, running
from auditkit.hosts import Host
from auditkit.model import HostReport


@click.command("scan")
@options.hosts
@options.baseline
@options.window("list what changed its status after TIME too, and tell first what findings name of it")
@options.advisories
@options.active
@options.resume
@options.reread
@options.fleet_of
@options.trust
@options.jobs
@options.output
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Check HOST against its baseline, if there is one, and audit it.

    Without a baseline nothing can be said of what changed: the command that makes one is shown.
    """
    run = options.setting(**given)
    checking.usable(given)
    wanted = auditing.chosen(advisories=given["advisories"])

    def judge(host: Host, run: options.Setting) -> HostReport:
        if auditing.is_device(host):
            checked = HostReport(host.name, notes=(auditing.DEVICE_NOTE,))
        else:
            checked = checking.check(host, run, {**given, "may_lack": True})
        return auditing.added(host, checked, wanted, auditing.office(run), span=run.window)

    plan = running.planned("scan", hosts, run, given)
    return checking.answered(plan, run, judge)
