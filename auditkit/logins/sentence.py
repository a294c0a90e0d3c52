"""The verdict in one sentence: what was tried, who got in, and what the sources that say so cover."""

from collections.abc import Sequence

from auditkit.logins.covering import Coverage
from auditkit.logins.joining import Joined
from auditkit.logins.nouns import Condition, Log
from auditkit.logins.patterns import KNOWN, Pattern
from auditkit.logins.reading import Reading
from auditkit.logins.streams import AUTH, JOURNAL, PARTLY, Stream, family, is_ssh
from auditkit.logins.successes import State, Success
from auditkit.logins.trying import addresses as counted
from auditkit.logins.trying import known
from auditkit.logins.wording import day, lasting, listed, moment, name, plural, short, span
from auditkit.printable import printable

NONE_SEEN, SEEN, UNSUPPORTED, CANNOT_TELL = "none-seen", "seen", "unsupported", "cannot-tell"
COMPLETE, GAP, MISSING, TAMPER = "complete", "gap", "source-missing", "tamper"


def access(joined: Joined) -> str:
    """Whether somebody got in: what the sources say, and nothing where they cannot."""
    states = {success.state for success in joined.successes}
    if states & {State.SUPPORTED, State.BARE, State.SOURCELESS}:
        return SEEN
    if states:
        return UNSUPPORTED
    known = joined.coverage.telling and not joined.coverage.lost and not _nothing_of_it(joined.coverage)
    if not known or any(map(may_tell, joined.seen.readings)) or _lost(joined):
        return CANNOT_TELL
    return NONE_SEEN


SUCCESS_WORDS = ("accept", "opened", "success", "succeeded", "logged in", "login", "granted", "authenticated")
"""Words of a line that was not understood, with which it may tell of somebody who got in."""


def may_tell(reading: Reading) -> list[str]:
    """Shapes of lines that were not understood and may tell of a success."""
    return [shape for shape in reading.notes.unknown if any(word in shape.lower() for word in SUCCESS_WORDS)]


def _lost(joined: Joined) -> int:
    """Logins that were more than are kept: they may be of any time."""
    return sum(reading.tally.lost_logins for reading in joined.seen.readings)


def _nothing_of_it(coverage: Coverage) -> bool:
    """Whether no moment of the window is covered."""
    start, end = coverage.start, coverage.end
    if start is None or end is None or start > end:
        return True
    return any(first <= start and last >= end and last > first for first, last in coverage.gaps)


def coverage(joined: Joined) -> str:
    """How far the sources can be relied on for the window."""
    if joined.signs:
        return TAMPER
    if not joined.coverage.telling or any(map(_would_tell, joined.seen.asked)):
        return MISSING
    rotated = any(cover.missing for cover in joined.coverage.telling)
    return GAP if joined.coverage.gaps or rotated or _nothing_of_it(joined.coverage) else COMPLETE


def _would_tell(log: Log) -> bool:
    """Whether a log that could not be read is one that is there to tell of logins."""
    name = family(log.name.rstrip("*"))[0]
    return log.condition is Condition.UNREADABLE and (name.rpartition("/")[2] in AUTH or JOURNAL in name)


def sentence(joined: Joined, pattern: Pattern, ask: Sequence[Success] = ()) -> str:
    """All of it, the most important first.

    `52 guesses from 198.51.100.7 in 19 minutes at 9 names, 2 of which exist; no success seen in auth.log and journal, which
    cover 1 to 24 Nov 2026 with one gap of 3 h on 12 Nov`. `ask` are logins that something speaks against.
    """
    got_in = joined.successes
    tried, entered = _tried(joined, pattern), _entered(joined, got_in, ask)
    if (held := known(joined)) and pattern.word == KNOWN:
        tried = f"{held}; {tried}"
    if not joined.coverage.telling and not pattern.guesses and not got_in:
        return f"whether anybody tried or got in cannot be told{_covering(joined, '')}{_marks(joined)}"
    if any(not one.real for one in got_in):
        return f"{entered}; {tried}{_covering(joined, ', in ')}{_marks(joined)}"
    lead = ", seen in " if got_in else " in " if access(joined) == NONE_SEEN else "; there is "
    return f"{tried}; {entered}{_covering(joined, lead)}{_outside(joined, pattern)}{_marks(joined)}"


