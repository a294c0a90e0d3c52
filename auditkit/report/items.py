"""What a report tells of a host, item by item, for every format that programs read: none leaves out what another has."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from auditkit.model import Severity
from auditkit.printable import counted, printable, said
from auditkit.report.differences import told
from auditkit.report.document import FAILURES, INCOMPLETE, Document, apart, state
from auditkit.report.findings import what
from auditkit.report.look import Options

Dict = Mapping[str, Any]
NOBODY: Dict = {
    "host": "", "status": INCOMPLETE, "untrusted": None, "baseline": None, "counts": {}, "explained": [], "changes": [],
    "findings": [], "logins": None, "facts": {}, "gaps": [{"subject": "", "reason": "no host was asked"}], "notes": [],
}  # fmt: skip
"""What stands for the hosts of a run that asked none: nothing looked at is nothing clean."""
ACCESS = {"none-seen": Severity.INFO, "seen": Severity.LOW, "unsupported": Severity.HIGH, "cannot-tell": Severity.MEDIUM}
COVERAGE = {"complete": Severity.INFO, "gap": Severity.MEDIUM, "source-missing": Severity.MEDIUM, "tamper": Severity.HIGH}

DOUBTFUL = ("unsupported", "forged", "sourceless")
"""States of a login of which nobody can say that it was one."""


class Sort(StrEnum):
    """What an item is, as documents say it."""

    UNTRUSTED = "untrusted"
    """Why nothing was compared."""
    LOGINS = "logins"
    """The verdict on logins."""
    CHANGE = "change"
    FINDING = "finding"
    ACCEPTED = "accepted"
    """A finding that auditkit.yaml accepts."""
    LOGIN = "login"
    GUESSES = "guesses"
    """The attempts from one address."""
    GAP = "gap"


PLACED = (Sort.CHANGE, Sort.FINDING, Sort.ACCEPTED, Sort.GAP)
"""What may be about a path by its subject; a user or an address may begin with a slash too."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is told of a host."""

    sort: Sort
    severity: Severity
    rule: str
    subject: str
    """As the document has it."""
    message: str
    """As it may be shown."""
    of: Dict
    """What the document says of it."""
    excuse: str = ""
    """Why it does not speak against the host, as it may be shown: what explains a change, why a finding is accepted."""
    id: str = ""
    """The same in every run that tells the same of the same host, and in none else."""

    @property
    def against(self) -> bool:
        """Whether it speaks against the host."""
        match self.sort:
            case Sort.CHANGE:
                return not self.excuse
            case Sort.FINDING:
                return self.severity >= Severity.LOW
            case Sort.LOGINS:
                return self.severity >= Severity.HIGH
        return self.sort is Sort.UNTRUSTED

    @property
    def line(self) -> str:
        """What one line tells of it: of a change its path, and by which rule."""
        told = f"{printable(self.subject)}: {self.message}" if self.sort is Sort.CHANGE else self.message
        return f"{told}  {said(self.rule)}"

    @property
    def unseen(self) -> bool:
        """Whether it says that something is not known."""
        if self.sort is Sort.LOGINS:
            return self.of["access"] not in ("none-seen", "seen", "unsupported") or self.of["coverage"] != "complete"
        return self.sort is Sort.GAP

    @property
    def doubtful(self) -> bool:
        """Whether it is a login that is only claimed."""
        return self.sort is Sort.LOGIN and self.of.get("state") in DOUBTFUL

    @property
    def place(self) -> tuple[str, int]:
        """The path that it is about, and the line there; an empty path where there is none, 0 where no line is known."""
        quoted = [(quote["source"], quote["line"]) for quote in self.of.get("quotes", ()) if quote["source"].startswith("/")]
        if self.sort in PLACED and self.subject.startswith("/"):
            return next((place for place in quoted if place[0] == self.subject), (self.subject, 0))
        return quoted[0] if quoted else ("", 0)


def hosts(document: Document) -> list[Dict]:
    """The hosts of a run, or what stands for them where none was asked."""
    return document["hosts"] or [NOBODY]


def named(document: Document) -> Iterator[tuple[str, Dict]]:
    """Yield each host with a name, as it may be shown, that no other one has."""
    taken: Counter[str] = Counter()
    for host in hosts(document):
        name = printable(host["host"])
        while taken[name]:
            taken[name] += 1
            name = f"{name} ({taken[name]})"
        taken[name] += 1
        yield name, host


def items(host: Dict, options: Options) -> Iterator[Item]:
    """Yield what is told of a host, gaps last; explained changes only where they are asked for."""
    seen: Counter[str] = Counter()
    for item in _items(host, options):
        key = id_of(host, item.sort, *identity(item))
        seen[key] += 1
        yield replace(item, id=key if seen[key] == 1 else f"{key}-{seen[key]}")


def id_of(host: Dict, sort: str, *words: str) -> str:
    """The id of an item of a host; of a change or finding by rule and subject."""
    return sha256(json.dumps([host["host"], sort, *words]).encode()).hexdigest()[:32]


