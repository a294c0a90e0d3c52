"""What the reports of a case say of each machine: who got in, what changed, what is open. A late report undoes no worse one."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditkit.model import Severity, State
from auditkit.printable import printable
from auditkit.response.brief.nouns import Material, Report
from auditkit.response.brief.wording import LONG_NAME, name, note
from auditkit.response.nouns import Kind
from auditkit.response.steps import triage
from auditkit.response.summary import ACCESS, COVERAGE
from auditkit.words import read

Dict = Mapping[str, Any]
SEEN, CLAIMED, CANNOT_TELL, NOT_REACHED, NONE_SEEN = "seen", "unsupported", "cannot-tell", "not-reached", "none-seen"
REACHED = (SEEN, CLAIMED, CANNOT_TELL, NONE_SEEN)
"""What is said of a machine that was reached."""
_TOLD = frozenset((State.OK, State.FINDINGS, State.PARTIAL, State.UNTRUSTED))
"""How asking a machine ended where it was asked to the end; an older document has no state."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one report says of one machine."""

    report: Report
    host: Dict

    @property
    def entry(self) -> int:
        """The entry of the journal that tells of the report."""
        return self.report.entry

    @property
    def command(self) -> str:
        """What made it: `logins`, `scan`."""
        return str(self.report.document["command"])

    @property
    def taken(self) -> datetime | None:
        """When it was done."""
        return read(self.report.document["finished"])

    @property
    def failed(self) -> bool:
        """Whether the machine was not asked to the end."""
        return self.host.get("state", State.OK) not in _TOLD

    @property
    def facts(self) -> Dict:
        """What is a fact and no judgment."""
        facts: Dict = self.host["facts"]
        return facts

    @property
    def changes(self) -> list[Dict]:
        """The changes that nothing explains, the worst first."""
        return _worst_first(change for change in self.host["changes"] if not change["explanation"])

    @property
    def findings(self) -> list[Dict]:
        """The findings of at least low severity that do not say once more what a change says, the worst first."""
        told = {(change["path"], change["rule"]) for change in self.host["changes"]}
        apart = (one for one in self.host["findings"] if (one["subject"], one["rule"]) not in told)
        return _worst_first(one for one in apart if severity(one) >= Severity.LOW)

    @property
    def accepted(self) -> list[Dict]:
        """What auditkit.yaml accepts, the worst first."""
        return _worst_first(self.host.get("accepted", ()))

    @property
    def compared(self) -> bool:
        """Whether it was held against a baseline, or against what its vendors signed."""
        return self.host["baseline"] is not None or bool(self.host["counts"].get("verified"))


def severity(one: Dict) -> Severity:
    """How much a change or finding matters."""
    return Severity[str(one["severity"]).upper()]


