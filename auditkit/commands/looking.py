"""How far a run looked at each of its hosts, as the history keeps it, and which part of a run looks for which rule."""

import os
import re
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from blake3 import blake3

from auditkit import lifetimes, unlike
from auditkit.commands import options, rules, running
from auditkit.commands.checking import VENDOR
from auditkit.hosts import is_here
from auditkit.lifetimes import INTEGRITY, LOGINS, TOGETHER, Base, Look
from auditkit.report.document import FAILURES, state
from auditkit.report.items import unseen

Document = Mapping[str, Any]
_ID = re.compile(rb"[0-9a-f]{32}")
"""A machine-id(5); it is not to be told on, so a digest of it is kept."""
OF_VENDORS = f"{INTEGRITY} {VENDOR}"
OF_UNLIKE = frozenset(rule.id for rule in unlike.RULES)


def look(word: str, host: Document, plan: running.Plan, run: options.Setting) -> Look:
    """How far a run that ends now looked at the host that a word names; its number is for the history to say."""
    base, machine = host["baseline"] or host["facts"].get("before"), _machine(word, host)
    return Look(
        number=0,
        begun=_begun(word, plan, run),
        ended=datetime.now(UTC),
        parts=_parts(host, plan),
        whole=bool(host["counts"]) and host["untrusted"] is None and state(host) not in FAILURES,
        mends=not word.startswith(("root:", "evidence:")) or (word.startswith("root:") and bool(machine)),
        base=base and Base(os.path.dirname(base["file"]), base["sequence"], base["made"]),
        gaps=frozenset(gaps(host)),
        took=_took(plan.given),
        machine=machine,
        tool=options.TOOL,
    )


def gaps(host: Document) -> dict[str, str]:
    """What a run could not see of a host: what each gap is known by, and what it is of."""
    return {lifetimes.fingerprint(gap["subject"], gap["reason"]): gap["subject"] for gap in unseen(host)}


def integrity(host: Document, plan: running.Plan) -> str:
    """The part of a run that compares files, by what they are compared with; empty where there is nothing."""
    against = plan.given.get("against")
    if against and against != VENDOR:
        return f"{INTEGRITY} {os.path.abspath(against)} {plan.given.get('policy_name') or ''}".rstrip()
    if against or (not host["baseline"] and "verified" in host["counts"]):
        return OF_VENDORS
    return INTEGRITY if host["baseline"] or plan.command == "check" else ""


def _parts(host: Document, plan: running.Plan) -> frozenset[str]:
    """What a run looks for on a host."""
    match plan.command:
        case "logins":
            return frozenset((LOGINS,))
        case "check":
            return frozenset(filter(None, (integrity(host, plan), TOGETHER)))
    from auditkit.commands import auditing  # noqa: PLC0415 - a check needs no audits

    if host["facts"].get("device"):
        return frozenset((*map(_of_audit, auditing.OF_DEVICES), TOGETHER))
    audits = (_of_audit(audit.name) for audit in auditing.chosen(plan.given.get("only") or ()))
    besides = (integrity(host, plan), LOGINS) if plan.command == "scan" else ()
    return frozenset(filter(None, (*audits, *besides, TOGETHER)))


def _of_audit(name: str) -> str:
    return f"audit {name}"


def part_of(rule: str) -> str:
    """The part of a run that looks for a rule; empty where it is the one that compares files."""
    if rule in OF_UNLIKE:
        return TOGETHER
    return "" if rules.is_of_files(rule) else _known().get(rule, "")


def has(rule: str) -> bool:
    """Whether there is such a rule."""
    return bool(rules.known((rule,)))


@cache
def _known() -> dict[str, str]:
    """The part of each rule that is not of comparing files."""
    from auditkit import across, audits  # noqa: PLC0415 - a check that finds nothing needs none of it
    from auditkit.logins import verdict  # noqa: PLC0415

    of_audits = {rule.id: _of_audit(audit.name) for audit in audits.AUDITS for rule in audit.rules}
    together = {rule.id: TOGETHER for rule in across.RULES}
    return of_audits | together | {rule.id: LOGINS for rule in verdict.RULES}


def is_based(rule: str) -> bool:
    """Whether it is a rule of an audit that holds a host against its baseline."""
    return not rules.is_of_files(rule) and rule in _based()


@cache
def _based() -> frozenset[str]:
    from auditkit.audits.listeners import since  # noqa: PLC0415 - it loads every audit

    return frozenset(rule.id for rule in since.RULES)


def _took(given: Mapping[str, Any]) -> frozenset[str]:
    """What a run went by besides."""
    files = (f"advisories {os.path.basename(file)}" for file in given.get("advisories") or ())
    return frozenset((*files, *(("active",) if given.get("active") else ())))


def _begun(word: str, plan: running.Plan, run: options.Setting) -> datetime:
    """When a host was asked at the earliest: of one that is not asked again, when the run began that is continued."""
    if plan.kept is None or word not in plan.earlier:
        return run.started
    first = datetime.strptime(plan.kept.id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return min(first, run.started - timedelta(microseconds=1))


def _machine(word: str, host: Document) -> str:
    """What tells a machine from another one that is called the same: its host key, or its id where that is at hand."""
    if word == "local":
        return here()
    if word.startswith("root:"):
        return _known_by(_id_on(word.removeprefix("root:")))
    return "" if is_here(word) else str(host["facts"].get("connection", {}).get("host_key") or "")


@cache
def here() -> str:
    """What tells this machine from others; empty where nothing does."""
    return _known_by(_id_on("/"))


def _known_by(told: bytes) -> str:
    return blake3(b"auditkit history\0" + told).hexdigest(length=16) if told else ""


def _id_on(root: str) -> bytes:
    """The machine-id(5) below a root; no link is followed, for one may lead to that of another machine."""
    handles: list[int] = []
    try:
        handles.append(os.open(root, os.O_RDONLY | os.O_DIRECTORY))
        handles.append(os.open("etc", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handles[0]))
        handles.append(os.open("machine-id", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handles[1]))
        told = os.read(handles[2], 100) if stat.S_ISREG(os.fstat(handles[2]).st_mode) else b""
    except OSError:
        return b""
    finally:
        for handle in handles:
            os.close(handle)
    return told.strip() if _ID.fullmatch(told.strip()) else b""
