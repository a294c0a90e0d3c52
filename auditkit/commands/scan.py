"""`auditkit scan HOST...`: the main job, check and audits in one pass; works without a baseline and says so."""

from typing import Any

import click

from auditkit.commands import auditing, checking, options


@click.command("scan")
@options.hosts
@click.option("--since", metavar="TIME", help="list what changed its status after TIME too")
@options.trust
@options.jobs
@options.output
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Check HOST against its baseline, if there is one, and audit it.

    Without a baseline nothing can be said of what changed: the command that makes one is shown.
    """
    run = options.setting(**given)
    reports = []
    for word in hosts or ("local",):
        integrity = checking.check(word, run, {**given, "may_lack": True})
        reports.append(auditing.added(word, integrity))
    return options.answer(run, "scan", reports, checking.following(reports, run))
