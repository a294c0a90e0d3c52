"""The sources of one machine, joined: who got in, who tried, what was done, what time is covered. All rules judge this."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from auditkit.logins.covering import DAY, Coverage, covered
from auditkit.logins.endings import endings
from auditkit.logins.following import Deed, deeds, done
from auditkit.logins.guesses import Attacker, Disagreement, attackers, disagreements
from auditkit.logins.nouns import Event, What
from auditkit.logins.seen import Seen, Wanted
from auditkit.logins.streams import Stream, Told, streams
from auditkit.logins.successes import Success, successes
from auditkit.logins.tally import HOUR
from auditkit.logins.tampering import Sign, signs
from auditkit.logins.wording import name
from auditkit.model import Finding, Quote
from auditkit.printable import printable

SHOWN = 300
"""Characters of a line that are quoted."""


@dataclass(frozen=True, slots=True)
class Before:
    """What came before a login."""

    guesses: int
    """Of its address, in the day before."""
    names: tuple[str, ...]
    """Those that were guessed at from there."""
    others: int
    """Other addresses that guessed at its account."""


@dataclass(frozen=True)
class Joined:
    """All that the sources of a machine tell, each thing once."""

    seen: Seen
    streams: tuple[Stream, ...]
    every: tuple[Success, ...]
    """Successes at any time, also before the window: they are what later ones are held against."""
    attackers: Mapping[str, Attacker]
    coverage: Coverage
    signs: tuple[Sign, ...]
    disagreements: tuple[Disagreement, ...]
    done: Sequence[Told]

    @cached_property
    def successes(self) -> tuple[Success, ...]:
        """Those of the window that open a shell, at a distance."""
        return tuple(one for one in self.every if self.within(one.time) and not one.mail and not one.local)

    @cached_property
    def outside(self) -> tuple[Success, ...]:
        """Those that open a shell at a distance and are not of the window."""
        return tuple(one for one in self.every if not self.within(one.time) and one.real and not one.mail and not one.local)

    @cached_property
    def tried(self) -> Mapping[str, tuple[Sequence[int], Sequence[int]]]:
        """Name to when each address that guessed at it began, and to when each ended, in order: so they are quick to count."""
        found: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for one in self.attackers.values():
            for user, guesses in one.names.items():
                if guesses and one.first is not None and one.last is not None:
                    found[user][0].append(one.first)
                    found[user][1].append(one.last)
        return {user: (sorted(began), sorted(ended)) for user, (began, ended) in found.items()}

    def addresses_at(self, user: str, since: int, until: int) -> int:
        """How many addresses that guessed at a name were about between two moments."""
        began, ended = self.tried.get(user, ((), ()))
        return bisect_right(began, until) - bisect_left(ended, since)

    def guessed_at(self, user: str) -> Sequence[Attacker]:
        """Addresses that guessed at a name, at any time."""
        return self._guessed_at.get(user, ())

    @cached_property
    def _guessed_at(self) -> Mapping[str, Sequence[Attacker]]:
        found: dict[str, list[Attacker]] = defaultdict(list)
        for one in self.attackers.values():
            for user, guesses in one.names.items():
                if guesses:
                    found[user].append(one)
        return found

    def before(self, success: Success) -> Before:
        """What came before a login, of its own address and of others; rules ask it of each login several times."""
        known = self._before.get(id(success))
        if known is None:
            known = self._before[id(success)] = self._came_before(success)
        return known

    @cached_property
    def _before(self) -> dict[int, Before]:
        return {}

    def _came_before(self, success: Success) -> Before:
        if success.time is None:
            return Before(0, (), 0)
        since = success.time - DAY
        one = self.attackers.get(success.address or "")
        guesses = one.between(since, success.time) if one and one.first is not None and one.first <= success.time else 0
        names = tuple(each for each, times in one.names.items() if times) if one and guesses else ()
        others = self.addresses_at(success.user, since, success.time)
        return Before(guesses, names, others - bool(guesses and one and one.names.get(success.user)))

    @cached_property
    def came(self) -> Mapping[tuple[str, str | None], Sequence[int]]:
        """Account and address to the times at which it came from there, at any time."""
        found: dict[tuple[str, str | None], list[int]] = defaultdict(list)
        for one in self.every:
            if one.real and one.time is not None:
                found[one.user, one.address].append(one.time)
        return found

    @cached_property
    def of_earlier_runs(self) -> Mapping[tuple[str, str], int]:
        """Account and address to when earlier runs saw it come from there first: 0 where that is not known any more."""
        found: dict[tuple[str, str], int] = {}
        for (user, address, _key), first in (self.seen.past.logins if self.seen.past else {}).items():
            found[user, address] = min(first or 0, found.get((user, address), first or 0))
        return found

    @cached_property
    def logins_from(self) -> Counter[str | None]:
        """Address to logins of the window."""
        return Counter(one.address for one in self.successes if one.real)

    @cached_property
    def others_from(self) -> Counter[str | None]:
        """Address to logins, claimed ones too, that are not of the window, or to mail and files: no other count has them."""
        told = {id(one) for one in self.successes}
        return Counter(one.address for one in self.every if id(one) not in told)

    @cached_property
    def ways(self) -> Mapping[str, Counter[str]]:
        """Account to how often it came by which method."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for one in self.every:
            if one.real:
                found[one.user][one.event.method] += 1
        return found

    def within(self, time: int | None) -> bool:
        """Whether a moment lies in the window; one that is not known may."""
        since, until = self.seen.since, self.seen.until
        return time is None or ((since is None or time >= since) and (until is None or time <= until))

    def told(self, what: What) -> list[Told]:
        """All events of one kind in the window, what two sources tell of one second once."""
        found: dict[tuple[object, ...], Told] = {}
        for one in (each for stream in self.streams for each in stream.told(what) if self.within(each.event.time)):
            event = one.event
            second = event.time // (2 * 10**9) if event.time is not None else event.line
            found.setdefault((second, event.user, event.address, event.port, event.detail), one)
        return sorted(found.values(), key=lambda one: one.event.time or 0)

    def deeds(self, success: Success) -> tuple[Deed, ...]:
        """What was done in a session; nothing in one that there was none of."""
        return deeds(success, self.done) if success.real else ()

    def quote(self, told: Told) -> Quote:
        """The line that tells something, by what it says; see `requoted` for its own words."""
        return Quote(printable(told.source), told.event.line, words(told.event))

    def lines(self, one: Attacker, most: int = 3) -> tuple[Quote, ...]:
        """Lines that tell of an address; what they say is not at hand."""
        said = f"one that tells of {printable(one.address) or 'the machine itself'}"
        early = self.seen.since is None or one.first is None or one.first >= self.seen.since
        lines = one.lines[:most] if early else one.lines[-most:]
        return tuple(Quote(printable(source), line, said) for source, line, _offset in lines)

    def wanted(self, told: Told) -> Wanted | None:
        """Where the words of a line are, if it is one of a text."""
        return Wanted(told.source, told.event.line, told.event.offset) if told.kind == "text" and told.event.line else None


