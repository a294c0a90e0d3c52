"""Sessions that ended, and of whose beginning nothing tells: it lies before the logs, or was taken out of them."""

from collections.abc import Sequence

from auditkit.logins.nouns import Event, What
from auditkit.logins.streams import Stream, Told, is_numeric, is_ssh
from auditkit.logins.successes import NEAR, RECORDS, SAME, State, Success

END = "end"
BEGINNING = "beginning"
"""What is missing of a session of which the logs hold an earlier line."""
Connection = tuple[object, ...]


def endings(found: Sequence[Success], streams: Sequence[Stream]) -> list[Success]:
    """One success for each session at a server of SSH that ended and is none of those found: only who was let in has one."""
    began = _began(found)
    told = [one for stream in streams for one in stream.told(What.ENDED, What.KEY_FOUND) if one.kind not in RECORDS]
    left: list[Success] = []
    for one in sorted((one for one in told if _ends(one)), key=lambda one: one.event.time or 0):
        until = (one.event.time or 0) + SAME
        if any(began.get(key, until + 1) <= until for key in _connections(one.event)):
            continue
        if left and _same(left[-1], one):
            left[-1].told.append(one)
        else:
            left.append(Success([one], {END}, State.SOURCELESS, ended=one.event.time))
    earlier = {key for one in told if one.event.what is What.KEY_FOUND for key in _connections(one.event)}
    for success in left:
        if any(key in earlier for one in success.told for key in _connections(one.event)):
            success.missing = (BEGINNING,)
    return left


def _ends(one: Told) -> bool:
    """Whether a server of SSH tells of the end of somebody's session; what another program wrote in its name does not count."""
    event = one.event
    return event.what is What.ENDED and is_ssh(event.program) and bool(event.user) and not event.forged


def _began(found: Sequence[Success]) -> dict[Connection, int]:
    """Each connection of those that got in to when that was first told of."""
    began: dict[Connection, int] = {}
    for event in (one.event for success in found for one in success.told):
        time = event.time or 0
        for key in _connections(event):
            if began.setdefault(key, time) > time:
                began[key] = time
    return began


def _same(known: Success, one: Told) -> bool:
    """Whether it is the end of the same session, by its other process or by another source."""
    if known.user != one.event.user or abs((known.time or 0) - (one.event.time or 0)) > NEAR:
        return False
    if is_numeric(one.event.address) and is_numeric(known.address) and one.event.address != known.address:
        return False
    return all(other.stream != one.stream or other.event.pid != one.event.pid for other in known.told)


def _connections(event: Event) -> Sequence[Connection]:
    """What a connection is known by: the process that serves it, and where it comes from."""
    host = event.host.partition(".")[0]
    process: tuple[Connection, ...] = ((host, event.pid),) if event.pid is not None else ()
    return process if event.port is None else (*process, (host, event.address, event.port))
