"""One host checked: what `check`, `scan` and `accept` share."""

import os
import re
import secrets
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from itertools import chain
from typing import Any

from auditkit import distrust, policy, store
from auditkit.baseline import Baseline
from auditkit.commands import integrity, options, peering, running, sealing, vouching
from auditkit.commands.progress import Shown
from auditkit.errors import AuditkitError, HostError, UntrustedError, UsageError
from auditkit.hosts import Host, Past, is_here, open_host
from auditkit.model import Gap, HostReport, Level, Policy, Severity
from auditkit.printable import printable
from auditkit.scan import Ground, Scan, ground

TREES_DIFFER = frozenset(("ctime", "btime", "inode", "links", "device"))
"""What a copy never shares with the original."""
VENDOR = "vendor"
"""What to hold a host against that needs no baseline: what the vendors of its packages signed."""
MOST_ALIKE = 5
"""Commands of one kind that are proposed."""
ALONE = "explained-by-the-host-alone"
"""The rule that tells of changes for which no vendor's word is at hand."""
SINCE = ("listener-new", "listener-other-program", "banner-changed")
"""Rules of what listens otherwise than in the baseline."""
_PORT = re.compile(r" on (tcp|udp) port ([0-9]{1,5})$")
MOST_LEFT_OUT = 5
"""Paths that are named of those that a policy leaves out."""
LACKING = "there is no baseline of this host: "
DENIED = "permission denied"
NO_BASELINE = f"{LACKING}nothing can be said of what changed before now"
NO_WORD = (
    "no package of it is at hand: name where packages are (auditkit.yaml, vendor:), and scan holds what they ship against it"
)
BY_VENDORS = f"{LACKING}%d of %d packages were held against what their vendors signed, and of all else nothing can be said"

FOREIGN = (
    "the newest baseline of that name here is of another machine than this evidence, so nothing was compared: name its own"
    " with --baseline FILE"
)


def usable(given: Mapping[str, Any]) -> None:
    """Look at the options once, before any host is asked.

    Raises:
        UsageError: one of them can be right for no host.
    """
    if given.get("against") == VENDOR and (given.get("policy_name") or given.get("since")):
        raise UsageError("--against vendor looks at what packages ship, and at nothing else", "leave --policy and --since out")
    if given.get("against") and given.get("baseline_file"):
        raise UsageError("--baseline and --against are two things to compare with", "leave one of them out")
    if given.get("policy_name") and not given.get("against"):
        hint = "leave --policy out, or make a new baseline with it: auditkit baseline HOST --policy NAME|FILE"
        raise UsageError(
            "--policy says what to compare with --against; a check goes by the policy sealed in the baseline", hint
        )


def reported(plan: running.Plan, run: options.Setting, judge: running.Work[HostReport]) -> running.Document:
    """The document of what the hosts of a plan say, held against each other."""
    with peering.among(plan, run) as together:
        return running.reported(
            plan, together, judge, lambda told: following(told, run), lambda told: peering.judged(told, together)
        )


def check(host: Host, run: options.Setting, given: Mapping[str, Any]) -> HostReport:
    """What has become of a host; one that cannot be believed, or fell silent, is said so in its report."""
    try:
        if given.get("against") == VENDOR:
            from auditkit.commands import vendored  # noqa: PLC0415 - it loads what reads package databases

            return vendored.check(host, run)
        if given.get("against"):
            return _against(host, run, given)
        path = given.get("baseline_file") or store.newest(run.store, host.name)
        if path is None:
            return _without(host, run, given)
        of = None if given.get("baseline_file") else host.name
        return _with(host, store.trusted(path, run.signers, older=bool(given.get("older")), of=of), run, given)
    except (UntrustedError, HostError) as error:
        return running.failed(host.name, error)


def _with(host: Host, trusted: store.Trusted, run: options.Setting, given: Mapping[str, Any]) -> HostReport:
    base = trusted.baseline
    with closing(base), _progress(host, run, base.footer.entries) as progress:
        stands = ground(host, base.header.policy, base.header.homes)
        if integrity.is_foreign(host, stands, base.header) and not given.get("baseline_file"):
            return HostReport(host.name, gaps=(Gap("integrity", FOREIGN),))
        scan = Scan(host, stands, run.jobs, progress, run.timeout, base.blocks, also=peering.kept(run))
        result = integrity.with_baseline(base, scan, turn_of(base, given), vouching.of(run, host), run.window)
        if result.last and not given.get("baseline_file"):
            store.keep_turn(base.path, result.last)
        notes = _notes(host, stands, trusted, run)
        if not given.get("baseline_file"):
            notes.extend(_remembered(base))
        return peering.left(integrity.report(host, result, trusted.facts(), notes), host, run, scan, base)


