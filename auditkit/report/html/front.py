"""The top of the page: the verdict, and the answers to the four questions in the words of the text report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from auditkit.model import Severity, State
from auditkit.printable import counted, few, grouped, printable, said
from auditkit.report.access import sentence_on_passwords
from auditkit.report.document import CLEAN, FAILURES, Document, apart, severity, state, status, worst
from auditkit.report.entered import to_ask, who_got_in
from auditkit.report.explained import PROOFS, sentence
from auditkit.report.html.attempts import on_all
from auditkit.report.lasting import all_fixed, held, missed
from auditkit.report.look import Options
from auditkit.report.table import verdict
from auditkit.report.verdict import of_host

WIDE = Options(width=1_000_000)
"""The lines of the text report, each in one piece: the browser breaks them."""
MOST_NAMED = 8
LONGEST = 300
"""Characters of the sentence on passwords that are shown on top."""
BAD, WARN, GOOD, UNKNOWN = "bad", "warn", "good", "unknown"
TONES = {"findings": BAD, "untrusted": BAD, "incomplete": WARN, "clean": GOOD}
"""How a status looks; the word itself stands beside it."""
WORDS = {BAD: "needs a person", WARN: "look at it", GOOD: "nothing found", UNKNOWN: "not looked at"}
ENTERED = {"seen": WARN, "unsupported": BAD, "cannot-tell": WARN, "none-seen": GOOD}

Dict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One of the four questions, and what the report answers."""

    name: str
    tone: str
    lines: tuple[str, ...]
    place: str
    """The anchor where more of it is said."""
    word: str = ""
    """The tone in words."""


@dataclass(frozen=True, slots=True)
class Front:
    """What stands on top."""

    title: str
    verdict: str
    status: str
    tone: str
    since: str
    """What became of what earlier runs told."""
    questions: tuple[Question, ...]


def front(document: Document) -> Front:
    """The top of the page for this document."""
    hosts = document["hosts"]
    name = printable(hosts[0]["host"]) if len(hosts) == 1 else counted(len(hosts), "host")
    how = worst(map(status, hosts))  # a document that calls itself clean is not believed
    told = f"{printable(hosts[0]['host'])}: {of_host(hosts[0])}" if len(hosts) == 1 else _of_many(hosts)
    asked = (_entered(hosts), _changed(hosts), _open(hosts, document.get("access")), _unseen(hosts))
    questions = tuple(replace(one, word=one.word or WORDS[one.tone]) for one in asked)
    tone = WARN if how == CLEAN and any(map(_doubtful, hosts)) else TONES[how]
    return Front(f"{document['command']}: {name}", told, how, tone, _since(hosts), questions)


def _since(hosts: Sequence[Dict]) -> str:
    if len(hosts) == 1:
        return held(hosts[0])
    known = [host["since"] for host in hosts if host.get("since", {}).get("run") is not None]
    if not known:
        return ""
    new, odd = sum(one["new"] for one in known), sum(bool(one["new"]) for one in known)
    gone = sum(map(all_fixed, known))
    unknown = sum(map(missed, known))
    parts = [f"{grouped(new)} new on {counted(odd, 'host')}" if new else "nothing new"]
    parts += [f"{grouped(sum(one['still'] for one in known))} still there"]
    parts += [f"{grouped(gone)} gone"] if gone else []
    parts += [f"{grouped(unknown)} more that this run could not look for"] if unknown else []
    parts += [f"{counted(rest, 'host')} with no earlier run"] if (rest := len(hosts) - len(known)) else []
    return f"since the runs before: {', '.join(parts)}"


def _doubtful(host: Dict) -> bool:
    """Whether what is said of logins is no good news, although no finding and no gap of the document says so."""
    told = host["logins"]
    return bool(told) and (
        told["access"] in ("unsupported", "cannot-tell") or told["coverage"] != "complete" or bool(to_ask(host))
    )


def _of_many(hosts: Sequence[Dict]) -> str:
    return verdict(hosts, Options()) if hosts else "no host was looked at: INCOMPLETE"


def _entered(hosts: Sequence[Dict]) -> Question:
    name, asked = "Did they get in?", [host for host in hosts if host["logins"]]
    if not asked:
        return Question(name, UNKNOWN, ("No logins were looked at in this run.",), "hosts")
    words = {host["logins"]["access"] for host in asked} | {"cannot-tell" for host in hosts if state(host) in FAILURES}
    suspect = any(to_ask(host) for host in asked)
    tone = (
        BAD if suspect else next(ENTERED[word] for word in ("unsupported", "cannot-tell", "seen", "none-seen") if word in words)
    )
    partly = len(asked) < len(hosts) or any(host["logins"]["coverage"] != "complete" for host in asked)
    tone = WARN if tone == GOOD and partly else tone
    lines = [line.strip().removeprefix("logins").strip() for line in who_got_in(hosts, WIDE)]
    lines = [said(hosts[0]["logins"]["verdict"])] if len(hosts) == 1 else lines
    found = [finding for host in hosts for finding in apart(host) if of_logins(finding) and severity(finding) >= Severity.LOW]
    if found:
        lines.append(f"{counted(len(found), 'finding')} on logins ({_severities(found)})")
        tone = BAD if max(map(severity, found)) >= Severity.MEDIUM else tone
    return Question(name, tone, tuple(lines), "attack" if len(hosts) > 1 and _timed(asked) else "hosts")


def of_logins(finding: Dict) -> bool:
    """Whether a finding says something of logins."""
    return finding["rule"] in _rules_of_logins()