def moment(text: object) -> datetime | None:
    """A time of the document; None if it is none, so that no store refuses a line for its time."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo and MINYEAR < time.year < MAXYEAR else None


def iso(text: object) -> str | None:
    """A time of the document in ISO 8601, in UTC; None if it is none."""
    time = moment(text)
    return None if time is None else time.replace(tzinfo=None).isoformat() + "Z"


def _items(host: Dict, options: Options) -> Iterator[Item]:
    if host["untrusted"] is not None:
        reason = f"nothing was compared: {said(host['untrusted'])}"
        yield Item(Sort.UNTRUSTED, Severity.CRITICAL, "untrusted", host["host"], reason, {})
    if host["logins"]:
        yield _verdict(host["logins"])
    yield from map(_finding, apart(host))
    yield from map(_change, _told(host, options))
    yield from map(_accepted, host.get("accepted", ()))
    if host["logins"]:
        yield from map(_login, host["logins"]["successes"])
        yield from map(_guesses, host["logins"]["sources"])
    yield from map(_gap, unseen(host))


def _told(host: Dict, options: Options) -> Iterator[Dict]:
    """Yield the changes that are items: explained ones where they are asked for, and no accepted one, which is one already."""
    accepted = {(one["rule"], one["subject"]) for one in host.get("accepted", ())}
    for change in host["changes"]:
        if not change["explanation"] or (options.show_all and (change["rule"], change["path"]) not in accepted):
            yield change


def unseen(host: Dict) -> Sequence[Dict]:
    """The gaps of a host, one at least where it was not asked to its end."""
    gaps: Sequence[Dict] = host["gaps"]
    if gaps or state(host) not in FAILURES:
        return gaps
    return [{"subject": host["host"], "reason": f"the host was not asked to its end: {state(host)}"}]


def identity(item: Item) -> tuple[str, ...]:
    """What tells an item from others of its sort in a run, and is the same in the next one."""
    if item.sort is Sort.LOGIN:
        return tuple(str(item.of[name]) for name in ("time", "user", "address", "port", "method"))
    return item.rule, item.subject


def _severity(word: object) -> Severity:
    return Severity[str(word).upper()]


def _change(change: Dict) -> Item:
    how = _severity(change["severity"])
    message = f"{change['change']}: {', '.join(told(change))}".removesuffix(": ")
    excuse = change["explanation"] and f"{said(change['explanation']['text'])} ({change['explanation']['proof']})"
    return Item(Sort.CHANGE, how, change["rule"], change["path"], message, change, excuse or "")


def _finding(finding: Dict) -> Item:
    return Item(Sort.FINDING, _severity(finding["severity"]), finding["rule"], finding["subject"], what(finding), finding)


def _accepted(finding: Dict) -> Item:
    excuse = f"accepted until {said(finding['until'])}: {said(finding['reason'])}"
    return replace(_finding(finding), sort=Sort.ACCEPTED, excuse=excuse)


def _verdict(logins: Dict) -> Item:
    """The sentence, and how much it takes from "no success seen", "complete for the window"."""
    how = max(ACCESS.get(logins["access"], Severity.HIGH), COVERAGE.get(logins["coverage"], Severity.HIGH))
    left = [(logins.get("more_successes", 0), "login"), (logins.get("more_sources", 0), "address")]
    more = "".join(f"; {counted(number, noun)} more" for number, noun in left if number)
    return Item(Sort.LOGINS, how, "logins-verdict", "logins", said(logins["verdict"]) + more, logins)


def _login(one: Dict) -> Item:
    """A login; what speaks against it is its severity."""
    parts = [
        f"{printable(one['user']) or chr(39) * 2} from {printable(one['address'] or 'the machine itself')}",
        f"by {said(one['method'] or one.get('service') or 'means that no line tells')}",
        one.get("state", ""),
        f"told by {', '.join(map(said, one['support'])) or 'nothing else'}",
        counted(one["guesses_before"], "guess") + " before" if one.get("guesses_before") else "",
        f"to be asked about first ({one['ask']})" if one.get("ask") else "",
    ]
    how = _severity(one.get("ask") or "info")
    return Item(Sort.LOGIN, how, "login", one["user"], ", ".join(filter(None, parts)), one)


def _guesses(source: Dict) -> Item:
    names = source.get("names", len(source["users"]))
    address = "all other addresses" if source["address"] == "*" else printable(source["address"]) or "no known address"
    message = f"{counted(source['attempts'], 'guess')} at {counted(names, 'name')} from {address}"
    return Item(Sort.GUESSES, Severity.INFO, "guesses", source["address"], message, source)


def _gap(gap: Dict) -> Item:
    message = f"{printable(gap['subject'])}: {said(gap['reason'])}".removeprefix(": ")
    return Item(Sort.GAP, Severity.MEDIUM, "gap", gap["subject"], f"not seen: {message}", gap)