def turn_of(base: Baseline, given: Mapping[str, Any]) -> distrust.Turn:
    """Whose turn it is to be fetched in this run."""
    last = secrets.token_hex(8) if given.get("baseline_file") else store.turn(base.path)
    return distrust.Turn(base.footer.digest.encode(), last, given.get("reread") or distrust.BUDGET)


def _remembered(base: Baseline) -> Iterator[str]:
    """Keep the baseline in mind; yield a note where that cannot be done, as on a medium that is read only."""
    try:
        store.remember(base.path, base.header.sequence)
    except AuditkitError as error:
        yield f"this baseline is not remembered, so a rollback to an older one would not be seen: {error}"


def _notes(host: Host, stands: Ground, trusted: store.Trusted, run: options.Setting) -> list[str]:
    base = trusted.baseline.header
    notes = []
    if trusted.signer is None:
        notes.append(
            "the baseline's signature was not verified, for no signers are named: whoever could write the file could change"
            " it (auditkit keygen)"
        )
    if base.host != host.name:
        notes.append(f"the baseline is of {base.host}")
    if None not in (stands.machine, base.machine) and stands.machine != base.machine:
        notes.append("the baseline is of another machine, or its machine-id(5) or name has changed")
    elif isinstance(host, Past) and is_here(host.name) and None in (stands.machine, base.machine):
        notes.append(
            "whether the baseline is of the same machine as the evidence is not known: one does not say of which it is"
        )
    if policy.shipped_text(base.policy.name) not in ("", base.policy.text):
        notes.append(f"the policy {base.policy.name} has changed since the baseline was made; the sealed one was used")
    if base.reason:
        notes.append(f"changes were accepted into baseline {base.sequence}: {base.reason}")
    return [*notes, *_left_out(stands.policy)]


def _left_out(sealed: Policy) -> Iterator[str]:
    """Yield a note on what a policy of somebody's own leaves out; of those that are shipped the page of each says it."""
    left = [watch for watch in sealed.watches if watch.level is Level.IGNORE]
    if left and policy.shipped_text(sealed.name) != sealed.text:
        named = (watch.path + (f" ({watch.why})" if watch.why else "") for watch in left[:MOST_LEFT_OUT])
        more = f" and {len(left) - MOST_LEFT_OUT} more" if len(left) > MOST_LEFT_OUT else ""
        yield f"the policy {sealed.name} says not to look at {', '.join(named)}{more}"


def _without(host: Host, run: options.Setting, given: Mapping[str, Any]) -> HostReport:
    """What can be said without a baseline: nothing of changes, the timeline if it was asked for."""
    if not given.get("may_lack") and not given.get("since"):
        raise lacking(host)
    if not given.get("since"):
        report = _by_vendors(host, run)
        if not run.page or report.counts:  # where nothing was read for vendors, it is read for the other hosts
            return report
    wanted = policy.load(sealing.policy_name(run, host.name))
    with _progress(host, run, None) as progress:
        scan = Scan(host, ground(host, wanted), run.jobs, progress, run.timeout, also=peering.kept(run))
        result = integrity.looked(scan, run.window)
        report = integrity.report(host, integrity.with_gaps(result, [Gap("integrity", NO_BASELINE)]), None)
        return peering.left(report, host, run, scan)


def _by_vendors(host: Host, run: options.Setting) -> HostReport:
    """What is not as its vendors shipped it, on a host without a baseline, where their word is at hand."""
    from auditkit.commands import vendored  # noqa: PLC0415 - it loads what reads package databases

    report = None if isinstance(host, Past) else vendored.if_at_hand(host, run)
    if report is None:
        return HostReport(host.name, gaps=(Gap("integrity", NO_BASELINE),), notes=() if isinstance(host, Past) else (NO_WORD,))
    reached = BY_VENDORS % (report.counts.get("verified", 0), report.counts.get("packages", 0))
    gaps = (*report.gaps, Gap("integrity", reached))
    return replace(report, gaps=gaps, counts={**report.counts, "gaps": len(gaps)})


