"""The bottom line: what happened, what it is to us, and which decision is wanted, a sentence each."""

from collections.abc import Iterator, Sequence

from auditkit.printable import counted
from auditkit.response.brief.facts import stretch, whence
from auditkit.response.brief.machines import (
    CANNOT_TELL,
    CLAIMED,
    NONE_SEEN,
    NOT_REACHED,
    SEEN,
    Answer,
    Machine,
    not_asked,
    of_files,
    with_access,
)
from auditkit.response.brief.notes import Note, said_inside
from auditkit.response.brief.nouns import Material, Statement
from auditkit.response.brief.wording import Times, account, address, hosts, note

Told = Sequence[tuple[Machine, Answer]]
MOST = 4
"""Parts of the second sentence."""
WITH: dict[str, str] = {
    "complete": "in the logs that were read",
    "gap": "in logs that have gaps",
    "source-missing": "in the logs that are there, and some are missing",
    "tamper": "in logs that show signs of having been changed",
}


def bottom(machines: Sequence[Machine], material: Material, notes: Sequence[Note], times: Times) -> Iterator[Statement]:
    """Yield the three sentences."""
    yield _what(machines, material, notes, times)
    effect = [*_access(machines, material, times)][:MOST]
    yield Statement(_sentence("; ".join((*(one.text for one in effect), "section 3 says what is not known"))), _all(effect))
    wanted = note(material.decide) or "which of the options in section 5 is taken"
    yield Statement(f"Decision wanted: {wanted}")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _all(statements: Sequence[Statement]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(entry for one in statements for entry in one.entries))


def _what(machines: Sequence[Machine], material: Material, notes: Sequence[Note], times: Times) -> Statement:
    """What was tried, as far as reports tell; without any, what people noted."""
    answers = with_access(machines, SEEN, CLAIMED, CANNOT_TELL, NONE_SEEN)
    if not answers:
        number = f"{counted(len(notes), 'note')} of people" if notes else "its title"
        beside = " and from reports that do not ask about logins" if machines else ""
        return Statement(f"The case is known from {number}{beside}", tuple(one.entry for one in notes[:4]))
    guessed = [(machine, one) for machine, one in answers if one.logins["attempts"]]
    entries = tuple(dict.fromkeys(one.look.entry for _, one in guessed or answers))
    if not guessed:
        told = [machine.name for machine, one in answers if one.access != CANNOT_TELL]
        if not told:
            return Statement(f"What was tried on {_names(answers)} cannot be told", entries)
        return Statement(f"No guess at a password was seen on {hosts(told)}, as far as the logs tell", entries)
    start, end = stretch([one for _, one in guessed])
    when = f" ({times.span(start, end)})" if start and end else ""
    number = counted(sum(one.logins["attempts"] for _, one in guessed), "guess")
    where = hosts([machine.name for machine, _ in guessed])
    twice = len(guessed) > 1 and any(of_files(machine, material.inventory) for machine, _ in guessed)
    number += " (some may be counted twice)" if twice else ""
    return Statement(f"{number} at passwords came {whence([one for _, one in guessed])} to {where}{when}", entries)


def _access(machines: Sequence[Machine], material: Material, times: Times) -> Iterator[Statement]:
    """Yield whether anybody got in: what is worst first, and where nobody can say so."""
    seen = with_access(machines, SEEN)
    yield from _to_ask([(machine, one) for machine, one in seen if one.asked], times)
    calm = [(machine, one) for machine, one in seen if not one.asked]
    if calm and len(calm) == len(seen):
        yield Statement(f"logins were seen on {_names(calm)}, and whoever made them has to confirm them", _entries(calm))
    if claimed := [(m, one) for m, one in with_access(machines, SEEN, CLAIMED) if one.claimed or one.access == CLAIMED]:
        told = (
            f"a login is claimed on {_names(claimed)} and nothing else supports it, so whether somebody had access is not known"
        )
        yield Statement(told, _entries(claimed))
    if not seen and (inside := said_inside(material.journal)):
        yield Statement("who opened the case noted that somebody got in, which no report shows", inside)
    if dark := with_access(machines, CANNOT_TELL, NOT_REACHED):
        yield Statement(f"whether anybody got in on {_names(dark)} cannot be told", _entries(dark))
    yield from _changed(machines)
    left = not_asked(machines, material)
    if left or not any(machine.answer for machine in machines):
        where = f" on {hosts(left)}" if left else ""
        yield Statement(f"whether anybody got in{where} was not looked at")
    for word, how in WITH.items():
        if none := [(machine, one) for machine, one in with_access(machines, NONE_SEEN) if one.coverage == word]:
            yield Statement(f"no success was seen on {_names(none)} {how}", _entries(none))


def _to_ask(asked: Told, times: Times) -> Iterator[Statement]:
    """Yield the login that has to be asked about first."""
    if asked:
        one = asked[0][1].asked[0]
        whence_ = f" from {address(one['address'])}" if one["address"] else ""
        first = f"first {account(one['user'])}{whence_} at {times.written(one['time'])}"
        told = f"a login that something speaks against was seen on {_names(asked)}, {first}"
        yield Statement(f"{told}: unless its owner confirms it, somebody else may have had access", _entries(asked))


def _names(told: Told) -> str:
    return hosts([machine.name for machine, _ in told])


def _entries(told: Told) -> tuple[int, ...]:
    return tuple(dict.fromkeys(answer.look.entry for _, answer in told))


def _changed(machines: Sequence[Machine]) -> Iterator[Statement]:
    """Yield where something changed that nothing explains."""
    odd = [(machine, look) for machine in machines for look in machine.looks if look.host["untrusted"] is not None]
    if odd:
        where = hosts([machine.name for machine, _ in odd])
        entries = tuple(dict.fromkeys(look.entry for _, look in odd))
        yield Statement(
            f"whether files changed on {where} is not known, for what they would be compared with is not trusted", entries
        )
    changed = [(machine, look) for machine in machines for look in machine.looks if look.changes]
    if changed:
        where = hosts([machine.name for machine, _ in changed])
        yield Statement(
            f"files changed on {where} and no report explains it", tuple(dict.fromkeys(look.entry for _, look in changed))
        )
