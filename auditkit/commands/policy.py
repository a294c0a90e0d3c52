"""`auditkit policy [NAME|FILE] [PATH...]`: is a policy sound, what watches a path and why, and what does no watch cover?"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import click

from auditkit import coverage, policy, scan
from auditkit.commands import integrity, options, sealing
from auditkit.commands.progress import Progress
from auditkit.errors import UsageError
from auditkit.hosts import Host, open_host
from auditkit.model import Level, Policy
from auditkit.printable import printable, said

MOST = 50
"""Paths of one kind that are shown."""


@click.command("policy")
@click.argument("name", metavar="[NAME|FILE]", default="")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--policy", "policy_name", metavar="NAME|FILE", help="the same as the first word")
@click.option("--coverage", "wants_coverage", is_flag=True, help="what of a host no watch covers")
@click.option("--host", "host_word", default="local", show_default=True, metavar="HOST", help="whose homes and files are meant")
@options.jobs
@click.option("-q", "--quiet", is_flag=True, help="no progress on stderr")
def command(name: str, paths: tuple[str, ...], **given: Any) -> int:
    """Check a policy (`linux` if none is named); say what watches each PATH and why.

    A first word that begins with `/` and does not end in .yaml is a PATH.
    """
    if name and name.startswith("/") and not name.endswith((".yaml", ".yml")):
        name, paths = "", (name, *paths)
    if name and given["policy_name"]:
        raise UsageError("the policy is named twice", "leave out --policy, or the first word")
    wanted = policy.load(given["policy_name"] or name or sealing.DEFAULT_POLICY)
    if not paths and not given["wants_coverage"]:
        for line in _summary(wanted):
            click.echo(line)
        return 0
    run = options.setting(**given)
    with closing(open_host(given["host_word"], run.reach)) as host:
        watched = integrity.Watched(scan.ground(host, wanted).watched)
        for path in paths:
            click.echo(_answer(path, watched))
        return _coverage(run, host, watched) if given["wants_coverage"] else 0


def _summary(wanted: Policy) -> Iterator[str]:
    yield f"{printable(wanted.name)} is sound: {len(wanted.watches)} watches, digests {', '.join(wanted.digests)}"
    for watch in wanted.watches:
        extra = "".join((", kept" if watch.keep else "", ", crosses mounts" if watch.cross_mounts else ""))
        severity = "" if watch.level is Level.IGNORE else f", {watch.severity.word}"
        yield f"  {watch.line:4}  {printable(watch.path)}: {watch.level}{severity}{extra}  ({printable(watch.why)})"
    yield f"Next: auditkit policy {printable(wanted.name)} --coverage shows what no watch covers here"


def _answer(path: str, watched: integrity.Watched) -> str:
    if not path.startswith("/"):
        raise UsageError(f"{printable(path)} is not an absolute path", "begin it with /")
    watch = watched.watch(path)
    if watch is None:
        return f"{printable(path)}: no watch covers it"
    severity = "" if watch.level is Level.IGNORE else f", {watch.severity.word}"
    why = f": {printable(watch.why)}" if watch.why else ""
    return f"{printable(path)}: {watch.level}{severity} by line {watch.line} ({printable(watch.path)}){why}"


def _coverage(run: options.Setting, host: Host, watched: integrity.Watched) -> int:
    with Progress(f"looking at all of {host.name}", None, quiet=run.quiet) as progress:
        everything = scan.Scan(host, scan.ground(host, coverage.EVERYTHING), run.jobs, progress, run.timeout)
        groups = coverage.uncovered(everything, everything.ground.mounts, watched.watch, watched.concerns)
    for title, paths in groups:
        click.echo(f"{title}: {len(paths) or 'none'}")
        for path in paths[:MOST]:
            click.echo(f"  {printable(path)}")
        if len(paths) > MOST:
            click.echo(f"  and {len(paths) - MOST} more")
    for gap in everything.gaps:
        click.echo(f"gap {printable(gap.subject)}: {said(gap.reason)}")
    return 3 if everything.gaps else 0
