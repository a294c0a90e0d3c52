"""What an investigator looks for first, each with the lines it rests on. They are not added up to a number."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from auditkit.logins.entered import BY_SECRET, guessed
from auditkit.logins.guesses import Attacker
from auditkit.logins.joining import Joined
from auditkit.logins.nouns import What
from auditkit.logins.patterns import MISTYPED, Pattern
from auditkit.logins.streams import Told
from auditkit.logins.successes import Success
from auditkit.logins.tally import HOUR
from auditkit.logins.wording import lasting, listed, local, moment, name, plural

LINES = 6
CHANGES = (What.ACCOUNT, What.SCHEDULED)
"""What makes a login last beyond its session."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that was seen, in words, with where it stands."""

    word: str
    text: str
    lines: tuple[tuple[str, int, int], ...] = ()
    """Source, line and offset."""

    def document(self) -> dict[str, object]:
        """As the report has it."""
        lines = [{"source": source, "line": line, "offset": offset} for source, line, offset in self.lines[:LINES]]
        return {"signal": self.word, "text": self.text, "lines": lines}


def signals(joined: Joined, pattern: Pattern) -> tuple[Signal, ...]:
    """All that were seen, in the order of what they say of access."""
    real = [one for one in joined.successes if one.real]
    return (
        *_after_failures(joined, real),
        *_held(joined),
        *_at_once(real),
        *_odd_hours(joined, real),
        *_afterwards(joined, real),
        *_names(pattern),
        *_rate(joined, pattern),
        *_slow(joined, pattern),
    )


def _after_failures(joined: Joined, real: Iterable[Success]) -> Iterator[Signal]:
    """Yield logins after failures: of the same address, of others at the same account."""
    for success in real:
        came = joined.before(success)
        if not came.guesses and not came.others:
            continue
        who = f"{name(success.user)} at {moment(success.time)}"
        if came.guesses and guessed(joined, success, came):
            yield Signal(
                "success-after-failures", f"{who}: {plural(came.guesses, 'guess')} of its address before", _of(success.told)
            )
        elif came.guesses:
            text = f"{who}: {plural(came.guesses, 'guess')} before, at most {MISTYPED} and at own names: somebody who mistypes"
            yield Signal("mistyped-then-in", text, _of(success.told))
        if came.others and success.event.method in BY_SECRET and success.event.method:
            text = f"{who}: {came.others} other addresses guessed at the account in the day before"
            yield Signal("success-of-an-attacked-account", text, _of(success.told))


def _held(joined: Joined) -> Iterator[Signal]:
    for what in (What.KEY_HELD, What.CREDENTIAL_HELD):
        if told := joined.told(what):
            yield Signal(str(what), f"{plural(len(told), 'time')}, first at {moment(told[0].event.time)}", _of(told))


def _at_once(real: Iterable[Success]) -> Iterator[Signal]:
    """Yield several logins of one account in one second: a program's, and no person's."""
    seconds: dict[tuple[str, int], list[Success]] = defaultdict(list)
    for success in real:
        if success.time is not None:
            seconds[success.user, success.time // 10**9].append(success)
    for (user, second), several in list(seconds.items())[:1000]:
        if len(several) >= 3:
            text = f"{len(several)} logins of {name(user)} within the second {moment(second * 10**9)}: a program, and no person"
            yield Signal("logins-at-once", text, _of(one.told[0] for one in several))


def _odd_hours(joined: Joined, real: Iterable[Success]) -> Iterator[Signal]:
    """Yield logins at an hour of the day, in the zone of the machine, that an account of many logins does not use."""
    usual: dict[str, Counter[int]] = defaultdict(Counter)
    shift = _shift(joined)
    for one in joined.every:
        if one.real and one.time is not None:
            usual[one.user][(one.time + shift) // HOUR % 24] += 1
    rare = {
        (user, hour)
        for user, hours in usual.items()
        for hour in hours
        if sum(hours.values()) >= 10 and sum(hours.get((hour + step) % 24, 0) for step in (-2, -1, 0, 1, 2)) == 1
    }
    for success in real if rare else ():
        if success.time is None:
            continue
        hours, hour = usual[success.user], (success.time + shift) // HOUR % 24
        if (success.user, hour) in rare:
            text = (
                f"{name(success.user)} at {hour:02d}h local time: none of {sum(hours.values()) - 1} other logins was within 2 h"
            )
            yield Signal("odd-hour", text, _of(success.told))


def _shift(joined: Joined) -> int:
    """Nanoseconds that the machine's clock is before UTC; summer time is not worth the trouble here."""
    at = local(joined.seen.setting.now, joined.seen.setting.zone)
    offset = at.utcoffset() if at else None
    return int(offset.total_seconds()) * 10**9 if offset is not None else 0


def _afterwards(joined: Joined, real: Iterable[Success]) -> Iterator[Signal]:
    """Yield changes of accounts and crontabs while a session was open."""
    if not any(one.event.what in CHANGES for one in joined.done):
        return
    for success in real:
        changes = [deed.told for deed in joined.deeds(success) if deed.event.what in CHANGES]
        if changes:
            text = f"{plural(len(changes), 'change')} of accounts or crontabs in the session of {name(success.user)}"
            yield Signal("changes-after-login", f"{text} from {moment(success.time)}", _of(changes))


def _names(pattern: Pattern) -> Iterator[Signal]:
    if pattern.existence_known and pattern.names:
        share = f"{len(pattern.existing)} of {plural(len(pattern.names), 'name')} that were tried exist here"
        staff = f"; not tried everywhere: {listed([name(each) for each in pattern.staff])}" if pattern.staff else ""
        yield Signal("names-that-exist", share + staff)


def _rate(joined: Joined, pattern: Pattern) -> Iterator[Signal]:
    """Yield how fast the busiest address was."""
    for one in pattern.active[:1]:
        guesses = one.between(joined.seen.since, joined.seen.until)
        if one.first is not None and one.last is not None and guesses > 2 and one.last > one.first:
            each = (one.last - one.first) // max(one.guesses - 1, 1)
            yield Signal("rate", f"{one.address}: one guess in {lasting(each)} on average", tuple(one.lines))


def _slow(joined: Joined, pattern: Pattern) -> Iterator[Signal]:
    """Yield how many addresses stay below what is blocked."""
    few: list[Attacker] = [one for one in pattern.active if one.between(joined.seen.since, joined.seen.until) <= 3]
    if len(few) >= 3:
        share = f"{len(few)} of {plural(len(pattern.active), 'address')} made at most 3 guesses each"
        lines = tuple(one.lines[0] for one in few[:LINES] if one.lines)
        yield Signal("low-and-slow", f"{share}, {median(one.guesses for one in few):.0f} in the middle", lines)


def _of(told: Iterable[Told]) -> tuple[tuple[str, int, int], ...]:
    return tuple((one.source, one.event.line, one.event.offset) for one in list(told)[:LINES])
