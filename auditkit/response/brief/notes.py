"""What people wrote into the journal, each note as it was last corrected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from auditkit.lenient import text
from auditkit.response.nouns import NOTES, Entry, Journal, Kind
from auditkit.response.standing import corrects
from auditkit.response.steps import triage
from auditkit.words import read


@dataclass(frozen=True, slots=True)
class Note:
    """An observation, action, contact or decision."""

    entry: int
    """The one that it was first written as."""
    by: int
    """The one whose text counts: a correction, or the entry itself."""
    kind: Kind
    text: str
    author: str
    person: str
    """Whom somebody spoke with; empty where nobody is named."""
    time: datetime
    """When it happened, or was written."""


def notes(journal: Journal) -> tuple[Note, ...]:
    """All notes of a journal, in their order; a correction stands in the place of what it corrects."""
    by_seq = {entry.seq: entry for entry in journal.entries}
    later = {number: entry.seq for entry in journal.entries if (number := corrects(entry))}
    written = (
        entry for entry in journal.entries if entry.said.kind in NOTES and not (_is_triage(entry) and entry.seq not in later)
    )
    return tuple(_note(entry, _last(entry, later, by_seq)) for entry in written)


def _is_triage(entry: Entry) -> bool:
    """Whether an entry is what `incident open` asked: a guess of the first minute, and no sentence that a person chose."""
    return isinstance(entry.said.data.get("triage"), Mapping)


def said_inside(journal: Journal) -> tuple[int, ...]:
    """The entry that says, from the first minute on, that somebody got in; empty where none does."""
    told = [entry.seq for entry in journal.entries if _is_triage(entry)]
    return tuple(told[-1:]) if triage(journal).inside else ()


def _last(entry: Entry, later: dict[int, int], by_seq: dict[int, Entry]) -> Entry:
    while entry.seq in later:
        entry = by_seq[later[entry.seq]]
    return entry


def _note(first: Entry, last: Entry) -> Note:
    person = last.said.data.get("with") or first.said.data.get("with")
    happened = read(last.said.data.get("at")) or read(first.said.data.get("at")) or first.hand.time
    named = last.said.data.get("kind")
    kind = next((kind for kind in NOTES if kind == named), first.said.kind)
    return Note(first.seq, last.seq, kind, last.said.text, last.hand.actor, text(person), happened)


def of_kind(every: Sequence[Note], *kinds: Kind) -> list[Note]:
    """Notes of some kinds."""
    return [note for note in every if note.kind in kinds]