def joined(seen: Seen) -> Joined:
    """Join what the sources of a machine tell."""
    found = streams(seen.readings)
    got_in = successes(found)
    end = seen.setting.now if seen.newest is None else min(seen.newest, seen.setting.now)
    now = seen.setting.now if seen.until is not None else end
    coverage = covered(found, seen.since, seen.until, now, seen.asked)
    return Joined(
        seen,
        found,
        tuple(sorted((*got_in, *endings(got_in, found)), key=lambda one: one.time or 0)),
        attackers(found),
        coverage,
        signs(seen, found, coverage),
        tuple(one for one in disagreements(found) if _in(seen, one.hour)),
        done(found),
    )


def requoted(finding: Finding, texts: Mapping[tuple[str, int], str]) -> Finding:
    """A finding that quotes lines by their own words, where these were fetched: `texts` by name of the source and line."""

    def quoted(quote: Quote) -> Quote:
        text = texts.get((quote.source, quote.line), "")
        return replace(quote, text=printable(text[:SHOWN])) if text else quote

    return replace(finding, quotes=tuple(map(quoted, finding.quotes)))


def _in(seen: Seen, hour: int) -> bool:
    """Whether an hour since 1970 lies in the window."""
    return (seen.since is None or hour >= seen.since // HOUR) and (seen.until is None or hour <= seen.until // HOUR)


def words(event: Event) -> str:
    """`accepted publickey for anna from 192.0.2.7 port 4711, SHA256:...`: what an event says, where its line is not at hand."""
    parts = [str(event.what), event.method]
    if event.user is not None:
        parts += ["for", name(event.user)]
    if event.actor:
        parts += ["by", name(event.actor)]
    if event.address:
        parts += ["from", printable(event.address)]
    if event.port is not None:
        parts += ["port", str(event.port)]
    more = [printable(word) for word in (event.key, event.detail[:SHOWN]) if word]
    return ", ".join([" ".join(filter(None, parts)), *more])
