"""What a brief does not know: it is as much a part of the answer as the facts, and never empty."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from auditkit.printable import counted
from auditkit.response.brief.machines import (
    CANNOT_TELL,
    CLAIMED,
    NOT_REACHED,
    REACHED,
    SEEN,
    Answer,
    Dict,
    Machine,
    not_asked,
    of_files,
    with_access,
    without_report,
)
from auditkit.response.brief.nouns import Material, Statement
from auditkit.response.brief.wording import Times, hosts, listed, name, note
from auditkit.response.reports import summary
from auditkit.words import read

Told = Sequence[tuple[Machine, Answer]]


def unknown(machines: Sequence[Machine], material: Material, times: Times) -> Iterator[Statement]:
    """Yield what is not known, what could change the answer most first."""
    yield from _not_asked(machines, material)
    yield from _why_not(with_access(machines, CANNOT_TELL), "Whether anybody got in on {}: {}")
    yield from _why_not(with_access(machines, NOT_REACHED), "Anything about {}, which did not answer: {}")
    yield from _unconfirmed(machines)
    yield from _coverage(with_access(machines, *REACHED), times)
    yield from _otherwise(machines)
    yield from _untrusted(machines)
    yield from _unchecked(machines, material)
    yield from _gone_on(machines, times)
    yield from _elsewhere(with_access(machines, *REACHED))
    yield from _alive(machines)
    yield from _text_alone(with_access(machines, SEEN))
    yield from _who(with_access(machines, *REACHED))
    yield from _failed(material)
    yield from _unseen(machines)
    yield from _same(with_access(machines, *REACHED), material)
    yield from _others(material)
    yield from _usual(with_access(machines, *REACHED))


def _not_asked(machines: Sequence[Machine], material: Material) -> Iterator[Statement]:
    """Yield of which machines no report says whether anybody got in, and which command asks."""
    asks = f"auditkit logins HOST --case {material.case}"
    if not any(machine.answer for machine in machines):
        yield Statement(f"Whether anybody got in: it was not looked at. {asks} does it")
    if left := not_asked(machines, material):
        yield Statement(f"Whether anybody got in on {hosts(left)}: nobody asked. {asks} does it")


def _why_not(told: Told, form: str) -> Iterator[Statement]:
    """Yield each reason once, with the machines that it is of."""
    reasons: dict[str, list[tuple[Machine, Answer]]] = {}
    for machine, answer in told:
        reasons.setdefault(answer.why, []).append((machine, answer))
    for why, those in reasons.items():
        where = hosts([machine.name for machine, _ in those], 4)
        yield Statement(form.format(where, why), _entries([answer for _, answer in those]))


def _entries(answers: Sequence[Answer]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(answer.look.entry for answer in answers))


def _unconfirmed(machines: Sequence[Machine]) -> Iterator[Statement]:
    """Yield that a log cannot say whose hand it was, nor what was read."""
    seen = with_access(machines, SEEN)
    if seen:
        number = sum(len(answer.real) + answer.logins.get("more_successes", 0) for _, answer in seen)
        which = (
            "the login was its owner's: he or she has" if number == 1 else f"the {number} logins were their owners': each has"
        )
        yield Statement(f"Whether {which} to be asked", _entries([answer for _, answer in seen]))
    claimed = [(machine, answer) for machine, answer in with_access(machines, SEEN, CLAIMED) if answer.claimed]
    if claimed:
        where = hosts([machine.name for machine, _ in claimed])
        yield Statement(
            f"Whether the logins that are claimed on {where} took place: nothing else supports them",
            _entries([answer for _, answer in claimed]),
        )
    if open_ := with_access(machines, SEEN, CLAIMED, CANNOT_TELL):
        where = hosts([machine.name for machine, _ in open_])
        yield Statement(f"Which data were read or copied on {where}: logs of logins do not tell")


def _coverage(told: Told, times: Times) -> Iterator[Statement]:
    """Yield the time that no log tells of, the logs that are missing, and the signs that some were changed."""
    for machine, answer in told:
        entry = (answer.look.entry,)
        if signs := answer.logins.get("tamper", ()):
            where = listed(dict.fromkeys(name(str(sign["source"]).rpartition("/")[2]) for sign in signs))
            yield Statement(
                f"What the logs of {machine.name} said before: {counted(len(signs), 'sign')} of a change ({where})", entry
            )
        elif answer.coverage == "tamper":
            yield Statement(f"What the logs of {machine.name} said before: there are signs that they were changed", entry)
        if gaps := answer.logins.get("gaps", ()):
            first = times.span(*_moments(gaps[0]))
            more = f", and in {counted(len(gaps) - 1, 'more stretch')}" if gaps[1:] else ""
            yield Statement(f"What happened on {machine.name} from {first}{more}: no log tells", entry)
        elif answer.coverage == "gap":
            yield Statement(f"What happened on {machine.name} in the gaps of its logs", entry)
        if answer.coverage == "source-missing" and answer.access != CANNOT_TELL:
            yield Statement(f"What the logs of {machine.name} that are missing would say: {_missing(answer)}", entry)
        if answer.logins.get("not_understood"):
            number = counted(answer.logins["not_understood"], "line")
            yield Statement(f"What {number} in the logs of {machine.name} mean: they were not understood", entry)


def _moments(gap: Dict) -> tuple[datetime | None, datetime | None]:
    return read(gap["from"]), read(gap["to"])


def _missing(answer: Answer) -> str:
    """Which logs could not be read."""
    odd = [file for file in answer.logins.get("files", ()) if file["condition"] not in ("read", "absent")]
    named = listed(f"{name(str(file['name']).rpartition('/')[2])} {name(file['condition'])}" for file in odd)
    return named or "no source tells of all logins"


def _otherwise(machines: Sequence[Machine]) -> Iterator[Statement]:
    """Yield where two reports of one machine do not say the same."""
    for machine in machines:
        answer = machine.answer
        if answer and answer.also:
            entries = (answer.look.entry, *answer.also)
            yield Statement(f"Which report of {machine.name} is right: they say different things of logins", entries)


def _unchecked(machines: Sequence[Machine], material: Material) -> Iterator[Statement]:
    """Yield where nobody looked at what changed."""
    left = [machine.name for machine in machines if machine.check is None]
    left += without_report(machines, material)
    asks = f"auditkit check HOST --case {material.case}, without a baseline with --against vendor"
    if left or not machines:
        where = f" on {hosts(left)}" if left else ""
        yield Statement(f"Whether files changed{where}: nothing was compared. {asks}")
    for machine in machines:
        if (check := machine.check) and check.host["baseline"] is None:
            told = f"Whether files on {machine.name} that no package shipped were changed: there is no baseline of before"
            yield Statement(told, (check.entry,))
        elif check and check.host["baseline"]["signer"] is None:
            told = f"Whether the baseline of {machine.name} is as it was made: it has no verified signature"
            yield Statement(told, (check.entry,))


def _gone_on(machines: Sequence[Machine], times: Times) -> Iterator[Statement]:
    """Yield that the world went on since the logs end, or since somebody looked."""
    lasts = [last for machine in machines if (last := _last_known(machine))]
    firsts = [first for machine in machines if (answer := machine.answer) and (first := answer.window[0])]
    before = f"before {times.moment(max(firsts))} and " if firsts else ""
    if firsts and lasts and max(firsts) >= min(lasts):
        yield Statement("What happened outside of the time that each report covers, which is another one for each machine")
    elif lasts:
        which = "" if len(machines) == 1 else " (not every machine was looked at for all of the time between)"
        yield Statement(f"What happened {before}since {times.moment(min(lasts))}{which}")


def _last_known(machine: Machine) -> datetime | None:
    """Up to when anything is known of a machine: a saved log ends before it is read."""
    answer = machine.answer
    end = answer.window[1] if answer else None
    return min(filter(None, (machine.last, end)), default=None)


def _elsewhere(told: Told) -> Iterator[Statement]:
    """Yield that logins which open no shell were counted, and no more."""
    for machine, answer in told:
        if number := sum(one["logins"] for one in answer.logins.get("elsewhere", ())):
            what = f"{counted(number, 'login')} to mail or files, or at the machine itself, on {machine.name}"
            yield Statement(f"Whose hand was behind {what}: they were only counted", (answer.look.entry,))


def _alive(machines: Sequence[Machine]) -> Iterator[Statement]:
    """Yield what a machine cannot say of itself."""
    alive = [machine.name for machine in machines if machine.alive]
    if alive:
        told = "who has all rights on a running machine can change what it shows, kernel and logs"
        shows = "shows" if len(set(alive)) == 1 else "show"
        yield Statement(f"Whether {hosts(alive)} {shows} the truth: {told}; its disk under another system shows more")


def _text_alone(told: Told) -> Iterator[Statement]:
    """Yield which logins anybody on the machine could have written into the log."""
    bare = [(machine, answer) for machine, answer in told if any(one.get("state") == "bare" for one in answer.real)]
    if bare:
        where = hosts([machine.name for machine, _ in bare])
        told_of = f"Whether each login on {where} took place: of some only one line of a log tells"
        yield Statement(told_of, _entries([answer for _, answer in bare]))


def _who(told: Told) -> Iterator[Statement]:
    """Yield that an address is no person."""
    if any(answer.logins.get("sources") or answer.logins.get("successes") for _, answer in told):
        yield Statement(
            "Who is behind an address: it names a line and no person, and may be used without its owner's knowledge"
        )


def _unseen(machines: Sequence[Machine]) -> Iterator[Statement]:
    """Yield how much other reports could not see."""
    for machine in machines:
        looks = {look.entry: look for look in (machine.check, machine.audit) if look and look.host["gaps"]}
        for look in looks.values():
            gaps = look.host["gaps"]
            first = f"{name(gaps[0]['subject'])}: {note(gaps[0]['reason'], 70)}"
            number = counted(len(gaps), "thing")
            yield Statement(
                f"{number} that the {name(look.command)} of {machine.name} could not see, first {first}", (look.entry,)
            )


def _failed(material: Material) -> Iterator[Statement]:
    """Yield which commands came to no report, and were not run again to one."""
    ran = summary((), material.journal.entries).ran
    reported = {one.command: one.entry for one in ran if one.status}
    for one in ran:
        if not one.status and one.error and one.entry > reported.get(one.command, 0):
            told = f"What auditkit {name(one.command)} would have told: {note(one.error, 90)}"
            yield Statement(told, (one.entry,))


def _untrusted(machines: Sequence[Machine]) -> Iterator[Statement]:
    """Yield what could not be believed, and was not compared."""
    for machine in machines:
        for look in machine.looks:
            if look.host["untrusted"] is not None:
                yield Statement(f"What {machine.name} was before: {note(look.host['untrusted'], 110)}", (look.entry,))


def _same(told: Told, material: Material) -> Iterator[Statement]:
    """Yield that logs which were named as files may be of a machine that was asked as well."""
    files = [machine.name for machine, _ in told if of_files(machine, material.inventory)]
    if files and len(told) > 1:
        names = listed([*files, *(machine.name for machine, _ in told if machine.name not in files)])
        yield Statement(
            f"Whether {names} are different machines: logs that were named as files may be of one that was asked, too"
        )


def _others(material: Material) -> Iterator[Statement]:
    """Yield that there may be more machines than anybody named."""
    if material.inventory is None:
        yield Statement("Whether other machines are concerned: only those that are named here were asked")


def _usual(told: Told) -> Iterator[Statement]:
    """Yield where no other days are known to measure by."""
    those = [(m, answer) for m, answer in told if answer.logins.get("attempts") and not answer.logins.get("usual")]
    if those:
        where = hosts([machine.name for machine, _ in those])
        yield Statement(
            f"How many guesses a usual day has on {where}: its logs have no other days to measure by",
            _entries([answer for _, answer in those]),
        )
