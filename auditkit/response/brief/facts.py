"""The facts of a brief: numbers with what they are to be measured by, and the entry of the report that each is from."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from auditkit.printable import counted, grouped, printable
from auditkit.response.brief.machines import (
    CANNOT_TELL,
    CLAIMED,
    NONE_SEEN,
    SEEN,
    Answer,
    Dict,
    Look,
    Machine,
    severity,
    with_access,
)
from auditkit.response.brief.notes import Note
from auditkit.response.brief.nouns import Statement
from auditkit.response.brief.wording import Times, account, address, hosts, length, listed, name, note
from auditkit.words import read

PATTERN: Mapping[str, str] = {
    "background-noise": "background noise, as every machine on the internet gets it",
    "focused-guessing": "focused guessing",
    "spray": "many addresses that act as one",
    "credential-known": "those of somebody who found or knows a credential",
}
COVERED: Mapping[str, str] = {
    "complete": "without a gap",
    "gap": "with gaps",
    "source-missing": "and logs that would tell are missing",
    "tamper": "and there are signs that they were changed",
}
MOST_LOGINS, MOST_AUDITS, MOST_OBSERVED = 3, 3, 3


def facts(machines: Sequence[Machine], observed: Sequence[Note], inside: tuple[int, ...], times: Times) -> Iterator[Statement]:
    """Yield the facts, those that matter most first; `inside` is the entry that says that somebody got in."""
    seen = with_access(machines, SEEN, CLAIMED)
    for machine, answer in seen:
        yield from _logins(machine, answer, times)
    if inside:
        yield Statement("When the case was opened it was noted that somebody got in, as far as was known then", inside)
    for one in observed[-MOST_OBSERVED:]:
        yield Statement(f"{note(one.text)} ({name(one.author)}, {times.moment(one.time)})", (one.entry,))
    yield from _guesses(machines, times)
    yield from _none_seen(with_access(machines, NONE_SEEN), times)
    for machine, answer in with_access(machines, SEEN, CLAIMED, CANNOT_TELL, NONE_SEEN):
        yield from _calm(machine, answer)
    for machine in machines:
        yield from _changes(machine, times)
    yield from _findings(machines)
    yield from _accepted(machines)
    yield from _pattern(machines)
    for one in observed[:-MOST_OBSERVED]:
        yield Statement(f"{note(one.text)} ({name(one.author)}, {times.moment(one.time)})", (one.entry,))


def _logins(machine: Machine, answer: Answer, times: Times) -> Iterator[Statement]:
    """Yield the logins that something speaks against, those that nothing supports, and what was done in them."""
    entry = (answer.look.entry,)
    for one in answer.asked[:MOST_LOGINS]:
        yield Statement(f"Login on {machine.name}: {_login(one, times)}{_before(one)}; told by {_support(one)}", entry)
        for deed in one.get("did", ())[:2]:
            sure = "in that session" if deed["sure"] else "while it was open, by root"
            yield Statement(f"{times.written(deed['time'])}, {sure}: {note(deed['what'], 110)}", entry)
    if (left := len(answer.asked) - MOST_LOGINS) > 0:
        yield Statement(f"{counted(left, 'more login')} on {machine.name} that something speaks against", entry)
    for one in answer.claimed[:2]:
        forged = "another program than the server wrote it" if one.get("state") == "forged" else "no other trace supports it"
        yield Statement(f"A login on {machine.name} is claimed, of {_login(one, times)}: {forged}", entry)
    if (left := len(answer.claimed) - 2) > 0:
        yield Statement(f"{counted(left, 'more login')} on {machine.name} that nothing supports", entry)


def _login(one: Dict, times: Times) -> str:
    """`"anna" from 198.51.100.7 at 24 Nov 2026 04:35:04 by password`."""
    whence = f" from {address(one['address'])}" if one["address"] else ""
    how = f" by {name(one['method'])}" if one["method"] else ""
    return f"{account(one['user'])}{whence} at {times.written(one['time'], seconds=True)}{how}"


def _before(one: Dict) -> str:
    """How many guesses came from its address before it."""
    number = one.get("guesses_before", 0)
    return f", after {counted(number, 'guess')} from there" if number else ""


def _support(one: Dict) -> str:
    """Which independent traces there are."""
    traces = [printable(word) for word in one["support"]]
    if not traces:
        return "its own line alone"
    return f"{counted(len(traces), 'trace')} ({listed(traces, 5)})" if len(traces) > 1 else f"{traces[0]} alone"


def _guesses(machines: Sequence[Machine], times: Times) -> Iterator[Statement]:
    """Yield the guesses at each machine with what a usual day has; of many machines those at the one that matters most."""
    told = [(machine, machine.answer) for machine in machines]
    guessed = [(machine, answer) for machine, answer in told if answer and answer.logins.get("attempts")]
    guessed.sort(key=lambda one: (one[1].access != SEEN, -one[1].logins["attempts"]))
    alone = len(guessed) if len(guessed) <= 2 else 1
    for machine, answer in guessed[:alone]:
        yield Statement(_guessed(machine, answer, times), (answer.look.entry,))
    if rest := guessed[alone:]:
        number = sum(answer.logins["attempts"] for _, answer in rest)
        where = hosts([machine.name for machine, _ in rest])
        entries = tuple(dict.fromkeys(answer.look.entry for _, answer in rest))
        yield Statement(f"{counted(number, 'guess')} more at {where}", entries)


def _guessed(machine: Machine, answer: Answer, times: Times) -> str:
    logins = answer.logins
    start, end = stretch([answer])
    lasting = f" in {length(start, end)}" if start and end and end > start else ""
    usual = logins.get("usual")
    days = f", the busiest of {counted(usual['days'], 'day')} had {grouped(usual['busiest'])}" if usual else ""
    base = f"a usual day here has {grouped(usual['per_day'])}{days}" if usual else "what is usual here is not known"
    when = f" ({times.span(start, end)})" if start else ""
    guesses = f"{counted(logins['attempts'], 'guess')}{lasting}{when} at {machine.name}, {whence([answer])}"
    return f"{guesses}{_names(logins)}; {base}"


def stretch(answers: Sequence[Answer]) -> tuple[datetime | None, datetime | None]:
    """When the first and the last guess came, within the time that was judged."""
    firsts, lasts = [], []
    for answer in answers:
        since, until = answer.window
        for source in answer.logins.get("sources", ()):
            first, last = read(source["first"]), read(source["last"])
            if source["attempts"] and first and last:
                firsts.append(max(first, since) if since else first)
                lasts.append(min(last, until) if until else last)
    return min(firsts, default=None), max(lasts, default=None)


def whence(answers: Sequence[Answer]) -> str:
    """`from 198.51.100.7`, `from 40 addresses, most (12) from 198.51.100.7`."""
    counts: Counter[str] = Counter()
    for answer in answers:
        for source in answer.logins.get("sources", ()):
            counts[source["address"]] += source["attempts"]
    more = sum(answer.logins.get("more_sources", 0) for answer in answers)
    named = [(word, number) for word, number in counts.most_common() if number]
    if not named:
        return "from addresses that are not told"
    if len(named) == 1 and not more:
        return f"from {_address(named[0][0])}"
    several = f"from {'at least ' if more and len(answers) > 1 else ''}{counted(len(named) + more, 'address')}"
    return f"{several}, most ({grouped(named[0][1])}) from {_address(named[0][0])}"


def _address(word: str) -> str:
    if word == "*":
        return "many addresses that were only counted together"
    return address(word) if word else "an address that the lines do not name"


def _names(logins: Dict) -> str:
    """`, at 9 names, 2 of which exist here ("anna", "root")`."""
    names = logins.get("names")
    if not names or not names["tried"]:
        return ""
    tried = f", at {counted(names['tried'], 'name')}"
    if names["exist"] is None:
        return f"{tried}; which of them exist here is not known"
    if not names["exist"]:
        return f"{tried}, none of which {'exists' if names['tried'] == 1 else 'exist'} here"
    one = len(names["exist"]) == 1
    return (
        f"{tried}, {len(names['exist'])} of which {'exists' if one else 'exist'} here ({listed(map(account, names['exist']))})"
    )


def _none_seen(none: Sequence[tuple[Machine, Answer]], times: Times) -> Iterator[Statement]:
    """Yield where no success was seen, and what the logs that say so cover: each machine alone where there are few."""
    if len(none) <= 2:
        for machine, answer in none:
            yield Statement(f"No success seen on {machine.name} in {_read(answer, times)}", (answer.look.entry,))
        return
    for word, how in COVERED.items():
        those = [(machine, answer) for machine, answer in none if answer.coverage == word]
        if those:
            entries = tuple(dict.fromkeys(answer.look.entry for _, answer in those))
            where = hosts([machine.name for machine, _ in those], 5)
            yield Statement(f"No success seen on {where}, in logs that cover the time asked for {how}", entries)


def _read(answer: Answer, times: Times) -> str:
    """`auth.log and journal, which cover 1 Nov to 24 Nov without a gap`."""
    telling = [stream for stream in answer.logins.get("read", ()) if stream["tells"]]
    logs = listed((name(str(stream["name"]).rpartition("/")[2] or stream["name"]) for stream in telling), 4)
    covers = "covers" if len(telling) == 1 else "cover"
    start, end = answer.window
    firsts = [first for stream in telling if (first := read(stream["first"]))]
    lasts = [last for stream in telling if (last := read(stream["last"]))]
    first = max(filter(None, (start, min(firsts, default=None))), default=None)
    last = min(filter(None, (end, max(lasts, default=None))), default=None)
    return f"{logs or 'its logs'}, which {covers} {times.span(first, last)} {COVERED[answer.coverage]}"


def _calm(machine: Machine, answer: Answer) -> Iterator[Statement]:
    """Yield how many logins there are that nothing speaks against."""
    asked = answer.asked
    calm = [one for one in answer.real if not any(one is other for other in asked)]
    number = len(calm) + answer.logins.get("more_successes", 0)
    if others := answer.logins.get("outside", {}).get("logins", 0) - len(
        answer.logins.get("outside", {}).get("of_who_guessed", ())
    ):
        what = f"Not judged: {counted(others, 'login')} on {machine.name} outside of the time that was asked for"
        yield Statement(what, (answer.look.entry,))
    if number:
        whose = listed(account(one["user"]) for one in calm)
        of = f" (of {whose})" if whose else ""
        yield Statement(
            f"{counted(number, 'login')} on {machine.name}{of} that nothing in the logs speaks against", (answer.look.entry,)
        )


def _changes(machine: Machine, times: Times) -> Iterator[Statement]:
    """Yield what changed on a machine and is not explained, by the latest look; an earlier one that shows more is told, too."""
    check = machine.check
    looks = [look for look in machine.looks if look.changes and look is not check]
    worse = max(looks, key=lambda look: (severity(look.changes[0]), len(look.changes)), default=None)
    if check:
        yield Statement(_changed(machine, check, times), (check.entry,))
    if worse and (not check or _weight(worse) > _weight(check)):
        earlier = "an earlier report" if check and worse.entry < check.entry else "another report"
        yield Statement(f"On {machine.name} {earlier} shows {_unexplained(worse)}", (worse.entry,))


def _weight(look: Look) -> tuple[int, int]:
    return (severity(look.changes[0]), len(look.changes)) if look.changes else (-1, 0)


def _changed(machine: Machine, check: Look, times: Times) -> str:
    baseline = check.host["baseline"]
    since = f"since the baseline of {times.written(baseline['made'])}" if baseline else "against what its packages shipped"
    if check.changes:
        return f"On {machine.name} {since}: {_unexplained(check)}"
    watched = check.host["counts"].get("entries" if baseline else "verified", 0)
    base = counted(watched, "watched path" if baseline else "verified package")
    lacking = f", and {counted(len(check.host['gaps']), 'thing')} could not be seen" if check.host["gaps"] else ""
    return f"On {machine.name} {since}: no change that is not explained, of {base}{lacking}"


def _unexplained(look: Look) -> str:
    """`3 changes that nothing explains (1 critical, 2 high), first /usr/bin/find`."""
    changes = look.changes
    return (
        f"{counted(len(changes), 'change')} that nothing explains ({_by_severity(changes)}), first {name(changes[0]['path'])}"
    )


def _by_severity(found: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(str(one["severity"]) for one in found)
    return ", ".join(f"{number} {word}" for word, number in counts.items())


def _findings(machines: Sequence[Machine]) -> Iterator[Statement]:
    """Yield how many findings the latest audits have, the worst of them named."""
    audits = [(machine, audit) for machine in machines if (audit := machine.audit) and audit.findings]
    for machine, audit in audits[:MOST_AUDITS]:
        first = audit.findings[0]
        what = f"{name(first['subject'])}: {note(first['message'], 90)}"
        number = f"{counted(len(audit.findings), 'finding')} ({_by_severity(audit.findings)})"
        yield Statement(f"The audit of {machine.name} has {number}, first {what}", (audit.entry,))
    if rest := audits[MOST_AUDITS:]:
        number = f"{counted(sum(len(audit.findings) for _, audit in rest), 'finding')}"
        yield Statement(f"{number} more on {hosts([one.name for one, _ in rest])}", tuple({audit.entry for _, audit in rest}))


def _accepted(machines: Sequence[Machine]) -> Iterator[Statement]:
    """Yield which risks somebody had accepted: they are no findings, and may have been the door."""
    looks = [(machine, look) for machine in machines if (look := machine.audit or machine.check) and look.accepted]
    for machine, look in looks:
        first = look.accepted[0]
        why = f"until {note(first['until'])}: {note(first['reason'], 90)}"
        what = f"{name(first['subject'])}: {note(first['message'], 90)} ({why})"
        number = f"{counted(len(look.accepted), 'risk')} ({_by_severity(look.accepted)})"
        yield Statement(f"On {machine.name} auditkit.yaml accepts {number}, first {what}", (look.entry,))


def _pattern(machines: Sequence[Machine]) -> Iterator[Statement]:
    """Yield what the guesses look like; nothing where there are too few to say."""
    for word, what in PATTERN.items():
        answers = [(machine, machine.answer) for machine in machines]
        those = [(machine, one) for machine, one in answers if one and one.logins.get("pattern") == word]
        if those:
            where = hosts([machine.name for machine, _ in those])
            entries = tuple(dict.fromkeys(answer.look.entry for _, answer in those))
            yield Statement(f"By their pattern, the guesses at {where} look like {what}", entries)