def _against(host: Host, run: options.Setting, given: Mapping[str, Any]) -> HostReport:
    place = str(given["against"])
    wanted = policy.load(given.get("policy_name") or sealing.policy_name(run, host.name))
    tree = closing(open_host(f"root:{os.path.abspath(place)}", run.reach))
    with tree as other, _progress(host, run, None) as progress:
        stands = ground(host, wanted)
        copy = Scan(other, stands, max(1, run.jobs // 2), lambda _entries, _read: None, run.timeout)
        scan = Scan(host, stands, max(1, run.jobs // 2), progress, run.timeout, also=peering.kept(run))
        result = integrity.compared(copy, scan, run.window, TREES_DIFFER)
    gaps = tuple(Gap(gap.subject, f"in {place}: {gap.reason}") for gap in copy.gaps)
    result = integrity.with_gaps(result, gaps)
    report = integrity.report(host, result, None, [f"compared with the tree {place}, which nobody signed"])
    return peering.left(report, host, run, scan)


def _progress(host: Host, run: options.Setting, total: int | None) -> Shown:
    return run.show("checking", host.name, total)


def following(told: Mapping[str, Mapping[str, Any]], run: options.Setting) -> tuple[str, ...]:
    """Commands to run next for hosts, by the words that named them and as the document has them, in order of worth."""
    made = [*chain.from_iterable(_opening(word, host) for word, host in told.items()), *peering.following(told)]
    worst_first = sorted(
        told.items(), key=lambda one: max(map(_severity, one[1]["findings"]), default=Severity.INFO), reverse=True
    )
    for word, host in worst_first:
        base = host["baseline"]
        if host["findings"]:
            made.append(f"auditkit explain {max(host['findings'], key=_severity)['rule']}")
        if any(gap["subject"] == "/etc/shadow" and gap["reason"] == DENIED for gap in host["gaps"]):
            made.append("sudo auditkit audit local" if word == "local" else f"auditkit hosts {shlex.quote(word)}")
        if any(gap["reason"].startswith(LACKING) for gap in host["gaps"]):
            made.append(_making(word, host["host"]))
        if _asks_vendors(word, host):
            made.append(f"auditkit check {shlex.quote(word)} --against vendor")
        stored = base and base["file"].startswith(os.path.join(run.store, ""))
        if stored and any(change["explanation"] is None for change in host["changes"]):
            made.append(f"auditkit accept {shlex.quote(word)} PATH... --reason TEXT{' --key FILE' if run.signers else ''}")
        grave = any(_severity(finding) >= Severity.CRITICAL for finding in host["findings"])  # no night to accept a port
        if (ports := " ".join(_ports(host["findings"]))) and not grave and not word.startswith("evidence:"):
            made.append(f"auditkit accept {shlex.quote(word)} {ports} --reason TEXT{' --key FILE' if run.signers else ''}")
        if host["untrusted"]:
            made.append(f"auditkit verify {shlex.quote(run.store)}")
    return tuple(_few(dict.fromkeys(made)))


def _opening(word: str, host: Mapping[str, Any]) -> Iterator[str]:
    """Yield the command that opens a case, where logs were read and say that it is one."""
    if host["logins"]:
        from auditkit.commands import attempts  # noqa: PLC0415 - loaded by now, and a check without logs needs none of it

        yield from attempts.following(host, word)


def _ports(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Options that accept what listens otherwise than in the baseline, as far as one wants to read them."""
    found = (_PORT.search(one["subject"]) for one in findings if one["rule"] in SINCE)
    return list(dict.fromkeys(f"--port {each[2]}/{each[1]}" for each in found if each))[:MOST_ALIKE]


def _asks_vendors(word: str, host: Mapping[str, Any]) -> bool:
    """Whether the vendors' word is worth having: packages were renewed, and changes are left or rest on the host's word."""
    if word.startswith("evidence:") or not any(group["by"] == "package" for group in host["explained"]):
        return False
    return any(_severity(finding) >= Severity.MEDIUM or finding["rule"] == ALONE for finding in host["findings"])


def lacking(host: Host) -> UsageError:
    """The error of a host without a baseline."""
    word = f"evidence:{host.path}" if isinstance(host, Past) else host.name
    return UsageError(f"there is no baseline of {printable(host.name)}", f"make one: {_making(word, host.name)}")


def _making(word: str, name: str) -> str:
    """The command that makes a baseline; what calls itself `local` in evidence may be another machine than this one."""
    own = " --store DIR" if word.startswith("evidence:") and is_here(name) else ""
    return f"auditkit baseline {shlex.quote(word)}{own}"


def _severity(finding: Mapping[str, Any]) -> Severity:
    return Severity[finding["severity"].upper()]


def _few(commands: Iterable[str]) -> Iterator[str]:
    """Yield one command where several are alike but for the host, and no more of a kind than one wants to read."""
    kinds: dict[str, list[str]] = {}
    for command in commands:
        words = command.split(" ")
        kinds.setdefault(" ".join((*words[:2], *(word for word in words[2:] if word == "--store"))), []).append(command)
    for kind, alike in kinds.items():
        if kind == "auditkit baseline":
            yield " ".join((kind, *(command.removeprefix(f"{kind} ") for command in alike)))
        else:
            yield from alike[:MOST_ALIKE]
