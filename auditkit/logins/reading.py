"""One source read: what it is, what reading it showed, and what is left of its events."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from auditkit.logins.formats import BEGINNING, recognised
from auditkit.logins.nouns import Bytes, Condition, Event, Format, Log, Notes, Setting
from auditkit.logins.tally import Tally


@dataclass(frozen=True, slots=True)
class Reading:
    """What one source says."""

    log: Log
    format: Format | None
    """None where nothing could be read of it, or where it is of no format that is known."""
    notes: Notes
    tally: Tally


def read(log: Log, data: Bytes, setting: Setting, told: Callable[[Event], object] | None = None) -> Reading:
    """Read a source to its end; `told` is called with each event, too: a timeline wants them all."""
    notes, tally = Notes(), Tally()
    beginning = next(iter(data.chunks()), b"")[:BEGINNING]
    if not beginning:
        return Reading(
            log if log.condition is not Condition.READ else replace(log, condition=Condition.EMPTY), None, notes, tally
        )
    form = recognised(log.name, beginning)
    if form is None:
        log = replace(log, condition=Condition.UNREADABLE, reason="it is of no format that is known")
        return Reading(log, None, notes, tally)
    if form.count and not told:
        form.count(log, data, setting, notes, tally)
    else:
        for event in form.read(log, data, setting, notes):
            tally.add(event)
            if told:
                told(event)
    if notes.broken and log.condition is Condition.READ:
        condition = Condition.TRUNCATED if notes.lines else Condition.UNREADABLE
        log = replace(log, condition=condition, reason=notes.broken)
    return Reading(log, form, notes, tally)