def _tried(joined: Joined, pattern: Pattern) -> str:
    """`52 guesses from 198.51.100.7 in 19 minutes at 9 names, 2 of which exist`."""
    if not pattern.guesses and not joined.coverage.telling:
        return "whether anybody guessed cannot be told"
    if not pattern.guesses:
        if not any(cover.stream.tells_of_guesses for cover in joined.coverage.covers):
            return "whether anybody tried cannot be told"
        probed = sum(one.probes for one in joined.attackers.values())
        return f"no guesses, {plural(probed, 'key')} offered and refused" if probed else "no guesses"
    first, last = [one.first for one in pattern.active], [one.last for one in pattern.active]
    begin, end = min((t for t in first if t is not None), default=None), max((t for t in last if t is not None), default=None)
    since, until = joined.seen.since, joined.seen.until
    begin = max(begin, since) if begin is not None and since is not None else begin
    end = min(end, until) if end is not None and until is not None else end
    within = f" in {lasting(max(end - begin, 10**9))}" if begin is not None and end is not None and pattern.guesses > 1 else ""
    return f"{plural(pattern.guesses, 'guess')} from {_whence(pattern)}{within}{_names(joined, pattern)}"


def _whence(pattern: Pattern) -> str:
    addresses = [one.address for one in pattern.active]
    if len(addresses) == 1:
        if not addresses[0] and any(map(is_ssh, pattern.active[0].services)):
            return "an address that its lines do not have"
        return printable(addresses[0]) if addresses[0] else "the machine itself"
    return counted(pattern)


def _names(joined: Joined, pattern: Pattern) -> str:
    number = len(pattern.names)
    if not number:
        return ""
    more = "more than " if any(one.more_names for one in pattern.active) else ""
    at = f" at {short(name(pattern.names[0]))}" if number == 1 else f" at {more}{plural(number, 'name')}"
    if not pattern.existence_known:
        return at
    exist = len(pattern.existing)
    if number == 1:
        return f"{at}, which {'exists' if exist else 'does not exist'}"
    return f"{at}, {exist or 'none'} of which {'exists' if exist == 1 else 'exist'}"


def _entered(joined: Joined, got_in: Sequence[Success], ask: Sequence[Success]) -> str:
    """`1 login, of anna from 192.0.2.7`, or that none was seen."""
    real = [one for one in got_in if one.real]
    claimed = [one for one in got_in if not one.real]
    parts = []
    if claimed:
        parts.append(_claimed(claimed))
    if len(real) == 1:
        parts.append(f"1 login, of {_who(real[0])} at {moment(real[0].time)}")
    elif real:
        whom = listed(list(dict.fromkeys(name(one.user) for one in real)))
        addresses = list(dict.fromkeys(one.address for one in real))
        whence = printable(addresses[0]) if len(addresses) == 1 and addresses[0] else plural(len(addresses), "address")
        more = "more than " if _lost(joined) else ""
        parts.append(f"{more}{plural(len(real), 'login')}, of {whom} from {whence}{_to_ask(ask)}")
    elif access(joined) == CANNOT_TELL:
        parts.append(f"whether anybody got in cannot be told{_why_not(joined)}")
    else:
        parts.append("no other success seen" if claimed else "no success seen")
    return "; ".join(parts)


def _claimed(claimed: Sequence[Success]) -> str:
    """`a login of root from 198.51.100.9 at 2026-11-24 10:00:00Z is claimed, and nothing supports it`."""
    first = f"of {_who(claimed[0])} at {moment(claimed[0].time)}"
    forged = all(one.state is State.FORGED for one in claimed)
    if len(claimed) == 1:
        return f"a login {first} is claimed, and {'it is forged' if forged else 'nothing supports it'}"
    return f"{len(claimed)} logins are claimed and {'are forged' if forged else 'nothing supports them'}, the first {first}"


def _why_not(joined: Joined) -> str:
    if not joined.coverage.telling:
        return ""
    if joined.coverage.lost:
        return ": part of a log that may tell of it could not be read"
    if _nothing_of_it(joined.coverage):
        return ": nothing covers that time"
    if any(map(may_tell, joined.seen.readings)):
        return ": lines that may tell of it were not understood"
    return ": there are more logins than are kept"


