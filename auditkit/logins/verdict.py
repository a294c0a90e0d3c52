"""From what the sources of a machine say to a verdict on three axes that are never merged: access, pattern, coverage.

`judged` may be called twice: `wanted` names lines of text logs, and with their words in `Seen.texts` findings quote them.
"""

from collections.abc import Iterator

from auditkit.logins.nouns import Condition, Event, What
from auditkit.logins.reading import Reading
from auditkit.logins.seen import Account, Head, KeyLine, Past, Seen, Verdict, Verified, Wanted
from auditkit.model import Gap, Rule
from auditkit.words import written

__all__ = ["RULES", "Account", "Head", "KeyLine", "Past", "Seen", "Verdict", "Verified", "Wanted", "judged"]

RULES: tuple[Rule, ...] = ()


def judged(seen: Seen) -> Verdict:
    """Judge what is known of a machine; never raises, whatever the sources hold."""
    successes = [event for reading in seen.readings for event in reading.tally.kept if event.what is What.ACCEPTED]
    gaps = tuple(_gaps(seen))
    return Verdict((), gaps, _document(seen, successes, gaps))


def _gaps(seen: Seen) -> Iterator[Gap]:
    """Yield what could not be read."""
    for log in (*seen.asked, *(reading.log for reading in seen.readings)):
        if log.condition in (Condition.UNREADABLE, Condition.TRUNCATED):
            yield Gap(log.name, log.reason or f"is {log.condition}")
    if not _told(seen):
        yield Gap("logins", "no log or journal that tells of them could be read")


def _told(seen: Seen) -> list[Reading]:
    """Those that would tell of a login."""
    return [reading for reading in seen.readings if reading.format is not None and reading.format.kind in ("text", "journal")]


def _document(seen: Seen, successes: list[Event], gaps: tuple[Gap, ...]) -> dict[str, object]:
    told = _told(seen)
    access = "seen" if successes else "none-seen" if told else "cannot-tell"
    attempts = sum(source.tried for reading in told for source in reading.tally.sources.values())
    firsts = [reading.notes.first for reading in told if reading.notes.first is not None]
    lasts = [reading.notes.last for reading in told if reading.notes.last is not None]
    return {
        "access": access,
        "pattern": "not-enough-data",
        "coverage": "source-missing" if not told else "gap" if gaps else "complete",
        "verdict": f"{attempts} guesses; {len(successes)} logins in {', '.join(one.log.name for one in told) or 'nothing'}",
        "window": {"from": written(min(firsts, default=seen.since)), "to": written(max(lasts, default=seen.until))},
        "attempts": attempts,
        "not_understood": sum(sum(reading.notes.unknown.values()) for reading in told),
        "sources": [],
        "successes": [
            {
                "time": written(event.time) or "",
                "user": event.user or "",
                "address": event.address,
                "port": event.port,
                "method": event.method or None,
                "fingerprint": event.key or None,
                "support": [],
            }
            for event in successes
        ],
    }
