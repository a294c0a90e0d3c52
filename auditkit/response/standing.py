"""How a case stands, by its journal: what it is called, whether it is closed, which notes were corrected by which."""

from collections.abc import Mapping
from dataclasses import dataclass

from auditkit.response.nouns import NOTES, Entry, Journal, Kind

CORRECTABLE = (*NOTES, Kind.OPENED, Kind.FILE, Kind.CORRECTION)
"""What a person has written, and may have to correct."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is to be known of a case before anything else."""

    case: str
    """Its id, as its first entry has it."""
    title: str
    """As last corrected."""
    opened: Entry
    closed: Entry | None
    corrected: Mapping[int, int]
    """The entry that a correction names, and the last correction of it."""


def standing(journal: Journal) -> Standing | None:
    """How a case stands; None where not even its first entry can be believed."""
    if not journal.entries:
        return None
    first = journal.entries[0]
    corrected = {number: entry.seq for entry in journal.entries if (number := corrects(entry))}
    by_seq = {entry.seq: entry for entry in journal.entries}
    closed = next((entry for entry in journal.entries if entry.said.kind is Kind.CLOSED), None)
    return Standing(str(first.said.data.get("case", "")), by_seq[_last(1, corrected)].said.text, first, closed, corrected)


def corrects(entry: Entry) -> int:
    """The number of the entry that this one corrects; 0 for none."""
    number = entry.said.data.get("corrects")
    sound = entry.said.kind is Kind.CORRECTION and type(number) is int and 0 < number < entry.seq
    return int(str(number)) if sound else 0


def _last(seq: int, corrected: Mapping[int, int]) -> int:
    """The last word on an entry: its correction, or the correction of that. Each is later than what it corrects."""
    while seq in corrected:
        seq = corrected[seq]
    return seq
