"""`auditkit baseline HOST...`: scan and store a sealed baseline."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from auditkit import baseline as files
from auditkit import policy, scan, store
from auditkit.commands import options, sealing
from auditkit.commands.progress import Progress
from auditkit.errors import UsageError
from auditkit.hosts import Host, open_host
from auditkit.model import Gap, Header
from auditkit.printable import printable
from auditkit.writer import Writer, locked


@click.command("baseline")
@options.hosts
@click.option("--policy", "policy_name", metavar="NAME|FILE", help="what to watch: linux, workstation, web, full, or a file")
@click.option("--key", metavar="FILE|agent", help="the SSH key that seals it")
@click.option("-o", "place", metavar="FILE", help="write it there instead of into the store (one host only)")
@click.option("--import", "imported", metavar="FILE", help="take an AIDE, mtree, hashdeep or checksum file instead of a scan")
@click.option("--import-format", metavar="NAME", help="what kind of file that is, where it does not say so itself")
@click.option("--import-root", metavar="DIR", default="/", show_default=True, help="where relative paths in it begin")
@options.trust
@options.jobs
@click.option("--fail-on", hidden=True)
@click.option("-q", "--quiet", is_flag=True, help="no progress and no hints on stderr")
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Scan HOST and store what is there now, so that `check` can say later what changed.

    The first baseline shows what you have, not that it is good: make it when you believe the machine is.
    """
    run = options.setting(**given)
    if given["place"] and len(hosts) > 1:
        raise UsageError("-o takes one host", "leave -o out, and each host gets its own file in the store")
    codes = [_one(open_host(word), run, given) for word in hosts or ("local",)]
    return max(codes)


def _one(host: Host, run: options.Setting, given: dict[str, Any]) -> int:
    key = sealing.key(run, given["key"])
    wanted = policy.load(given["policy_name"] or sealing.policy_name(run, host.name))
    place = given["place"]
    if place:
        made = _write(host, run, given, wanted, place, sealing.beside(place), key)
    else:
        with locked(files.folder(run.store, host.name), lambda: _waiting(run)):
            path, sequence, previous = store.place(run.store, host.name)
            made = _write(host, run, given, wanted, path, (sequence, previous), key)
    return made


def _waiting(run: options.Setting) -> None:
    if not run.quiet:
        options.talk("auditkit: another run is writing a baseline of this host; waiting for it")


def _write(
    host: Host,
    run: options.Setting,
    given: dict[str, Any],
    wanted: Any,
    path: str,
    follows: tuple[int, str | None],
    key: str | None,
) -> int:
    ground = scan.ground(host, wanted)
    header = Header(
        host=host.name,
        made=datetime.now(UTC),
        sequence=follows[0],
        previous=follows[1],
        policy=wanted,
        homes=ground.homes,
        mounts=ground.mounts,
        packages=ground.packages,
        tool=options.TOOL,
        reason=f"imported from {given['imported']}" if given["imported"] else "",
    )
    with Writer(path, header) as writer, Progress(f"scanning {host.name}", None, quiet=run.quiet) as progress:
        source = scan.Scan(host, ground, run.jobs, progress)
        gaps = sealing.imported(writer, given) if given["imported"] else _scanned(writer, source)
        writer.close(gaps, sealing.sealer(key))
    store.remember(path, header.sequence)
    _tell(host, path, header, writer.entries, gaps, key, given["quiet"])
    return 3 if gaps else 0


def _scanned(writer: Writer, source: scan.Scan) -> list[Gap]:
    for block in source:
        writer.add(block)
    return source.gaps


def _tell(host: Host, path: str, header: Header, entries: int, gaps: list[Gap], key: str | None, quiet: bool) -> None:
    sealed = f"sealed with {printable(key)}" if key else "UNSIGNED: anybody who can write it can change it"
    click.echo(
        f"{printable(host.name)}: baseline {header.sequence}, {entries} entries by policy {printable(header.policy.name)}, {sealed}"
    )
    click.echo(f"  {printable(path)}")
    for line in _gap_lines(gaps):
        click.echo(line)
    if not quiet:
        check = f"auditkit check {host.name}"
        click.echo(f"Next: copy it off this machine; later: {check}")


def _gap_lines(gaps: list[Gap]) -> Iterator[str]:
    for gap in gaps[:10]:
        yield f"  gap {printable(gap.subject)}: {printable(gap.reason)}"
    if len(gaps) > 10:
        yield f"  and {len(gaps) - 10} more gaps, all in the baseline's last line"
    if gaps:
        yield f"INCOMPLETE: {len(gaps)} {'path' if len(gaps) == 1 else 'paths'} could not be seen"