def _worst_first(found: Iterable[Dict]) -> list[Dict]:
    return sorted(found, key=severity, reverse=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether anybody got in, by one report."""

    look: Look
    access: str
    logins: Dict
    """Empty where the machine was not reached."""
    also: tuple[int, ...] = ()
    """Entries of other reports of the machine that say something else."""

    @property
    def coverage(self) -> str:
        """How far the logs can tell."""
        return str(self.logins.get("coverage", "source-missing"))

    @property
    def why(self) -> str:
        """Why it cannot be told, or why the machine was not reached."""
        if self.access == CANNOT_TELL:
            return note(str(self.logins.get("why_not") or "its report does not say why"), 120)
        host = self.look.host
        if host["untrusted"] is not None:
            return note(host["untrusted"], 120)
        reasons = [gap["reason"] for gap in host["gaps"] if gap["subject"] in (host["host"], "logins")]
        return note(reasons[0] if reasons else str(host.get("state", "it gave no answer")), 120)

    @property
    def real(self) -> list[Dict]:
        """Logins that a server or a session tells of; of who guessed those outside of the time that was asked for, too."""
        every = [*self.logins.get("successes", ()), *_of_who_guessed(self.logins)]
        return [one for one in every if one.get("state") not in ("forged", "unsupported")]

    @property
    def asked(self) -> list[Dict]:
        """Of these the ones that something speaks against, the worst first."""
        guessed = _of_who_guessed(self.logins)
        odd = [one for one in self.real if one.get("ask") or one.get("state") == "sourceless" or one in guessed]
        return sorted(odd, key=lambda one: Severity[str(one.get("ask") or "medium").upper()], reverse=True)

    @property
    def claimed(self) -> list[Dict]:
        """Logins that nothing supports."""
        return [one for one in self.logins.get("successes", ()) if one.get("state") in ("forged", "unsupported")]

    @property
    def window(self) -> tuple[datetime | None, datetime | None]:
        """The time that was judged."""
        told = self.logins.get("window", {})
        return read(told.get("from")), read(told.get("to"))


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine by the name that a brief gives it."""

    name: str
    looks: tuple[Look, ...]
    """In the order of the journal."""
    answer: Answer | None
    """Whether anybody got in: the worst that no later report undoes; None where no report asked."""

    def newest(self, kind: Callable[[Look], bool]) -> Look | None:
        """The latest look of a kind at which the machine answered."""
        return next((look for look in reversed(self.looks) if not look.failed and kind(look)), None)

    @property
    def check(self) -> Look | None:
        """The latest look at what changed."""
        asks = ("check", "scan")
        return self.newest(lambda look: look.command in asks and look.compared and look.host["untrusted"] is None)

    @property
    def audit(self) -> Look | None:
        """The latest look at how it is set up."""
        return self.newest(lambda look: bool(look.host["counts"].get("audits")))

    def knowing(self, fact: str) -> Look | None:
        """The latest look that has a fact."""
        return self.newest(lambda look: look.facts.get(fact) is not None)

    @property
    def last(self) -> datetime | None:
        """When it last answered."""
        return max((look.taken for look in self.looks if look.taken and not look.failed), default=None)

    @property
    def alive(self) -> bool:
        """Whether it answered for itself, and was not looked at as a disk under another system."""
        return not all(str(look.host["host"]).startswith("root:") for look in self.looks)


def machines(reports: Iterable[Report]) -> tuple[Machine, ...]:
    """The machines that reports are about, in the order in which they were first asked."""
    looks: dict[tuple[str, str], list[Look]] = {}
    for report in sorted(reports, key=lambda report: report.entry):
        for host in report.document["hosts"]:
            here = report.where if host["host"] == "local" else ""
            looks.setdefault((host["host"], here), []).append(Look(report, host))
    names = Counter(_named(*key) for key in looks)
    named = {key: _named(*key, whole=names[_named(*key)] > 1) for key in looks}
    return tuple(Machine(named[key], tuple(found), _worst(found)) for key, found in looks.items())


def _named(word: str, here: str, *, whole: bool = False) -> str:
    """What a machine is called: of a path of logs its end, as long as no other ends so."""
    shown = printable(here or word)
    if not whole and word.startswith(("/", "./", "../")):
        path, more = (shown, "") if " and " not in shown else shown.rsplit(" and ", 1)
        *_above, folder, last = ("", *path.rstrip("/").split("/"))
        shown = (last if "." in last else f"{folder}/{last}") + (f" and {more}" if more else "")
    return shown if len(shown) <= LONG_NAME else f"{shown[: LONG_NAME - 15]}...{shown[-12:]}"


def _worst(looks: Sequence[Look]) -> Answer | None:
    """The worst answer of a machine that no later report undoes."""
    asked = [answer for answer in map(_answer, looks) if answer]
    left = [one for number, one in enumerate(asked) if not any(_undoes(later, one) for later in asked[number + 1 :])]
    reached = [one for one in left if one.access != NOT_REACHED] or left
    if not reached:
        return None
    worst = max(reached, key=lambda one: (*_rank(one), one.look.entry))
    others = tuple(one.look.entry for one in left if one.access != worst.access)
    return Answer(worst.look, worst.access, worst.logins, others)


def _answer(look: Look) -> Answer | None:
    """What a report says of logins; None where it did not ask."""
    logins = look.host["logins"]
    if look.failed and (logins is None or logins["access"] in (NONE_SEEN, CANNOT_TELL)):
        return Answer(look, NOT_REACHED, {}) if look.command in ("logins", "scan") else None
    return Answer(look, _access(logins), logins) if logins is not None else None


def _of_who_guessed(logins: Dict) -> list[Dict]:
    """Logins from addresses that guessed, outside of the time that was asked for."""
    found: list[Dict] = logins.get("outside", {}).get("of_who_guessed", [])
    return found


def _access(logins: Dict) -> str:
    """Whether anybody got in: no time that is asked for hides a login of who guessed."""
    return SEEN if _of_who_guessed(logins) else str(logins["access"])


def _rank(one: Answer) -> tuple[int, int]:
    return ACCESS.index(one.access) if one.access in ACCESS else 1, COVERAGE.index(one.coverage)


def _undoes(later: Answer, one: Answer) -> bool:
    """Whether a later report says all that an earlier one says of its time, or more: then only the later one counts."""
    if NOT_REACHED in (one.access, later.access):
        return one.access == NOT_REACHED
    if not _contains(later, one):
        return False
    as_bad = all(new >= old for new, old in zip(_rank(later), _rank(one), strict=True))
    return as_bad or (one.access in (NONE_SEEN, CANNOT_TELL) and one.coverage != "tamper")


def _contains(later: Answer, one: Answer) -> bool:
    start, end = one.window
    if start is None or end is None:
        return True
    first, last = later.window
    return first is not None and last is not None and first <= start and last >= end


def with_access(all_of_them: Sequence[Machine], *words: str) -> list[tuple[Machine, Answer]]:
    """Machines of which this is said."""
    return list(_with_access(all_of_them, words))


def _with_access(all_of_them: Sequence[Machine], words: Sequence[str]) -> Iterator[tuple[Machine, Answer]]:
    for machine in all_of_them:
        answer = machine.answer
        if answer is not None and answer.access in words:
            yield machine, answer


def of_files(machine: Machine, inventory: Sequence[str] | None) -> bool:
    """Whether a machine is known by logs that were named as files: it may be one of the others."""
    word = str(machine.looks[0].host["host"])
    return not (word == "local" or word in (inventory or ()) or word.startswith(("ssh:", "root:", "evidence:")))


def not_asked(all_of_them: Sequence[Machine], material: Material) -> list[str]:
    """Machines of which no report says whether anybody got in: of other reports, of auditkit.yaml, and of the case."""
    return [*(machine.name for machine in all_of_them if machine.answer is None), *without_report(all_of_them, material)]


def without_report(all_of_them: Sequence[Machine], material: Material) -> list[str]:
    """Machines of which there is no report: those that the case is about, of auditkit.yaml, and with evidence in the case."""
    known = {str(look.host["host"]) for machine in all_of_them for look in machine.looks}
    kept = (entry.said.data.get("host") for entry in material.journal.entries if entry.said.kind is Kind.FILE)
    collected = (word for word in kept if isinstance(word, str))
    named = dict.fromkeys((*triage(material.journal).hosts, *(material.inventory or ()), *collected))
    return [name(word) for word in named if word not in known]
