"""The hosts of a run at a glance: one line each, the worst first, so that a tired person sees at once where to look."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditkit.model import Severity, State
from auditkit.printable import counted, grouped, printable
from auditkit.report.document import apart, judged, severity, state
from auditkit.report.look import Options, painted

ALARMING = (State.LIED, State.UNTRUSTED, State.HOSTKEY_CHANGED)
"""States that somebody may have brought about on purpose, the worst last."""
COLUMNS = ("STATE", "WORST", "CHANGES", "FINDINGS", "GAPS", "TOOK")
COLOURS: Mapping[str, str] = {"ok": "good", "findings": "high", "partial": "medium"} | dict.fromkeys(ALARMING, "critical")
"""What a line is painted in; a host that was not asked to its end is as one with gaps."""
LONGEST_NAME = 40
MOST_ODD = 10
"""Hosts that are named as not being as the others."""

Dict = Mapping[str, Any]


def overview(hosts: Sequence[Dict], options: Options) -> Iterator[str]:
    """Yield the table."""
    rows = [(printable(host["host"]), _cells(host), state(host)) for host in worst_first(hosts)]
    name = min(LONGEST_NAME, max(len(row[0]) for row in rows))
    widths = [max(map(len, column)) for column in zip(COLUMNS, *(row[1] for row in rows), strict=True)]
    yield f"  {'HOST':{name}}  {_laid_out(COLUMNS, widths)}"
    for shown, cells, word in rows:
        line = f"  {shown:{name}}  {_laid_out(cells, widths)}".rstrip()
        yield painted(line, COLOURS.get(word, "medium"), options)


def against_each_other(hosts: Sequence[Dict], options: Options) -> Iterator[str]:
    """Yield what holding the hosts against each other came to, and who is not as the others; nothing where none were."""
    known = [host for host in hosts if "peers" in host["facts"]]
    if not known:
        return
    few, enough = (sum(host["counts"].get(f"packages_{how}", 0) for host in known) for how in ("not_compared", "compared"))
    rest = f", {grouped(few)} of them on too few to tell" if few else ""
    yield f"  held against each other: {counted(len(known), 'host')} with {counted(few + enough, 'package')}{rest}"
    odd = [(printable(host["host"]), host["facts"]["peers"]["unlike"]) for host in worst_first(known)]
    odd = [(name, number) for name, number in odd if number]
    if odd:
        named = ", ".join(f"{name} ({grouped(number)})" for name, number in odd[:MOST_ODD])
        more = f" and {grouped(len(odd) - MOST_ODD)} more hosts" if len(odd) > MOST_ODD else ""
        yield painted(f"  not as others, or not known to be: {named}{more}", "high", options)


def _laid_out(cells: Sequence[str], widths: Sequence[int]) -> str:
    """The cells side by side, words to the left and numbers to the right."""
    words = [f"{cell:{width}}" for cell, width in zip(cells[:2], widths[:2], strict=True)]
    numbers = [f"{cell:>{width}}" for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join((*words, *numbers))


def _cells(host: Dict) -> tuple[str, ...]:
    """What stands in the line of a host after its name."""
    against = judged(host)
    numbers = len(against) - len(apart(host)), len(apart(host)), len(host["gaps"])
    took = host["facts"].get("seconds")
    return (
        state(host),
        max(map(severity, against)).word if against else "-",
        *(grouped(number) if number else "-" for number in numbers),
        "-" if took is None else f"{took:.1f} s",
    )


def worst_first(hosts: Sequence[Dict]) -> list[Dict]:
    """The hosts with the worst first: what may be an attack, then what was found, then what could not be seen."""
    return sorted(hosts, key=_rank, reverse=True)


def _rank(host: Dict) -> tuple[int, int, int, int]:
    word = state(host)
    alarm = ALARMING.index(State(word)) + 1 if word in ALARMING else 0
    worst = max(map(severity, judged(host)), default=Severity.INFO)
    found = int(worst) + 1 if word == State.FINDINGS else int(worst)
    unseen = {State.OK: 0, State.FINDINGS: 0, State.PARTIAL: 1}.get(State(word), 2)
    return alarm, found, unseen, len(judged(host))


def verdict(hosts: Sequence[Dict], options: Options) -> str:
    """`50 hosts: 2 with findings, 1 unreachable, 47 ok: NOT CLEAN`."""
    states = Counter(state(host) for host in worst_first(hosts))
    told = ", ".join(f"{grouped(number)} {'with ' * (word == State.FINDINGS)}{word}" for word, number in states.items())
    clean = set(states) <= {State.OK}
    last = "" if clean else ": INCOMPLETE" if not {State.FINDINGS, *ALARMING} & set(states) else ": NOT CLEAN"
    return painted(f"{counted(len(hosts), 'host')}: {told}{last}", "good" if clean else "high", options)
