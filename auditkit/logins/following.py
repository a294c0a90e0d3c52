"""What was done after somebody got in: by the same process or terminal, or by the same account while the session was open."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auditkit.logins.nouns import Event, What
from auditkit.logins.streams import Stream, Told, is_ssh
from auditkit.logins.successes import Success
from auditkit.logins.tally import HOUR

DEEDS = (What.BECAME, What.RAN, What.ACCOUNT, What.SCHEDULED, What.LOG_CLEARED)
OPEN = 8 * HOUR
"""How long a session counts as open of which no end is told."""
MOST = 50
"""Deeds that are told of one login."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done while a session was open; `sure` where it was that account's, or root's after it became root."""

    told: Told
    sure: bool

    @property
    def event(self) -> Event:
        """The event that tells of it."""
        return self.told.event


def deeds(success: Success, done: Sequence[Told]) -> tuple[Deed, ...]:
    """What was done in a session; `done` are all deeds, by their time.

    An account that is made by root names nobody: it is told of every session that was open then, and not as sure.
    """
    start = success.time
    if start is None:
        return ()
    end = success.ended if success.ended is not None else start + OPEN
    found: list[Deed] = []
    users = {success.user}
    for one in done[bisect_left(done, start, key=_when) : bisect_right(done, end, key=_when)]:
        event = one.event
        mine = event.actor in users or (event.what is What.SCHEDULED and event.user in users)
        if mine and event.what in (What.BECAME, What.RAN) and event.user:
            users.add(event.user)
        if mine or event.what in (What.ACCOUNT, What.LOG_CLEARED, What.SCHEDULED):
            found.append(Deed(one, mine))
    return tuple(found[:MOST])


def done(streams: Iterable[Stream]) -> list[Told]:
    """All that was done by people who were in, by its time, and each thing once."""
    found: dict[tuple[object, ...], Told] = {}
    for stream in streams:
        for one in stream.told(*DEEDS):
            event = one.event
            if event.time is not None and not is_ssh(event.program):
                about = event.what, event.actor, event.user, event.detail, event.time // (2 * 10**9)
                found.setdefault(about, one)
    return sorted(found.values(), key=_when)


def _when(one: Told) -> int:
    return one.event.time or 0
