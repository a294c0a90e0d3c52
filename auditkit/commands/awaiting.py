"""What is kept of the updates that a host misses, from one run to the next: what `scan` and `audit` share."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import IO, Any

from auditkit.audits import packages
from auditkit.audits.packages import missed
from auditkit.commands import auditing, options, sealing
from auditkit.errors import AuditkitError, FormatError
from auditkit.hosts import Host, Past, is_here, now
from auditkit.kept import Record
from auditkit.model import Audit, Gap, HostReport, Missed, State

MOST = 20_000
"""Updates that are kept of a host: those that were seen first."""
LONGEST = 256
"""Characters of the name of a package, or of a version."""
SUBJECT = "pending updates"


@dataclass(frozen=True, slots=True)
class Memory:
    """What earlier runs kept of a host, or why that is not believed."""

    updates: tuple[Missed, ...] = ()
    gaps: tuple[Gap, ...] = ()


def recalled(host: Host, run: options.Setting, wanted: Sequence[Audit]) -> Memory:
    """What earlier runs kept of a host, for the audit of packages.

    Nothing of a disk, nor of evidence of some `local`: nobody knows of which machine they are.
    """
    if auditing.is_device(host) or _is_anybodys(host) or all(audit.name != packages.AUDIT.name for audit in wanted):
        return Memory()
    record = _record(run, host.name)
    try:
        told = record.past(run.signers)
        return Memory(() if told is None else tuple(map(_read, told["updates"][:MOST])))
    except AuditkitError as error:
        return Memory(gaps=(_left_aside(error),))
    except (ValueError, KeyError, TypeError):
        return Memory(gaps=(_left_aside(record.damaged()),))


def _is_anybodys(host: Host) -> bool:
    return host.name.startswith("root:") or (isinstance(host, Past) and is_here(host.name))


def _left_aside(error: AuditkitError) -> Gap:
    hint = f"; {error.hint}" if isinstance(error, FormatError) else ""
    return Gap(SUBJECT, f"what earlier runs kept is left aside: {error}{hint}")


def _read(line: list[Any]) -> Missed:
    """An update as it is kept.

    Raises:
        ValueError: it is none.
        TypeError: it is none.
    """
    package, version, security, seen, listed = line
    if not (isinstance(package, str) and isinstance(version, str) and max(len(package), len(version)) <= LONGEST):
        raise ValueError("neither a name nor a version")
    return Missed(package, version, security is True, _moment(seen), None if listed is None else _moment(listed))


def _moment(text: str) -> datetime:
    return datetime.strptime(text, missed.WRITTEN).replace(tzinfo=UTC)


def remembered(host: Host, report: HostReport, run: options.Setting, key: str | None, memory: Memory) -> HostReport:
    """The report, once what it says is kept for the next run: nothing of evidence or a disk, nor where nobody would believe it.

    A host that has fallen silent, lies, or shows no lists has shown nothing new; what is not believed is left where it is.
    """
    is_live = not isinstance(host, Past) and not _is_anybodys(host)
    if memory.gaps or not is_live or report.state is not State.OK or (run.signers and not key):
        return _with(report, memory.gaps)
    found = _found(report, memory, now(host))
    if found is None or set(found) == set(memory.updates):
        return report
    try:
        _keep(run, host.name, found, sealing.sealer(key, run.signing))
    except AuditkitError as error:
        return _with(report, (Gap(SUBJECT, f"nothing is kept for the next run: {error}"),))
    return report


def _found(report: HostReport, memory: Memory, moment: datetime) -> Sequence[Missed] | None:
    """What the next run is to know; None where this one has seen no lists."""
    patching, told = report.facts.get("patching"), report.facts.get("packages")
    if not isinstance(patching, dict) or patching["pending"] is None or not isinstance(told, list):
        return None
    found = missed.kept(memory.updates, told, moment)
    sane = (one for one in found if max(len(one.package), len(one.version)) <= LONGEST)
    return sorted(sane, key=lambda one: one.seen)[:MOST]


def _with(report: HostReport, gaps: Iterable[Gap]) -> HostReport:
    every = tuple(dict.fromkeys((*report.gaps, *gaps)))
    return replace(report, gaps=every, counts={**report.counts, "gaps": len(every)})


def _keep(run: options.Setting, host: str, found: Iterable[Missed], sealer: Callable[[IO[bytes]], bytes] | None) -> None:
    """Keep what misses an update for the next run.

    Raises:
        AuditkitError: it cannot be written, or not be signed.
    """
    lines = [[one.package, one.version, one.security, _written(one.seen), _written(one.listed)] for one in found]
    _record(run, host).keep({"updates": lines}, sealer)


def _record(run: options.Setting, host: str) -> Record:
    return Record(run.store, host, "updates.json", "auditkit/missed/1")


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z"
