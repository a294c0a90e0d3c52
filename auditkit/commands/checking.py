"""One host checked: what `check`, `scan` and `accept` share."""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from auditkit import policy, store
from auditkit.baseline import Baseline
from auditkit.commands import integrity, options, sealing
from auditkit.commands.progress import Progress
from auditkit.errors import AuditkitError, HostError, UntrustedError, UsageError
from auditkit.hosts import Host, open_host
from auditkit.model import Gap, HostReport
from auditkit.printable import printable
from auditkit.scan import Scan, ground

TREES_DIFFER = frozenset(("ctime", "btime", "inode", "links", "device"))
"""What a copy never shares with the original."""
NO_BASELINE = "there is no baseline of this host: nothing can be said of what changed before now"


def check(word: str, run: options.Setting, given: Mapping[str, Any]) -> HostReport:
    """What has become of a host; one that cannot be reached or believed is said so in its report."""
    try:
        host = open_host(word)
    except HostError as error:
        return HostReport(word, gaps=(Gap(word, f"{error}; {error.hint}"),))
    if given.get("against"):
        return _against(host, run, given)
    try:
        path = given.get("baseline_file") or store.newest(run.store, host.name)
        if path is None:
            return _without(host, run, given)
        with_seal = store.trusted(path, run.signers, older=bool(given.get("older")))
    except UntrustedError as error:
        return untrusted(host.name, error)
    return _with(host, with_seal, run, given)


def untrusted(name: str, error: UntrustedError) -> HostReport:
    """What is said of a host whose baseline cannot be believed: why, and what to do."""
    return HostReport(name, untrusted=str(error), notes=(error.hint,) if error.hint else ())


def _with(host: Host, trusted: store.Trusted, run: options.Setting, given: Mapping[str, Any]) -> HostReport:
    base = trusted.baseline
    with closing(base), _progress(host, run, base.footer.entries) as progress:
        stands = ground(host, base.header.policy, base.header.homes)
        scan = Scan(host, stands, run.jobs, progress, run.timeout)
        try:
            result = integrity.with_baseline(base, scan, _since(given))
        except UntrustedError as error:
            return untrusted(host.name, error)
        notes = _notes(host, trusted, run)
        if not given.get("baseline_file"):
            notes.extend(_remembered(base))
    return integrity.report(host, result, trusted.facts(), notes)


def _remembered(base: Baseline) -> Iterator[str]:
    """Keep the baseline in mind; yield a note where that cannot be done, as on a medium that is read only."""
    try:
        store.remember(base.path, base.header.sequence)
    except AuditkitError as error:
        yield f"this baseline is not remembered, so a rollback to an older one would not be seen: {error}"


def _notes(host: Host, trusted: store.Trusted, run: options.Setting) -> list[str]:
    base = trusted.baseline.header
    notes = []
    if trusted.signer is None:
        notes.append(
            "the baseline's signature was not verified, for no signers are named: whoever could write the file could change"
            " it (auditkit keygen)"
        )
    if base.host != host.name:
        notes.append(f"the baseline is of {base.host}")
    if policy.shipped_text(base.policy.name) not in ("", base.policy.text):
        notes.append(f"the policy {base.policy.name} has changed since the baseline was made; the sealed one was used")
    return notes


def _without(host: Host, run: options.Setting, given: Mapping[str, Any]) -> HostReport:
    """What can be said without a baseline: nothing of changes, the timeline if it was asked for."""
    if not given.get("may_lack") and not given.get("since"):
        raise UsageError(f"there is no baseline of {printable(host.name)}", f"make one: auditkit baseline {host.name}")
    if not given.get("since"):
        return HostReport(host.name, gaps=(Gap("integrity", NO_BASELINE),))
    wanted = policy.load(sealing.policy_name(run, host.name))
    with _progress(host, run, None) as progress:
        result = integrity.looked(Scan(host, ground(host, wanted), run.jobs, progress, run.timeout), _since(given))
    return integrity.report(host, integrity.with_gaps(result, [Gap("integrity", NO_BASELINE)]), None)


def _against(host: Host, run: options.Setting, given: Mapping[str, Any]) -> HostReport:
    place = str(given["against"])
    if place == "vendor":
        raise UsageError("--against vendor is not built yet", "compare with a backup tree: --against DIR")
    wanted = policy.load(given.get("policy_name") or sealing.policy_name(run, host.name))
    other = open_host(f"root:{os.path.abspath(place)}")
    with _progress(host, run, None) as progress:
        stands = ground(host, wanted)
        copy = Scan(other, stands, max(1, run.jobs // 2), lambda _entries, _read: None, run.timeout)
        scan = Scan(host, stands, max(1, run.jobs // 2), progress, run.timeout)
        result = integrity.compared(copy, scan, _since(given), TREES_DIFFER)
    gaps = tuple(Gap(gap.subject, f"in {place}: {gap.reason}") for gap in copy.gaps)
    result = integrity.with_gaps(result, gaps)
    return integrity.report(host, result, None, [f"compared with the tree {place}, which nobody signed"])


def _progress(host: Host, run: options.Setting, total: int | None) -> Progress:
    return Progress(f"checking {host.name}", total, quiet=run.quiet)


def _since(given: Mapping[str, Any]) -> Any:
    return options.time_of(given["since"]) if given.get("since") else None


def following(reports: Sequence[HostReport], run: options.Setting) -> tuple[str, ...]:
    """Commands to run next, in order of worth."""
    made = []
    for report in reports:
        host = shlex.quote(report.host)
        worst = max((finding for finding in report.findings), key=lambda one: one.severity, default=None)
        if worst:
            made.append(f"auditkit explain {worst.rule.id}")
        if any(gap.reason == NO_BASELINE for gap in report.gaps):
            made.append(f"auditkit baseline {host}")
        stored = report.baseline and report.baseline.file.startswith(os.path.join(run.store, ""))
        if stored and any(change.explanation is None for change in report.changes):
            made.append(f"auditkit accept {host} PATH... --reason TEXT{' --key FILE' if run.signers else ''}")
        if report.untrusted:
            made.append(f"auditkit verify {shlex.quote(run.store)}")
    return tuple(dict.fromkeys(made))
