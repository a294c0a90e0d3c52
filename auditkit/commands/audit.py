"""`auditkit audit HOST...`: judge how a host is set up."""

from typing import Any

import click

from auditkit.commands import auditing, checking, options
from auditkit.hosts import open_host
from auditkit.model import HostReport


@click.command("audit")
@options.hosts
@click.option("--only", multiple=True, metavar="AUDIT", help="just this audit; may be given more than once")
@options.trust
@options.output
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Judge the configuration of HOST."""
    run = options.setting(**given)
    reports = [auditing.added(word, HostReport(open_host(word).name), given["only"]) for word in hosts or ("local",)]
    return options.answer(run, "audit", reports, checking.following(reports, run))