def why_not(joined: Joined) -> str | None:
    """Why it cannot be told whether anybody got in; None where it can."""
    if access(joined) != CANNOT_TELL:
        return None
    return _why_not(joined).removeprefix(": ") or without(joined)


def outside(joined: Joined, pattern: Pattern) -> list[Success]:
    """Logins outside of the time that was asked for, from addresses that guessed within it."""
    guessed = {one.address for one in pattern.active}
    return [one for one in joined.outside if one.address in guessed]


def _outside(joined: Joined, pattern: Pattern) -> str:
    """`; from the same address came anna at 2026-11-24 03:35:04Z, outside of that time`: no window hides who got in."""
    others = outside(joined, pattern)
    if not others:
        return ""
    guessed = {one.address for one in pattern.active}
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    whom = "the same address" if len(guessed) == 1 else "one of these addresses"
    return f"; a login from {whom} is outside of that time: {_who(others[0])} at {moment(others[0].time)}{more}"


def _to_ask(ask: Sequence[Success]) -> str:
    """`, 1 of them to be asked about first: anna from 203.0.113.99 at 2026-11-24 03:10:00Z`."""
    asked = [one for one in ask if one.real]
    if not asked:
        return ""
    return f", {len(asked)} of them to be asked about first: {_who(asked[0])} at {moment(asked[0].time)}"


def _who(success: Success) -> str:
    who = short(name(success.user))
    return f"{who} from {printable(success.address)}" if success.address else who


def _covering(joined: Joined, lead: str) -> str:
    """`in auth.log and journal, which cover 1 to 24 Nov 2026 with one gap of 3 h on 12 Nov`."""
    telling = [cover.stream for cover in joined.coverage.telling]
    start, end = joined.coverage.start, joined.coverage.end
    if not telling or start is None or end is None:
        return f": {without(joined)}"
    names = list(dict.fromkeys(stream.short for stream in telling))
    which = f"{listed(names)}, which {'covers' if len(names) == 1 else 'cover'}"
    return f"{lead}{which} {_reach(telling, start, end)}{_gaps(joined.coverage)}"


def _reach(telling: Sequence[Stream], start: int, end: int) -> str:
    """What of the window lies between the first and the last line."""
    first = max(start, min(stream.first for stream in telling if stream.first is not None))
    last = min(end, max(stream.last for stream in telling if stream.last is not None))
    return span(first, last) if first <= last else "nothing of the time that is asked for"


def _gaps(coverage: Coverage) -> str:
    last = max((cover.stream.last for cover in coverage.telling if cover.stream.last is not None), default=0)
    since = [gap for gap in coverage.gaps if gap[1] == coverage.end and gap[0] >= last]
    within = [gap for gap in coverage.gaps if gap not in since]
    after = f"{' and' if within else ', and'} nothing of the {lasting(since[0][1] - since[0][0])} since" if since else ""
    if not within:
        return after
    longest = max(within, key=lambda gap: gap[1] - gap[0])
    long = f"{lasting(longest[1] - longest[0])} on {day(longest[0])}"
    if len(within) == 1:
        return f" with one gap of {long}{after}"
    return f" with {len(within)} gaps, the longest of {long}{after}"


def without(joined: Joined) -> str:
    """Why it cannot be told who got in: what is there tells of it in part only, what would tell of it is not there."""
    partly = [cover.stream for cover in joined.coverage.covers if cover.stream.kind in PARTLY]
    holds = list(dict.fromkeys(f"{stream.short} holds {PARTLY[stream.kind]}" for stream in partly))
    unread = [f"{log.name} {log.condition}" for log in joined.seen.asked]
    others = (reading.log for reading in joined.seen.readings if reading.format is None)
    why = [*holds, *unread, *(f"{log.name} {log.condition}" for log in others)]
    what = "no source tells of every login" if holds else "no source tells of logins"
    return f"{what}: {listed(why, 6)}" if why else what


def _marks(joined: Joined) -> str:
    """That somebody may have been at the logs, in the sentence itself: nobody may read on without it."""
    if not joined.signs:
        return ""
    where = listed(list(dict.fromkeys(sign.source.rpartition("/")[2] or sign.source for sign in joined.signs)), 3)
    return f"; {plural(len(joined.signs), 'sign')} of tampering in {where}"
