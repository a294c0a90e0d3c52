"""Records of an event log, one after the other, as events; what the notes of a source say of them."""

from collections.abc import Iterable, Iterator

from auditkit.logins.journals.numbers import Count
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import Event, Notes, What
from auditkit.logins.windows.events import told
from auditkit.logins.windows.records import record

ELSEWHERE = "these records were left out when the log was saved, or taken out"
SHOWN = 400


def events(texts: Iterable[tuple[str, int]], notes: Notes) -> Iterator[Event]:
    """Yield what the XML of events tells, each given with the bytes before it."""
    pulse, counts, line = Pulse(notes), Counts(notes), 0
    for line, (text, offset) in enumerate(texts, 1):
        found = record(text)
        if found is None or not found.channel:
            notes.malformed += 1
            continue
        turned = counts.add(f"{found.computer} {found.channel}", found.number, found.time)
        if found.time is not None:
            pulse.beat(found.time, line, turned)
        notes.host = notes.host or found.computer
        event = told(found)
        if event is not None:
            notes.of_interest += 1
            if event.what is What.UNKNOWN:
                _unknown(notes, event, found.data.get("payload", ""), line)
            yield event._replace(line=line, offset=offset)
    notes.lines = line
    pulse.done()
    counts.done()


class Counts:
    """The numbers of the records, for each log apart; a log that is full begins again at its beginning."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.counts: dict[str, Count] = {}
        self.before: dict[str, int] = {}

    def add(self, log: str, number: int | None, time: int | None) -> bool:
        """Count a record; whether it stands before the one above it, as where a full log began again."""
        if number is None or (log not in self.counts and len(self.counts) >= 64):
            return False
        self.counts.setdefault(log, Count(self.notes)).add(number, time or 0)
        turned = number < self.before.get(log, 0)
        self.before[log] = number
        return turned

    def done(self) -> None:
        """Say which numbers are missing."""
        for log, count in self.counts.items():
            count.done(log, ELSEWHERE, orderly=False)


def _unknown(notes: Notes, event: Event, message: str, line: int) -> None:
    shape = f"{event.program}: {' '.join(word for word in message.split() if word.isalpha())}"[:SHOWN]
    notes.unknown[shape] = notes.unknown.get(shape, 0) + 1
    notes.examples.setdefault(shape, (line, message[:SHOWN]))