@cache
def _rules_of_logins() -> frozenset[str]:
    from auditkit.logins.verdict import RULES  # noqa: PLC0415 - much to load, only where HTML is asked for

    return frozenset(rule.id for rule in RULES)


def _timed(hosts: Sequence[Dict]) -> bool:
    """Whether there is a picture of logins by time."""
    return on_all(hosts) is not None


def _changed(hosts: Sequence[Dict]) -> Question:
    name = "Did anything change?"
    unexplained = [change for host in hosts for change in host["changes"] if not change["explanation"]]
    lines = (
        [f"UNTRUSTED: nothing was compared on {_names(lost)}"]
        if (lost := [h for h in hosts if h["untrusted"] is not None])
        else []
    )
    compared = [host for host in hosts if "entries" in host["counts"] and host["untrusted"] is None]
    if unexplained:
        odd = [host for host in hosts if any(not change["explanation"] for change in host["changes"])]
        lines.append(
            f"{counted(len(unexplained), 'change')} that nothing explains ({_severities(unexplained)}){_on(odd, hosts)}"
        )
    elif compared:
        lines.append(f"Nothing that is not explained, in what was compared{_on(compared, hosts)}")
    elif not lost:
        lines.append("Not looked at in this run.")
    lines += _explained(hosts)
    bare = [host for host in compared if not host["baseline"]]
    lines += [f"Without a baseline: {_names(bare)}"] if bare else []
    whole = len(compared) == len(hosts) and not any(host["gaps"] for host in hosts)
    # what no package has, and nobody told a baseline of, is held against nothing: that is no green
    tone = BAD if unexplained or lost else GOOD if whole and not bare else WARN if compared else UNKNOWN
    return Question(name, tone, tuple(lines), "hosts")


def _explained(hosts: Sequence[Dict]) -> list[str]:
    """A sentence for each kind of explanation, over all hosts."""
    sums: dict[tuple[str, str], Counter[str]] = {}
    for group in (group for host in hosts for group in host["explained"]):
        kind = sums.setdefault((group["by"], group["proof"]), Counter())
        kind.update({"changes": group["changes"], "causes": group["causes"]})
    return [
        f"{sentence({'by': by, **numbers})} ({PROOFS.get(proof, 'not proved')})"
        for (by, proof), numbers in sorted(sums.items())
    ]


def _open(hosts: Sequence[Dict], access: Dict | None) -> Question:
    found = [finding for host in hosts for finding in apart(host) if not of_logins(finding)]
    matter = [finding for finding in found if finding["severity"] != "info"]
    lines = _on_passwords(access)
    audited = [host for host in hosts if "audits" in host["counts"]]
    if matter:
        where = [host for host in hosts if any(one["severity"] != "info" and not of_logins(one) for one in apart(host))]
        lines.append(f"{counted(len(matter), 'finding')} ({_severities(matter)}){_on(where, hosts)}")
    elif audited:
        lines.append(f"No finding in what was looked at{_on(audited, hosts)}")
    else:
        lines.append("No configuration was judged in this run.")
    if remarks := len(found) - len(matter):
        lines.append(counted(remarks, "remark"))
    whole = len(audited) == len(hosts) and not any(host["gaps"] for host in hosts)
    doors = access["passwords"] if access else {"open": (), "unchecked": ()}
    whole = whole and not doors["unchecked"]
    tone = BAD if matter or doors["open"] else GOOD if whole else WARN if audited else UNKNOWN
    return Question("What is open?", tone, tuple(lines), "passwords" if access else "hosts")


def _unseen(hosts: Sequence[Dict]) -> Question:
    name = "What could not be seen?"
    with_gaps = [host for host in hosts if host["gaps"]]
    lines = [f"{word}: {_names(those)}" for word, those in _failed(hosts).items()]
    if with_gaps:
        lines.append(f"{counted(sum(len(host['gaps']) for host in with_gaps), 'gap')}{_on(with_gaps, hosts)}")
        lines.append("Nothing is known of what could not be seen.")
    elif not hosts:
        lines.append("No host was looked at.")
    tone = WARN if lines else GOOD
    if tone == GOOD:
        return Question(name, tone, ("No gap: all that was asked for was looked at.",), "gaps", "all was seen")
    return Question(name, tone, tuple(lines), "gaps")


def _on_passwords(access: Dict | None) -> list[str]:
    """The sentence on passwords, or its numbers where it names too many hosts for a card."""
    lines = [line.strip().removeprefix("passwords").strip() for line in sentence_on_passwords(access, WIDE)]
    if not access or len(lines[0]) <= LONGEST:
        return lines
    known = access["passwords"]
    opened, unchecked = counted(len(known["open"]), "host"), counted(len(known["unchecked"]), "host")
    return [f"A password opens {opened}; {unchecked} could not be checked, or only in part"]


def _failed(hosts: Sequence[Dict]) -> dict[State, list[Dict]]:
    """Hosts that were not asked to their end, by how it ended."""
    found: dict[State, list[Dict]] = {}
    for host in hosts:
        if state(host) in FAILURES:
            found.setdefault(State(state(host)), []).append(host)
    return found


def _severities(judged: Sequence[Dict]) -> str:
    """`1 critical, 2 high`."""
    numbers = Counter(severity(one) for one in judged)
    return ", ".join(f"{grouped(number)} {level.word}" for level, number in sorted(numbers.items(), reverse=True))


def _on(some: Sequence[Dict], hosts: Sequence[Dict]) -> str:
    """On which hosts of several."""
    return f" on {counted(len(some), 'host')} of {grouped(len(hosts))}" if len(hosts) > 1 else ""


def _names(hosts: Sequence[Dict]) -> str:
    return few([printable(host["host"]) for host in hosts], MOST_NAMED)
