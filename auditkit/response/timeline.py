"""What happened when, of a case in one order: what people wrote down and what the reports kept in it tell of. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from auditkit.lenient import text
from auditkit.response.nouns import Journal
from auditkit.response.standing import corrects, standing
from auditkit.words import read

STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of the timeline."""

    time: datetime
    """When it happened, in UTC: as its writer says, else when it was written."""
    seq: int
    """The entry that tells of it."""
    kind: str
    """What the entry records; `event` for what a report in it tells of."""
    who: str
    """Who wrote it; of an event the host."""
    text: str
    corrects: int = 0
    """The entry that it corrects, 0 for none."""
    corrected: int = 0
    """The entry that corrects it, 0 for none."""
    person: str = ""
    """Whom somebody spoke with."""
    file: str = ""
    """What is kept of it in the case, by its name there."""
    written: datetime | None = None
    """When it was written, if it happened at another time."""

    def document(self) -> dict[str, object]:
        """The moment as JSON has it: what is not so is left out."""
        told: dict[str, object] = {"time": self.time.strftime(STAMP), "entry": self.seq, "kind": self.kind, "who": self.who}
        more = {"corrects": self.corrects, "corrected_by": self.corrected, "with": self.person, "file": self.file}
        more["written"] = self.written.strftime(STAMP) if self.written else ""
        return {**told, "text": self.text, **{name: value for name, value in more.items() if value}}


def moments(journal: Journal, events: Iterable[Moment] = ()) -> tuple[Moment, ...]:
    """The timeline of a case, with what its reports tell of; what happened at the same time stands as it was written."""
    return tuple(sorted((*_noted(journal), *events), key=lambda moment: (moment.time, moment.kind != "event", moment.seq)))


def _noted(journal: Journal) -> Iterator[Moment]:
    stand = standing(journal)
    for entry in journal.entries:
        data = entry.said.data
        written = entry.hand.time.astimezone(UTC)
        happened = read(data.get("at")) or written
        yield Moment(
            happened,
            entry.seq,
            entry.said.kind.value,
            entry.hand.actor,
            entry.said.text,
            corrects(entry),
            stand.corrected.get(entry.seq, 0) if stand else 0,
            text(data.get("with")),
            text(data.get("file")),
            None if happened == written else written,
        )
