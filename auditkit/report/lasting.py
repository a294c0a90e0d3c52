"""What became of what earlier runs told, in words: marks of what is news, a sentence on each host, what is gone."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from auditkit.model import Severity
from auditkit.printable import counted, grouped, printable, said
from auditkit.report.document import severity
from auditkit.report.items import Item, Sort, items
from auditkit.report.look import MARKS, Options

WORDS = {"changed": "not what it was", "worse": "worse than it was", "again": "back again"}
GONE = {"fixed": "fixed", "accepted": "accepted", "explained": "explained", "milder": "milder", "anew": "judged anew"}
MOST = 8
"""What is gone, and hosts, that are named."""
Dict = Mapping[str, Any]


def held(host: Dict) -> str:
    """`since the run of 2026-11-29 01:00Z: 2 new, 3 still there (the oldest since 2026-11-02), 1 fixed`; or nothing."""
    since = host.get("since")
    if not since or (since["run"] is None and not missed(since)):
        return ""
    if since["run"] is None:
        return f"earlier runs told {', '.join(_numbers(host, since))}"
    return f"since the run of {minute(since['finished'] or '')}: {', '.join(_numbers(host, since))}"


def minute(time: str) -> str:
    """`2026-11-29 01:00Z`, of a time of the document."""
    shown = said(time)
    return f"{shown[:10]} {shown[11:16]}Z"


def _numbers(host: Dict, since: Dict) -> Iterator[str]:
    if since["run"] is not None:
        yield f"{grouped(since['new'])} new{_kinds(host)}" if since["new"] else "nothing new"
        if since["still"]:
            oldest = min((str(one["first_seen"]) for one in _lasting(host)), default="")
            days = f" (the oldest since {said(oldest[:10])})" if oldest[:10] < str(since["finished"])[:10] else ""
            yield f"{grouped(since['still'])} still there{days if oldest else ''}"
    numbers = Counter(map(_how, since["fixed"]))
    if more := since.get("more_fixed", 0):
        numbers["gone"] += more
    yield from (f"{grouped(number)} {word}" for word, number in numbers.items())
    if unknown := missed(since):
        worst = max((severity(one) for one in since["unknown"] if not one.get("beyond")), default=Severity.INFO).word
        yield f"{grouped(unknown)} more that this run could not look for ({worst} at worst)"


def missed(since: Dict) -> int:
    """How much of what was told before is not known now, though this run was asked about it."""
    return all_unknown(since) - int(since.get("beyond", 0))


def all_fixed(since: Dict) -> int:
    """How much of what was told before is gone, with what is not named one by one."""
    return len(since["fixed"]) + int(since.get("more_fixed", 0))


def all_unknown(since: Dict) -> int:
    """How much of what was told before this run did not look for, with what is not named one by one."""
    return len(since["unknown"]) + int(since.get("more_unknown", 0))


def _kinds(host: Dict) -> str:
    """` (1 of them a gap, 1 worse than it was)`."""
    told = [item for item in items(host, Options()) if item.of.get("news")]
    gaps = sum(item.sort is Sort.GAP for item in told)
    kinds = Counter(WORDS[item.of["news"]] for item in told if item.of["news"] in WORDS)
    parts = [counted(gaps, "gap")] if gaps else []
    parts += [f"{grouped(number)} {word}" for word, number in kinds.items()]
    return f" ({', '.join(parts)})" if parts else ""


def _lasting(host: Dict) -> Iterator[Dict]:
    """Yield what speaks against a host, and gaps, that were told before."""
    for item in items(host, Options()):
        if (item.against or item.sort is Sort.GAP) and item.of.get("first_seen") and not item.of.get("news"):
            yield item.of


def news(host: Dict) -> Iterator[Item]:
    """Yield what is news of a host: all that counts, where it is held against no earlier run."""
    is_held = host.get("since", {}).get("run") is not None
    for item in items(host, Options()):
        if item.of.get("news") or (not is_held and (item.against or item.sort is Sort.GAP)):
            yield item


def difference(hosts: Iterable[Dict]) -> Iterator[str]:
    """Yield what two runs do not agree on, host by host: what is news, what is gone, and what is not known."""
    for host in hosts:
        since = host.get("since", {})
        numbers = ", ".join(_numbers(host, since)) if since.get("run") is not None else "not asked by both runs"
        yield ""
        yield f"{printable(host['host'])}: {numbers}"
        for item in sorted(news(host), key=lambda item: -item.severity):
            word = MARKS.get(item.of.get("news", ""), "NEW")
            subject = "" if item.message.startswith("not seen") else f"{printable(item.subject)}: "
            yield f"  {word:13}  {subject}{item.message}  {item.severity.word}  {said(item.rule)}"
        yield from (f"  {line}" for line, _one in gone(host))
        unknown = sorted(since.get("unknown", ()), key=severity, reverse=True)
        yield from (f"  {line}" for line in few(f"not known: {_what(one)}" for one in unknown))


def gone(host: Dict) -> list[tuple[str, Dict]]:
    """What speaks against a host no more, each in a line and as the document has it, the worst first."""
    told = sorted(host.get("since", {}).get("fixed", ()), key=severity, reverse=True)
    return [(_gone(one), one) for one in told]


def _gone(one: Dict) -> str:
    """`fixed: sshd: root may log in with a password (sshd-root-password, high), told since 2026-11-02`."""
    return f"{_how(one)}: {_what(one)}, told since {said(one['first_seen'][:10])}"


def _how(one: Dict) -> str:
    """In which way something is gone; whether a newer baseline took it, or it went before that, nobody can tell."""
    if one["sort"] == Sort.GAP and one["how"] == "fixed":
        return "no gap any more"
    return "gone by the newer baseline" if one.get("by") == "baseline" else GONE.get(one["how"], "gone")


def _what(one: Dict) -> str:
    message, subject = said(one["message"]).removeprefix("not seen: "), printable(one["subject"])
    what = message if subject.split(" ")[-1] in message else f"{subject}: {message}"
    return f"{what} ({said(one['rule'])}, {one['severity']})"


def few(lines: Iterable[str]) -> Iterator[str]:
    """Yield the first of some lines, and how many there are more."""
    every = list(lines)
    yield from every[:MOST]
    if (rest := len(every) - MOST) > 0:
        yield f"... and {grouped(rest)} more (--format json names all)"


def gone_on(hosts: Iterable[Dict]) -> str:
    """`2 fixed on web1 and web2`: of hosts of which nothing else is told; empty where nothing is gone."""
    numbers = {printable(host["host"]): len(host.get("since", {}).get("fixed", ())) for host in hosts}
    named = [name for name, number in numbers.items() if number]
    if not named:
        return ""
    more = f" and {grouped(len(named) - MOST)} more" if len(named) > MOST else ""
    return f"{grouped(sum(numbers.values()))} told before and gone, on hosts that are ok: {', '.join(named[:MOST])}{more}"
