"""`auditkit scan HOST...`: the main job, check, audits and logins in one pass; works without a baseline and says so."""

from dataclasses import replace
from typing import Any

import click

from auditkit.commands import attempts, auditing, awaiting, checking, logtaking, options, running, sealing
from auditkit.hosts import Host
from auditkit.model import HostReport


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
    checking.usable(given)
    wanted = auditing.chosen(advisories=given["advisories"])
    asked = attempts.Asked(key=sealing.key(replace(run, signers=None), given["key"]))

    def judge(host: Host, run: options.Setting) -> HostReport:
        if auditing.is_device(host):
            checked = HostReport(host.name, notes=(auditing.DEVICE_NOTE,))
        else:
            checked = checking.check(host, run, {**given, "may_lack": True})
        memory = awaiting.recalled(host, run, wanted)
        audited = auditing.added(host, checked, wanted, run.office, missed=memory.updates, span=run.window)
        audited = awaiting.remembered(host, audited, run, asked.key, memory)
        return logtaking.added(host, audited, run, asked)

    plan = running.planned("scan", hosts, run, given)
    return checking.answered(plan, run, judge)
