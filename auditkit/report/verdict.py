"""What a host comes to, in a sentence: the last line of it for whoever reads, and the first of a ticket."""

from collections.abc import Mapping
from typing import Any

from auditkit.printable import counted, grouped, said
from auditkit.report.document import FAILURES, apart, judged, severity, state, status

Dict = Mapping[str, Any]


def of_host(host: Dict) -> str:
    """`2 changes, 1 finding (1 critical, 2 high), 1 gap: NOT CLEAN`."""
    gaps = counted(len(host["gaps"]), "gap")
    match status(host):
        case "untrusted":
            return f"UNTRUSTED: nothing was compared: {said(host['untrusted'])}"
        case "findings":
            return f"{_numbers(host)}{', ' + gaps if host['gaps'] else ''}{_accepted(host, ', ')}{_broken(host)}: NOT CLEAN"
        case "incomplete":
            return f"{_how(host)}: {gaps}; {_unknown(host)}"
    watched = f" ({counted(host['counts']['entries'], 'path')})" if "entries" in host["counts"] else ""
    if not host["baseline"]:
        return f"looked at everything that was asked for{watched}; nothing found{_minor(host)}"
    changed = "nothing changed that is not explained" if host["explained"] else "nothing changed"
    return f"looked at everything that the policy watches{watched}; {changed}{_minor(host)}"


def _how(host: Dict) -> str:
    """`INCOMPLETE`, or the state in which asking the host ended."""
    return state(host).upper() if state(host) in FAILURES else "INCOMPLETE"


def _broken(host: Dict) -> str:
    return f", {state(host)}" if state(host) in FAILURES else ""


def _numbers(host: Dict) -> str:
    """`2 changes, 1 finding (1 critical, 2 high)`."""
    against = judged(host)
    parts = [(len(against) - len(apart(host)), "change"), (len(apart(host)), "finding")]
    words = ", ".join(counted(number, noun) for number, noun in parts if number)
    by_severity: dict[str, int] = {}
    for one in sorted(against, key=severity, reverse=True):
        by_severity[one["severity"]] = by_severity.get(one["severity"], 0) + 1
    return f"{words} ({', '.join(f'{grouped(number)} {word}' for word, number in by_severity.items())})"


def _unknown(host: Dict) -> str:
    """What a gap leaves unknown: all, where the host gave no answer, or none was asked for."""
    if not host["counts"]:
        silent = any(gap["subject"] == host["host"] for gap in host["gaps"])
        return "nothing is known of this host" if silent else "nothing was looked at"
    return f"nothing is known of what could not be seen{_minor(host) or '; nothing found in the rest'}"


def _minor(host: Dict) -> str:
    remarks = f"; {counted(len(apart(host)), 'remark')} above" if apart(host) else ""
    return remarks + _accepted(host, "; ")


def _accepted(host: Dict, before: str) -> str:
    """How many risks are accepted: that is no part of nothing."""
    number = len(host.get("accepted", ()))
    return f"{before}{counted(number, 'risk')} accepted" if number else ""
