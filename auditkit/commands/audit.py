"""`auditkit audit HOST...`: judge how a host is set up."""

from typing import Any

import click

from auditkit.commands import auditing, checking, options, running
from auditkit.hosts import Host
from auditkit.model import HostReport


@click.command("audit")
@options.hosts
@click.option("--only", multiple=True, metavar="AUDIT", help="just this audit; may be given more than once")
@options.active
@options.resume
@options.timeout
@options.fleet_of
@options.trust
@options.output
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Judge the configuration of HOST."""
    run = options.setting(**given)
    wanted = auditing.chosen(given["only"])

    def judge(host: Host, run: options.Setting) -> HostReport:
        notes = (auditing.DEVICE_NOTE,) if auditing.is_device(host) else ()
        return auditing.added(host, HostReport(host.name, notes=notes), wanted, auditing.office(run))

    plan = running.planned("audit", hosts, run, given)
    return running.answered(plan, run, judge, lambda told: checking.following(told, run))
