"""`auditkit accept HOST [PATH...]`: seal the next baseline with reviewed changes."""

import os
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import click

from auditkit import accept, owners, packaged, scan, store
from auditkit import baseline as files
from auditkit.commands import answering, checking, integrity, options, running, sealing, vouching
from auditkit.errors import AuditkitError, HostError, UsageError
from auditkit.hosts import Host, named, now
from auditkit.model import Change, Gap, Kind, State
from auditkit.printable import counted, printable
from auditkit.writer import Writer, locked

PROTOCOLS = ("tcp", "udp")
LAST = 65_535


@click.command("accept")
@click.argument("host", metavar="HOST")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--port", "ports", multiple=True, metavar="PORT/PROTOCOL", help="accept what listens there now: 8080/tcp, 53/udp")
@click.option("--all", "everything", is_flag=True, help="accept every change there is now")
@click.option("--reason", default="", help="why: it stands in the new baseline")
@click.option("--key", metavar="FILE|agent", help="the SSH key that seals it")
@options.password
@options.case
@options.trust
@options.jobs
@options.quiet
def command(host: str, paths: tuple[str, ...], **given: Any) -> int:
    """Seal the next baseline of HOST: as the last one, with the changes of each PATH (a path, a directory, a glob) and PORT.

    What is not named stays as it was, and every later check shows it again.
    """
    if bool(paths or given["ports"]) == bool(given["everything"]):
        raise UsageError("name what to accept: paths, ports, or --all", "see the changes first: auditkit check " + host)
    given["ports"] = tuple(map(_port, given["ports"]))
    run = options.setting(**given)
    words = named((host,), run.config)
    if len(words) > 1:
        raise UsageError(f"{printable(host)} is {len(words)} hosts", "review and accept the changes of one after the other")
    (told,) = running.over(words, run, lambda machine, run: _on(machine, paths, run, given))
    if told.error:
        raise told.error
    return told.value or 0


def _on(machine: Host, paths: Sequence[str], run: options.Setting, given: dict[str, Any]) -> int:
    with locked(files.folder(run.store, machine.name), lambda: None):
        newest = store.newest(run.store, machine.name)
        if newest is None:
            raise checking.lacking(machine)
        with closing(store.trusted(newest, run.signers, of=machine.name).baseline) as base:
            return _accepted(machine, base, paths, run, given)


def _accepted(host: Host, base: files.Baseline, paths: Sequence[str], run: options.Setting, given: dict[str, Any]) -> int:
    key = sealing.key(run, given["key"])
    with run.show("checking", host.name, base.footer.entries) as progress:
        ground = scan.ground(host, base.header.policy, base.header.homes)
        integrity.check_same(host, ground, base.header)
        source = scan.Scan(host, ground, run.jobs, progress, run.timeout, base.blocks)
        result = integrity.with_baseline(base, source, checking.turn_of(base, given), vouching.of(run, host))
    chosen = result.changes if given["everything"] else accept.chosen(result.changes, paths)
    heard = _heard(host, base, run, given)
    if not chosen and not (given["everything"] and result.findings) and heard == base.header.listeners:
        raise _nothing(host, source.gaps)
    path, sequence, previous = store.place(run.store, host.name)
    header = replace(
        base.header,
        made=now(host),
        sequence=sequence,
        previous=previous,
        homes=source.ground.homes,
        mounts=source.ground.mounts if given["everything"] else base.header.mounts,
        tool=options.TOOL,
        reason=given["reason"],
        machine=source.ground.machine or base.header.machine,
        listeners=heard,
    )
    if given["everything"]:
        owned = packaged.owned(host)
        kept = owners.keep(os.path.dirname(path), owned.manifests, owned.layout)
        header = replace(header, packages=owned.versions, owners=kept)
        del owned
    with Writer(path, header) as writer:
        for block in accept.applied(base.blocks(), accept.edits(chosen)):
            writer.add(block)
        writer.close(_gaps(base.footer.gaps, source.gaps, chosen), sealing.sealer(key, run.signing))
    store.remember(path, sequence)
    if run.record:
        run.record.baseline(path, host.name, sequence)
    for change in chosen:
        answering.say(run, f"  accepted {printable(change.path)} ({change.rule})")
    for protocol, number in given["ports"]:
        gone = "" if accept.at(heard or (), (protocol, number)) else ": nothing listens there any more"
        answering.say(run, f"  accepted port {number}/{protocol}{gone}")
    sealed = f"sealed with {printable(key)}" if key else "UNSIGNED"
    number = counted(len(chosen), "change")
    answering.say(run, f"{printable(host.name)}: baseline {sequence} with {number} accepted, {sealed}")
    answering.say(run, f"  {printable(path)}")
    if left := sum(change not in chosen and change.explanation is None for change in result.changes):
        answering.say(run, f"{counted(left, 'change')} not accepted: every check shows that again")
    return 0


def _port(word: str) -> accept.Port:
    """A port as the command line names it.

    Raises:
        UsageError: it is none.
    """
    number, _slash, protocol = word.partition("/")
    if protocol not in PROTOCOLS or not (number.isascii() and number.isdigit()) or not 1 <= int(number[:9]) <= LAST:
        raise UsageError(f"{printable(word)} is no port", "name its number and protocol: --port 8080/tcp, --port 53/udp")
    return protocol, int(number)


def _heard(host: Host, base: files.Baseline, run: options.Setting, given: dict[str, Any]) -> accept.Lines | None:
    """What the next baseline has of what listens: all that does now, or what does at the ports that were named.

    Raises:
        UsageError: at one of them nothing has changed, or the baseline knows nothing of ports.
        HostError: the host cannot be asked.
    """
    before, ports = base.header.listeners, given["ports"]
    if not ports and not given["everything"]:
        return before
    now = sealing.heard(host, run, base.header.policy)
    if given["everything"]:
        return now
    if before is None or now is None:
        raise UsageError("the baseline does not know what listens, so that no port can be accepted", "make a new one that does")
    for port in ports:
        if accept.at(before, port) == accept.at(now, port):
            what = "is as in the baseline" if accept.at(now, port) else "there is none, and there was none"
            raise UsageError(f"what listens at {port[1]}/{port[0]}: {what}", f"see what is new: auditkit audit {host.name}")
    return accept.listening(before, now, ports)


def _nothing(host: Host, gaps: Sequence[Gap]) -> AuditkitError:
    """The error that there is nothing to accept; where not all was seen that is no mistake of the command line."""
    see = f"see the changes: auditkit check {host.name}"
    if not gaps:
        return UsageError("nothing that was named has changed", see)
    first = f"{printable(gaps[0].subject)}: {printable(gaps[0].reason)}"
    more = f", and {len(gaps) - 1} more" if len(gaps) > 1 else ""
    return HostError(f"of what was named no change was seen, but not all could be seen: {first}{more}", see, State.PARTIAL)


def _gaps(before: Iterable[Gap], now: Iterable[Gap], chosen: Sequence[Change]) -> tuple[Gap, ...]:
    """What the new baseline has nothing of: as the old one, but for files that are accepted as far as they are known now."""
    entries = ((change.path, change.after or change.before) for change in chosen)
    paths = {path for path, entry in entries if entry and entry.kind is not Kind.DIRECTORY}
    kept = (gap for gap in before if gap.subject not in paths)
    return (*kept, *(gap for gap in now if gap.subject in paths))
